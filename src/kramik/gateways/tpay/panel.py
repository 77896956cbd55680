"""The payment request of Tpay's transaction panel; what it notifies of is read by `told.py`.

A request is a GET whose `md5sum` covers id, amount and crc; all else in it is open, as the protocol has it.
Złote only, because the panel knows no other currency. It sends no name and no e-mail address: Tpay asks the buyer.
Source: https://github.com/tpay-com/tpay-php (BasicPaymentOptions, BasicFieldsDictionary, FieldValueFilters)
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

from kramik.errors import Problem, Rejected
from kramik.event import PaymentEvent
from kramik.gateways import Features
from kramik.gateways.tpay.told import ACCEPTED, Account, Told, hold, summed
from kramik.money import Money
from kramik.order import Order
from kramik.payment import Acknowledgement, PaymentRequest, RawNotification, encoded
from kramik.ports import Returns

NAME = "tpay"
FEATURES = Features(
    title="Tpay",
    start="link",
    hash="RS256 and MD5",
    address="request",
    request="computed",
    notification="computed",
    methods=("blik", "card"),
    refunds=True,
    chargebacks=True,
    extra="crypto",
    hops=("tpay.com",),
)
LONGEST_DESCRIPTION = 128
LANGUAGES = ("pl", "en", "de", "it", "es", "fr", "ru")
GROUPS = {"blik": "150", "card": "103"}
"""Groups of channels by our names of methods; any other number that a shop writes is passed on as it is."""

_FOREIGN = re.compile(r"[^\w .,#()/!-]")


class Settings(Account, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[gateways.tpay]`."""

    base_url: str = "https://secure.tpay.com"


class TpayGateway:
    """Our account at Tpay; `certificates` returns what stands at an address and never waits for long."""

    def __init__(self, settings: Settings, certificates: Callable[[str], bytes]) -> None:
        hold(settings)
        self._settings, self._code = settings, settings.code.encode()
        self._told = Told(settings, certificates, gateway=NAME)

    def __repr__(self) -> str:
        return f"TpayGateway({self.shop_id!r})"

    @property
    def shop_id(self) -> str:
        """Our id at Tpay, the field `id`."""
        return self._settings.merchant_id

    def request(self, order: Order, returns: Returns) -> PaymentRequest:
        """Build the signed link.

        Raises:
            Rejected: the price is not in złote.
        """
        amount = zlote(order.intent.price)
        fields = {
            "id": self.shop_id,
            "amount": amount,
            "description": fitted(order.intent.title) or order.id,
            "crc": order.id,
            "md5sum": summed(f"{self.shop_id}&{amount}&{order.id}&".encode(), self._code),
            "result_url": returns.notify,
            "return_url": returns.done,
            "return_error_url": returns.failed,
            **_chosen(order.intent.lang, order.intent.method),
        }
        return PaymentRequest(method="GET", url=f"{self._settings.base_url.rstrip('/')}/?{encoded(fields)}")

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


def zlote(price: Money) -> str:
    """Return a price as Tpay writes it.

    Raises:
        Rejected: it is in another currency.
    """
    if price.currency != "PLN":
        message = f"Tpay takes PLN and not {price.currency}; sell this in another currency or gateway"
        raise Rejected(Problem(field="gateway", code="currency", message=message))
    return price.amount


@lru_cache(maxsize=256)
def fitted(text: str) -> str:
    """Return the text in the letters and the length that a description may have."""
    known = "".join(each for each in unicodedata.normalize("NFC", text) if _latin(each))
    return " ".join(_FOREIGN.sub(" ", known).split())[:LONGEST_DESCRIPTION].strip()


def _latin(letter: str) -> bool:
    return letter.isascii() or (letter.isalpha() and unicodedata.name(letter, "").startswith("LATIN"))


def _chosen(lang: str, method: str) -> dict[str, str]:
    group = GROUPS.get(method, method if method.isascii() and method.isdigit() else "")
    return {
        **({"language": lang.upper()} if lang in LANGUAGES else {}),
        **({"group": group} if group else {}),
    }
