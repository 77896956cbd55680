"""Real gateways, in their test modes: a payment can be begun, leads to the vendor's page, and nobody has paid it.

Each runs only if its keys stand in the environment; nothing is paid.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime

import msgspec
import pytest
from msgspec.structs import replace

from kramik import adapters
from kramik.ports import Asking
from tests.contracts.called import Closing
from tests.contracts.gateway import RETURNS
from tests.sandbox.place import fresh_order

pytestmark = pytest.mark.live

Settings = Mapping[str, str]


def paynow() -> Settings:
    """Return the settings of paynow's sandbox, by `PAYNOW_API_KEY` and `PAYNOW_SIGNATURE_KEY`."""
    return {
        "api_key": _given("PAYNOW_API_KEY"),
        "signature_key": _given("PAYNOW_SIGNATURE_KEY"),
        "base_url": "https://api.sandbox.paynow.pl",
        "pay_url": "https://paywall.sandbox.paynow.pl",
    }


def stripe_checkout() -> Settings:
    """Return the settings of a Stripe account in test mode, by `STRIPE_TEST_KEY` (`sk_test_…` or `rk_test_…`)."""
    key = _given("STRIPE_TEST_KEY")
    assert key[2:8] == "_test_", "this is no key of the test mode"
    return {"account": "acct_live_test", "api_key": key, "webhook_secret": "whsec_not_used_here"}


def payu_rest() -> Settings:
    """Return the settings of a POS in PayU's sandbox, by `PAYU_POS_ID`, `PAYU_CLIENT_SECRET` and `PAYU_SECOND_KEY`."""
    return {
        "pos_id": _given("PAYU_POS_ID"),
        "client_secret": _given("PAYU_CLIENT_SECRET"),
        "second_key": _given("PAYU_SECOND_KEY"),
        "base_url": "https://secure.snd.payu.com",
        "pay_url": "https://merch-prod.snd.payu.com",
    }


def tpay_api() -> Settings:
    """Return the settings of an account in Tpay's sandbox, by `TPAY_MERCHANT_ID` and the three secrets."""
    return {
        "merchant_id": _given("TPAY_MERCHANT_ID"),
        "code": _given("TPAY_CODE"),
        "client_id": _given("TPAY_CLIENT_ID"),
        "client_secret": _given("TPAY_CLIENT_SECRET"),
        "base_url": "https://openapi.sandbox.tpay.com",
        "pay_url": "https://secure.sandbox.tpay.com",
        "certificate_host": "secure.sandbox.tpay.com",
    }


KEYED = ("paynow", "stripe_checkout")
"""Gateways at which an equal call is the same payment; at the others it is another one, which nobody is sent to."""


@pytest.fixture(params=[paynow, stripe_checkout, payu_rest, tpay_api], ids=lambda settings: settings.__name__)
def gateway(request: pytest.FixtureRequest) -> Iterator[tuple[str, Closing, str]]:
    """The real gateway in its test mode, its name, and where its buyers pay."""
    settings: Callable[[], Settings] = request.param
    name = request.param.__name__
    kind = adapters.GATEWAYS[name]()
    read = msgspec.convert(settings(), kind.shape)
    made = kind.make(read, 10.0)
    assert isinstance(made, Closing)
    with closing(made):
        yield name, made, str(getattr(read, "pay_url", ""))


@pytest.mark.parametrize("method", ["", "blik", "card"])
def test_a_payment_is_begun_and_nobody_paid(gateway: tuple[str, Closing, str], method: str) -> None:
    """The call is taken, a repeat is harmless, the address is the vendor's, and asking finds nothing paid."""
    name, made, pay_url = gateway
    now = datetime.now(UTC)
    order = fresh_order(title="Żółwie & „agregaty”", method=method)
    order = replace(order, intent=replace(order.intent, gateway=name, shop_id=made.shop_id))
    first, again = (made.begin(order, RETURNS, now=now) for _ in range(2))
    assert (first == again) == (name in KEYED)
    assert all(each.url.startswith(f"{pay_url}/") for each in (first, again))
    assert isinstance(made, Asking)
    assert [] == [event for event in made.ask(order.begin_payment(first)) if event.kind == "paid"]


def _given(name: str) -> str:
    if not os.environ.get(name):
        pytest.skip(f"set {name} to try this gateway in its test mode")
    return os.environ[name]
