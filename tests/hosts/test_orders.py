"""`POST /api/orders`: form and JSON, idempotency, and every problem at once."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from tests.hosts.asking import JSON, ask, post_form, post_json
from tests.hosts.served import PRODUCT, Shop, eventually, fields, pay, query
from tests.site import dom

WRONG = {
    "product": "agregaty-w-praktyce",
    "email": "jan@",
    "name": "",
    "company": "Firma",
    "tax_id": "123",
    "lang": "pl",
}


def orders(shop: Shop) -> str:
    """Return the address of the route."""
    return f"{shop.url}/api/orders"


def test_a_form_leads_to_the_gateway(shop: Shop) -> None:
    """A browser without script is sent on with 303 to the signed payment link."""
    answer = post_form(orders(shop), fields(email="form@example.org"))
    assert (303, "no-store") == (answer.status, answer.headers["cache-control"])
    assert answer.headers["location"].startswith(f"{shop.world.url}/gateway/pay?")
    assert "299.00" == query(answer.headers["location"])["amount"]


def test_a_program_gets_the_payment_request_and_a_status_address(shop: Shop) -> None:
    """JSON is answered with 201: the order, the payment request, the address of its status."""
    answer = shop.place(email="json@example.org")
    placed = answer.json()
    assert (201, "application/json") == (answer.status, answer.headers["content-type"])
    assert {"order", "payment", "status_url"} == set(placed)
    assert {"method", "url", "fields"} == set(placed["payment"])
    assert "waiting" == ask(placed["status_url"]).json()["status"]


def test_a_form_that_accepts_json_gets_json(shop: Shop) -> None:
    """What comes back is the wish of the sender, not the shape of what was sent."""
    answer = post_form(orders(shop), fields(email="mixed@example.org"), accept="application/json")
    assert (201, "application/json") == (answer.status, answer.headers["content-type"])


def test_the_return_addresses_carry_the_key_of_this_order(shop: Shop) -> None:
    """The thank-you page can follow the order, in the buyer's language."""
    placed = shop.place(email="back@example.org", lang="en").json()
    back = placed["payment"]["fields"]["done"]
    assert back.startswith(f"{shop.url}/en/thanks/?order={placed['order']}&key=")
    assert 200 == ask(f"{shop.url}/api/orders/{placed['order']}?key={query(back)['key']}").status


@pytest.mark.parametrize("where", ["field", "header"])
def test_the_same_key_and_content_are_the_same_order_and_link(shop: Shop, where: str) -> None:
    """A repeat changes nothing, whether its key stands in a field or in the header."""
    key, url = f"same-{where}", orders(shop)
    form = fields(email=f"same-{where}@example.org")
    extra = {"idempotency_key": key} if where == "field" else {}
    named = {"idempotency_key": key} if where == "header" else {}
    first, second = (post_json(url, form | extra, **named) for _ in range(2))
    assert (201, 201, first.body) == (first.status, second.status, second.body)


def test_the_key_is_the_same_in_a_field_and_in_the_header(shop: Shop) -> None:
    """A page that sends both means one order."""
    form = fields(email="both@example.org")
    first = post_json(orders(shop), form | {"idempotency_key": "both-1"})
    second = post_json(orders(shop), form, idempotency_key="both-1")
    third = post_form(orders(shop), form | {"idempotency_key": "both-1"}, idempotency_key="both-1")
    assert first.json()["order"] == second.json()["order"]
    assert first.json()["payment"]["url"] == third.headers["location"]


def test_two_different_keys_at_once_are_a_problem(shop: Shop) -> None:
    """Nobody can tell which one is meant."""
    answer = post_json(orders(shop), fields(idempotency_key="one"), idempotency_key="two")
    assert [("idempotency_key", "conflict")] == codes(answer.json())


def test_the_same_key_with_other_content_is_refused(shop: Shop) -> None:
    """409, as problem for a program and as page for a person."""
    assert 201 == shop.place("taken-1", email="taken@example.org").status
    program = shop.place("taken-1", email="taken@example.org", name="Another")
    person = post_form(orders(shop), fields(email="other@example.org", idempotency_key="taken-1"))
    assert (409, "application/problem+json") == (program.status, program.headers["content-type"])
    assert (409, "text/html; charset=utf-8") == (person.status, person.headers["content-type"])


def test_the_same_content_without_a_key_is_one_order(shop: Shop) -> None:
    """A double click is no second order."""
    form = fields(email="double@example.org")
    assert (
        post_form(orders(shop), form).headers["location"] == post_form(orders(shop), form).headers["location"]
    )


def test_an_order_that_is_paid_is_not_paid_again(shop: Shop) -> None:
    """A person who sends the form once more sees what they have; a program gets the same order, as was promised."""
    form = fields(email="paid-before@example.org", idempotency_key="paid-before")
    first = post_form(orders(shop), form)
    pay(first.headers["location"])
    order = json.loads(shop.command("orders", "list", "--email", form["email"], "--json").stdout)[0]["id"]
    eventually(lambda: shop.effects(order), lambda seen: seen["sequence"] == 1)
    again, program = post_form(orders(shop), form), post_json(orders(shop), form)

    assert (303, f"{shop.url}/thanks/") == (again.status, again.headers["location"].partition("?")[0])
    assert (201, first.headers["location"]) == (program.status, program.json()["payment"]["url"])


def test_many_posts_at_once_with_one_key_are_one_order(shop: Shop) -> None:
    """However they race, all get the same answer and the store holds one order."""
    barrier = Barrier(8)

    def post(_: int) -> bytes:
        barrier.wait(10)
        return shop.place("race-1", email="race@example.org").body

    with ThreadPoolExecutor(8) as pool:
        bodies = set(pool.map(post, range(8)))
    assert 1 == len(bodies)
    listed = shop.command("orders", "list", "--email", "race@example.org", "--json")
    assert 1 == listed.stdout.count('"created_at"')


def test_a_program_gets_every_problem_at_once(shop: Shop) -> None:
    """422 as problem+json: field, code and message of each."""
    answer = post_json(orders(shop), WRONG)
    found = answer.json()
    assert (422, "application/problem+json") == (answer.status, answer.headers["content-type"])
    expected = [
        ("consent_immediate", "consent_missing"),
        ("consent_terms", "consent_missing"),
        ("email", "invalid_email"),
        ("name", "missing"),
        ("tax_id", "invalid_tax_id"),
    ]
    assert expected == codes(found)
    assert all(each["message"] for each in found["errors"])


def test_a_person_gets_the_page_again_with_every_problem_and_every_value(shop: Shop) -> None:
    """422 with the order page: what was typed stands in its field, and each problem beside it."""
    answer = post_form(orders(shop), WRONG | {"name": ' "><script>alert(1)</script>', "consent_terms": "yes"})
    page = dom.parse(answer.text)
    assert (422, "text/html; charset=utf-8") == (answer.status, answer.headers["content-type"])
    assert "private, no-cache" == answer.headers["cache-control"]
    assert "jan@" == page.one("input", name="email").attrs["value"]
    assert '"><script>alert(1)</script>' == page.one("input", name="name").attrs["value"].strip()
    assert "checked" in page.one("input", name="consent_terms").attrs
    assert "checked" not in page.one("input", name="consent_immediate").attrs
    wrong = {each.attrs["name"] for each in page.all("input") if each.attrs.get("aria-invalid") == "true"}
    assert {"email", "tax_id", "consent_immediate"} == wrong
    assert "<script>alert" not in answer.text


def test_the_page_speaks_the_language_of_the_form(shop: Shop) -> None:
    """The page of an English form is English."""
    assert 'lang="en"' in post_form(orders(shop), WRONG | {"lang": "en"}).text


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"product": "no-such-course"}, ("product", "unknown_product")),
        ({"gateway": "paypal"}, ("gateway", "unknown_gateway")),
        ({"lang": "xx"}, ("lang", "unknown_language")),
        ({"price_shown": "1.00 PLN"}, ("price_shown", "price_changed")),
        ({"consent_terms": "maybe"}, ("consent_terms", "wrong_type")),
        ({"name": "x" * 201}, ("name", "too_long")),
        ({"idempotency_key": "k" * 256}, ("idempotency_key", "too_long")),
    ],
)
def test_what_the_shop_does_not_know_is_a_problem(
    shop: Shop, change: dict[str, str], problem: tuple[str, str]
) -> None:
    """Nothing is guessed: an unknown value is named."""
    assert problem in codes(post_json(orders(shop), fields(**change)).json())


@pytest.mark.parametrize("folder", ["", "/en"])
def test_the_form_of_the_site_sends_what_the_shop_expects(shop: Shop, folder: str) -> None:
    """What the static page sends is what the API knows; words of an older page are to be read again."""
    page = dom.parse(ask(f"{shop.url}{folder}/{PRODUCT}/order/").text)
    hidden = {each.attrs["name"]: each.attrs["value"] for each in page.all("input", type="hidden")}
    order = fields(**hidden, email=f"site{len(folder)}@example.org")
    stale = post_form(orders(shop), order | {"words_shown": "of-last-week"})
    again = dom.parse(stale.text).one("input", name="words_shown").attrs["value"]

    assert (422, hidden["words_shown"]) == (stale.status, again)
    assert 303 == post_form(orders(shop), order).status


def test_a_robot_that_fills_the_hidden_field_is_thanked_and_forgotten(shop: Shop) -> None:
    """The honeypot answers like a success and stores nothing."""
    answer = post_form(orders(shop), fields(email="robot@example.org", bookmark="https://spam.example"))
    assert (303, f"{shop.url}/thanks/") == (answer.status, answer.headers["location"])
    assert "no orders" in shop.command("orders", "list", "--email", "robot@example.org").stdout


def test_an_invoice_is_kept(shop: Shop) -> None:
    """A NIP with hyphens is read, and the company comes back in the order."""
    placed = shop.place(email="firma@example.org", company="Firma Sp. z o.o.", tax_id="526-000-12-46").json()
    shown = shop.command("orders", "show", placed["order"], "--json").stdout
    assert re.search(r'"tax_id": "5260001246"', shown)


def codes(found: dict) -> list[tuple[str, str]]:
    """Return field and code of every problem, sorted."""
    return sorted((each["field"], each["code"]) for each in found["errors"])


def test_a_get_of_the_route_is_refused_with_what_is_allowed(shop: Shop) -> None:
    """405 names the methods."""
    answer = ask(orders(shop), headers=JSON)
    assert (405, "OPTIONS, POST") == (answer.status, answer.headers["allow"])


def test_who_loads_the_address_of_an_answer_anew_gets_a_page(shop: Shop) -> None:
    """A browser stands at the route after a form with remarks; the address alone is no form, and a page says so."""
    answer = ask(orders(shop), headers={"accept": "text/html,application/xhtml+xml"})
    assert (405, "text/html; charset=utf-8") == (answer.status, answer.headers["content-type"])
    assert f'href="{shop.url}/"' in answer.text or 'href="/"' in answer.text
