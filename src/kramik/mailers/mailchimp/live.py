"""What `kramik check --live` asks Mailchimp: key, audience, store, and the merge field of each product."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import quote

import msgspec

from kramik.catalogue import Product
from kramik.errors import NeedsOperator, Problem, Rejected
from kramik.http import Client
from kramik.mailers import misfit, sharing
from kramik.mailers.mailchimp.settings import Settings

_MISSING = 404
_MOST = "1000"
"""Merge fields of one answer; an audience has 80 at most. Source: the specification of the Marketing API 3.0.91."""


class MergeField(msgspec.Struct, frozen=True):
    """A field of the audience."""

    tag: str
    type: str = "text"


class MergeFields(msgspec.Struct, frozen=True):
    """The fields of the audience."""

    merge_fields: list[MergeField]


class Store(msgspec.Struct, frozen=True):
    """A store belongs to one audience."""

    list_id: str


def problems(
    client: Client, settings: Settings, products: Sequence[Product], *, create: bool
) -> Iterator[Problem]:
    """Yield what does not fit, each with what to do; the automations can not be asked for.

    Raises:
        Transient, OutcomeUnknown: Mailchimp can not be asked now.
    """
    try:
        client.send("GET", "/3.0/ping", doing="looking at the account")
    except (Rejected, NeedsOperator) as error:
        yield misfit("api_key", str(error))
        return
    yield from _store(client, settings, products, create=create)
    yield from sharing(products, settings.field_of)
    path = f"/3.0/lists/{quote(settings.audience, safe='')}/merge-fields"
    answer = client.send("GET", path, doing="listing fields", query={"count": _MOST}, answers=(_MISSING,))
    if answer.status == _MISSING:
        yield misfit("audience", "Mailchimp has no audience of this id; copy it from the audience's settings")
        return
    known = {each.tag for each in answer.json(MergeFields).merge_fields}
    for product in products:
        tag = settings.field_of(product.slug)
        if tag not in known:
            yield from _field(client, path, product.slug, tag) if create else _missing(product.slug, tag)
            known.add(tag)


def _store(
    client: Client, settings: Settings, products: Sequence[Product], *, create: bool
) -> Iterator[Problem]:
    path = "/3.0/ecommerce/stores"
    here = f"{path}/{quote(settings.store, safe='')}"
    answer = client.send("GET", here, doing="looking at the store", answers=(_MISSING,))
    if answer.status == _MISSING and create and products:
        currency = products[0].price.currency
        body = {
            "id": settings.store,
            "list_id": settings.audience,
            "name": settings.store,
            "currency_code": currency,
        }
        try:
            client.send("POST", path, doing="making the store", json=body).json(Store)
        except (Rejected, NeedsOperator) as error:
            yield misfit("store", str(error))
    elif answer.status == _MISSING:
        yield misfit(
            "store", "Mailchimp has no store of this id; make it with `kramik check --live --create-fields`"
        )
    elif answer.json(Store).list_id != settings.audience:
        yield misfit(
            "store", "belongs to another audience than the one in the settings, and does so for good"
        )


def _missing(slug: str, tag: str) -> Iterator[Problem]:
    message = (
        f"Mailchimp has no merge field {tag!r}; add it there, or with `kramik check --live --create-fields`"
    )
    yield misfit(slug, message)


def _field(client: Client, path: str, slug: str, tag: str) -> Iterator[Problem]:
    body = {"tag": tag, "name": f"Link {slug}"[:50], "type": "text"}
    try:
        made = client.send("POST", path, doing="adding a merge field", json=body).json(MergeField).tag
    except (Rejected, NeedsOperator) as error:
        yield misfit(slug, str(error))
        return
    if made != tag:
        yield misfit(slug, f"Mailchimp named the merge field {made!r} and not {tag!r}; say so in link_fields")
