"""The bodies that Mailchimp takes; it knows every field of each.

Source: Mailchimp's specification of the Marketing API 3.0.91.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

Text = Annotated[str, msgspec.Meta(min_length=1)]
Status = Literal["subscribed", "unsubscribed", "cleaned", "pending", "transactional"]


class Strict(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A body of which Mailchimp knows every field."""


class MemberBody(Strict):
    """`PUT /lists/{list}/members/{hash}`."""

    email_address: Text
    status_if_new: Status
    status: Status | UnsetType = UNSET
    merge_fields: dict[str, str] = {}
    language: str = ""


class TagBody(Strict):
    """One tag to add or to take away."""

    name: Text
    status: Literal["active", "inactive"]


class TagsBody(Strict):
    """`POST /lists/{list}/members/{hash}/tags`."""

    tags: list[TagBody]
    is_syncing: bool = False


class StoreBody(Strict):
    """`POST /ecommerce/stores`."""

    id: Text
    list_id: Text
    name: Text
    currency_code: Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")]


class Variant(Strict):
    """A variant of a product."""

    id: Text
    title: Text
    price: float = 0.0


class MergeFieldBody(Strict):
    """`POST /lists/{list}/merge-fields`."""

    tag: Annotated[str, msgspec.Meta(pattern=r"^[A-Z0-9_]{1,10}$")]
    name: Text
    type: Literal["text", "number", "url", "date"]


class ProductBody(Strict):
    """`PUT /ecommerce/stores/{store}/products/{product}`."""

    id: Text
    title: Text
    variants: Annotated[list[Variant], msgspec.Meta(min_length=1)]


class CustomerBody(Strict):
    """Who bought."""

    id: Text
    email_address: Text
    opt_in_status: bool
    first_name: str = ""
    last_name: str = ""


class Line(Strict):
    """A line of an order."""

    id: Text
    product_id: Text
    product_variant_id: Text
    quantity: Annotated[int, msgspec.Meta(ge=1)]
    price: float


class OrderBody(Strict):
    """`PUT /ecommerce/stores/{store}/orders/{order}`."""

    id: Text
    customer: CustomerBody
    currency_code: Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")]
    order_total: float
    lines: Annotated[list[Line], msgspec.Meta(min_length=1)]
    financial_status: str = ""
    processed_at_foreign: str = ""
