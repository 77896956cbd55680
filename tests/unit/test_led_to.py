"""Where a vendor's answer may send a buyer."""

from __future__ import annotations

import pytest

from kramik.errors import NeedsOperator
from kramik.gateways import led_to

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
