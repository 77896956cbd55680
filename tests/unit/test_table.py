from __future__ import annotations

import msgspec
import pytest

from kramik.errors import Rejected
from kramik.money import Money
from kramik.table import SecretTable, nearest, read, secrets


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


class Named(msgspec.Struct, forbid_unknown_fields=True):
    """A table with secrets of its own names."""

    keys: SecretTable = {}
    texts: dict[str, str] = {}


def test_a_table_of_secrets_reads_the_environment() -> None:
    """Each of them is looked up; what is no secret stays as it is written."""
    raw = {"keys": {"api": "env:API"}, "texts": {"a": "env:API"}}
    found = read(raw, Named, {"API": "s3cret"})
    assert ({"api": "s3cret"}, {"a": "env:API"}, ["s3cret"]) == (found.keys, found.texts, [*secrets(found)])


def test_a_table_of_secrets_hides_nothing_in_the_file() -> None:
    """One that is written in the file and one whose variable is missing are told."""
    with pytest.raises(Rejected) as caught:
        read({"keys": {"api": "s3cret", "other": "env:NONE"}}, Named, {})
    found = [(each.field, each.code) for each in caught.value.problems]
    assert [("keys", "secret_in_file"), ("keys.other", "missing_variable")] == found
