"""Both steps at Kit, in the safe order: the person, the field with the link, then the purchase, then the sequence.

| effect | repeat | why |
|---|---|---|
| purchase with OAuth | lookup | a repeated transaction id is undocumented, the list of purchases shows it |
| purchase as a tag | set | a tag is there or not; Kit answers 200 when it was |
| sequence | lookup | adding again is a no-op that mails nobody: without a look it could not be told from an older one |
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from kramik.catalogue import Product
from kramik.errors import (
    ConfigurationError,
    NeedsOperator,
    OutcomeUnknown,
    Problem,
    Rejected,
)
from kramik.http import Answer, Budget, Client
from kramik.mailers.kit import connecting, live, purchases, sequences
from kramik.mailers.kit.grant import Grant
from kramik.mailers.kit.people import UNPROCESSABLE, People, Person, nothing_yet, refused, said
from kramik.mailers.kit.settings import Settings, checked
from kramik.ports import Connection, Delivery, Effect, Vault

UNAUTHORIZED = 401


def utc_now() -> datetime:
    """Return the time of now."""
    return datetime.now(UTC)


class KitMailer:
    """Our account at Kit. The calls of one effect last at most `call_seconds` together, a new token as long again."""

    def __init__(
        self,
        settings: Settings,
        *,
        call_seconds: float,
        vault: Vault | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._settings, self._call_seconds = checked(settings), call_seconds
        secrets = [each for each in (settings.client_secret, settings.refresh_token) if each]
        self._client, self._open = (
            Client(settings.base_url, name="Kit", call_seconds=call_seconds, headers=headers, secrets=secrets)
            for headers in ({"X-Kit-Api-Key": settings.api_key}, {})
        )
        self._people = People(self._client)
        self._grant = self._granted(vault, clock) if settings.oauth else None

    def _granted(self, vault: Vault | None, clock: Callable[[], datetime]) -> Grant:
        if vault is None:
            message = "needs a store that keeps tokens, which this host has not; leave client_id out"
            raise ConfigurationError(Problem(field="client_id", code="no_vault", message=message))
        return Grant(self._open, self._settings, vault, clock=clock)

    @property
    def purchase(self) -> Effect:
        """Register the purchase, or give the tag; the receipt is its id, or those of tag and person."""
        if self._grant is None:
            return Effect(repeat="set", do=self._tag)
        return Effect(repeat="lookup", do=self._buy, find=self._find_purchase, lag=self._settings.lag)

    @property
    def sequence(self) -> Effect:
        """Start the sequence; the receipt is Kit's ids of sequence and person."""
        return Effect(repeat="lookup", do=self._begin, find=self._find_start, lag=self._settings.lag)

    def problems(self, products: Sequence[Product], *, create: bool) -> Sequence[Problem]:
        """Return what does not fit at Kit: keys, sequences, custom fields, the grant for purchases."""
        found = list(live.problems(self._client, self._settings, products, create=create))
        if self._grant is not None:
            try:
                headers, doing = _bearer(self._token()), "looking at purchases"
                self._open.send("GET", "/v4/purchases", doing=doing, query={"per_page": "1"}, headers=headers)
            except (Rejected, NeedsOperator) as error:
                found.append(Problem(field="refresh_token", code="live", message=str(error)))
        return found

    def connection(self, redirect: str) -> Connection | None:
        """Begin a connection for purchases; tags need none."""
        return None if self._grant is None else connecting.connection(self._settings, self._grant, redirect)

    def directed(self, product: Product) -> object:
        """Return what the mails of a product begin with."""
        return product.sequence and self._settings.sequence_of(product.sequence)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
        self._open.close()

    def _tag(self, delivery: Delivery) -> str:
        budget = Budget(self._call_seconds)
        person = self._known(delivery, budget)
        return self._people.tag(person, self._settings.tag_of(delivery.order.intent.product), budget=budget)

    def _buy(self, delivery: Delivery) -> str:
        token = self._token()
        budget = Budget(self._call_seconds)
        with nothing_yet():
            self._known(delivery, budget)
        answer = self._post(delivery, token, budget)
        if answer.status == UNAUTHORIZED:  # a token that was revoked before its time: nothing happened
            token = self._token(refused=token)
            answer = self._post(delivery, token, Budget(self._call_seconds))
        if answer.status == UNPROCESSABLE and any(word in said(answer).lower() for word in purchases.KNOWN):
            raise OutcomeUnknown(
                f"{answer.what}: Kit seems to have this transaction already; it is looked up"
            )
        if answer.status in (UNAUTHORIZED, UNPROCESSABLE):
            advice = "check the keys of [mailer] and the plan at Kit, then retry the order"
            raise refused(self._open, answer, advice, hidden=token)
        return str(answer.json(purchases.Made).purchase.id)

    def _post(self, delivery: Delivery, token: str, budget: Budget) -> Answer:
        return self._open.send(
            "POST",
            "/v4/purchases",
            doing="registering a purchase",
            json=purchases.body(delivery.order),
            headers=_bearer(token),
            answers=(UNAUTHORIZED, UNPROCESSABLE),
            budget=budget,
        )

    def _find_purchase(self, delivery: Delivery) -> str | None:
        headers = _bearer(self._token())
        return purchases.find(self._open, delivery.order, headers, budget=Budget(self._call_seconds))

    def _begin(self, delivery: Delivery) -> str:
        sequence, budget = self._settings.starts(delivery.order), Budget(self._call_seconds)
        with nothing_yet():
            person = self._known(delivery, budget)
        return sequences.add(self._client, sequence, person, budget=budget)

    def _find_start(self, delivery: Delivery) -> str | None:
        order, budget = delivery.order, Budget(self._call_seconds)
        if not order.intent.sequence:
            return None
        sequence = self._settings.sequence_of(order.intent.sequence)
        return sequences.find(self._client, sequence, order, budget=budget)

    def _known(self, delivery: Delivery, budget: Budget) -> Person:
        intent = delivery.order.intent
        field = self._settings.field_of(intent.product)
        return self._people.known(intent.buyer, field, delivery.access_link, budget=budget)

    def _token(self, *, refused: str = "") -> str:
        if self._grant is None:
            raise Rejected(Problem(field="client_id", code="missing", message="Kit is not connected"))
        return self._grant.token(refused=refused)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
