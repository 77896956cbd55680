"""`kramik check --live` at Kit: every mistake of keys, sequences and fields is named, and only fields are ever made."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kramik.catalogue import Product, Words
from kramik.errors import KramikError, OutcomeUnknown, Transient
from kramik.money import Money
from kramik.sandbox.mailers.kit.gate import API_KEY
from kramik.stores.memory import MemoryVault
from tests.adapters.kit import Office, office
from tests.sandbox.place import opened

LAG = 60.0


@pytest.fixture
def account() -> Iterator[Office]:
    """An office before Kit."""
    with opened() as place, office(place) as found:
        yield found


def product(slug: str = "agregaty-w-praktyce", sequence: str = "agregaty-start") -> Product:
    """Return a product."""
    price = Money(minor=100, currency="PLN")
    return Product(
        slug=slug, lang="pl", words={"pl": Words(title="Kurs")}, price=price, course="c", sequence=sequence
    )


def told(
    account: Office,
    *products: Product,
    create: bool = False,
    api_key: str = API_KEY,
    field: str = "link_{product}",
) -> list[tuple[str, str]]:
    """Return what does not fit: where, and what is said."""
    made = account.mailer(oauth=False, api_key=api_key, field=field)
    return [(each.field, each.message) for each in made.problems(products, create=create)]


def test_all_is_well(account: Office) -> None:
    """An account that fits is quiet, and asking changed nothing there but the token that works once."""
    made = account.mailer()
    assert [] == made.problems(
        [product(), product("kolejki-bez-strachu", "1002"), product(sequence="")], create=True
    )
    assert ["token"] == [entry["effect"] for entry in account.place.ledger()]


@pytest.mark.parametrize(
    ("sequence", "said"),
    [
        ("77", "no sequence 77"),
        ("start", "'start' is no sequence"),
        ("1003", "not active"),
        ("1004", "repeat"),
    ],
)
def test_sequence_that_does_not_fit(account: Office, sequence: str, said: str) -> None:
    """A sequence that is not there, asleep, repeating or without a number is named with its product."""
    (found,) = told(account, product(sequence=sequence))
    assert ("agregaty-w-praktyce", True) == (found[0], said in found[1])


def test_missing_field_is_made_when_told(account: Office) -> None:
    """A missing custom field is named; on request it is made, once, and then everything fits."""
    new = product("nowy-kurs-2")
    (found,) = told(account, new)
    assert ("nowy-kurs-2", True) == (found[0], "'link_nowy_kurs_2'" in found[1])
    assert [] == told(account, new, create=True)
    assert [] == told(account, new)
    keys = [each["key"] for each in account.ask("GET", "/v4/custom_fields").json()["custom_fields"]]
    assert 1 == keys.count("link_nowy_kurs_2")


def test_late_list_of_fields() -> None:
    """A field that the late list does not show yet is taken for there when Kit says that it is taken."""
    with opened(lag=LAG) as place, office(place) as account:
        new = product("nowy-kurs")
        assert [[], []] == [told(account, new, create=True) for _ in range(2)]


def test_field_that_kit_names_otherwise(account: Office) -> None:
    """When Kit makes another key of the name, the setting has to follow."""
    (found,) = told(account, product(), create=True, field="Mój link {product}")
    assert "'moj_link_agregaty_w_praktyce'" in found[1]


def test_two_products_with_one_field(account: Office) -> None:
    """Two products whose names come down to one field would hide each other's link."""
    (found,) = told(account, product("agregaty-w-praktyce"), product("agregaty--w-praktyce"))
    assert ("agregaty--w-praktyce", True) == (found[0], "shares the field" in found[1])


def test_wrong_key(account: Office) -> None:
    """A key that Kit refuses is the only thing said."""
    (found,) = told(account, product(sequence="77"), api_key="kit_of_nobody")
    assert ("api_key", True, False) == (found[0], "401" in found[1], "kit_of_nobody" in found[1])


def test_lost_grant(account: Office) -> None:
    """A refresh token that is used up is named, and everything else is checked all the same."""
    account.mailer(vault=MemoryVault()).problems([], create=False)
    found = account.mailer(vault=MemoryVault()).problems([product(sequence="77")], create=False)
    assert ["agregaty-w-praktyce", "refresh_token"] == [each.field for each in found]


@pytest.mark.parametrize(("status", "kind"), [(500, OutcomeUnknown), (429, Transient)])
def test_kit_is_down(account: Office, status: int, kind: type[KramikError]) -> None:
    """A Kit that can not answer is no problem of the shop: whoever asks has to ask again."""
    account.place.fault(peer="kit", operation="setup", fault="refuse", status=status)
    with pytest.raises(kind):
        account.mailer().problems([], create=False)
