"""Tpay by its Open API: one call creates a transaction, and it can be asked what became of it.

The order's id is its hidden description, which comes back in notifications. Those name the transaction by its title,
the API by its id; so a payment is known by its title, and what was begun by its id. Złote only, as in the panel.
Source: https://docs-api.tpay.com/first-steps/first-transaction , https://docs-api.tpay.com/transaction-cancellation ,
https://github.com/tpay-com/tpay-openapi-php (Model)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from kramik.errors import ConfigurationError, NeedsOperator, Problem
from kramik.event import Begun, Kind, PaymentEvent
from kramik.gateways import Features, ask_each, led_to
from kramik.gateways.tpay.api import Api, Transaction, number
from kramik.gateways.tpay.panel import GROUPS, LANGUAGES, fitted, zlote
from kramik.gateways.tpay.told import ACCEPTED, Account, Told, hold
from kramik.money import Money
from kramik.order import Order
from kramik.payment import Acknowledgement, RawNotification
from kramik.ports import Returns
from kramik.table import Secret

NAME = "tpay_api"
FEATURES = Features(
    title="Tpay",
    start="call",
    hash="RS256 and MD5",
    address="request",
    request="documents",
    notification="computed",
    methods=("blik", "card"),
    refunds=True,
    chargebacks=True,
    asks=True,
    extra="crypto",
    hops=("tpay.com",),
)
KINDS: Mapping[str, Kind] = {
    "paid": "pending",
    "correct": "paid",
    **dict.fromkeys(("refund", "chargeback"), "refund"),
    **dict.fromkeys(("error", "cancel", "canceled"), "failed"),
}
"""What a status of the API means. `pending` is every transaction that nobody has paid yet, and says nothing."""

DAY = 86_400.0
LOOKED_AT = 5
"""Transactions that are asked about, the newest ones."""

SHORTEST_NAME, LONGEST_NAME = 3, 255


class Settings(Account, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[gateways.tpay_api]`; the sandbox is `https://openapi.sandbox.tpay.com`.

    `pay_url` is where the buyer pays, in the sandbox `https://secure.sandbox.tpay.com`.
    """

    client_id: str
    client_secret: Secret
    base_url: str = "https://api.tpay.com"
    pay_url: str = "https://secure.tpay.com"


class TpayApiGateway:
    """Our account at Tpay, called for every order; one call lasts at most `call_seconds`."""

    lasts = 29 * DAY
    """Tpay cancels what nobody paid for thirty days."""

    def __init__(
        self, settings: Settings, certificates: Callable[[str], bytes], *, call_seconds: float
    ) -> None:
        hold(settings)
        if not settings.client_secret.strip():
            message = "is empty; make a key for the Open API in the panel of Tpay"
            raise ConfigurationError(Problem(field="client_secret", code="empty_key", message=message))
        self._settings = settings
        self._told = Told(settings, certificates, gateway=NAME)
        self._api = Api(
            settings.base_url,
            client_id=settings.client_id,
            client_secret=settings.client_secret,
            call_seconds=call_seconds,
        )

    def __repr__(self) -> str:
        return f"TpayApiGateway({self.shop_id!r})"

    @property
    def shop_id(self) -> str:
        """Our id at Tpay, the field `id` of notifications."""
        return self._settings.merchant_id

    def begin(self, order: Order, returns: Returns, *, now: datetime) -> Begun:
        """Create a transaction; each call creates one of its own, of which nobody is sent to an earlier one.

        Raises:
            Rejected: the price is not in złote.
            NeedsOperator: Tpay created something else than we asked for, or sends the buyer elsewhere.
            KramikError: there is no transaction; the order waits.
        """
        created = self._api.create(_wish(order, returns))
        if created.asked != order.intent.price or created.hiddenDescription not in (None, order.id):
            raise NeedsOperator(
                "Tpay created a transaction of another order or amount; look at it in its panel"
            )
        url = led_to(created.transactionPaymentUrl or "", self._settings.pay_url, vendor="Tpay")
        return Begun(reference=created.transactionId, url=url, at=now)

    def verify(self, raw: RawNotification) -> PaymentEvent | None:
        """Read a notification; None when it is about a token or an alias.

        Raises:
            NotAuthentic: Tpay did not sign this; nothing may be stored.
            NeedsOperator: Tpay did sign it, but it can not be read; it is kept for a person.
            Transient: there is no certificate yet to verify it with; Tpay sends it again.
        """
        return self._told.read(raw)

    def acknowledge(self, raw: RawNotification) -> Acknowledgement:  # noqa: ARG002 - it is the same for all of them
        """Return `TRUE`, never `FALSE`: that one means "give the money back" to an account in two steps."""
        return ACCEPTED

    def ask(self, order: Order) -> Sequence[PaymentEvent]:
        """Ask for the newest transactions that were created.

        Raises:
            NeedsOperator: one of them is about another order, or does not say how much was paid.
            KramikError: it can not be asked now.
        """
        begun = (each.reference for each in order.begun[-LOOKED_AT:])
        return ask_each(begun, lambda each: self._found(order, each))

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def _found(self, order: Order, transaction_id: str) -> PaymentEvent | None:
        known = self._api.transaction(transaction_id)
        kind = KINDS.get(known.status) if known else None
        if known is None or kind is None:
            return None
        if known.hiddenDescription != order.id:
            raise NeedsOperator("Tpay knows this transaction under another order; look at it in its panel")
        return PaymentEvent(
            order=order.id,
            gateway=NAME,
            reference=known.title,
            kind=kind,
            shop_id=self.shop_id,
            money=_amount(known, kind),
            of=known.title if kind == "refund" else "",
            begun=transaction_id if kind == "failed" else "",
        )


def _amount(known: Transaction, kind: Kind) -> Money | None:
    """Return the amount of a fact; of a refund it is not said, and counts as all."""
    if kind == "refund":
        return None
    return known.paid if kind == "paid" else known.asked


def _wish(order: Order, returns: Returns) -> dict[str, object]:
    intent = order.intent
    zlote(intent.price)
    group = GROUPS.get(intent.method)
    return {
        "amount": number(intent.price),
        "description": fitted(intent.title) or order.id,
        "hiddenDescription": order.id,
        **({"lang": intent.lang} if intent.lang in LANGUAGES else {}),
        **({"pay": {"groupId": int(group)}} if group else {}),
        "payer": {"email": intent.buyer.email, "name": _payer(intent.buyer.name, intent.buyer.email)},
        "callbacks": {
            "payerUrls": {"success": returns.done, "error": returns.failed},
            "notification": {"url": returns.notify},
        },
    }


def _payer(name: str, email: str) -> str:
    """Return the name that Tpay demands; whoever gave none that is long enough is called by their address."""
    fit = " ".join(name.split())
    return (fit if len(fit) >= SHORTEST_NAME else email)[:LONGEST_NAME].strip()
