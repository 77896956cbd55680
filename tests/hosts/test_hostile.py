"""Requests that nobody honest sends: never a 5xx, never a stack trace, never a secret, and the next one is served."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from secrets import token_hex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.hosts.asking import FORM, JSON, Reply, answered, ask, connected, post_form, post_json, raw
from tests.hosts.served import PRODUCT, Shop, eventually, fields, query

TRACES = (b"Traceback", b'File "', b"kramik/", b"sqlite", b"site-packages")
BREAKS = (
    "\r\nSet-Cookie: a=b",
    "\nBcc: victim@example.org",
    "\r",
    "\x0b",
    "\x00",
    "\x85",
    "\u2028",
    "\x1b[31m",
)
TEMPLATES = (
    "{{ 76543*13579 }}",
    "${76543*13579}",
    "{% raw %}",
    "#{76543*13579}",
    "<%= 76543*13579 %>",
    "{link}",
    "%(order)s",
    "{0.__class__}",
)
COMPUTED = str(76543 * 13579)
"""What an evaluated template would say: no port, price or hash holds this by chance."""
HTML = {"accept": "text/html"}


def harmless(answer: Reply | None) -> bool:
    """Say whether this answer, if there is one, refuses without telling anything."""
    return answer is None or (
        answer.status < 500 and not any(trace in answer.body for trace in TRACES) and well_formed(answer)
    )


def well_formed(answer: Reply) -> bool:
    """Say whether no header smuggles in another."""
    return "set-cookie" not in answer.headers and not any(
        sign in value for value in answer.headers.values() for sign in "\r\n\0"
    )


def many(count: int) -> dict[str, str]:
    """Return so many fields."""
    return {f"f{number}": "1" for number in range(count)}


BODIES = {
    "nothing": b"",
    "not UTF-8": b"name=\xff\xfe",
    "not UTF-8, escaped": b"name=%ff%fe",
    "NUL": b"name=a%00b&email=a%00@example.org",
    "half a character": b"name=%f0%9f%98",
    "a lone surrogate": b"name=%ed%a0%80",
    "many fields": "&".join(f"f{number}=1" for number in range(8000)).encode(),
    "a doubled field": b"email=a@example.org&email=b@example.org",
    "a bad escape": b"name=%zz&email=%",
    "only signs": b"&&&===;;;",
    "JSON as a form": b'{"name": "x"}',
}
JSONS = {
    "nothing": b"",
    "a number": b"1",
    "null": b"null",
    "a list": b"[]",
    "a text": b'"order"',
    "half an object": b'{"name": "x"',
    "not UTF-8": b'{"name": "\xff"}',
    "a lone surrogate": b'{"name": "\\ud800", "email": "\\udfff@example.org"}',
    "a lone surrogate as name": b'{"\\ud800": "x"}',
    "NUL": b'{"name": "a\\u0000b"}',
    "deep lists": b'{"name": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "deep objects": b'{"a":' * 12_000 + b"1" + b"}" * 12_000,
    "many fields": json.dumps(many(5_000)).encode(),
    "wrong types": json.dumps(dict.fromkeys(fields(), 1)).encode(),
    "a huge number": b'{"name": 1' + b"0" * 60_000 + b"}",
    "NaN": b'{"name": NaN}',
    "a doubled name": b'{"email": "a@example.org", "email": "b@example.org"}',
    "UTF-16": '{"name": "x"}'.encode("utf-16"),
    "a BOM": b"\xef\xbb\xbf{}",
}


@pytest.mark.parametrize("path", ["/api/orders", "/api/access/resend", "/api/payments/sandbox"])
@pytest.mark.parametrize("name", BODIES)
def test_a_strange_form_is_refused_quietly(shop: Shop, path: str, name: str) -> None:
    """Below 500, without a trace."""
    answer = ask(shop.url + path, "POST", body=BODIES[name], headers=FORM | HTML)
    assert harmless(answer), answer


@pytest.mark.parametrize("path", ["/api/orders", "/api/access/resend", "/api/payments/sandbox"])
@pytest.mark.parametrize("name", JSONS)
def test_strange_json_is_refused_quietly(shop: Shop, path: str, name: str) -> None:
    """Below 500, without a trace, and the answer is not larger than what was sent by much."""
    headers = {"content-type": "application/json", **JSON}
    answer = ask(shop.url + path, "POST", body=JSONS[name], headers=headers)
    assert harmless(answer), answer
    assert len(answer.body) < len(JSONS[name]) + 8_000


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "application/xml",
        "",
        "a/b/c;;;",
        "é",
    ],
)
def test_a_wrong_kind_of_content_is_refused_quietly(shop: Shop, kind: str) -> None:
    """What is neither a form nor JSON places nothing."""
    body = b'--x\r\nContent-Disposition: form-data; name="product"\r\n\r\nx\r\n--x--\r\n'
    headers = {"content-type": kind.encode("latin-1").decode("latin-1"), **JSON}
    answer = ask(f"{shop.url}/api/orders", "POST", body=body, headers=headers)
    assert (422, True) == (answer.status, harmless(answer))


@settings(max_examples=150)
@given(body=st.binary(max_size=300), kind=st.sampled_from([FORM, {"content-type": "application/json"}]))
def test_any_bytes_are_refused_quietly(shop: Shop, body: bytes, kind: dict[str, str]) -> None:
    """Whatever hypothesis thinks of."""
    for path in ("/api/orders", "/api/access/resend", "/api/payments/sandbox"):
        assert harmless(ask(shop.url + path, "POST", body=body, headers=kind))


@settings(max_examples=150)
@given(
    values=st.dictionaries(
        st.sampled_from(
            sorted({*fields(), "street", "company", "tax_id", "source", "idempotency_key", "gateway"})
        ),
        st.text(max_size=60) | st.booleans() | st.integers() | st.none(),
    )
)
def test_any_values_are_placed_or_refused(shop: Shop, values: dict[str, object]) -> None:
    """Every text of Unicode in every field, as JSON: an order, a list of problems, or a used key."""
    body = json.dumps(fields() | values).encode()
    answer = ask(f"{shop.url}/api/orders", "POST", body=body, headers={"content-type": "application/json"})
    assert answer.status in (201, 409, 422), answer
    assert harmless(answer)


# Targets

TARGETS = (
    "/api/orders/%00",
    "/api/orders/%ff",
    "/api/orders/..%2f..%2fetc%2fpasswd",
    "/api/orders/%2e%2e",
    "/api/orders/x?key=%00&key=%ff",
    "/api/orders/x?" + "&".join("key=1" for _ in range(2000)),
    "/access/%0d%0aSet-Cookie:%20a=b",
    "/access/..%2f..%2f",
    "/access/" + "a" * 5000,
    "/api//orders",
    "//api/orders",
    "//evil.example/",
    "//evil.example/agregaty-w-praktyce",
    "/api/orders/",
    "/%2e%2e/%2e%2e/shop.toml",
    "/../shop.toml",
    "/..%2fkramik.sqlite",
    "/%2e%2e%2fkramik.sqlite",
    "/assets/../../kramik.sqlite",
    "/assets/..%5c..%5ckramik.sqlite",
    "/.env",
    "/..;/kramik.sqlite",
    "/a%00b",
    "/%c0%ae%c0%ae/kramik.sqlite",
    "/" + "a" * 5000,
    "/" + "a/" * 3000,
    "/%",
    "/%zz",
    "/\\evil.example",
    "http://evil.example/",
    "http://evil.example/agregaty-w-praktyce",
    "/?x=\x7f",
    "*",
)


@pytest.mark.parametrize("target", TARGETS, ids=range(len(TARGETS)))
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
def test_a_strange_target_leads_nowhere(shop: Shop, target: str, method: str) -> None:
    """No file from outside of the site, no redirect to another host, no 5xx."""
    request = (
        f"{method} {target} HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
    answer = raw(shop.url, request.encode("latin-1"))
    assert harmless(answer), answer
    if answer is not None:
        assert b"KRAMIK_SECRET" not in answer.body
        assert b"SQLite format" not in answer.body
        assert leads_home(answer.headers.get("location", "/")), answer


def leads_home(location: str) -> bool:
    """Say whether a browser stays on this host."""
    return location.startswith("/") and not location.startswith(("//", "/\\"))


def test_a_folder_without_its_slash_leads_to_it_whatever_host_was_named(shop: Shop) -> None:
    """The Host header, which a cache may share, is not repeated."""
    answer = raw(shop.url, b"GET /agregaty-w-praktyce HTTP/1.1\r\nHost: evil.example\r\n\r\n")
    assert answer is not None
    assert (307, "/agregaty-w-praktyce/") == (answer.status, answer.headers["location"])


def test_no_form_leads_a_buyer_elsewhere(shop: Shop) -> None:
    """A value that looks like an address changes neither redirect."""
    for name in ("bookmark", "source", "next", "done", "return_to", "notify"):
        form = fields(email=f"lead-{name}@example.org") | {name: "https://evil.example/"}
        location = post_form(f"{shop.url}/api/orders", form).headers["location"]
        assert location.startswith((f"{shop.world.url}/gateway/pay?", f"{shop.url}/thanks/")), location
        assert "evil.example" not in location


# Heads

_ORDER = b"POST /api/orders HTTP/1.1\r\nHost: x\r\n"
HEADS = {
    "no host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "a huge header": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Huge: " + b"a" * 1_000_000 + b"\r\n\r\n",
    "many headers": b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"X-Many: a\r\n" * 50_000 + b"\r\n",
    "an endless target": b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "both lengths": _ORDER + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "no length": b"POST /api/orders HTTP/1.1\r\nHost: x\r\n\r\n",
    "a negative length": b"POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "a huge length": b"POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
    "a length of another script": "POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Length: ٣\r\n\r\nabc".encode(),
    "HTTP/0.9": b"GET /\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 100,
    "an unknown method": b"BREW /api/orders HTTP/1.1\r\nHost: x\r\n\r\n",
    "an upgrade": b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    "an expectation": b"POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nExpect: 200-ok\r\n\r\n",
    "a folded header": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: b\r\n c\r\n\r\n",
    "a header that is not ASCII": b"GET /healthz HTTP/1.1\r\nHost: x\r\nOrigin: \xff\xfe\r\nAccept: \xe9\r\n\r\n",
    "an odd signature": b"POST /api/payments/sandbox HTTP/1.1\r\nX-Sandbox-Signature: \xff\r\n\r\n",
}


@pytest.mark.parametrize("name", HEADS)
def test_a_strange_head_is_refused_quietly(shop: Shop, name: str) -> None:
    """An answer below 500 or none; the shop goes on."""
    assert harmless(raw(shop.url, HEADS[name]))
    assert 200 == ask(f"{shop.url}/healthz").status


def test_a_head_over_the_limit_is_cut_off_before_it_ends(shop: Shop) -> None:
    """Nobody fills the memory with one header: the line is closed while it is still being sent."""
    with connected(shop.url) as line:
        line.sendall(b"GET / HTTP/1.1\r\nX-Endless: ")
        sent = sum(1 for _ in sending(line))
    assert sent * 65536 < 32 * 1024 * 1024


def sending(line: socket.socket) -> Iterator[None]:
    """Send one piece after the other until the other side has enough."""
    with suppress(ConnectionError):
        for _ in range(2_000):
            line.sendall(b"a" * 65536)
            yield


# What a buyer typed


@pytest.mark.parametrize("sign", BREAKS, ids=ascii)
@pytest.mark.parametrize("name", sorted({*fields(), "company", "idempotency_key", "button"}))
def test_a_line_break_in_a_field_gets_into_no_header(shop: Shop, name: str, sign: str) -> None:
    """Neither of the answer nor of a mail: it is refused, or it stands at an end and is cut off."""
    value = fields().get(name, "x") + sign + "tail"
    answer = post_form(f"{shop.url}/api/orders", fields(email="break@example.org") | {name: value})
    assert (422, True) == (answer.status, harmless(answer))


@pytest.mark.parametrize("sign", BREAKS, ids=ascii)
def test_a_line_break_in_the_note_of_a_link_is_taken_out(shop: Shop, sign: str) -> None:
    """No buyer is kept from ordering by a link that somebody else wrote, and nothing of it gets into a header."""
    key = token_hex(16)
    answer = post_form(f"{shop.url}/api/orders", fields(source=f"news{sign}letter", idempotency_key=key))
    kept = shop.place(key, source=f"news{''.join(filter(str.isprintable, sign))}letter")
    assert (303, True) == (answer.status, harmless(answer))
    assert (201, query(answer.headers["location"])["order"]) == (kept.status, kept.json()["order"])


def test_a_key_with_a_control_character_is_refused(shop: Shop) -> None:
    """The header is held to the same rule as the field."""
    request = b"POST /api/orders HTTP/1.1\r\nHost: x\r\nIdempotency-Key: a\x85b\r\nContent-Type: application/json\r\n"
    body = json.dumps(fields()).encode()
    answer = raw(shop.url, request + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    assert answer is not None
    assert 422 == answer.status


@pytest.mark.parametrize("text", TEMPLATES)
def test_a_template_in_a_field_is_a_text(shop: Shop, text: str) -> None:
    """It is shown as it was typed, on the page and in the mail."""
    page = post_form(f"{shop.url}/api/orders", {"product": PRODUCT, "name": text})
    escaped = text.replace("<", "&lt;").replace(">", "&gt;")
    assert escaped in page.text
    assert COMPUTED not in page.text
    email = f"template-{abs(hash(text))}@example.org"
    shop.bought(email=email, name=text)
    found = eventually(lambda: json.loads(ask(f"{shop.world.url}/mail/messages.json?to={email}").body))
    assert text in found[0]["text"]
    assert COMPUTED not in found[0]["text"]


def test_markup_in_a_name_is_shown_as_text(shop: Shop) -> None:
    """No element of ours comes from a buyer."""
    for text in ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "'><svg/onload=alert(1)>"):
        page = post_form(f"{shop.url}/api/orders", {"product": PRODUCT, "name": text, "source": text})
        assert text not in page.text
        assert "<img src=x" not in page.text


def test_a_slow_request_is_cut_off(shop: Shop) -> None:
    """Whoever sends a byte now and then does not keep a line: see `test_patience.py` for how long."""
    with connected(shop.url) as line:
        line.sendall(b"POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n")
        begun = time.monotonic()
        assert 200 == ask(f"{shop.url}/healthz").status
        line.sendall(b"a=b&c")
        assert (422, True) == (getattr(answered(line), "status", None), time.monotonic() - begun < 10)


def test_ten_thousand_fields_are_too_many(shop: Shop) -> None:
    """One problem, not ten thousand."""
    body = json.dumps(dict.fromkeys(map(str, range(5_000)), 1)).encode()
    answer = ask(f"{shop.url}/api/orders", "POST", body=body, headers={"content-type": "application/json"})
    assert [("", "too_many")] == [(each["field"], each["code"]) for each in answer.json()["errors"]]


def test_after_all_of_this_the_shop_sells(shop: Shop) -> None:
    """Whoever is honest is served."""
    assert 201 == post_json(f"{shop.url}/api/orders", fields(email="honest@example.org")).status
