from __future__ import annotations

import msgspec
import pytest

from kramik.mail import access_mail
from kramik.order import Order
from tests.story.example import an_order


def _ordered(**changes: str) -> Order:
    order = an_order()
    return msgspec.structs.replace(order, intent=msgspec.structs.replace(order.intent, **changes))


@pytest.mark.parametrize(
    ("lang", "word"), [("pl", "Twój dostęp"), ("en", "Your access"), ("de", "Your access")]
)
def test_the_mail_speaks_the_language_of_the_order(lang: str, word: str) -> None:
    """A language that has no text reads English."""
    assert access_mail(_ordered(lang=lang), "https://x", key="k").subject.startswith(word)


@pytest.mark.parametrize(("lang", "speaks"), [("pl", "pl"), ("en", "en"), ("de", "en")])
def test_the_page_of_a_mail_names_itself(lang: str, speaks: str) -> None:
    """A screen reader announces the title and reads in the language of the words, not in one that has none."""
    html = access_mail(_ordered(lang=lang, title="Tom & <Jerry>"), "https://x", key="k").html

    assert f'<html lang="{speaks}">' in html
    title = {"pl": "Twój dostęp", "en": "Your access"}[speaks]
    assert f"<title>{title}: Tom &amp; &lt;Jerry&gt;</title>" in html


def test_the_mail_carries_the_link_and_the_order() -> None:
    """Everything the buyer needs, and a key that makes it one mail."""
    mail = access_mail(an_order(), "https://api/access/t", key="k")
    assert (mail.to, mail.key, "https://api/access/t" in mail.text, "order-1" in mail.text) == (
        "anna@example.com",
        "k",
        True,
        True,
    )


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"])
def test_no_title_breaks_a_header(end: str) -> None:
    """A line end in a title would begin a header of its own."""
    subject = access_mail(_ordered(title=f"Kurs{end}Bcc: x@example.com"), "https://x", key="k").subject
    assert [subject] == subject.splitlines()


def test_what_was_typed_is_text_and_no_template() -> None:
    """Braces stay braces."""
    assert (
        "{0.__class__} {link}"
        in access_mail(_ordered(title="{0.__class__} {link}"), "https://x", key="k").subject
    )
