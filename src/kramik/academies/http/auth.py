"""How we show an academy who we are: with a header, with a password, with a token of theirs or with one of ours."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Mapping
from threading import Lock
from typing import Literal, Protocol

import msgspec

from kramik import jwt
from kramik.academies.http.reading import Reading
from kramik.academies.http.template import Template, Values
from kramik.errors import NeedsOperator, OutcomeUnknown, Problem, Transient
from kramik.http import Budget, Client

EARLY = 30.0
"""Seconds before its end at which a token is not used any more."""

USUAL = 600.0
"""Seconds that a token is used for when nobody says how long it lasts."""

DOING = "asking for a token"


class Written(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `auth`; which keys count depends on `kind`."""

    kind: Literal["header", "basic", "oauth2", "jwt"]
    name: str = "Authorization"
    value: str = ""
    user: str = ""
    password: str = ""
    token_path: str = ""
    client_id: str = ""
    client_secret: str = ""
    scope: str = ""
    headers: dict[str, str] = {}
    key: str = ""
    encoding: Literal["text", "hex"] = "text"
    kid: str = ""
    prefix: str = "Bearer "
    seconds: float = 300.0
    claims: dict[str, str] = {}


class Auth(Protocol):
    """A way to show who we are."""

    def headers(self, client: Client, values: Values, budget: Budget) -> Mapping[str, str]:
        """Return the headers of one request.

        Raises:
            Transient: there is no token now.
            Rejected: there is none with these settings.
        """
        ...

    def forget(self) -> bool:
        """Forget a token that was refused; say whether another one can be had."""
        ...


class Fixed:
    """A header that is always the same."""

    def __init__(self, name: str, value: Template) -> None:
        self._name, self._value = name, value

    def headers(self, client: Client, values: Values, budget: Budget) -> Mapping[str, str]:  # noqa: ARG002 - needs none
        """Return it."""
        return {self._name: self._value.text(values)}

    def forget(self) -> bool:
        """There is no other."""
        return False


class Basic:
    """A user name and a password."""

    def __init__(self, user: Template, password: Template) -> None:
        self._user, self._password = user, password

    def headers(self, client: Client, values: Values, budget: Budget) -> Mapping[str, str]:  # noqa: ARG002 - needs none
        """Return both in one header."""
        pair = f"{self._user.text(values)}:{self._password.text(values)}".encode()
        return {"Authorization": f"Basic {b64encode(pair).decode()}"}

    def forget(self) -> bool:
        """There is no other."""
        return False


class Token(msgspec.Struct, frozen=True):
    """A token; `expires_in` in seconds."""

    access_token: str
    expires_in: float = USUAL


class Wrapped(msgspec.Struct, frozen=True):
    """How LearnWorlds answers: the token one level deeper, beside a list of errors."""

    tokenData: Token  # noqa: N815 - the vendor's spelling


class OAuth2:
    """A token for our client id and secret, kept until shortly before it ends; one thread at a time asks for it."""

    def __init__(self, path: str, form: Mapping[str, Template], headers: Mapping[str, Template]) -> None:
        self._path, self._form, self._headers = path, form, headers
        self._lock, self._token, self._until = Lock(), "", 0.0

    def headers(self, client: Client, values: Values, budget: Budget) -> Mapping[str, str]:
        """Return the token, a new one if need be; nothing has happened yet when that fails."""
        with self._lock:
            if not self._token or time.monotonic() >= self._until:
                self._ask(client, values, budget)
            return {"Authorization": f"Bearer {self._token}"}

    def forget(self) -> bool:
        """Forget the token."""
        with self._lock:
            had, self._token = bool(self._token), ""
        return had

    def _ask(self, client: Client, values: Values, budget: Budget) -> None:
        form = {
            "grant_type": "client_credentials",
            **{key: each.text(values) for key, each in self._form.items()},
        }
        try:
            headers = {key: each.text(values) for key, each in self._headers.items()}
            answer = client.send("POST", self._path, doing=DOING, form=form, headers=headers, budget=budget)
            granted = answer.json(Wrapped).tokenData if b'"tokenData"' in answer.body else answer.json(Token)
        except OutcomeUnknown as error:
            raise Transient(str(error)) from None
        self._token, self._until = granted.access_token, time.monotonic() + granted.expires_in - EARLY


class Signed:
    """A token of ours, made for each request."""

    def __init__(
        self, written: Written, parts: Mapping[str, Template], claims: Mapping[str, Template]
    ) -> None:
        self._written, self._parts, self._claims = written, parts, claims

    def headers(self, client: Client, values: Values, budget: Budget) -> Mapping[str, str]:  # noqa: ARG002 - needs none
        """Return a token that is good for a few minutes."""
        text = {key: each.text(values) for key, each in self._parts.items()}
        claims = {key: each.text(values) for key, each in self._claims.items()}
        key = _key(text["key"], self._written.encoding)
        token = jwt.made(key, claims, now=time.time(), lasts=self._written.seconds, kid=text["kid"])
        return {self._written.name: f"{self._written.prefix}{token}"}

    def forget(self) -> bool:
        """Another one would be refused as well."""
        return False


class Nobody:
    """An academy that does not ask who we are, or is told in the headers of each step."""

    def headers(self, client: Client, values: Values, budget: Budget) -> Mapping[str, str]:  # noqa: ARG002 - needs none
        """Return none."""
        return {}

    def forget(self) -> bool:
        """There is none."""
        return False


NEEDS = {
    "header": ("value",),
    "basic": ("user", "password"),
    "oauth2": ("token_path", "client_id", "client_secret"),
    "jwt": ("key",),
}


def read(raw: Mapping[str, object] | None, reading: Reading) -> Auth:
    """Read the table `auth`; its problems go into the reading."""
    if not raw:
        return Nobody()
    try:
        written = msgspec.convert(raw, Written)
    except msgspec.ValidationError as error:
        reading.problems.append(
            Problem(field="auth", code="wrong_recipe", message=f"(auth) is wrong: {error}")
        )
        return Nobody()
    for key in NEEDS[written.kind]:
        if not getattr(written, key):
            message = f'(auth.{key}) is missing; kind = "{written.kind}" needs it'
            reading.problems.append(Problem(field="auth", code="wrong_recipe", message=message))

    def text(key: str) -> Template:
        return reading.text(f"auth.{key}", getattr(written, key), secret=True)

    match written.kind:
        case "header":
            return Fixed(written.name, text("value"))
        case "basic":
            return Basic(text("user"), text("password"))
        case "oauth2":
            keys = ("client_id", "client_secret", *(("scope",) if written.scope else ()))
            headers = reading.texts("auth.headers", written.headers, frozenset())
            return OAuth2(written.token_path, {key: text(key) for key in keys}, headers)
        case "jwt":
            claims = reading.texts("auth.claims", written.claims, frozenset())
            return Signed(written, {"key": text("key"), "kid": text("kid")}, claims)


def _key(text: str, encoding: str) -> bytes:
    if encoding == "text":
        return text.encode()
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise NeedsOperator("the key of the token is not hexadecimal; copy it again") from None
