"""listmonk on the wire: what is sent, and what becomes of each odd answer."""

from __future__ import annotations

import base64
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from kramik.errors import KramikError, NeedsOperator, NotMailable, OutcomeUnknown, Rejected, Transient
from kramik.ports import Delivery
from kramik.sandbox.mailers.listmonk import BUYERS, TEMPLATES, TOKEN, USER
from tests.adapters.tool import bought, conversation, made_from, playing, scripted
from tests.sandbox.place import fresh_delivery

DELIVERY = bought()
ORDER, LINK = DELIVERY.order, DELIVERY.access_link
EMAIL = ORDER.intent.buyer.email
TEMPLATE = TEMPLATES["agregaty-start"]
NOBODY = (200, {"data": {"results": [], "total": 0}})
DONE = (200, {"data": True})


def shown(status: str = "enabled", *lists: int) -> tuple[int, object]:
    """Return a page with one subscriber as listmonk shows it."""
    listed = [{"id": each, "subscription_status": "confirmed"} for each in lists]
    return 200, {"data": {"results": [{"id": 9, "email": EMAIL, "status": status, "lists": listed}]}}


def mail(*answers: tuple[int, object]) -> tuple[object, list[tuple[str, object]]]:
    """Send the access mail against these answers; return the receipt or the decision, and what was sent."""
    return conversation("listmonk", "sequence", DELIVERY, *answers)


def buy(*answers: tuple[int, object]) -> tuple[object, list[tuple[str, object]]]:
    """Register the purchase against these answers."""
    return conversation("listmonk", "purchase", DELIVERY, *answers)


def test_the_access_mail() -> None:
    """Look, add the person, look again, send the mail to their id with the link in its own data."""
    ended, sent = mail(NOBODY, (200, {"data": {"id": 9}}), shown(), DONE)
    assert f"9:{TEMPLATE}" == ended
    query = parse_qs(urlsplit(sent[0][0].removeprefix("GET ")).query)
    assert {"query": [f"subscribers.email = '{EMAIL}'"], "per_page": ["1"]} == query
    buyer = ORDER.intent.buyer
    assert (
        "POST /api/subscribers",
        {"email": EMAIL, "name": buyer.name, "status": "enabled", "lists": []},
    ) == sent[1]
    words = {"link": LINK, "title": ORDER.intent.title, "order": ORDER.id, "name": buyer.name, "lang": "pl"}
    assert ("POST /api/tx", {"subscriber_id": 9, "template_id": TEMPLATE, "data": words}) == sent[3]


def test_user_and_token() -> None:
    """User and token go as Basic, and no error shows them."""
    basic = base64.b64encode(f"{USER}:{TOKEN}".encode())
    with scripted((403, {"message": f"invalid API credentials {TOKEN} {basic.decode()}"})) as server:
        mailer = made_from("listmonk", base_url=server.url)
        with pytest.raises(Rejected) as caught:
            mailer.sequence.do(DELIVERY)
        mailer.close()
        assert b"authorization: Basic " + basic in server.asked[0]
    assert (TOKEN in str(caught.value), basic.decode() in str(caught.value)) == (False, False)


def test_a_quote_in_an_address() -> None:
    """An address can not break out of the query, whatever it holds."""
    buyer = msgspec.structs.replace(ORDER.intent.buyer, email="O'Hara'--@example.com")
    intent = msgspec.structs.replace(ORDER.intent, buyer=buyer)
    delivery = Delivery(order=msgspec.structs.replace(ORDER, intent=intent), access_link=LINK)
    _, sent = conversation("listmonk", "sequence", delivery, shown("blocklisted"))
    query = parse_qs(urlsplit(sent[0][0].removeprefix("GET ")).query)["query"]
    assert ["subscribers.email = 'o''hara''--@example.com'"] == query
    with playing("listmonk") as tool:
        tool.mailer().sequence.do(delivery)
        assert 1 == len(tool.mails("o'hara'--@example.com"))


@pytest.mark.parametrize("status", ["blocklisted", "disabled"])
def test_whom_listmonk_will_not_mail(status: str) -> None:
    """Who is on the blocklist gets no mail from there."""
    ended, sent = mail(shown(status))
    assert isinstance(ended, NotMailable)
    assert 1 == len(sent)


@pytest.mark.parametrize(
    "answers", [((500, {}),), (NOBODY, (500, {})), ((200, b"half an ans"),), (NOBODY, DONE, NOBODY)]
)
def test_trouble_before_the_mail(answers: tuple[tuple[int, object], ...]) -> None:
    """What comes before the mail may be done again, so nobody has to be asked about it."""
    ended, sent = mail(*answers)
    assert isinstance(ended, Transient)
    assert [] == [line for line, _ in sent if "/api/tx" in line]


@pytest.mark.parametrize(
    ("answer", "decision"),
    [
        ((200, {"data": False}), OutcomeUnknown),
        ((200, b"half an ans"), OutcomeUnknown),
        ((500, {"message": "x"}), OutcomeUnknown),
        ((429, {"message": "timed out pushing message"}), Transient),
        ((400, {"message": "Template not found"}), Rejected),
    ],
)
def test_a_mail_that_fails(answer: tuple[int, object], decision: type[KramikError]) -> None:
    """Only listmonk's own yes is a sent mail; its full queue is a mail that was not sent."""
    ended, _ = mail(shown(), answer)
    assert isinstance(ended, decision)


def test_a_template_that_nobody_knows() -> None:
    """A sequence without a template asks for one, before anything is sent."""
    ended, sent = conversation("listmonk", "sequence", fresh_delivery(sequence="nowhere"))
    assert isinstance(ended, NeedsOperator)
    assert [] == sent


def test_a_purchase() -> None:
    """The buyer joins the list of buyers as confirmed, and is looked at afterwards."""
    ended, sent = buy(shown(), DONE, shown("enabled", BUYERS))
    assert f"9:{BUYERS}" == ended
    change = {"ids": [9], "action": "add", "target_list_ids": [BUYERS], "status": "confirmed"}
    assert ("PUT /api/subscribers/lists", change) == sent[1]


def test_who_left_the_list_of_buyers_stays_out() -> None:
    """Adding somebody again would take back that they left, so whoever is shown in the list is left alone."""
    ended, sent = buy(shown("enabled", BUYERS))
    assert f"9:{BUYERS}" == ended
    assert 1 == len(sent)


@pytest.mark.parametrize("answers", [((200, {"data": False}),), (DONE, shown())])
def test_a_purchase_that_did_nothing(answers: tuple[tuple[int, object], ...]) -> None:
    """A list that does not show the buyer is an unknown outcome, whatever was answered."""
    ended, _ = buy(shown(), *answers)
    assert isinstance(ended, OutcomeUnknown)


def test_somebody_added_at_the_same_time() -> None:
    """409 says that the person is there by now."""
    ended, _ = buy(NOBODY, (409, {"message": "E-mail already exists."}), shown("enabled", BUYERS))
    assert f"9:{BUYERS}" == ended
