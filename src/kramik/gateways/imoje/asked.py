"""imoje is asked about transactions of which it told once: whether one that was pending or had failed was paid since.

Its API shows a transaction by its id and knows no way from an order to one, so an order of which nothing was ever
told can not be asked about.
Source: https://bump.sh/pgw/doc/imoje-api-en/operation/operation-get-parameter-transaction-parameter
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from kramik.errors import ConfigurationError, NeedsOperator, OutcomeUnknown
from kramik.event import PaymentEvent
from kramik.gateways import ask_each
from kramik.gateways.imoje.link import ImojeGateway, Settings, empty
from kramik.gateways.imoje.told import NAME, answered, sale
from kramik.http import Client
from kramik.order import Order

LOOKED_AT = 5
"""Transactions of an order that are asked about, the newest ones."""

NOT_FOUND = 404


class AskedImojeGateway(ImojeGateway):
    """Our service at imoje, with a token by which it can be asked; one call lasts at most `call_seconds`."""

    def __init__(self, settings: Settings, *, call_seconds: float) -> None:
        super().__init__(settings)
        if not settings.api_token.strip():
            raise ConfigurationError(empty("api_token"))
        self._merchant = quote(settings.merchant_id, safe="")
        self._client = Client(
            settings.api_url.rstrip("/"),
            name="imoje",
            call_seconds=call_seconds,
            headers={"Authorization": f"Bearer {settings.api_token}"},
            secrets=(settings.api_token, settings.service_key),
        )

    def ask(self, order: Order) -> Sequence[PaymentEvent]:
        """Ask about the newest transactions that were told of as pending or failed.

        Raises:
            NeedsOperator: an answer is about something else.
            KramikError: it can not be asked now.
        """
        events = (payment.event for payment in order.payments if payment.event.gateway == NAME)
        told = dict.fromkeys(event.reference for event in events if event.kind in ("pending", "failed"))
        return ask_each([*told][-LOOKED_AT:], lambda transaction: self._found(order, transaction))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _found(self, order: Order, transaction: str) -> PaymentEvent | None:
        event = self._event(transaction)
        if event is not None and event.order != order.id:
            raise NeedsOperator("imoje knows this transaction under another order; look at its panel")
        return event

    def _event(self, transaction: str) -> PaymentEvent | None:
        path = f"/{self._merchant}/transaction/{quote(transaction, safe='')}"
        answer = self._client.send("GET", path, doing="asking for a transaction", answers=(NOT_FOUND,))
        if answer.status == NOT_FOUND:
            return None
        try:
            known = answered(answer.json(dict[str, object]))
        except ValueError:
            why = f"{answer.what}: answered {answer.status}, but not with a transaction"
            raise OutcomeUnknown(why) from None
        if known.id != transaction:
            raise NeedsOperator("imoje answered about another transaction; look at api_url in shop.toml")
        return sale(known)
