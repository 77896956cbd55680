"""MailerLite on the wire: what is sent, and what becomes of each odd answer."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from kramik.errors import NeedsOperator, NotMailable, OutcomeUnknown, Rejected
from kramik.sandbox.mailers.mailerlite import API_KEY, BUYERS, COURSES
from tests.adapters.tool import bought, conversation, made_from, scripted
from tests.sandbox.place import fresh_delivery

DELIVERY = bought()
ORDER, LINK = DELIVERY.order, DELIVERY.access_link
EMAIL = ORDER.intent.buyer.email
GROUP, FIELD = COURSES["agregaty-start"], "link_agregaty_w_praktyce"
ABSENT = (404, {"message": "Resource not found."})
JOINED = (201, {"data": {"id": GROUP, "name": "Agregaty"}})


def person(status: str = "active", *groups: str, link: str = LINK) -> dict[str, object]:
    """Return a subscriber as MailerLite shows one."""
    return {
        "data": {
            "id": "7",
            "status": status,
            "fields": {FIELD: link},
            "groups": [{"id": each} for each in groups],
        }
    }


def begin(*answers: tuple[int, object], **changes: object) -> tuple[object, list[tuple[str, object]]]:
    """Start the sequence against these answers; return the receipt or the decision, and what was sent."""
    return conversation("mailerlite", "sequence", DELIVERY, *answers, **changes)


def test_the_whole_conversation() -> None:
    """Look, put the person with the link, join the group, look again; the receipt names person and group."""
    ended, sent = begin(ABSENT, (201, person()), JOINED, (200, person("active", GROUP)))
    assert f"7:{GROUP}" == ended
    look = (f"GET /api/subscribers/{quote(EMAIL, safe='')}", None)
    put = {"email": EMAIL, "fields": {"name": ORDER.intent.buyer.name, FIELD: LINK}}
    assert [
        look,
        ("POST /api/subscribers", put),
        (f"POST /api/subscribers/7/groups/{GROUP}", {}),
        look,
    ] == sent


def test_headers() -> None:
    """Every request carries the token and asks for JSON, as MailerLite demands."""
    with scripted((500, {})) as server:
        mailer = made_from("mailerlite", base_url=server.url)
        with pytest.raises(OutcomeUnknown):
            mailer.sequence.do(DELIVERY)
        mailer.close()
        assert f"authorization: Bearer {API_KEY}".encode() in server.asked[0]
        assert b"accept: application/json" in server.asked[0]


@pytest.mark.parametrize("status", ["unsubscribed", "unconfirmed", "bounced", "junk"])
def test_whom_mailerlite_will_not_mail(status: str) -> None:
    """A person of any status but active is left as they are, and mailed by ourselves."""
    ended, sent = begin((200, person(status)))
    assert isinstance(ended, NotMailable)
    assert 1 == len(sent)


def test_somebody_new_who_has_to_confirm() -> None:
    """Where the account asks new people to confirm, nobody waits for that to get what they paid for."""
    ended, sent = begin(ABSENT, (201, person("unconfirmed")))
    assert isinstance(ended, NotMailable)
    assert 2 == len(sent)


def test_an_address_that_mailerlite_doubts() -> None:
    """An address that MailerLite refuses was good enough to pay with; any other refusal stops the step."""
    refusal = {"message": "The given data was invalid.", "errors": {"email": [f"{EMAIL} is invalid."]}}
    ended, _ = begin(ABSENT, (422, refusal))
    assert isinstance(ended, NotMailable)
    assert EMAIL not in str(ended)
    ended, _ = begin(ABSENT, (422, {"message": "odd", "errors": {"fields": ["odd"]}}))
    assert isinstance(ended, Rejected)


def test_a_field_that_is_not_there() -> None:
    """A field that MailerLite dropped is found out before anybody joins the group, and named."""
    ended, sent = begin(ABSENT, (201, person(link="")))
    assert isinstance(ended, NeedsOperator)
    assert f"field {FIELD}" in str(ended)
    assert 2 == len(sent)


@pytest.mark.parametrize(
    "seen", [person(), person("active", GROUP, link="https://x.example/access/other.mac")]
)
def test_a_group_that_was_said_to_be_joined(seen: dict[str, object]) -> None:
    """201 alone is not believed: the person has to be in the group, with the link of this order."""
    ended, _ = begin(ABSENT, (201, person()), JOINED, (200, seen))
    assert isinstance(ended, OutcomeUnknown)


def test_a_group_that_nobody_knows() -> None:
    """A sequence without a group asks for one, before anything is sent."""
    ended, sent = conversation("mailerlite", "sequence", fresh_delivery(sequence="nowhere"))
    assert isinstance(ended, NeedsOperator)
    assert "'nowhere'" in str(ended)
    assert [] == sent


def test_a_sequence_that_is_a_group() -> None:
    """A product may name the group itself."""
    delivery = fresh_delivery(product="agregaty-w-praktyce", sequence=GROUP)
    shown = person("active", GROUP, link=delivery.access_link)
    ended, _ = conversation("mailerlite", "sequence", delivery, (200, shown))
    assert f"7:{GROUP}" == ended


def test_a_purchase() -> None:
    """The buyer is put without touching any field but the name, joins the buyers, and is looked at."""
    seen = (200, person("unsubscribed", BUYERS))
    ended, sent = conversation(
        "mailerlite", "purchase", DELIVERY, (200, person()), (200, {"data": {"id": BUYERS}}), seen
    )
    assert f"7:{BUYERS}" == ended
    assert ("POST /api/subscribers", {"email": EMAIL, "fields": {"name": ORDER.intent.buyer.name}}) == sent[0]
    assert f"POST /api/subscribers/7/groups/{BUYERS}" == sent[1][0]


def test_a_purchase_that_did_nothing() -> None:
    """A group that was joined and does not show the buyer is an unknown outcome."""
    joined = (200, {"data": {"id": BUYERS}})
    ended, _ = conversation("mailerlite", "purchase", DELIVERY, (200, person()), joined, (200, person()))
    assert isinstance(ended, OutcomeUnknown)
