"""PayU's REST API, as far as a shop needs it: create an order, look at one, and at what of it went back.

Creating an order is answered with a redirect, which is read and not followed.
Source: https://developers.payu.com/europe/docs/payment-flows/auth-and-order ,
https://developers.payu.com/europe/api (Order, Refund, status codes)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated
from urllib.parse import quote

import msgspec

from kramik.errors import NeedsOperator, OutcomeUnknown, Rejected
from kramik.gateways.payu.told import ToldOrder, ToldRefund
from kramik.http import Answer, Budget, Client
from kramik.oauth import Authorized

TOKENS, ORDERS = "/pl/standard/user/oauth/authorize", "/api/v2_1/orders"

FOUND, BAD_REQUEST, NOT_FOUND = 302, 400, 404
SUCCESS, NOT_UNIQUE = "SUCCESS", "ERROR_ORDER_NOT_UNIQUE"


class Status(msgspec.Struct, frozen=True):
    """How PayU calls the outcome of a call."""

    statusCode: str  # noqa: N815 - PayU's spelling, here and below


class Outcome(msgspec.Struct, frozen=True):
    """What every answer has."""

    status: Status


class Started(Outcome, frozen=True):
    """An order that was created, and where its buyer pays it."""

    redirectUri: str  # noqa: N815
    orderId: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,100}\Z")]  # noqa: N815
    extOrderId: str = ""  # noqa: N815


class Found(msgspec.Struct, frozen=True):
    """The orders of this id: one."""

    orders: Sequence[ToldOrder]


class Refunds(msgspec.Struct, frozen=True):
    """The refunds of an order in an envelope; PayU's reference has the bare list, public clients read this."""

    refunds: Sequence[ToldRefund]


class Api:
    """Our point of sale, by its OAuth client; one call, with its token, lasts at most `call_seconds`."""

    def __init__(self, base_url: str, *, client_id: str, client_secret: str, call_seconds: float) -> None:
        credentials = {"client_id": client_id, "client_secret": client_secret}
        self._call_seconds = call_seconds
        self._authorized = Authorized(
            Client(base_url.rstrip("/"), name="PayU", call_seconds=call_seconds, secrets=(client_secret,)),
            path=TOKENS,
            form={"grant_type": "client_credentials", **credentials},
        )

    def budget(self) -> Budget:
        """Return the time of one call, for several that are to be one."""
        return Budget(self._call_seconds)

    def create(self, wish: Mapping[str, object], *, budget: Budget) -> Started | None:
        """Create an order; None when there is one of this `extOrderId` already.

        Raises:
            NeedsOperator: PayU wants something of the buyer that we do not offer.
            KramikError: there is no order to go to.
        """
        answer = self._authorized.send(
            "POST",
            ORDERS,
            doing="creating an order",
            json=wish,
            answers=(FOUND, BAD_REQUEST),
            budget=budget,
        )
        if answer.status == BAD_REQUEST:
            if _code(answer) == NOT_UNIQUE:
                return None
            raise self._authorized.decision(answer)
        started = answer.json(Started)
        if started.status.statusCode != SUCCESS:
            why = f"PayU created an order with {started.status.statusCode[:40]!r}; look at its settings in the panel"
            raise NeedsOperator(why)
        return started

    def order(self, order_id: str) -> ToldOrder | None:
        """Return an order; None when PayU knows none of this id.

        Raises:
            NeedsOperator: the answer is about another order.
        """
        path = f"{ORDERS}/{quote(order_id, safe='')}"
        answer = self._authorized.send("GET", path, doing="asking for an order", answers=(NOT_FOUND,))
        if answer.status == NOT_FOUND:
            return None
        found = answer.json(Found).orders
        if [each.orderId for each in found] != [order_id]:
            raise NeedsOperator("PayU answered about another order; look at base_url in shop.toml")
        return found[0]

    def refunds(self, order_id: str) -> Sequence[ToldRefund]:
        """Return what went back of an order; nothing when our client may not see it."""
        path = f"{ORDERS}/{quote(order_id, safe='')}/refunds"
        try:
            answer = self._authorized.send("GET", path, doing="asking for refunds")
        except Rejected:
            return ()
        if answer.body.lstrip().startswith(b"["):
            return answer.json(list[ToldRefund])
        return answer.json(Refunds).refunds

    def close(self) -> None:
        """Close the connections."""
        self._authorized.close()


def _code(answer: Answer) -> str:
    """Return PayU's word for what went wrong; nothing where it has none."""
    try:
        return answer.json(Outcome).status.statusCode
    except OutcomeUnknown:
        return ""
