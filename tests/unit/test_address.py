"""Addresses of the site and the API, as browsers compare them."""

from __future__ import annotations

import pytest

from kramik.address import normal


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("https://kurs.example", "https://kurs.example"),
        ("https://kurs.example/", "https://kurs.example"),
        ("HTTPS://Kurs.Example/Sklep/", "https://kurs.example/Sklep"),
        ("https://żółw.example", "https://xn--w-uga1v8h.example"),
        ("https://ŻÓŁW.example:8443/", "https://xn--w-uga1v8h.example:8443"),
        ("https://straße.example", "https://xn--strae-oqa.example"),
        ("https://kurs.example:443", "https://kurs.example"),
        ("http://127.0.0.1:80/a", "http://127.0.0.1/a"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_an_address_as_browsers_compare_it(written: str, compared: str) -> None:
    """What `Origin` says and what a policy names is equal to it; a second look changes nothing."""
    assert (compared, compared) == (normal(written), normal(compared))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "kurs.example",
        "ftp://kurs.example",
        "https://",
        "https://kurs.example/?a=1",
        "https://kurs.example/#a",
        "https://hanna:key@kurs.example",
        "https://kurs.example:port",
        "https://kurs.example:99999",
        "https://[::1",
        "https://kurs\N{ZERO WIDTH SPACE}.example",
        "https://-ż-.example",
    ],
)
def test_what_is_no_address(text: str) -> None:
    """It is refused, and never half read."""
    with pytest.raises(ValueError, match=r"\A"):
        normal(text)
