from __future__ import annotations

import io
import time

import pytest

from kramik.log import Logger, mask_emails


def line(*secrets: str, **facts: object) -> str:
    """Return what is written about an event, without its moment."""
    stream = io.StringIO()
    Logger(secrets, stream)("event", **facts)
    return stream.getvalue().partition(" ")[2]


def test_an_event_is_a_line_of_facts() -> None:
    """Plain words stand as they are, others between quotation marks."""
    assert 'event order=abc ms=1.5 why="it is late"\n' == line(order="abc", ms=1.5, why="it is late")


@pytest.mark.parametrize("text", ["a\nb", "a\rb", "a\x1b[2Jb", "a\u2028b", 'a" order="x', "a\\", "\x85"])
def test_a_fact_can_neither_end_a_line_nor_begin_another_fact(text: str) -> None:
    """Whatever stands in it, there is one line, printable, with its quotation marks escaped."""
    written = line(why=text)
    assert (1, True) == (len(written.splitlines()), written[:-1].isprintable())
    assert 2 == written.replace("\\\\", "").replace('\\"', "").count('"')


@pytest.mark.parametrize(
    "address",
    ["jan@example.org", "zofia.żak@przykład.pl", "jan%40example.org", "JAN+x@EXAMPLE.ORG", "юрий@пример.рф"],
)
@pytest.mark.parametrize(
    "where", ["{}", "to <{}>, again", "path=/a?email={}&x=1", '{{"email":"{}"}}', "mailto:{}"]
)
def test_an_address_is_cut_down_to_its_first_letter(address: str, where: str) -> None:
    """Neither its name nor its domain is left, in any script and wherever it stands."""
    masked = mask_emails(where.format(address))
    assert where.format(f"{address[0]}***@***") == masked


@pytest.mark.parametrize("secret", ["s3cret-key", 'with"quote', "with\\backslash", "with space", "żółw"])
def test_a_secret_is_masked_whatever_its_signs(secret: str) -> None:
    """It is masked before it is quoted."""
    assert "event why=***\n" == line(secret, why=secret).replace('"', "")


def test_no_part_of_a_secret_is_left_where_a_long_fact_is_cut() -> None:
    """A secret that lies across the cut is masked first."""
    assert "secret" not in line("secret" * 4, why="a" * 490 + "secret" * 4)


def test_a_long_fact_with_many_signs_is_written_quickly() -> None:
    """Nobody keeps the shop busy with a text in which the search for addresses takes long."""
    begun = time.monotonic()
    line(path="/" + "a" * 200_000 + " @")
    assert time.monotonic() - begun < 1


def test_a_log_that_can_not_be_written_stops_nobody() -> None:
    """A full disk below the log is no reason to refuse an order."""

    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    Logger((), Full())("event")
