"""Mailchimp on the wire: what is sent, byte by byte where it matters, and what becomes of each odd answer."""

from __future__ import annotations

import base64

import pytest

from kramik.errors import NeedsOperator, NotMailable, OutcomeUnknown, Rejected
from kramik.mailers.mailchimp import MailchimpMailer, Settings
from kramik.sandbox.mailers.mailchimp import API_KEY, AUDIENCE
from tests.adapters.tool import conversation, heard, made_from, scripted
from tests.sandbox.place import fresh_delivery

DELIVERY = fresh_delivery()
ORDER, LINK = DELIVERY.order, DELIVERY.access_link
EMAIL = ORDER.intent.buyer.email
TAG = ORDER.intent.sequence or ORDER.intent.product
FIELD = "L_AGREGATY"
ABSENT = (404, {"title": "Resource Not Found"})
HASH = "0a" * 16


def member(status: str = "subscribed", *tags: str, link: str = LINK) -> dict[str, object]:
    """Return a member as Mailchimp shows one."""
    named = [{"id": 1, "name": tag} for tag in tags]
    return {"id": HASH, "status": status, "merge_fields": {FIELD: link}, "tags": named}


def begin(*answers: tuple[int, object]) -> tuple[object, list[tuple[str, object]]]:
    """Start the sequence against these answers; return the receipt or the decision, and what was sent."""
    return conversation("mailchimp", "sequence", DELIVERY, *answers)


def test_the_whole_conversation() -> None:
    """Look, put the person with the link, add the tag, look again; the receipt names person and tag."""
    ended, sent = begin(ABSENT, (200, member()), (204, b""), (200, member("subscribed", TAG)))
    assert f"{HASH}:{TAG}" == ended
    lines = [line.split("?")[0].replace(line.split("/")[5].split("?")[0], "HASH") for line, _ in sent]
    person = f"/3.0/lists/{AUDIENCE}/members/HASH"
    assert [f"GET {person}", f"PUT {person}", f"POST {person}/tags", f"GET {person}"] == lines
    assert {
        "email_address": EMAIL,
        "status_if_new": "subscribed",
        "merge_fields": {"FNAME": ORDER.intent.buyer.name, FIELD: LINK},
        "language": "pl",
    } == sent[1][1]
    assert {"tags": [{"name": TAG, "status": "active"}], "is_syncing": False} == sent[2][1]


def test_key_and_data_centre() -> None:
    """The key is the password of any user, and its end says where the account lives."""
    with scripted(ABSENT, (500, {})) as server:
        mailer = made_from("mailchimp", base_url=server.url)
        with pytest.raises(OutcomeUnknown):
            mailer.sequence.do(DELIVERY)
        mailer.close()
        basic = base64.b64encode(f"kramik:{API_KEY}".encode())
        assert b"authorization: Basic " + basic in server.asked[0]
    with pytest.raises(Rejected, match="data centre"):
        Settings(api_key="0123", audience="a", store="s")
    assert API_KEY not in repr(
        MailchimpMailer(Settings(api_key=API_KEY, audience="a", store="s"), call_seconds=1)
    )


@pytest.mark.parametrize("status", ["unsubscribed", "cleaned", "pending", "archived"])
def test_whom_mailchimp_will_not_mail(status: str) -> None:
    """A person of any status but subscribed and transactional is left as they are, and mailed by ourselves."""
    ended, sent = begin((200, member(status)))
    assert isinstance(ended, NotMailable)
    assert 1 == len(sent)


def test_a_customer_becomes_a_subscriber() -> None:
    """Somebody whom an order made a member without news is subscribed, because the course is mailed to them."""
    ended, sent = begin(
        (200, member("transactional")), (200, member()), (204, b""), (200, member("subscribed", TAG))
    )
    assert f"{HASH}:{TAG}" == ended
    assert isinstance(sent[1][1], dict)
    assert "subscribed" == sent[1][1]["status"]


def test_a_customer_who_was_not_seen() -> None:
    """Who became a customer since we looked is subscribed by a second put, before anything is tagged."""
    answers = ABSENT, (200, member("transactional")), (200, member()), (204, b"")
    ended, sent = begin(*answers, (200, member("subscribed", TAG)))
    assert f"{HASH}:{TAG}" == ended
    statuses = [
        content.get("status")
        for line, content in sent
        if line.startswith("PUT") and isinstance(content, dict)
    ]
    assert [None, "subscribed"] == statuses


def test_a_customer_who_stays_one() -> None:
    """Who is not subscribed by that either gets no mails of a flow, so we mail them."""
    ended, sent = begin(ABSENT, (200, member("transactional")), (200, member("transactional")))
    assert isinstance(ended, NotMailable)
    assert 3 == len(sent)


@pytest.mark.parametrize("title", ["Member In Compliance State", "Forgotten Email Not Subscribed"])
def test_a_person_who_is_locked_out(title: str) -> None:
    """A refusal about the person is no reason to stop the order."""
    ended, _ = begin(ABSENT, (400, {"title": title, "status": 400}))
    assert isinstance(ended, NotMailable)


@pytest.mark.parametrize(
    "words",
    ["x looks fake or invalid, please enter a real email address.", "x has signed up to a lot of lists"],
)
def test_an_address_that_mailchimp_doubts(words: str) -> None:
    """An address that Mailchimp takes for fake was good enough to pay with, so we mail it ourselves."""
    ended, sent = begin(ABSENT, (400, {"title": "Invalid Resource", "detail": words}))
    assert isinstance(ended, NotMailable)
    assert 2 == len(sent)


def test_a_refusal_about_something_else() -> None:
    """Any other refusal stops the step, with Mailchimp's words."""
    ended, _ = begin(ABSENT, (400, {"title": "Invalid Resource", "detail": "odd"}))
    assert isinstance(ended, Rejected)
    assert "Invalid Resource" in str(ended)


def test_a_field_that_is_not_there() -> None:
    """Mailchimp drops what it has no field for; nobody is tagged then, and the sentence names the field."""
    ended, sent = begin(ABSENT, (200, member(link="")))
    assert isinstance(ended, NeedsOperator)
    assert f"merge field {FIELD}" in str(ended)
    assert 2 == len(sent)


@pytest.mark.parametrize(
    "seen", [member(), member("subscribed", TAG, link="https://x.example/access/other.mac")]
)
def test_a_tag_that_was_said_to_be_there(seen: dict[str, object]) -> None:
    """204 alone is not believed: the member has to show the tag, and the link of this order."""
    ended, _ = begin(ABSENT, (200, member()), (204, b""), (200, seen))
    assert isinstance(ended, OutcomeUnknown)


def test_a_link_signed_by_an_older_key() -> None:
    """After a key was rotated, a tag with this order's link is still this order's."""
    ended, sent = begin(
        (200, member("subscribed", TAG.upper(), link=f"https://api.example/access/{ORDER.id}.old"))
    )
    assert f"{HASH}:{TAG}" == ended
    assert 1 == len(sent)


def test_fields_of_products() -> None:
    """Merge tags have ten characters at most; a product whose tag was taken has its own in the settings."""
    with scripted(ABSENT, (200, {"id": HASH, "status": "subscribed", "merge_fields": {}})) as server:
        mailer = made_from("mailchimp", base_url=server.url, link_fields={ORDER.intent.product: "KURS7"})
        with pytest.raises(NeedsOperator, match="KURS7"):
            mailer.sequence.do(DELIVERY)
        mailer.close()


def test_an_order() -> None:
    """The product is put, then the order, with the exact amount and nobody subscribed by it."""
    stored = {
        "id": ORDER.id,
        "customer": {"email_address": EMAIL.upper()},
        "currency_code": "PLN",
        "order_total": float(ORDER.intent.price.amount),
    }
    with scripted((200, {"id": ORDER.intent.product}), (200, stored)) as server:
        mailer = made_from("mailchimp", base_url=server.url)
        assert ORDER.id == mailer.purchase.do(DELIVERY)
        mailer.close()
        assert b'"order_total":' + ORDER.intent.price.amount.encode() in server.asked[1]
        assert b'"opt_in_status":false' in server.asked[1]
        (product, _), (order, _) = heard(server)
    assert f"PUT /3.0/ecommerce/stores/kramik/products/{ORDER.intent.product}" == product
    assert f"PUT /3.0/ecommerce/stores/kramik/orders/{ORDER.id}" == order


@pytest.mark.parametrize("change", [{"id": "x"}, {"order_total": 1.0}, {"currency_code": "EUR"}])
def test_another_order_than_was_put(change: dict[str, object]) -> None:
    """What Mailchimp answers is compared with what was put."""
    stored = {
        "id": ORDER.id,
        "customer": {"email_address": EMAIL},
        "currency_code": "PLN",
        "order_total": float(ORDER.intent.price.amount),
        **change,
    }
    with scripted((200, {"id": ORDER.intent.product}), (200, stored)) as server:
        mailer = made_from("mailchimp", base_url=server.url)
        with pytest.raises(OutcomeUnknown):
            mailer.purchase.do(DELIVERY)
        mailer.close()
