"""Asks Kit whether the settings and the products fit the account; makes missing custom fields if it is told to.

It touches no person, no purchase and no sequence. What was made is believed from the answer, as lists are late.
Source: developers.kit.com/api-reference, "get current account", the lists of sequences and custom fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

import msgspec

from kramik.catalogue import Product
from kramik.errors import KramikError, NeedsOperator, Problem, Rejected
from kramik.http import Client
from kramik.mailers import sharing
from kramik.mailers.kit.people import UNPROCESSABLE, refused, said
from kramik.mailers.kit.purchases import Pagination
from kramik.mailers.kit.settings import Names

PAGES = 20


class Listed(msgspec.Struct, frozen=True):
    """A sequence; `active` is missing in older editions of the answer."""

    id: int
    repeat: bool = False
    active: bool | None = None


class Field(msgspec.Struct, frozen=True):
    """A custom field."""

    key: str


class Made(msgspec.Struct, frozen=True):
    """The answer to a new custom field."""

    custom_field: Field


class Page(msgspec.Struct, frozen=True):
    """One page of sequences or of custom fields."""

    pagination: Pagination
    sequences: list[Listed] = []
    custom_fields: list[Field] = []


def problems(
    client: Client, settings: Names, products: Sequence[Product], *, create: bool
) -> Iterator[Problem]:
    """Yield what does not fit, each with what to do.

    Raises:
        Transient, OutcomeUnknown: Kit can not be asked now.
    """
    try:
        client.send("GET", "/v4/account", doing="looking at the account")
    except (Rejected, NeedsOperator) as error:
        yield problem("api_key", str(error))
        return
    sequences = [each for page in _pages(client, "sequences") for each in page.sequences]
    fields = [each for page in _pages(client, "custom_fields") for each in page.custom_fields]
    yield from compared(
        settings, products, sequences, fields, make=partial(_make, client) if create else None
    )


def compared(
    settings: Names,
    products: Sequence[Product],
    sequences: Iterable[Listed],
    fields: Iterable[Field],
    *,
    make: Callable[[str], str] | None,
) -> Iterator[Problem]:
    """Yield how products do not fit what an account has; `make` makes a missing field and says what is wrong."""
    yield from sharing(products, settings.field_of)
    numbers, keys = {each.id: each for each in sequences}, {each.key for each in fields}
    for product in products:
        if wrong := _about_sequence(settings, product, numbers):
            yield problem(product.slug, wrong)
        key = settings.field_of(product.slug)
        if key in keys:
            continue
        advice = (
            f"Kit has no custom field {key!r}; make it there, or with `kramik check --live --create-fields`"
        )
        if wrong := advice if make is None else make(key):
            yield problem(product.slug, wrong)
        else:
            keys.add(key)


def problem(field: str, message: str) -> Problem:
    """Say what does not fit, and where it stands."""
    return Problem(field=field, code="live", message=message)


def named(wanted: str, made: str) -> str:
    """Say what to do when Kit made another key of a field's name; nothing when it did not."""
    if made == wanted:
        return ""
    return f"Kit named the custom field {made!r} and not {wanted!r}; set field in [mailer] to match"


def _about_sequence(settings: Names, product: Product, known: Mapping[int, Listed]) -> str:
    if not product.sequence:
        return ""
    try:
        number = settings.sequence_of(product.sequence)
    except KramikError as error:
        return str(error)
    found = known.get(number)
    if found is None:
        return f"Kit has no sequence {number}; take the number from its address there"
    if found.active is False:
        return f"sequence {number} is not active at Kit; publish it there"
    if found.repeat:
        return f"sequence {number} is set to repeat, which may mail a buyer twice; switch that off at Kit"
    return ""


def _make(client: Client, key: str) -> str:
    doing, body = "making a custom field", {"label": key}
    try:
        answer = client.send("POST", "/v4/custom_fields", doing=doing, json=body, answers=(UNPROCESSABLE,))
    except (Rejected, NeedsOperator) as error:
        return str(error)
    if answer.status != UNPROCESSABLE:
        return named(key, answer.json(Made).custom_field.key)
    # What is taken is there, and only the list is late.
    return "" if "taken" in said(answer).lower() else str(refused(client, answer, "make the field at Kit"))


def _pages(client: Client, name: str) -> Iterator[Page]:
    query: dict[str, str] = {"per_page": "500"}
    for _ in range(PAGES):
        page = client.send("GET", f"/v4/{name}", doing=f"listing {name}", query=query).json(Page)
        yield page
        if not page.pagination.has_next_page or not page.pagination.end_cursor:
            return
        query = {**query, "after": page.pagination.end_cursor}
