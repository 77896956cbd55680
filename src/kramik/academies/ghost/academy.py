"""Ghost: the buyer becomes a member with the course's label, and a tier where one opens it; each click signs in anew.

Our token is a JWT of five minutes. A sign-in link lives a day, ten minutes after its first use and seven uses at most,
so none is ever mailed: a click on our access link gets a fresh one, and older ones stay good.
Source: answers of a real Ghost 6.65.0 (`tests/vectors/ghost.json`); TryGhost/Ghost core/server/services/members.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from threading import Lock
from urllib.parse import quote, urlsplit

import msgspec

from kramik import jwt
from kramik.academies import PATIENCE, Features
from kramik.academies.ghost.wire import Member, Members, SigninUrls, Tiers, kept
from kramik.catalogue import Product
from kramik.errors import ConfigurationError, NeedsOperator, OutcomeUnknown, Problem, Rejected
from kramik.http import Answer, Budget, Client
from kramik.order import Order
from kramik.ports import Delivery, Effect
from kramik.table import Secret

FEATURES = Features(title="Ghost", repeat=("set",), link="hours", revokes=True, live=True)

API = "/ghost/api/admin"
VERSION = "v6.0"
LASTS = 300.0
"""Seconds: the longest life of a token that Ghost takes."""

CROWD = 64
"""Locks that the buyers share: changes of one member by this process follow one another."""

UNPROCESSABLE = 422


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[academy]`; the tables are by the `course` of a product, `tiers` holds ids, `pages` paths."""

    url: str
    admin_key: Secret
    tiers: dict[str, str] = {}
    labels: dict[str, str] = {}
    pages: dict[str, str] = {}
    base_url: str = ""


class GhostAcademy:
    """One Ghost site; an effect lasts at most `call_seconds`."""

    def __init__(self, settings: Settings, *, call_seconds: float) -> None:
        self._settings, self._url = settings, settings.url.rstrip("/")
        self._kid, self._key = _key(settings.admin_key)
        self._call_seconds = call_seconds
        self._locks = [Lock() for _ in range(CROWD)]
        self._client = Client(
            settings.base_url or self._url,
            name="Ghost",
            call_seconds=call_seconds,
            secrets=(settings.admin_key, *settings.admin_key.split(":")),
        )

    def __repr__(self) -> str:
        return f"GhostAcademy({self._url!r})"

    @property
    def invitation(self) -> Effect:
        """Make the buyer a member with the course's label and tier; the receipt is the address of the course.

        Repeat-safety: set. An address has one member (a second one is refused with 422), and a label is there or not.
        """
        return Effect(repeat="set", do=self._invite)

    @property
    def revocation(self) -> Effect:
        """Take the label and the tier of this course from the member, who stays; repeat-safety: set."""
        return Effect(repeat="set", do=self._revoke)

    def link(self, order: Order) -> str:
        """Return a new link that signs in and leads to the course; repeat-safety: set, older ones stay good."""
        budget = Budget(min(self._call_seconds, PATIENCE))
        member = self._admitted(order, budget)
        path = f"{API}/members/{quote(member.id, safe='')}/signin_urls/"
        answer = self._send("GET", path, doing="getting a sign-in link", budget=budget)
        links = answer.json(SigninUrls).member_signin_urls
        if not links or urlsplit(links[0].url)[:2] != urlsplit(self._url)[:2]:
            raise NeedsOperator(
                f"Ghost: its sign-in link does not lead to {self._url}; check `url` in shop.toml"
            )
        return f"{links[0].url}&r={quote(self._page(order), safe='')}"

    def problems(self, products: Sequence[Product], *, create: bool) -> Sequence[Problem]:  # noqa: ARG002 - makes nothing
        """Return what does not fit: the key, tiers that are not there, and courses that no product has."""
        try:
            found = self._send(
                "GET",
                f"{API}/tiers/",
                doing="listing tiers",
                query={"limit": "100"},
                budget=Budget(self._call_seconds),
            )
        except (Rejected, NeedsOperator) as error:
            return [Problem(field="admin_key", code="refused", message=f"does not fit: {error}")]
        known = {tier.id for tier in found.json(Tiers).tiers}
        return [*_absent(self._settings.tiers, known), *self._strangers({each.course for each in products})]

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _strangers(self, courses: set[str]) -> Iterator[Problem]:
        tables = {
            "tiers": self._settings.tiers,
            "pages": self._settings.pages,
            "labels": self._settings.labels,
        }
        for key, table in tables.items():
            for course in sorted(table.keys() - courses):
                message = f"names {course!r}, which is the course of no product"
                yield Problem(field=key, code="unknown_course", message=message)

    def _invite(self, delivery: Delivery) -> str:
        self._admitted(delivery.order, Budget(self._call_seconds))
        return self._page(delivery.order)

    def _admitted(self, order: Order, budget: Budget) -> Member:
        """Return the member with this course, made or changed if need be."""
        with self._lock(order):
            member = self._find(order, budget) or self._make(order, budget)
            if member is None:
                member = self._find(order, budget)
            if member is None:
                raise OutcomeUnknown("Ghost: it says that there is such a member and finds none")
            missing = self._changes(order, member)
            return self._change(member, missing, budget, doing="granting access") if missing else member

    def _make(self, order: Order, budget: Budget) -> Member | None:
        """Make a member; None when there is one already."""
        buyer = order.intent.buyer
        wanted: dict[str, object] = {
            "email": buyer.email.lower(),
            "name": buyer.name,
            "note": f"order {order.id}",
            "labels": [{"name": self._label(order)}],
        }
        if "marketing" not in {consent.id for consent in order.intent.consents}:
            wanted["newsletters"] = []
        if tier := self._tier(order):
            wanted["tiers"] = [tier]
        answer = self._send(
            "POST",
            f"{API}/members/",
            doing="granting access",
            json={"members": [wanted]},
            answers=(UNPROCESSABLE,),
            budget=budget,
        )
        if answer.status == UNPROCESSABLE:
            if b"already exists" in answer.body:
                return None
            raise self._client.decision(answer)
        return _one(answer)

    def _find(self, order: Order, budget: Budget) -> Member | None:
        email = order.intent.buyer.email.lower().replace("\\", "\\\\").replace("'", "\\'")
        query = {"filter": f"email:'{email}'", "limit": "1"}
        path = f"{API}/members/"
        found = self._send("GET", path, doing="looking for the member", query=query, budget=budget).json(
            Members
        )
        return found.members[0] if found.members else None

    def _changes(self, order: Order, member: Member) -> dict[str, object]:
        """Return what the member lacks; lists are replaced as a whole, so they hold what was there too."""
        changes: dict[str, object] = {}
        names = [label.name for label in member.labels]
        if self._label(order) not in names:
            changes["labels"] = [{"name": name} for name in (*names, self._label(order))]
        tier = self._tier(order)
        if tier and tier["id"] not in {each.id for each in member.tiers}:
            changes["tiers"] = [*map(kept, member.tiers), tier]
        return changes

    def _revoke(self, delivery: Delivery) -> str:
        order, budget = delivery.order, Budget(self._call_seconds)
        with self._lock(order):
            member = self._find(order, budget)
            if member is None:
                return "nothing was given"
            changes: dict[str, object] = {}
            names, label, tier = [each.name for each in member.labels], self._label(order), self._tier(order)
            if label in names:
                changes["labels"] = [{"name": name} for name in names if name != label]
            if tier and tier["id"] in {each.id for each in member.tiers}:
                changes["tiers"] = [kept(each) for each in member.tiers if each.id != tier["id"]]
            if not changes:
                return "nothing was given"
            self._change(member, changes, budget, doing="taking access back")
        return "taken back"

    def _change(self, member: Member, changes: Mapping[str, object], budget: Budget, *, doing: str) -> Member:
        path = f"{API}/members/{quote(member.id, safe='')}/"
        return _one(self._send("PUT", path, doing=doing, json={"members": [changes]}, budget=budget))

    def _send(self, method: str, path: str, *, budget: Budget, **what: object) -> Answer:
        token = jwt.made(self._key, {"aud": "/admin/"}, now=time.time(), lasts=LASTS, kid=self._kid)
        headers = {"Authorization": f"Ghost {token}", "Accept-Version": VERSION}
        return self._client.send(method, path, headers=headers, budget=budget, **what)  # type: ignore[arg-type] # as given

    def _lock(self, order: Order) -> Lock:
        return self._locks[hash(order.intent.buyer.email.lower()) % CROWD]

    def _label(self, order: Order) -> str:
        return self._settings.labels.get(order.intent.course, order.intent.course)

    def _page(self, order: Order) -> str:
        return f"{self._url}/{self._settings.pages.get(order.intent.course, '').lstrip('/')}"

    def _tier(self, order: Order) -> dict[str, str] | None:
        """Return the tier that opens the course, until the access ends."""
        tier, days = self._settings.tiers.get(order.intent.course), order.intent.access_days
        if tier is None:
            return None
        begins = order.payment.at if order.payment else order.created_at
        ends = (begins + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%S.000Z") if days else ""
        return {"id": tier, **({"expiry_at": ends} if ends else {})}


def _absent(tiers: Mapping[str, str], known: set[str]) -> Iterator[Problem]:
    for course, tier in tiers.items():
        if tier not in known:
            message = (
                f"has {tier!r} for {course!r}, which is no tier of the site; copy its id from its address"
            )
            yield Problem(field="tiers", code="unknown_tier", message=message)


def _one(answer: Answer) -> Member:
    found = answer.json(Members).members
    if not found:
        raise OutcomeUnknown(f"{answer.what}: answered {answer.status} without a member")
    return found[0]


def _key(admin_key: str) -> tuple[str, bytes]:
    """Return the id and the bytes of a key, which is written as `id:hexadecimal`."""
    kid, _, secret = admin_key.partition(":")
    try:
        key = bytes.fromhex(secret)
    except ValueError:
        key = b""
    if not kid or not key:
        message = "is no Admin API key; copy it whole, with the colon in it"
        raise ConfigurationError(Problem(field="admin_key", code="wrong_key", message=message))
    return kid, key
