from __future__ import annotations

from hashlib import sha256

import msgspec
import pytest

from kramik.intent import CONSENTS, REQUIRED_CONSENTS, Buyer, Intent, intend
from tests.story.example import COURSE, DRAFT, NOON, TERMS


def test_an_intent_keeps_what_was_agreed() -> None:
    """Product, price, course and sequence as they are now, the buyer as typed."""
    intent = intend(DRAFT, COURSE, shop_id="shop-1", consents=())
    assert (COURSE.price, COURSE.title("pl"), COURSE.course, COURSE.sequence) == (
        intent.price,
        intent.title,
        intent.course,
        intent.sequence,
    )
    assert (DRAFT.buyer, DRAFT.gateway, "shop-1") == (intent.buyer, intent.gateway, intent.shop_id)


def test_the_title_is_in_the_language_of_the_buyer() -> None:
    """The order speaks as the page did."""
    english = msgspec.structs.replace(DRAFT, lang="en")
    assert intend(english, COURSE, shop_id="s", consents=()).title == "Aggregates in practice"


def test_the_digest_is_of_the_content_and_not_of_the_key() -> None:
    """Two clicks with new keys are equal content."""
    assert DRAFT.digest == msgspec.structs.replace(DRAFT, key="another").digest


@pytest.mark.parametrize(
    "change",
    [{"product": "x"}, {"buyer": Buyer(email="b@example.com", name="A")}, {"consents": ()}, {"lang": "en"}],
)
def test_other_content_is_another_digest(change: dict[str, object]) -> None:
    """Whatever was agreed is in it."""
    assert DRAFT.digest != msgspec.structs.replace(DRAFT, **change).digest


def test_a_consent_proves_its_text() -> None:
    """Which text, in which language, and when."""
    consent = TERMS["terms"].given("pl", NOON)
    assert (sha256(b"zgoda terms").hexdigest(), "pl", NOON, "1") == (
        consent.sha256,
        consent.lang,
        consent.given_at,
        consent.version,
    )


def test_required_consents_are_consents() -> None:
    """Marketing is never required."""
    assert set(REQUIRED_CONSENTS) < set(CONSENTS)
    assert "marketing" not in REQUIRED_CONSENTS


def test_an_intent_is_read_as_it_was_written() -> None:
    """The stored form keeps every field."""
    intent = intend(DRAFT, COURSE, shop_id="s", consents=(TERMS["terms"].given("pl", NOON),))
    assert intent == msgspec.json.decode(msgspec.json.encode(intent), type=Intent)
