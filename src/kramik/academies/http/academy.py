"""An academy that is asked over HTTP as a recipe says: the effects, and the links that may be given to a buyer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from urllib.parse import urlsplit

import msgspec

from kramik.academies import PATIENCE
from kramik.academies.http.auth import Auth
from kramik.academies.http.journey import Guide
from kramik.academies.http.recipe import RECORDED, Journey, Recipe
from kramik.academies.http.template import Template, Values, escaped
from kramik.catalogue import Product
from kramik.errors import NeedsOperator, OutcomeUnknown, Problem, Rejected
from kramik.http import Client
from kramik.order import Order
from kramik.ports import Delivery, Effect


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Where an academy is, what its owner set, and how its errors call it."""

    name: str
    base_url: str
    private_network: bool
    link_hosts: tuple[str, ...]
    settings: Mapping[str, str]
    secrets: Mapping[str, str]
    courses: Mapping[str, Mapping[str, str]]

    def __repr__(self) -> str:
        return f"Account({self.name!r})"


class HttpAcademy:
    """One account; an effect lasts at most `call_seconds`, however many requests it takes."""

    def __init__(self, account: Account, recipe: Recipe, auth: Auth, *, call_seconds: float) -> None:
        self._account, self._recipe = account, recipe
        self._hosts = _hosts(account, recipe)
        self._client = Client(
            account.base_url,
            name=account.name,
            call_seconds=call_seconds,
            secrets=account.secrets.values(),
            public=not account.private_network,
        )
        self._guide = Guide(self._client, recipe, auth)

    def __repr__(self) -> str:
        return f"HttpAcademy({self._account.name!r})"

    @property
    def invitation(self) -> Effect:
        """Give the buyer access; the receipt is a link that opens the course."""
        find = self._find if self._recipe.repeat == "lookup" else None
        return Effect(repeat=self._recipe.repeat, do=self._grant, find=find, lag=self._recipe.lag)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _grant(self, delivery: Delivery) -> str:
        known = self._guide.go(self._recipe.journeys["grant"], self._values(delivery.order))
        try:
            return self._link(self._recipe.link, known)
        except NeedsOperator as error:
            if self._recipe.repeat in ("keyed", "set"):
                raise
            raise OutcomeUnknown(f"{error}; the access itself was given") from None

    def _find(self, delivery: Delivery) -> str | None:
        known = self._guide.go(self._recipe.journeys["find"], self._values(delivery.order))
        return self._link(self._recipe.link, known) if known.get(self._recipe.found) else None

    def _taken(self, delivery: Delivery) -> str:
        self._guide.go(self._recipe.journeys["revoke"], self._values(delivery.order))
        return "taken back"

    def _fresh(self, order: Order) -> str:
        values = {**self._values(order), RECORDED: order.step("invitation").receipt}
        known = self._guide.go(self._recipe.journeys["fresh"], values, within=PATIENCE)
        return self._link(self._recipe.fresh_link, known)

    def _missing(self, products: Sequence[Product]) -> Iterator[Problem]:
        for product in products:
            told = {"course": product.course, "product": product.slug}
            values = {**self._known(product.course), **{f"order.{key}": each for key, each in told.items()}}
            try:
                self._guide.go(self._recipe.journeys["check"], values)
            except (Rejected, NeedsOperator) as error:
                yield Problem(field=product.slug, code="not_there", message=f"does not fit: {error}")

    def _values(self, order: Order) -> Values:
        told = {f"order.{name}": value for name, value in _told(order).items()}
        return {**self._known(order.intent.course), **told}

    def _known(self, name: str) -> Values:
        """Return what is known without an order."""
        account = self._account
        course = account.courses.get(name, {})
        return {
            "base_url": account.base_url.rstrip("/"),
            **account.settings,
            **{f"secret.{name}": value for name, value in account.secrets.items()},
            **{f"course.{name}": value for name, value in course.items()},
        }

    def _link(self, links: tuple[Template, ...], known: Values) -> str:
        """Make a link: a place that begins it is an address, every other one is encoded; then look where it leads.

        Of several the first counts whose places all have a value.

        Raises:
            NeedsOperator: it leads to a host that is not ours or our academy's; it would be mailed to the buyer.
        """
        link = next((each for each in links if _complete(each, known)), links[-1])
        head, rest = Template(link.parts[:1]), Template(link.parts[1:])
        url = head.text(known) + rest.text(known, escaped)
        parts = urlsplit(url)
        schemes = ("https", "http") if self._account.private_network else ("https",)
        if parts.scheme not in schemes or parts.netloc.lower() not in self._hosts or not _plain(url):
            raise NeedsOperator(
                f"{self._account.name}: its link leads to {parts.netloc[:80]!r}, which is not among "
                f"{', '.join(sorted(self._hosts))}; look who answers there, or add the host to link_hosts"
            )
        return url


class RevokingHttpAcademy(HttpAcademy):
    """One that can take access back; a subclass, because the port is found by its property (`Revoking`)."""

    @property
    def revocation(self) -> Effect:
        """Take access back; repeat-safety: set, what is gone stays gone."""
        return Effect(repeat="set", do=self._taken)


class FreshHttpAcademy(HttpAcademy):
    """One whose links are short-lived (`FreshLinks`)."""

    def link(self, order: Order) -> str:
        """Return a link that opens the course now; repeat-safety: set, an older link is left alone."""
        return self._fresh(order)


class CheckedHttpAcademy(HttpAcademy):
    """One that can be asked for the courses of our products (`Checkable`)."""

    def problems(self, products: Sequence[Product], *, create: bool) -> Sequence[Problem]:  # noqa: ARG002 - makes nothing
        """Return the products whose course is not found there, or a key that is refused."""
        return list(self._missing(products))


def made(account: Account, recipe: Recipe, auth: Auth, *, call_seconds: float) -> HttpAcademy:
    """Return an academy that offers what its recipe can do, and no port beyond that."""
    offers: Mapping[Journey, type[HttpAcademy]] = {
        "revoke": RevokingHttpAcademy,
        "fresh": FreshHttpAcademy,
        "check": CheckedHttpAcademy,
    }
    kinds = tuple(kind for name, kind in offers.items() if recipe.journeys[name])
    kind = type("HttpAcademy", kinds or (HttpAcademy,), {})
    academy: HttpAcademy = kind(account, recipe, auth, call_seconds=call_seconds)
    return academy


def _told(order: Order) -> dict[str, str | None]:
    """Return what a recipe may say of an order; times in UTC, `ends` only where the access has an end."""
    intent = order.intent
    first, _, last = intent.buyer.name.strip().partition(" ")
    begins = (order.payment.at if order.payment else order.created_at).replace(microsecond=0)
    ends = begins + timedelta(days=intent.access_days) if intent.access_days else None
    return {
        "id": order.id,
        "email": intent.buyer.email,
        "name": intent.buyer.name,
        "first_name": first,
        "last_name": last.strip() or first,
        "course": intent.course,
        "title": intent.title,
        "product": intent.product,
        "lang": intent.lang,
        "begins": begins.isoformat().replace("+00:00", "Z"),
        "ends": ends.isoformat().replace("+00:00", "Z") if ends else None,
    }


def _hosts(account: Account, recipe: Recipe) -> frozenset[str]:
    """Return the hosts that a link may lead to: what the owner or the recipe names, never what an answer names."""
    texts = [
        account.base_url,
        *account.settings.values(),
        *(link.literal for link in (*recipe.link, *recipe.fresh_link)),
    ]
    named = (urlsplit(text).netloc for text in texts if "://" in text)
    return frozenset(host.lower() for host in (*named, *account.link_hosts) if host)


def _complete(link: Template, known: Values) -> bool:
    return all(place.name.startswith("course.") or known.get(place.name) for place in link.places)


def _plain(url: str) -> bool:
    return (
        url.isascii() and url.isprintable() and not {*url} & {*' \\"<>'} and "@" not in urlsplit(url).netloc
    )
