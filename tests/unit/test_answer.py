from __future__ import annotations

from concurrent.futures import Future
from threading import Timer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kramik.answer import Pending, Request, Response, see, settle


@given(url=st.text(st.characters(codec="utf-8")))
def test_an_address_becomes_one_clean_header(url: str) -> None:
    """Whatever stands in it: printable ASCII, no line break, and escaped in the body."""
    answer = see(url, "pl")
    location = dict(answer.headers)["location"]
    assert (303, True, True) == (
        answer.status,
        location.isascii(),
        all("!" <= sign <= "~" for sign in location),
    )
    assert 1 == answer.body.count(b"<a ")


def test_an_address_that_is_fine_is_left_alone() -> None:
    """What was escaped is not escaped twice."""
    url = "https://pay.example/x?a=%2F&b=1+2#c"
    assert url == dict(see(url, "pl").headers)["location"]


@pytest.mark.parametrize(
    ("lang", "speaks", "said"),
    [("pl", "pl", "przejdź dalej"), ("en", "en", "go on here"), ("de", "en", "go on here")],
)
def test_whoever_is_not_taken_there_reads_where_to_go(lang: str, speaks: str, said: str) -> None:
    """The body is a page in the language of the buyer, with one sentence and the link."""
    page = see("https://pay.example/x?a=1&b=2", lang).body.decode()

    assert f'<html lang="{speaks}">' in page
    assert f'<a href="https://pay.example/x?a=1&amp;b=2">{said}</a>' in page
    assert 1 == page.count("<title>")


@pytest.mark.parametrize("error", [None, ValueError("the disk")])
def test_a_synchronous_host_waits_for_the_store(error: Exception | None) -> None:
    """Well or badly ended, the answer follows, and not before."""
    stored: Future[None] = Future()
    told = Response(status=201)
    end = (lambda: stored.set_result(None)) if error is None else (lambda: stored.set_exception(error))
    timer = Timer(0.05, end)
    timer.start()
    assert told == settle(
        Pending(stored=stored, then=lambda: told if stored.done() else Response(status=500))
    )
    timer.join()


@pytest.mark.parametrize(
    ("kind", "is_json"),
    [
        ("application/json", True),
        ("Application/JSON; charset=utf-8", True),
        ("application/jsonp", False),
        ("", False),
    ],
)
def test_json_is_told_by_its_kind(kind: str, is_json: bool) -> None:  # noqa: FBT001 - a table
    """Parameters and letters do not matter, other kinds are no JSON."""
    assert is_json is Request(method="POST", path="/", headers={"content-type": kind}).has_json()
