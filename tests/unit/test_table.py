from __future__ import annotations

import msgspec
import pytest

from kramik.errors import Rejected
from kramik.money import Money
from kramik.table import nearest, read


class Settings(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    port: int = 8000
    price: Money | None = None


def _codes(table: dict[str, object]) -> list[tuple[str, str]]:
    with pytest.raises(Rejected) as caught:
        read(table, Settings)
    return [(problem.field, problem.code) for problem in caught.value.problems]


def test_a_good_table_is_a_value() -> None:
    """Defaults are filled in."""
    assert Settings(name="shop", port=9) == read({"name": "shop", "port": 9}, Settings)


def test_every_problem_is_told_at_once() -> None:
    """Unknown, missing and wrong keys in one refusal."""
    assert _codes({"prot": 1, "port": "x"}) == [
        ("prot", "unknown_key"),
        ("name", "missing_key"),
        ("port", "wrong_type"),
    ]


def test_an_unknown_key_gets_a_hint() -> None:
    """The nearest known word, or all of them."""
    known = {"port": 0, "name": 0}
    assert (nearest("prot", known), nearest("zzz", known)) == ("did you mean 'port'?", "known are name, port")


def test_impossible_money_is_a_problem_of_its_key() -> None:
    """A value that refuses itself is reported like any other problem."""
    assert _codes({"name": "shop", "price": {"minor": -1, "currency": "PLN"}}) == [("price", "not_money")]
