"""Buttondown on the wire: what is sent, and what becomes of each odd answer."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from kramik.errors import NeedsOperator, NotMailable, OutcomeUnknown, Rejected
from kramik.sandbox.mailers.buttondown import API_KEY, BUYERS, COURSES
from tests.adapters.tool import bought, conversation, made_from, playing, scripted
from tests.sandbox.place import fresh_delivery

DELIVERY = bought()
ORDER, LINK = DELIVERY.order, DELIVERY.access_link
EMAIL = ORDER.intent.buyer.email
TAG, FIELD = COURSES["agregaty-start"], "link_agregaty_w_praktyce"
ABSENT = (404, {"detail": "Not found."})


def person(kind: str = "regular", *tags: str, link: str = LINK) -> tuple[int, dict[str, object]]:
    """Return a subscriber as Buttondown shows one."""
    about = {"id": "sub_7", "email_address": EMAIL, "type": kind}
    return 200, {**about, "metadata": {"city": "Łódź", FIELD: link}, "tags": list(tags)}


def begin(*answers: tuple[int, object]) -> tuple[object, list[tuple[str, object]]]:
    """Start the sequence against these answers; return the receipt or the decision, and what was sent."""
    return conversation("buttondown", "sequence", DELIVERY, *answers)


def buy(*answers: tuple[int, object]) -> tuple[object, list[tuple[str, object]]]:
    """Register the purchase against these answers."""
    return conversation("buttondown", "purchase", DELIVERY, *answers)


def test_the_whole_conversation() -> None:
    """Look, add the person with the link and past the confirmation mail, add the tag, look again."""
    ended, sent = begin(ABSENT, person(), person("regular", TAG), person("regular", TAG))
    assert f"sub_7:{TAG}" == ended
    look = (f"GET /v1/subscribers/{quote(EMAIL, safe='')}", None)
    metadata = {"name": ORDER.intent.buyer.name, FIELD: LINK}
    assert [
        look,
        ("POST /v1/subscribers", {"email_address": EMAIL, "type": "regular", "metadata": metadata}),
        ("POST /v1/subscribers", {"email_address": EMAIL, "tags": [TAG]}),
        look,
    ] == sent


def test_headers() -> None:
    """Every request carries the key and the version; what adds says so."""
    with scripted(ABSENT, (500, {})) as server:
        mailer = made_from("buttondown", base_url=server.url)
        with pytest.raises(OutcomeUnknown):
            mailer.sequence.do(DELIVERY)
        mailer.close()
        look, add = server.asked
    assert f"authorization: Token {API_KEY}".encode() in look
    assert b"x-api-version: 2026-04-01" in look
    assert b"x-buttondown-collision-behavior: add" in add
    assert b"idempotency" not in add.lower()


def test_what_a_person_had_stays() -> None:
    """Whether adding merges or replaces, metadata and tags that were there are there afterwards."""
    had = (200, {"id": "sub_7", "type": "premium", "metadata": {"city": "Łódź"}, "tags": ["sub_tag_other"]})
    now = person("premium", "sub_tag_other")
    _, sent = begin(
        had, now, person("premium", "sub_tag_other", TAG), person("premium", "sub_tag_other", TAG)
    )
    assert {"email_address": EMAIL, "metadata": {"city": "Łódź", FIELD: LINK}} == sent[1][1]
    assert {"email_address": EMAIL, "tags": ["sub_tag_other", TAG]} == sent[2][1]


@pytest.mark.parametrize(
    "kind", ["unsubscribed", "unactivated", "blocked", "complained", "undeliverable", "new one"]
)
def test_whom_buttondown_will_not_mail(kind: str) -> None:
    """A person of any other type is left as they are, and mailed by ourselves."""
    ended, sent = begin(person(kind))
    assert isinstance(ended, NotMailable)
    assert 1 == len(sent)


def test_somebody_new_who_has_to_confirm() -> None:
    """Whom Buttondown asks to confirm after all does not wait for that to get what they paid for."""
    ended, sent = begin(ABSENT, person("unactivated"))
    assert isinstance(ended, NotMailable)
    assert 2 == len(sent)


@pytest.mark.parametrize("code", ["subscriber_suppressed", "subscriber_blocked", "email_invalid"])
def test_a_person_who_is_locked_out(code: str) -> None:
    """A refusal about the person is no reason to stop the order."""
    ended, _ = begin(ABSENT, (400, {"code": code, "detail": "…"}))
    assert isinstance(ended, NotMailable)


def test_a_refusal_about_something_else() -> None:
    """Any other refusal stops the step, with Buttondown's words: such as the limit of new people a day."""
    ended, _ = begin(ABSENT, (400, {"code": "rate_limited", "detail": "Use imports instead."}))
    assert isinstance(ended, Rejected)
    assert "Use imports instead" in str(ended)


def test_metadata_that_was_not_kept() -> None:
    """Nobody is tagged before the link is there."""
    ended, sent = begin(ABSENT, person(link=""))
    assert isinstance(ended, NeedsOperator)
    assert 2 == len(sent)


@pytest.mark.parametrize(
    "seen", [person(), person("regular", TAG, link="https://x.example/access/other.mac")]
)
def test_a_tag_that_was_said_to_be_there(seen: tuple[int, object]) -> None:
    """200 alone is not believed: the person has to show the tag, and the link of this order."""
    ended, _ = begin(ABSENT, person(), person("regular", TAG), seen)
    assert isinstance(ended, OutcomeUnknown)


def test_a_tag_that_nobody_knows() -> None:
    """A sequence without a tag asks for one, before anything is sent."""
    ended, sent = conversation("buttondown", "sequence", fresh_delivery(sequence="nowhere"))
    assert isinstance(ended, NeedsOperator)
    assert [] == sent


def test_a_purchase() -> None:
    """The buyer gets the tag of buyers beside those they have; who has it is left alone."""
    ended, sent = buy(person("regular", TAG), person("regular", TAG, BUYERS), person("regular", TAG, BUYERS))
    assert f"sub_7:{BUYERS}" == ended
    assert ("POST /v1/subscribers", {"email_address": EMAIL, "tags": [TAG, BUYERS]}) == sent[1]
    ended, sent = buy(person("regular", BUYERS))
    assert (f"sub_7:{BUYERS}", 1) == (ended, len(sent))


def test_a_purchase_of_who_unsubscribed() -> None:
    """Adding would bring them back, so they are changed instead, and stay as they are."""
    ended, sent = buy(person("unsubscribed"), person("unsubscribed", BUYERS), person("unsubscribed", BUYERS))
    assert f"sub_7:{BUYERS}" == ended
    assert ("PATCH /v1/subscribers/sub_7", {"tags": [BUYERS]}) == sent[1]


def test_nobody_is_brought_back() -> None:
    """In the world that plays it, who unsubscribed stays so after a purchase and a sequence, with nothing lost."""
    with playing("buttondown") as tool:
        mailer, address = tool.mailer(), f"/buttondown/v1/subscribers/{quote(EMAIL, safe='')}"
        headers = {"Authorization": f"Token {API_KEY}"}
        add = {"email_address": EMAIL, "type": "unsubscribed", "metadata": {"city": "Łódź"}}
        tool.place.browser.post("/buttondown/v1/subscribers", json=add, headers=headers).raise_for_status()
        mailer.purchase.do(DELIVERY)
        with pytest.raises(NotMailable):
            mailer.sequence.do(DELIVERY)
        left = tool.place.browser.get(address, headers=headers).json()
    assert ("unsubscribed", {"city": "Łódź"}, [BUYERS]) == (left["type"], left["metadata"], left["tags"])


def test_a_purchase_that_did_nothing() -> None:
    """A tag that is not shown afterwards is an unknown outcome."""
    ended, _ = buy(person(), person(), person())
    assert isinstance(ended, OutcomeUnknown)
