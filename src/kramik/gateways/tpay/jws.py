"""The signature of a notification: a JWS whose payload, the raw body, is not in it (RFC 7515, appendix F).

RS256 and nothing else, whatever the header names. The address of the certificate must be the one that we expect,
letter by letter, and the certificate must be issued by one that we pinned; its dates are looked at where it is fetched.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from kramik.errors import NotAuthentic

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

SHORTEST_KEY = 2048

_DETACHED = re.compile(r"([A-Za-z0-9_-]{1,2048})\.\.([A-Za-z0-9_-]{1,2048})")


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What we read of the header of a JWS; `crit` and `b64` would change what is signed."""

    alg: str
    x5u: str
    crit: object = None
    b64: object = None


class Jws:
    """What a notification must be signed with."""

    def __init__(self, address: str, *, certificates: Callable[[str], bytes], root: bytes) -> None:
        self._address, self._certificates, self._root = address, certificates, root

    def check(self, given: str, body: bytes) -> None:
        """Verify the header `X-JWS-Signature` of a body.

        Raises:
            NotAuthentic: it does not fit, or is not what we accept.
            Transient: there is no certificate yet.
        """
        match = _DETACHED.fullmatch(given)
        if match is None:
            raise NotAuthentic("the JWS must be a header, two points and a signature")
        head, signature = match[1], _decoded(match[2])
        _hold(head, self._address)
        verify = _verifier(self._certificates(self._address), self._root)
        verify(signature, b"%b.%b" % (head.encode(), urlsafe_b64encode(body).rstrip(b"=")))


@lru_cache(maxsize=16)
def _hold(head: str, address: str) -> None:
    """Refuse a header that is not ours; every honest notification has the same one."""
    try:
        read = msgspec.json.decode(_decoded(head), type=Head)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise NotAuthentic("the header of the JWS can not be read") from None
    if read.alg != "RS256" or read.crit is not None or read.b64 is not None:
        raise NotAuthentic("the JWS must be made with RS256 and nothing special")
    if read.x5u != address:
        raise NotAuthentic("the JWS names a certificate at another address")


def _encoded(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    """Decode base64url; of the spellings that decode to the same bytes only the right one is accepted."""
    try:
        content = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        content = b""
    if _encoded(content) != text:
        raise NotAuthentic("the JWS is not base64url")
    return content


@lru_cache(maxsize=4)
def _verifier(certificate: bytes, root: bytes) -> Callable[[bytes, bytes], None]:
    """Return what verifies a signature over bytes by a certificate, which is checked once."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - only shops with Tpay load it
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415 - as above

    key, padding, algorithm = _key(certificate, root), PKCS1v15(), SHA256()

    def verify(signature: bytes, signed: bytes) -> None:
        try:
            key.verify(signature, signed, padding, algorithm)
        except InvalidSignature:
            raise NotAuthentic("the JWS does not fit the body") from None

    return verify


def _key(certificate: bytes, root: bytes) -> RSAPublicKey:
    """Return the key of a certificate that one of the pinned ones issued."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - only shops with Tpay load it
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey  # noqa: PLC0415 - as above
    from cryptography.x509 import load_pem_x509_certificate, load_pem_x509_certificates  # noqa: PLC0415 - as above

    try:
        signer = load_pem_x509_certificate(certificate)
        key = signer.public_key()
        for issuer in load_pem_x509_certificates(root):
            if signer.issuer == issuer.subject:
                signer.verify_directly_issued_by(issuer)
                if isinstance(key, RSAPublicKey) and key.key_size >= SHORTEST_KEY:
                    return key
    except (ValueError, TypeError, InvalidSignature):
        pass
    raise NotAuthentic("the certificate of the JWS was not issued by a pinned one")
