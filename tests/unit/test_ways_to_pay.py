"""What a shop offers of its gateways: read, refused with a hint, shown on the form, and taken from a buyer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from kramik import form, publishing, wiring
from kramik.errors import ConfigurationError
from kramik.hosts.cli import new
from kramik.settings import Settings
from kramik.stores.memory import MemoryOrders, MemoryQueue

ENVIRON = {
    "KRAMIK_SECRET": "a secret that is long enough",
    "PAYU_KEY": "k1",
    "STRIPE_KEY": "k2",
    **new.SANDBOX,
}
PAYU = {"pos_id": "1", "second_key": "env:PAYU_KEY"}
STRIPE = {
    "account": "acct_1",
    "webhook_secret": "env:STRIPE_KEY",
    "links": {"agregaty-w-praktyce": {"id": "plink_1", "code": "abc"}},
}


def settings(folder: Path, gateways: Mapping[str, object], **shop: object) -> Settings:
    """Return the settings of the example shop with these gateways."""
    new.make(folder / "shop")
    return wiring.read(folder / "shop", ENVIRON, {"gateways": gateways, "shop": shop})


def ways(given: Settings) -> list[str]:
    """Return what the form offers."""
    return [each.value for each in publishing.source(given).pay_ways]


def test_each_gateway_and_its_methods_are_offered_in_the_order_of_the_file(tmp_path: Path) -> None:
    """A gateway alone lets the buyer choose there; its methods follow; none is offered that was not named."""
    tables = {"payu": {**PAYU, "methods": ["card", "blik", "card"]}, "stripe": STRIPE}
    assert ["payu", "payu/card", "payu/blik", "stripe"] == ways(settings(tmp_path, tables))


def test_a_method_that_the_gateway_does_not_know_is_refused(tmp_path: Path) -> None:
    """All of them at once, each with the nearest one that is known."""
    tables = {"payu": {**PAYU, "methods": ["blick", "card"]}, "stripe": {**STRIPE, "methods": ["card"]}}
    with pytest.raises(ConfigurationError) as caught:
        settings(tmp_path, tables)
    said = [each.message for each in caught.value.problems]
    assert "'blick', which this gateway does not know; did you mean 'blik'?" in said[0]
    assert "'card', which this gateway does not know; it takes no choice of the buyer" in said[1]


@pytest.mark.parametrize("methods", ["blik", [1], {"a": "b"}])
def test_methods_are_a_list_of_texts(tmp_path: Path, methods: object) -> None:
    """Anything else is refused with an example."""
    with pytest.raises(ConfigurationError, match=r'must be a list such as \["blik", "card"\]'):
        settings(tmp_path, {"payu": {**PAYU, "methods": methods}})


@pytest.mark.parametrize("says", [True, False])
def test_access_is_taken_back_where_the_shop_says_so(tmp_path: Path, *, says: bool) -> None:
    """The step needs the setting and an academy that can do it, which the sandbox's can."""
    read = settings(tmp_path, {"payu": PAYU}, revoke_on_refund=says)
    shop = wiring.build(read, MemoryOrders(), MemoryQueue())
    assert (True, says) == ("revocation" in shop.ports.effects, shop.ports.takes_back)


def test_one_choice_of_the_form_says_both() -> None:
    """`payment` is gateway and method; who sends both ways contradicts themselves."""
    drafts = [
        form.read_draft({"payment": text})[0]
        for text in ("payu/blik", "payu", "payu/", "", "payu/a/b", "/blik")
    ]
    assert [("payu", "blik"), ("payu", ""), ("payu", ""), ("", ""), ("payu", "a/b"), ("", "blik")] == [
        (draft.gateway, draft.method) for draft in drafts
    ]
    problems = form.read_draft({"payment": "payu", "gateway": "payu"})[1]
    assert ("payment", "conflict") in [(each.field, each.code) for each in problems]
