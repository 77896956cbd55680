"""The signature of PayU's notifications: the hash of the raw bytes with our second key behind them.

PayU signs them with MD5 unless the account was changed, so MD5 is taken as long as the settings allow it:
to profit from its weakness a forger would have to choose, and see signed, what goes from PayU to our server alone.
Source: https://github.com/PayU-EMEA/openpayu_php (lib/OpenPayU/Util.php).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import md5, sha256, sha384, sha512
from typing import Protocol

from kramik.errors import ConfigurationError, NotAuthentic, Problem
from kramik.payment import Acknowledgement, RawNotification, same

HEADERS = ("openpayu-signature", "x-openpayu-signature")

ACCEPTED = Acknowledgement(body=b"")
"""The answer to everything authentic: an empty 200, for PayU asks for no text."""


class Hash(Protocol):
    """What a constructor of `hashlib` returns."""

    def hexdigest(self) -> str:
        """Return the hash in small hex letters."""
        ...


def _md5(message: bytes) -> Hash:
    return md5(message, usedforsecurity=False)  # the vendor's choice; the settings can refuse it


HASHES: Mapping[str, Callable[[bytes], Hash]] = {
    "MD5": _md5,
    "SHA-256": sha256,
    "SHA-384": sha384,
    "SHA-512": sha512,
}


class Signature:
    """What a notification must be signed with: the second key, and a hash that the settings allow."""

    def __init__(self, second_key: str, *, md5: bool) -> None:
        self._key = second_key.encode()
        self._hashes = {name: made for name, made in HASHES.items() if md5 or name != "MD5"}

    def check(self, raw: RawNotification) -> None:
        """Verify the header of a notification.

        Raises:
            NotAuthentic: PayU did not sign this; nothing may be stored.
        """
        name, given = _given(raw.headers)
        made = self._hashes.get(name)
        if made is None:
            raise NotAuthentic(f"the header must name one of {', '.join(self._hashes)}")
        expected = made(raw.body + self._key).hexdigest()
        if not same(expected.encode(), given.encode("utf-8", "replace")):
            raise NotAuthentic("the signature does not fit the body")


def hold(**keys: str) -> None:
    """Refuse empty keys.

    Raises:
        ConfigurationError: the empty ones.
    """
    message = "is empty; an empty key signs for everybody"
    problems = [
        Problem(field=name, code="empty_key", message=message)
        for name, key in keys.items()
        if not key.strip()
    ]
    if problems:
        raise ConfigurationError(*problems)


def _given(headers: Mapping[str, str]) -> tuple[str, str]:
    """Return the algorithm and the signature of a notification's header."""
    text = next((headers[name] for name in HEADERS if name in headers), "")
    pairs = [part.partition("=") for part in text.split(";")]
    fields = {name.strip(): value for name, _, value in pairs}
    if len(fields) != len(pairs) or not {"signature", "algorithm"} <= set(fields):
        raise NotAuthentic(f"the header {HEADERS[0]} must hold one signature and its algorithm")
    return fields["algorithm"], fields["signature"]
