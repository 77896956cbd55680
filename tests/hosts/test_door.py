"""What is true of every route: methods, sizes, headers, other sites, and the document that describes them."""

from __future__ import annotations

import json
import re

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from tests.hosts.asking import JSON, Reply, ask, post_form, post_json, raw
from tests.hosts.served import Shop, fields
from tests.hosts.test_payments import delivered, notification, tell

ROUTES = {
    "/api/warm": "GET",
    "/api/orders": "POST",
    "/api/payments/sandbox": "POST",
    "/api/orders/0123456789abcdefghjkmnpqrs": "GET",
    "/api/orders/0123456789abcdefghjkmnpqrs/payment": "POST",
    "/access/0123456789abcdefghjkmnpqrs.abc": "GET",
    "/access/0123456789abcdefghjkmnpqrs.abc/film.mp4": "GET",
    "/api/access/resend": "POST",
    "/api/withdrawals": "POST",
    "/healthz": "GET",
    "/api/openapi.json": "GET",
}
KIB_64 = 64 * 1024
STATED = {"name": "Ala", "email": "ala@example.org", "lang": "pl"}


@pytest.fixture(scope="session")
def document(shop: Shop) -> dict:
    """The OpenAPI document as it is served."""
    return ask(f"{shop.url}/api/openapi.json").json()


# Methods


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"])
def test_a_method_that_a_route_does_not_know_is_refused(shop: Shop, path: str, method: str) -> None:
    """405 names what is allowed; whatever is allowed is never a 405."""
    answer = ask(shop.url + path, method, body=b"")
    allowed = method == ROUTES[path]
    assert allowed is (answer.status != 405)
    if not allowed:
        assert ", ".join(sorted({ROUTES[path], "OPTIONS"})) == answer.headers["allow"]


@pytest.mark.parametrize("path", [path for path, method in ROUTES.items() if method == "GET"])
def test_head_is_get_without_a_body(shop: Shop, path: str) -> None:
    """The same status and the same kind of content."""
    get, head = ask(shop.url + path), ask(shop.url + path, "HEAD")
    assert (get.status, get.headers.get("content-type"), b"") == (
        head.status,
        head.headers.get("content-type"),
        head.body,
    )


def test_warming_up_answers_nothing_and_is_not_kept(shop: Shop) -> None:
    """204 without a body."""
    answer = ask(f"{shop.url}/api/warm")
    assert (204, b"", "no-store") == (answer.status, answer.body, answer.headers["cache-control"])


def test_health_says_that_the_store_answers(shop: Shop) -> None:
    """200 and one word."""
    answer = ask(f"{shop.url}/healthz")
    assert (200, {"status": "ok"}) == (answer.status, answer.json())


def test_an_unknown_address_is_a_page_for_people_and_a_problem_for_programs(shop: Shop) -> None:
    """404 in the shape that was asked for."""
    person, program = ask(f"{shop.url}/api/nothing"), ask(f"{shop.url}/api/nothing", headers=JSON)
    assert (404, "text/html; charset=utf-8") == (person.status, person.headers["content-type"])
    assert (404, "application/problem+json") == (program.status, program.headers["content-type"])


# Sizes


@pytest.mark.parametrize("path", ["/api/orders", "/api/payments/sandbox", "/api/access/resend"])
def test_a_body_over_the_limit_is_refused_whatever_its_length_is_called(shop: Shop, path: str) -> None:
    """413 by Content-Length, before the body was read, and by counting what comes in chunks."""
    announced = raw(
        shop.url, f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {KIB_64 + 1}\r\n\r\n".encode()
    )
    chunk = b"%x\r\n%s\r\n" % (KIB_64, b"a" * KIB_64)
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    counted = raw(shop.url, head, chunk, chunk)
    assert [413, 413] == [each.status if each else None for each in (announced, counted)]


def test_a_body_of_just_the_limit_is_read(shop: Shop) -> None:
    """64 KiB are fine; what is in them is another question."""
    body = b"name=" + b"a" * (KIB_64 - 5)
    headers = {"content-type": "application/x-www-form-urlencoded", **JSON}
    assert 422 == ask(f"{shop.url}/api/orders", "POST", body=body, headers=headers).status


# Headers


def test_no_answer_is_guessed_or_kept_or_tells_where_it_came_from(shop: Shop) -> None:
    """Every answer is `nosniff`; every private one is neither stored nor passed on."""
    _, link = delivered(shop, "headers@example.org")
    placed = shop.place(email="headers@example.org")
    answers = {
        "placed": placed,
        "form": post_form(f"{shop.url}/api/orders", fields(email="headers-2@example.org")),
        "refused": post_json(f"{shop.url}/api/orders", {}),
        "status": ask(placed.json()["status_url"]),
        "access": ask(link),
        "unknown": ask(f"{shop.url}/access/unknown.token"),
        "resend": post_form(f"{shop.url}/api/access/resend", {"email": "headers@example.org"}),
    }
    seen = {
        name: (
            each.headers["x-content-type-options"],
            each.headers["cache-control"],
            each.headers["referrer-policy"],
        )
        for name, each in answers.items()
    }
    assert dict.fromkeys(answers, ("nosniff", "no-store", "no-referrer")) == seen


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/thanks/?order=x&key=y", "no-referrer"),
        ("/en/thanks/", "no-referrer"),
        ("/", "strict-origin-when-cross-origin"),
        ("/thanksgiving/", "strict-origin-when-cross-origin"),
    ],
)
def test_nobody_is_told_the_address_of_a_thank_you_page(shop: Shop, path: str, told: str) -> None:
    """It holds the key of an order; the hosts that a build writes for say the same."""
    assert told == ask(shop.url + path).headers["referrer-policy"]


@pytest.mark.parametrize("path", ["/", "/agregaty-w-praktyce/order/", "/no-such-page/", "/api/nothing"])
def test_every_page_has_a_strict_policy(shop: Shop, path: str) -> None:
    """Nothing but our own scripts, no frame around us."""
    headers = ask(shop.url + path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "nosniff" == headers["x-content-type-options"]


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/", "public, max-age=0, must-revalidate"),
        ("/no-such-page/", "public, max-age=0, must-revalidate"),
        ("/assets/no-such-file.css", "public, max-age=0, must-revalidate"),
        ("STYLE", "public, max-age=31536000, immutable"),
    ],
)
def test_a_browser_keeps_what_can_not_change(shop: Shop, path: str, kept: str) -> None:
    """The name of an asset has the hash of its content; a page is asked for again, and what is not there as well."""
    style = re.search(rb'/assets/kramik\.[^"]+\.css', ask(f"{shop.url}/").body)
    assert style is not None
    assert kept == ask(shop.url + path.replace("STYLE", style[0].decode())).headers["cache-control"]


def test_a_page_that_submits_the_form_again_may_go_to_the_gateway(shop: Shop) -> None:
    """The policy of the error page lets the form through to the redirect behind it."""
    policy = post_form(f"{shop.url}/api/orders", {"product": "agregaty-w-praktyce"}).headers[
        "content-security-policy"
    ]
    assert shop.world.url in policy


# Other sites


@pytest.mark.parametrize(
    "how", ["{0}/", "{0}.evil.example", "{0}0", "null", "https://evil.example", "", "http://127.0.0.1"]
)
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_no_other_site_may_read_an_answer(shop: Shop, how: str, method: str) -> None:
    """Prefixes, suffixes, `null` and other ports are other sites."""
    answer = ask(f"{shop.url}/healthz", method, headers={"origin": how.format(shop.url)})
    assert "access-control-allow-origin" not in answer.headers


def test_another_spelling_of_the_host_is_another_site(shop: Shop) -> None:
    """An origin is compared letter by letter."""
    origin = shop.url.replace("http://127.0.0.1", "HTTP://127.0.0.1")
    assert "access-control-allow-origin" not in ask(f"{shop.url}/healthz", headers={"origin": origin}).headers


@pytest.mark.parametrize("path", [*ROUTES, "/api/nothing"])
def test_the_shops_own_site_may_read_every_answer(shop: Shop, path: str) -> None:
    """Errors, too: a page must be able to show them. Caches are told what the answer depends on."""
    answer = ask(shop.url + path, ROUTES.get(path, "GET"), body=b"", headers={"origin": shop.url})
    assert (shop.url, "origin") == (answer.headers["access-control-allow-origin"], answer.headers["vary"])
    assert "access-control-allow-credentials" not in answer.headers


def test_a_preflight_of_the_shops_own_site_is_granted(shop: Shop) -> None:
    """A page may send JSON with an idempotency key."""
    answer = ask(f"{shop.url}/api/orders", "OPTIONS", headers={"origin": shop.url})
    assert (204, shop.url) == (answer.status, answer.headers["access-control-allow-origin"])
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "idempotency-key" in answer.headers["access-control-allow-headers"]


@pytest.mark.parametrize(("email", "read"), [("ala@example.org", None), ("ala", "*")])
def test_what_other_sites_may_read_is_described(
    shop: Shop, document: dict, email: str, read: str | None
) -> None:
    """The document tells of both answers who may read them: a problem everybody, a placed order the shop's site."""
    place, asked = 422 if read else 201, fields() | {"email": email}
    answer = post_json(f"{shop.url}/api/orders", asked, origin="https://else.example")
    told = document["paths"]["/api/orders"]["post"]["responses"][str(place)]["headers"]

    assert (place, read) == (answer.status, answer.headers.get("access-control-allow-origin"))
    description = told["Access-Control-Allow-Origin"]["description"]
    assert (read == "*") is ("any site may read it" in description)


# The document


def test_the_document_is_valid(document: dict) -> None:
    """OpenAPI 3.1, as its own validator reads it."""
    validate(document)
    assert "3.1.0" == document["openapi"]


def test_the_document_and_the_handlers_know_the_same_routes(document: dict, shop: Shop) -> None:
    """Every route of the handlers is described, and nothing else."""
    from kramik.web import Web  # noqa: PLC0415 - read here, not used

    described = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    patterns = {(method, pattern) for path, method in ROUTES.items() for pattern in [fitting(path, document)]}
    assert described == patterns
    assert len(described) == count(Web)


def fitting(path: str, document: dict) -> str:
    """Return the path of the document that this address belongs to."""
    exact = [each for each in document["paths"] if each == path]
    found = [each for each in document["paths"] if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", each), path)]
    return (exact or found)[0]


def count(web: type) -> int:
    """Return how many routes the handlers have, as their table says."""
    import inspect  # noqa: PLC0415 - here alone

    return inspect.getsource(web).count("re.compile(")


def test_real_answers_are_as_the_document_says(document: dict, shop: Shop) -> None:
    """Status, kind of content and shape of everything that a client is likely to see."""
    order, link = delivered(shop, "schema@example.org")
    placed = post_json(
        f"{shop.url}/api/orders", fields(email="schema-2@example.org"), idempotency_key="schema"
    )
    conflict = post_json(
        f"{shop.url}/api/orders", fields(email="schema-3@example.org"), idempotency_key="schema"
    )
    unpaid = post_json(f"{shop.url}/api/orders", fields(email="schema-5@example.org"))
    again = str(ask(unpaid.json()["status_url"]).json()["pay"])
    body = notification(placed.json()["order"])
    url = shop.url
    seen: list[tuple[str, str, Reply]] = [
        ("get", "/api/warm", ask(f"{url}/api/warm")),
        ("post", "/api/orders", placed),
        ("post", "/api/orders", conflict),
        ("post", "/api/orders", post_json(f"{url}/api/orders", {})),
        ("post", "/api/orders", post_json(f"{url}/api/orders", [])),
        ("post", "/api/orders", post_form(f"{url}/api/orders", {})),
        ("post", "/api/orders", post_form(f"{url}/api/orders", fields(email="schema-4@example.org"))),
        ("post", "/api/orders", post_json(f"{url}/api/orders", {"name": "a" * KIB_64})),
        ("post", "/api/payments/{gateway}", tell(shop, body)),
        ("post", "/api/payments/{gateway}", tell(shop, body, key="forged")),
        ("post", "/api/payments/{gateway}", tell(shop, b"{}")),
        ("post", "/api/payments/{gateway}", tell(shop, body, gateway="none")),
        ("get", "/api/orders/{id}", ask(placed.json()["status_url"])),
        ("get", "/api/orders/{id}", ask(f"{url}/api/orders/{order}?key=wrong")),
        ("post", "/api/orders/{id}/payment", post_json(again, {})),
        ("post", "/api/orders/{id}/payment", post_form(again, {})),
        ("post", "/api/orders/{id}/payment", post_json(f"{url}/api/orders/{order}/payment?key=wrong", {})),
        ("get", "/access/{token}", ask(link)),
        ("get", "/access/{token}", ask(f"{url}/access/unknown.token", headers=JSON)),
        ("post", "/api/access/resend", post_json(f"{url}/api/access/resend", {"email": "x@example.org"})),
        ("post", "/api/access/resend", post_form(f"{url}/api/access/resend", {"email": "x@example.org"})),
        ("post", "/api/access/resend", post_json(f"{url}/api/access/resend", [])),
        ("post", "/api/withdrawals", post_json(f"{url}/api/withdrawals", STATED)),
        ("post", "/api/withdrawals", post_form(f"{url}/api/withdrawals", STATED)),
        ("post", "/api/withdrawals", post_json(f"{url}/api/withdrawals", STATED | {"confirm": "yes"})),
        ("post", "/api/withdrawals", post_form(f"{url}/api/withdrawals", STATED | {"confirm": "yes"})),
        ("post", "/api/withdrawals", post_json(f"{url}/api/withdrawals", {})),
        ("post", "/api/withdrawals", post_form(f"{url}/api/withdrawals", {})),
        ("get", "/healthz", ask(f"{url}/healthz")),
        ("get", "/api/openapi.json", ask(f"{url}/api/openapi.json")),
    ]
    assert [] == [wrong for each in seen for wrong in strays(document, *each)]


def strays(document: dict, method: str, path: str, answer: Reply) -> list[str]:
    """Return how an answer differs from what the document says."""
    where = f"{method} {path} {answer.status}"
    described = document["paths"][path][method]["responses"].get(str(answer.status))
    if described is None:
        return [f"{where} is not described"]
    kind = answer.headers.get("content-type", "").partition(";")[0]
    contents = described.get("content", {})
    if "*/*" in contents:
        return []
    if kind and answer.body and kind not in contents:
        return [f"{where} is {kind}, described are {sorted(contents)}"]
    schema = contents.get(kind, {}).get("schema")
    if not schema or "json" not in kind:
        return []
    validator = Draft202012Validator({**schema, "components": document["components"]})
    return [f"{where}: {each.message}" for each in validator.iter_errors(json.loads(answer.body))]


def test_orders_that_the_document_allows_are_taken_and_others_are_not(document: dict, shop: Shop) -> None:
    """The schema of an order agrees with the parser, on good and on bad content."""
    schema = {**document["components"]["schemas"]["Order"], "components": document["components"]}
    validator = Draft202012Validator(schema)
    good: list[dict] = [
        fields(email="doc@example.org"),
        fields(email="doc-2@example.org") | {"consent_marketing": True},
    ]
    bad: list[dict] = [
        {},
        fields() | {"name": 5},
        fields() | {"consent_terms": "maybe"},
        fields() | {"name": None},
    ]
    told = [
        (validator.is_valid(each), post_json(f"{shop.url}/api/orders", each).status) for each in (*good, *bad)
    ]
    assert [(True, 201)] * len(good) + [(False, 422)] * len(bad) == told
