"""Tpay's Open API, as far as a shop needs it: create a transaction, and look at one.

Amounts are numbers in złote there; they are written and read as exact text, never as floats.
Source: https://docs-api.tpay.com/first-steps/authorization , https://docs-api.tpay.com/first-steps/first-transaction ,
https://github.com/tpay-com/tpay-openapi-php
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import quote

import msgspec

from kramik.errors import NeedsOperator, OutcomeUnknown, Rejected
from kramik.http import Answer, Client
from kramik.money import Money, parse_amount
from kramik.oauth import Authorized

TOKENS, TRANSACTIONS = "/oauth/auth", "/transactions"
NOT_FOUND = 404

_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,9})(?:\.([0-9]{1,2})0*)?")

Id = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,100}\Z")]
Title = Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,128}\Z")]


class Payments(msgspec.Struct, frozen=True):
    """What was paid of a transaction."""

    amountPaid: msgspec.Raw  # noqa: N815 - Tpay's spelling, here and below


class Transaction(msgspec.Struct, frozen=True, kw_only=True):
    """A transaction; notifications call it by its `title`, this API by its `transactionId`."""

    transactionId: Id  # noqa: N815
    title: Title
    status: str
    amount: msgspec.Raw
    currency: str = "PLN"
    hiddenDescription: str | None = None  # noqa: N815
    transactionPaymentUrl: str | None = None  # noqa: N815
    payments: Payments | None = None

    @property
    def asked(self) -> Money:
        """Return what was to be paid."""
        return money(self.amount, self.currency)

    @property
    def paid(self) -> Money:
        """Return what was paid in fact.

        Raises:
            NeedsOperator: that is not said.
        """
        if self.payments is None:
            raise NeedsOperator(f"Tpay does not say how much was paid of {self.title}; look into its panel")
        return money(self.payments.amountPaid, self.currency)


class Api:
    """Our account, by its key for the Open API; one call, with its token, lasts at most `call_seconds`."""

    def __init__(self, base_url: str, *, client_id: str, client_secret: str, call_seconds: float) -> None:
        form = {"client_id": client_id, "client_secret": client_secret}
        client = Client(
            base_url.rstrip("/"), name="Tpay", call_seconds=call_seconds, secrets=(client_secret,)
        )
        self._authorized = Authorized(client, path=TOKENS, form=form)

    def create(self, wish: Mapping[str, object]) -> Transaction:
        """Create a transaction; each call creates another one.

        Raises:
            KramikError: there is none to go to.
        """
        answer = self._authorized.send("POST", TRANSACTIONS, doing="creating a transaction", json=wish)
        return _transaction(answer)

    def transaction(self, transaction_id: str) -> Transaction | None:
        """Return a transaction; None when Tpay knows none of this id.

        Raises:
            NeedsOperator: the answer is about another transaction.
        """
        path = f"{TRANSACTIONS}/{quote(transaction_id, safe='')}"
        answer = self._authorized.send("GET", path, doing="asking for a transaction", answers=(NOT_FOUND,))
        if answer.status == NOT_FOUND:
            return None
        found = _transaction(answer)
        if found.transactionId != transaction_id:
            raise NeedsOperator("Tpay answered about another transaction; look at base_url in shop.toml")
        return found

    def close(self) -> None:
        """Close the connections."""
        self._authorized.close()


def number(price: Money) -> msgspec.Raw:
    """Write an amount in złote as a number of JSON, exactly."""
    return msgspec.Raw(price.amount.encode())


def money(text: msgspec.Raw, currency: str) -> Money:
    """Read an amount that is a number of JSON, or a text of one.

    Raises:
        NeedsOperator: it is no exact amount.
    """
    shown = bytes(text).decode("utf-8", "replace")
    match = _AMOUNT.fullmatch(shown.strip('"'))
    try:
        if match is not None:
            return parse_amount(f"{match[1]}.{(match[2] or '').ljust(2, '0')}", currency)
    except Rejected:
        pass
    raise NeedsOperator(
        f"Tpay named {shown[:40]} {currency[:9]!r}, which is no exact amount; look into its panel"
    )


def _transaction(answer: Answer) -> Transaction:
    transaction = answer.json(Transaction)
    if transaction.currency != "PLN":
        raise OutcomeUnknown(f"{answer.what}: answered with {transaction.currency[:9]!r} and not PLN")
    return transaction
