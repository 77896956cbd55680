"""`POST /api/payments/{gateway}` and what the buyer sees afterwards: status, access link, resend."""

from __future__ import annotations

import json

import pytest

from kramik.payment import sign
from kramik.sandbox import Running
from tests.hosts import served
from tests.hosts.asking import Reply, ask, post_form, post_json
from tests.hosts.served import Shop, eventually, pay


def notification(order: str, **changes: str | int) -> bytes:
    """Return what the gateway would say about a payment of this order."""
    said = {"id": f"t-{order}", "kind": "paid", "order": order, "shop_id": "akademia", "amount": 29900}
    return json.dumps(said | {"currency": "PLN"} | changes).encode()


def tell(shop: Shop, body: bytes, *, key: str = "", gateway: str = "sandbox") -> Reply:
    """Send a notification that is signed with the gateway's key, or with another."""
    signature = sign((key or shop.world.world.settings.gateway_key).encode(), body).hex()
    return ask(
        f"{shop.url}/api/payments/{gateway}", "POST", body=body, headers={"x-sandbox-signature": signature}
    )


def delivered(shop: Shop, email: str) -> tuple[str, str]:
    """Buy and wait for access; return the order and the access link."""
    order, status = shop.bought(email=email)
    shown = eventually(lambda: ask(status).json(), lambda seen: seen["status"] == "completed")
    assert "completed" == shown["status"]
    return order, shown["access"]


def mails(world: Running, email: str) -> list[str]:
    """Return the subjects of the mails to this address."""
    return [each["subject"] for each in json.loads(ask(f"{world.url}/mail/messages.json?to={email}").body)]


# The notification


def test_an_authentic_notification_gets_the_gateways_own_answer(shop: Shop) -> None:
    """Byte for byte, and the order is paid."""
    placed = shop.place(email="told@example.org").json()
    answer = tell(shop, notification(placed["order"]))
    assert (200, b"OK") == (answer.status, answer.body)
    assert "completed" == eventually(
        lambda: ask(placed["status_url"]).json()["status"], lambda seen: seen == "completed"
    )


def test_a_forged_notification_is_refused_and_changes_nothing(shop: Shop) -> None:
    """400, and the order still waits."""
    placed = shop.place(email="forged@example.org").json()
    body = notification(placed["order"])
    answers = [
        tell(shop, body, key="another key"),
        ask(f"{shop.url}/api/payments/sandbox", "POST", body=body),
    ]
    assert [400, 400] == [each.status for each in answers]
    assert "waiting" == ask(placed["status_url"]).json()["status"]


def test_an_unknown_gateway_is_not_found(shop: Shop) -> None:
    """404, whatever is sent."""
    assert 404 == tell(shop, notification("x"), gateway="stripe").status


def test_an_authentic_notification_that_nobody_can_read_is_kept_for_a_person(shop: Shop) -> None:
    """It is acknowledged, and its words are among the poison."""
    assert 200 == tell(shop, b'{"new": "format"}').status
    found = eventually(
        lambda: shop.command("poison", "list", "--json").stdout, lambda seen: "unreadable" in seen
    )
    assert '"raw": "{\\"new\\": \\"format\\"}"' in found


@pytest.mark.parametrize("changes", [{"amount": 1}, {"currency": "EUR"}, {"shop_id": "other"}])
def test_an_authentic_notification_is_never_refused_for_its_content(
    shop: Shop, changes: dict[str, str | int]
) -> None:
    """A payment that does not fit is acknowledged, grants nothing and asks for a person."""
    placed = shop.place(email=f"odd-{next(iter(changes))}@example.org").json()
    assert 200 == tell(shop, notification(placed["order"], **changes)).status
    status = eventually(lambda: ask(placed["status_url"]).json()["status"], lambda seen: seen == "attention")
    assert "attention" == status
    assert {"grant": 0, "purchase": 0, "sequence": 0, "mail": 0} == shop.effects(placed["order"])


def test_a_payment_of_an_unknown_order_is_acknowledged(shop: Shop) -> None:
    """The gateway has done its part; the message waits for its order, then for a person."""
    assert 200 == tell(shop, notification("nobody-knows-this-order")).status


# The status


def test_an_unknown_order_a_wrong_key_and_no_key_look_the_same(shop: Shop) -> None:
    """Nobody learns which orders exist: status, headers and body are equal."""
    order = shop.place(email="status@example.org").json()["order"]
    wrong = [f"{order}?key=wrong", order, f"{order}?key=", "0" * 26, f"{'0' * 26}?key=wrong", "%00"]
    answers = {
        (answer.status, answer.body, answer.headers["content-type"], answer.headers["cache-control"])
        for answer in (ask(f"{shop.url}/api/orders/{each}") for each in wrong)
    }
    assert 1 == len(answers)
    assert {404} == {status for status, *_ in answers}


def test_a_status_key_opens_one_order_only(shop: Shop) -> None:
    """The key of one order is worth nothing for another."""
    first, second = (shop.place(email=f"key-{each}@example.org").json() for each in "ab")
    key = first["status_url"].partition("?")[2]
    assert 404 == ask(f"{shop.url}/api/orders/{second['order']}?{key}").status


def test_the_status_shows_no_more_than_a_reminder_of_the_address(shop: Shop) -> None:
    """Whoever finds the link learns neither the address nor the name."""
    answer = ask(shop.place(email="anna.nowak@example.org", name="Anna Nowak").json()["status_url"])
    assert "a***@example.org" == answer.json()["email"]
    assert ("no-store", "no-referrer") == (answer.headers["cache-control"], answer.headers["referrer-policy"])
    assert "Nowak" not in answer.text


def test_the_status_of_an_order_without_a_key_never_shows_the_access(shop: Shop) -> None:
    """Whoever knows a buyer's name and address could send the same form: the access goes by mail alone."""
    form = served.fields(email="keyless@example.org")
    placed = post_json(f"{shop.url}/api/orders", form).json()
    assert 303 == pay(placed["payment"]["url"]).status
    again = post_json(f"{shop.url}/api/orders", form).json()
    shown = eventually(lambda: ask(again["status_url"]).json(), lambda seen: seen["status"] == "completed")
    assert (placed["order"], None) == (shown["order"], shown["access"])


# The access link


def test_the_access_link_opens_the_course(shop: Shop) -> None:
    """303 to the course platform, which opens."""
    _, link = delivered(shop, "access@example.org")
    answer = ask(link)
    assert (303, 200) == (answer.status, ask(answer.headers["location"]).status)


def test_a_link_with_another_sign_is_not_found(shop: Shop) -> None:
    """Every changed token looks like no token at all."""
    order, link = delivered(shop, "token@example.org")
    path, _, mac = link.rpartition(".")
    swapped = "B" if mac[0] != "B" else "C"
    wrong = [f"{path}.{swapped}{mac[1:]}", f"{path}.", path, f"{shop.url}/access/{order}", f"{link}x"]
    assert [404] * len(wrong) == [ask(each).status for each in wrong]


def test_an_order_that_is_not_paid_has_no_access_yet(shop: Shop, tmp_path: object) -> None:
    """A right token of an unpaid order says: not ready."""
    from kramik.payment import Keys  # noqa: PLC0415 - the token that a mail would carry

    order = shop.place(email="early@example.org").json()["order"]
    answer = ask(f"{shop.url}/access/{Keys(served.SECRET).token('access', order)}")
    assert (404, "text/html; charset=utf-8") == (answer.status, answer.headers["content-type"])
    assert "not_found" != answer.text
    assert answer.text != ask(f"{shop.url}/access/nothing.at-all").text


def test_a_refunded_order_is_gone(shop: Shop) -> None:
    """410 once the money went back, and the status offers no link."""
    placed = shop.place(email="refund@example.org").json()
    pay(placed["payment"]["url"])
    status = placed["status_url"]
    link = eventually(lambda: ask(status).json(), lambda seen: seen["status"] == "completed")["access"]
    assert 303 == pay(placed["payment"]["url"], "refund").status
    shown = eventually(lambda: ask(status).json(), lambda seen: seen["status"] == "refunded")
    assert ("refunded", None, 410) == (shown["status"], shown["access"], ask(link).status)


# The access mail again


def test_asking_for_the_mail_again_is_always_answered_the_same(shop: Shop) -> None:
    """A buyer, a stranger and a typing error can not be told apart: 202 and the same page."""
    delivered(shop, "again@example.org")
    sent = ["again@example.org", "stranger@example.org", "no address", "", "a" * 5000]
    answers = {
        (answer.status, answer.body)
        for answer in (
            post_form(f"{shop.url}/api/access/resend", {"email": each, "lang": "pl"}) for each in sent
        )
    }
    programs = {post_json(f"{shop.url}/api/access/resend", {"email": each}).body for each in sent}
    assert (1, {202}) == (len(answers), {status for status, _ in answers})
    assert {b'{"status":"accepted"}'} == programs
    seen = eventually(lambda: mails(shop.world, "again@example.org"), lambda found: len(found) > 1)
    assert 2 == len(seen), seen
    assert [] == mails(shop.world, "stranger@example.org")


def test_a_resent_mail_comes_once_in_ten_minutes(shop: Shop) -> None:
    """Who presses often, or somebody else for them, is not flooded."""
    delivered(shop, "often@example.org")
    for _ in range(5):
        post_form(f"{shop.url}/api/access/resend", {"email": "often@example.org"})
    eventually(lambda: mails(shop.world, "often@example.org"), lambda found: len(found) > 1)
    delivered(shop, "after-often@example.org")
    assert 2 == len(mails(shop.world, "often@example.org"))
