"""What is done by hand because it is on the way of every order must do what the library would have done."""

from __future__ import annotations

from urllib.parse import urlencode

from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given
from hypothesis import strategies as st

from kramik.form import read_email
from kramik.payment import encoded

LOCAL = st.text(alphabet="abcXYZ019._+-@\"' ()ąß", max_size=70) | st.from_regex(
    r"[a-z0-9.+_-]{1,66}", fullmatch=True
)
DOMAIN = st.sampled_from(
    [
        "gmail.com",
        "GMAIL.com",
        "żak.pl",
        "localhost",
        "x.local",
        "[127.0.0.1]",
        f"{'y' * 60}.{'z' * 60}.pl",
        "-a.pl",
        "",
    ]
)


@example({"a b": "".join(map(chr, range(0x180)))})
@given(st.dictionaries(st.text(), st.text()))
def test_fields_are_encoded_as_the_standard_library_encodes_them(fields: dict[str, str]) -> None:
    """`encoded` writes what `urlencode` writes, for every text."""
    assert encoded(fields) == urlencode(fields)


@example("postmaster", "GMAIL.com")
@example("POSTMASTER", "gmail.com")
@example("a..b", "gmail.com")
@given(LOCAL, DOMAIN)
def test_an_address_is_kept_as_the_validator_keeps_it(local: str, domain: str) -> None:
    """The short look at a plain address finds what the long one finds."""
    address = f"{local}@{domain}".strip()
    assert read_email(address) == _validated(address)


def _validated(address: str) -> str:
    try:
        return validate_email(address, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError:
        return ""
