"""What adapters of gateways share: where a vendor's answer may send a buyer, and asking about several payments."""

from __future__ import annotations

import pytest

from kramik.errors import NeedsOperator, Transient
from kramik.event import PaymentEvent
from kramik.gateways import ask_each, led_to
from tests.story.example import paid

PAY = "https://pay.acme.example/whatever"


@pytest.mark.parametrize("path", ["/", "/a?b=c#d", "/%C5%BC", "//x", "/?u=https://other.example/"])
def test_pay_page(path: str) -> None:
    """An address at the origin of `pay_url` is taken as it is."""
    assert f"https://pay.acme.example{path}" == led_to(f"https://pay.acme.example{path}", PAY, vendor="acme")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/pay",
        "//pay.acme.example/",
        "http://pay.acme.example/",
        "https://pay.acme.example",
        "https://pay.acme.example.evil.example/",
        "https://pay.acme.example@evil.example/",
        "https://pay.acme.example:8443/",
        "https://pay.acme.example\\@evil.example/",
        "https://pay.acme.example?/",
        "https://evil.example/https://pay.acme.example/",
        "HTTPS://pay.acme.example/",
        " https://pay.acme.example/",
        "https://pay.acme.example/\r\nset-cookie: a=b",
        "https://pay.acme.example/ą",
        "https://pay.acme.example/a b",
        "javascript:alert(1)//https://pay.acme.example/",
    ],
)
def test_elsewhere(url: str) -> None:
    """Anything else is not shown to a buyer, and the error does not repeat it."""
    with pytest.raises(NeedsOperator, match="check pay_url") as caught:
        led_to(url, PAY, vendor="acme")
    assert "evil" not in str(caught.value)


def asked(name: str) -> PaymentEvent | None:
    """Answer a question about a payment, by its name."""
    if "down" in name:
        raise Transient(name)
    return paid(reference=name) if "paid" in name else None


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ([], []),
        (["open"], []),
        (["paid-1", "open", "paid-2"], ["paid-1", "paid-2"]),
        (["down-1", "paid-2"], ["paid-2"]),
        (["paid-1", "down-2"], ["paid-1"]),
    ],
)
def test_what_was_found_counts(names: list[str], found: list[str]) -> None:
    """A question that failed hides nothing that another one found."""
    assert found == [event.reference for event in ask_each(names, asked)]


@pytest.mark.parametrize("names", [["down-1"], ["down-0", "open", "down-1"], ["down-1", "open"]])
def test_nothing_found_and_a_question_failed(names: list[str]) -> None:
    """Where nothing was found, a question that failed is told, so that the order is asked about again."""
    with pytest.raises(Transient, match="down-1"):
        ask_each(names, asked)
