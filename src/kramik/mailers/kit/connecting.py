"""The one time that a person connects the shop to Kit: the address to open, and what the browser brings back.

With a client secret this is the plain code flow, without one it has a proof key (PKCE, S256).
Source: developers.kit.com/api-reference, the two pages on OAuth flows.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import sha256
from secrets import token_urlsafe
from urllib.parse import parse_qs, urlencode, urlsplit

from kramik.errors import Problem, Rejected
from kramik.mailers.kit.grant import Grant
from kramik.mailers.kit.settings import Settings
from kramik.payment import same
from kramik.ports import Connection


def connection(settings: Settings, grant: Grant, redirect: str) -> Connection:
    """Begin a connection that comes back to this address."""
    state = token_urlsafe(16)
    verifier = "" if settings.client_secret else token_urlsafe(48)
    query = {
        "client_id": settings.client_id,
        "response_type": "code",
        "redirect_uri": redirect,
        "state": state,
    }
    if verifier:
        challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")
        query |= {"code_challenge": challenge, "code_challenge_method": "S256"}

    def finish(arrived: str) -> None:
        grant.connect(_code(arrived, state), redirect, verifier)

    url = f"{settings.base_url.rstrip('/')}{settings.authorize_path}?{urlencode(query)}"
    return Connection(url=url, finish=finish)


def _code(arrived: str, state: str) -> str:
    """Read the code from the address at which the browser arrived."""
    found = {name: each[-1] for name, each in parse_qs(urlsplit(arrived.strip()).query).items()}
    if not same(found.get("state", "").encode(), state.encode()):
        raise _wrong(
            "is not the one of this connection; paste the whole address at which the browser arrived"
        )
    if not found.get("code"):
        raise _wrong(
            f"brings no code ({found.get('error', 'and says not why')[:40]}); begin again and allow it"
        )
    return found["code"]


def _wrong(why: str) -> Rejected:
    return Rejected(Problem(field="address", code="not_connected", message=f"the address {why}"))
