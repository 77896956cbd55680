"""Asks Kit whether the settings and the products fit the account; makes missing custom fields if it is told to.

It touches no person, no purchase and no sequence. What was made is believed from the answer, as lists are late.
Source: developers.kit.com/api-reference, "get current account", the lists of sequences and custom fields.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from kramik.catalogue import Product
from kramik.errors import KramikError, NeedsOperator, Problem, Rejected
from kramik.http import Client
from kramik.mailers.kit.people import UNPROCESSABLE, refused, said
from kramik.mailers.kit.purchases import Pagination
from kramik.mailers.kit.settings import Settings

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
    client: Client, settings: Settings, products: Sequence[Product], *, create: bool
) -> Iterator[Problem]:
    """Yield what does not fit, each with what to do.

    Raises:
        Transient, OutcomeUnknown: Kit can not be asked now.
    """
    try:
        client.send("GET", "/v4/account", doing="looking at the account")
    except (Rejected, NeedsOperator) as error:
        yield _problem("api_key", str(error))
        return
    sequences = {each.id: each for page in _pages(client, "sequences") for each in page.sequences}
    fields = {each.key for page in _pages(client, "custom_fields") for each in page.custom_fields}
    for product in products:
        yield from _sequence(settings, product, sequences)
        yield from _field(client, settings, product, fields, create=create)


def _sequence(settings: Settings, product: Product, known: dict[int, Listed]) -> Iterator[Problem]:
    if not product.sequence:
        return
    try:
        number = settings.sequence_of(product.sequence)
    except KramikError as error:
        yield _problem(product.slug, str(error))
        return
    found = known.get(number)
    if found is None:
        yield _problem(product.slug, f"Kit has no sequence {number}; take the number from its address there")
    elif found.active is False:
        yield _problem(product.slug, f"sequence {number} is not active at Kit; publish it there")
    elif found.repeat:
        message = f"sequence {number} is set to repeat, which may mail a buyer twice; switch that off at Kit"
        yield _problem(product.slug, message)


def _field(
    client: Client, settings: Settings, product: Product, known: set[str], *, create: bool
) -> Iterator[Problem]:
    key = settings.field_of(product.slug)
    if key in known:
        return
    if not create:
        message = (
            f"Kit has no custom field {key!r}; make it there, or with `kramik check --live --create-fields`"
        )
        yield _problem(product.slug, message)
        return
    doing, body = "making a custom field", {"label": key}
    try:
        answer = client.send("POST", "/v4/custom_fields", doing=doing, json=body, answers=(UNPROCESSABLE,))
    except (Rejected, NeedsOperator) as error:
        yield _problem(product.slug, str(error))
        return
    known.add(key)
    if answer.status == UNPROCESSABLE:
        if "taken" not in said(answer).lower():  # otherwise it is there, and only the list is late
            yield _problem(product.slug, str(refused(client, answer, "make the field at Kit")))
    elif (made := answer.json(Made).custom_field.key) != key:
        message = f"Kit named the custom field {made!r} and not {key!r}; set field in [mailer] to match"
        yield _problem(product.slug, message)


def _pages(client: Client, name: str) -> Iterator[Page]:
    query: dict[str, str] = {"per_page": "500"}
    for _ in range(PAGES):
        page = client.send("GET", f"/v4/{name}", doing=f"listing {name}", query=query).json(Page)
        yield page
        if not page.pagination.has_next_page or not page.pagination.end_cursor:
            return
        query = {**query, "after": page.pagination.end_cursor}


def _problem(field: str, message: str) -> Problem:
    return Problem(field=field, code="live", message=message)
