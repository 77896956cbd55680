"""Brevo on the wire: what is sent, what becomes of each odd answer, and its single mails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC
from typing import Any
from urllib.parse import quote

import pytest

from kramik.errors import KramikError, NeedsOperator, NotMailable, OutcomeUnknown, Rejected, Transient
from kramik.ports import File, Mail
from kramik.sandbox.mailers.brevo import API_KEY, COURSES, SENDER
from tests.adapters.tool import Tool, bought, conversation, heard, made_from, playing, scripted
from tests.contracts.mailer import POST_PROMISES, Postbox
from tests.sandbox.place import fresh_delivery

DELIVERY = bought()
ORDER, LINK = DELIVERY.order, DELIVERY.access_link
EMAIL = ORDER.intent.buyer.email
LIST, FIELD = COURSES["agregaty-start"], "LINK_AGREGATY_W_PRAKTYCE"
ABSENT = (404, {"code": "document_not_found", "message": "Contact does not exist"})
CREATED = (201, {"id": 5})
ADDED = (201, {"contacts": {"success": [EMAIL], "failure": []}})
LISTED_ALREADY = (
    400,
    {"code": "invalid_parameter", "message": "Contact already in list and/or does not exist"},
)
MAIL = Mail(
    to=EMAIL,
    subject="Twój dostęp",
    text=f"{LINK}\n",
    key="order-1/access",
    html="<p>x</p>",
    files=(File(name="umowa.txt", text="żółw"),),
)


def contact(*lists: int, link: str = LINK, **changes: object) -> tuple[int, dict[str, object]]:
    """Return a contact as Brevo shows one."""
    about = {"id": 5, "email": EMAIL, "emailBlacklisted": False, "smsBlacklisted": False}
    return 200, {**about, "listIds": list(lists), "attributes": {FIELD: link}, **changes}


def begin(*answers: tuple[int, object]) -> tuple[object, list[tuple[str, object]]]:
    """Start the sequence against these answers; return the receipt or the decision, and what was sent."""
    return conversation("brevo", "sequence", DELIVERY, *answers)


@pytest.fixture(scope="module")
def tool() -> Iterator[Tool]:
    """A running world."""
    with playing("brevo") as made:
        yield made


def test_the_whole_conversation() -> None:
    """Look, put the contact with the link, look at it, join the list, look again."""
    ended, sent = begin(ABSENT, CREATED, contact(), ADDED, contact(LIST))
    assert f"5:{LIST}" == ended
    look = (f"GET /v3/contacts/{quote(EMAIL, safe='')}?identifierType=email_id", None)
    facts = {"FIRSTNAME": ORDER.intent.buyer.name, FIELD: LINK}
    assert [
        look,
        ("POST /v3/contacts", {"email": EMAIL, "attributes": facts, "updateEnabled": True}),
        look,
        (f"POST /v3/contacts/lists/{LIST}/contacts/add", {"emails": [EMAIL]}),
        look,
    ] == sent


def test_the_key() -> None:
    """The key is a header of its own, and no error shows it."""
    with scripted((401, {"code": "unauthorized", "message": f"Key {API_KEY} not found"})) as server:
        mailer = made_from("brevo", base_url=server.url)
        with pytest.raises(Rejected) as caught:
            mailer.sequence.do(DELIVERY)
        mailer.close()
        assert f"api-key: {API_KEY}".encode() in server.asked[0]
    assert API_KEY not in str(caught.value)


@pytest.mark.parametrize("state", [{"emailBlacklisted": True}, {"listUnsubscribed": [LIST]}])
def test_whom_brevo_will_not_mail(state: dict[str, Any]) -> None:
    """A contact who is on the blocklist or left the list is left as they are, and mailed by ourselves."""
    ended, sent = begin(contact(**state))
    assert isinstance(ended, NotMailable)
    assert 1 == len(sent)


def test_an_address_that_brevo_doubts() -> None:
    """An address that Brevo refuses was good enough to pay with; any other refusal stops the step."""
    ended, _ = begin(ABSENT, (400, {"code": "invalid_parameter", "message": "Invalid email address"}))
    assert isinstance(ended, NotMailable)
    ended, _ = begin(ABSENT, (400, {"code": "invalid_parameter", "message": "attributes are odd"}))
    assert isinstance(ended, Rejected)


def test_an_attribute_that_is_not_there() -> None:
    """Brevo ignores an attribute that the account has not; nobody joins the list then."""
    ended, sent = begin(ABSENT, CREATED, contact(link=""), (200, {"attributes": [{"name": "FIRSTNAME"}]}))
    assert isinstance(ended, NeedsOperator)
    assert f"attribute {FIELD}" in str(ended)
    assert "GET /v3/contacts/attributes" == sent[3][0]
    assert 4 == len(sent)


def test_an_attribute_that_shows_late() -> None:
    """A link that is not shown yet, in an attribute that is there, is looked for again later."""
    ended, sent = begin(ABSENT, CREATED, contact(link=""), (200, {"attributes": [{"name": FIELD}]}))
    assert isinstance(ended, OutcomeUnknown)
    assert 4 == len(sent)


def test_a_race_for_the_list() -> None:
    """A refusal because the contact is in the list already is settled by looking: the link says whose it is."""
    ended, _ = begin(ABSENT, CREATED, contact(), LISTED_ALREADY, contact(LIST))
    assert f"5:{LIST}" == ended
    ended, _ = begin(ABSENT, CREATED, contact(), LISTED_ALREADY, contact())
    assert isinstance(ended, OutcomeUnknown)


def test_a_list_that_refuses() -> None:
    """Any other refusal stops the step, with Brevo's words."""
    ended, _ = begin(ABSENT, CREATED, contact(), (400, {"code": "out_of_range", "message": "odd"}), contact())
    assert isinstance(ended, Rejected)
    assert "odd" in str(ended)


@pytest.mark.parametrize("seen", [contact(), contact(LIST, link="https://x.example/access/other.mac")])
def test_a_list_that_was_said_to_be_joined(seen: tuple[int, object]) -> None:
    """201 alone is not believed: the contact has to be in the list, with the link of this order."""
    ended, _ = begin(ABSENT, CREATED, contact(), ADDED, seen)
    assert isinstance(ended, OutcomeUnknown)


def test_a_list_that_nobody_knows() -> None:
    """A sequence without a list asks for one, before anything is sent."""
    ended, sent = conversation("brevo", "sequence", fresh_delivery(sequence="nowhere"))
    assert isinstance(ended, NeedsOperator)
    assert [] == sent


def test_an_order() -> None:
    """The order carries our id, the exact amount and moments in UTC; an empty answer is fine."""
    with scripted((204, b"")) as server:
        mailer = made_from("brevo", base_url=server.url)
        assert ORDER.id == mailer.purchase.do(DELIVERY)
        mailer.close()
        assert b'"amount":' + ORDER.intent.price.amount.encode() in server.asked[0]
        [(line, content)] = heard(server)
    price = float(ORDER.intent.price.amount)
    at = ORDER.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert "POST /v3/orders/status" == line
    assert {
        "id": ORDER.id,
        "createdAt": at,
        "updatedAt": at,
        "status": "completed",
        "amount": price,
        "products": [{"productId": ORDER.intent.product, "quantity": 1, "price": price}],
        "identifiers": {"email_id": EMAIL},
    } == content


@pytest.mark.parametrize("promise", POST_PROMISES)
def test_single_mails(promise: Callable[[Postbox], None], tool: Tool) -> None:
    """While Brevo remembers the key, a repeat is one mail."""
    promise(Postbox(post=tool.mailer(), to=fresh_delivery().order.intent.buyer.email, mails=tool.mails))


def test_a_single_mail() -> None:
    """A mail goes out as text and HTML, from the address in the settings, under a key that is a UUID."""
    with scripted((201, {"messageId": "<m1@brevo>"})) as server:
        mailer = made_from("brevo", base_url=server.url, sender_name="Sklep")
        assert ("unsafe", "<m1@brevo>") == (mailer.repeat, mailer.send(MAIL))
        mailer.close()
        [(line, content)] = heard(server)
    assert "POST /v3/smtp/email" == line
    assert {
        "sender": {"email": SENDER, "name": "Sklep"},
        "to": [{"email": EMAIL}],
        "subject": "Twój dostęp",
        "textContent": f"{LINK}\n",
        "htmlContent": "<p>x</p>",
        "attachment": [{"name": "umowa.txt", "content": "xbzDs8WCdw=="}],
        "headers": {"idempotencyKey": "b69e7cee-16ad-5339-b48c-1fa46a82a8fd"},
    } == content


@pytest.mark.parametrize(
    ("answer", "decision"),
    [
        ((400, {"code": "invalid_parameter", "message": "sender is not valid"}), Rejected),
        ((429, {"code": "too_many_requests"}), Transient),
        ((500, {}), OutcomeUnknown),
        ((201, b"half an ans"), OutcomeUnknown),
    ],
)
def test_a_single_mail_that_fails(answer: tuple[int, object], decision: type[KramikError]) -> None:
    """What was not sent, what may have been and what never will be are told apart."""
    with scripted(answer) as server:
        mailer = made_from("brevo", base_url=server.url)
        with pytest.raises(decision):
            mailer.send(MAIL)
        mailer.close()
