"""`kramik check --live` against each mailing tool: what fits is quiet, what does not is named with what to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from kramik.catalogue import Product, Words
from kramik.errors import KramikError, OutcomeUnknown, Transient
from kramik.money import Money
from kramik.ports import Checkable
from tests.adapters.tool import Tool, bought, playing

NAMES = ("mailchimp", "mailerlite", "brevo", "listmonk", "buttondown")
FIELDS = ("mailchimp", "mailerlite", "brevo")
"""Tools whose fields have to be made before they keep anything."""

IDS = ("mailerlite", "brevo", "listmonk", "buttondown")
"""Tools of which a sequence is an id in the settings."""

KEYS = {"listmonk": "token"}


def product(slug: str = "agregaty-w-praktyce", sequence: str = "agregaty-start") -> Product:
    """Return a product of a shop."""
    words = {"pl": Words(title="Kurs")}
    return Product(
        slug=slug, lang="pl", words=words, price=Money(minor=1, currency="PLN"), course="c", sequence=sequence
    )


SHOP = (product(), product("kolejki-bez-strachu", "kolejki-start"))
NEW = product("nowy-kurs")


@pytest.fixture
def tool(request: pytest.FixtureRequest) -> Iterator[Tool]:
    """A running world with nothing but what the account has from the beginning."""
    with playing(request.param) as made:
        yield made


def found(made: Checkable, *products: Product, create: bool = False) -> list[tuple[str, str]]:
    """Return the field and the sentence of every problem."""
    return [(each.field, each.message) for each in made.problems(products, create=create)]


@pytest.mark.parametrize("tool", NAMES, indirect=True)
def test_all_is_well(tool: Tool) -> None:
    """An account that fits is quiet, and asking changes nothing there."""
    assert isinstance(tool.mailer(), Checkable)
    assert [] == found(tool.mailer(), *SHOP, create=True)
    assert [] == tool.place.ledger()


@pytest.mark.parametrize("tool", NAMES, indirect=True)
def test_a_wrong_key(tool: Tool) -> None:
    """A key that is refused is the one problem that is told, and is not shown."""
    key = KEYS.get(tool.name, "api_key")
    [(field, message)] = found(tool.mailer(**{key: "a-wrong-key-of-nobody-us1"}), *SHOP)
    assert (key, False) == (field, "nobody" in message)


@pytest.mark.parametrize("tool", IDS, indirect=True)
def test_a_sequence_that_nobody_knows(tool: Tool) -> None:
    """A product whose sequence stands for nothing is named."""
    [(field, message)] = found(tool.mailer(), product(sequence="nowhere"))
    assert ("agregaty-w-praktyce", True) == (field, "'nowhere'" in message)


@pytest.mark.parametrize(
    ("tool", "changes"),
    [
        ("mailerlite", {"groups": {"agregaty-start": "77"}}),
        ("brevo", {"lists": {"agregaty-start": 77}}),
        ("listmonk", {"templates": {"agregaty-start": 77}}),
        ("buttondown", {"tags": {"agregaty-start": "sub_tag_77"}}),
    ],
    indirect=["tool"],
)
def test_an_id_that_is_not_there(tool: Tool, changes: dict[str, Any]) -> None:
    """An id that the account has not is named beside the product that needs it."""
    [(field, message)] = found(tool.mailer(**changes), product())
    assert ("agregaty-w-praktyce", True) == (field, "77" in message)


@pytest.mark.parametrize(
    ("tool", "changes"),
    [
        ("mailchimp", {"audience": "zz"}),
        ("mailchimp", {"store": "zz"}),
        ("mailerlite", {"buyers": "77"}),
        ("listmonk", {"buyers": 77}),
        ("buttondown", {"buyers": "sub_tag_77"}),
    ],
    indirect=["tool"],
)
def test_a_setting_that_is_not_there(tool: Tool, changes: dict[str, Any]) -> None:
    """An id of the table that the account has not is named by its key."""
    assert {*changes} <= {field for field, _ in found(tool.mailer(**changes), product())}


@pytest.mark.parametrize("tool", ["mailchimp"], indirect=True)
def test_a_store_that_is_missing(tool: Tool) -> None:
    """Mailchimp's panel makes no store for us, so it is made on request, for the audience of the settings."""
    made = tool.mailer(store="akademia")
    [(field, message)] = found(made, *SHOP)
    assert ("store", True) == (field, "--create-fields" in message)
    assert [] == found(made, *SHOP, create=True)
    assert [] == found(made, *SHOP)
    delivery = bought()
    assert delivery.order.id == made.purchase.do(delivery)


@pytest.mark.parametrize("tool", FIELDS, indirect=True)
def test_a_field_that_is_missing(tool: Tool) -> None:
    """A field that the account has not is a problem, until it is made on request."""
    made = tool.mailer()
    [(field, message)] = found(made, NEW)
    assert ("nowy-kurs", True) == (field, "--create-fields" in message)
    assert [] == found(made, NEW, create=True)
    assert [] == found(made, NEW)


@pytest.mark.parametrize("tool", [*FIELDS, "buttondown"], indirect=True)
def test_a_field_that_two_products_share(tool: Tool) -> None:
    """Two products with one field would hide each other's links."""
    [(field, message)] = found(tool.mailer(link_field="link_agregaty_w_praktyce"), *SHOP, create=True)
    assert ("kolejki-bez-strachu", True) == (field, "agregaty-w-praktyce" in message)


@pytest.mark.parametrize(("status", "kind"), [(500, OutcomeUnknown), (429, Transient)])
@pytest.mark.parametrize("tool", NAMES, indirect=True)
def test_the_tool_is_down(tool: Tool, status: int, kind: type[KramikError]) -> None:
    """A tool that can not answer is no problem of the shop: whoever asks has to ask again."""
    tool.place.fault(peer=tool.name, operation="setup", fault="refuse", status=status, retry_after=1)
    with pytest.raises(kind):
        tool.mailer().problems(SHOP, create=False)
