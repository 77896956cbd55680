"""The bodies that Brevo takes; it knows every field of each.

Source: developers.brevo.com (read in November 2026).
"""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

import msgspec

Text = Annotated[str, msgspec.Meta(min_length=1)]
Moment = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$")]


class Strict(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A body of which Brevo knows every field."""


class ContactBody(Strict):
    """`POST /v3/contacts`."""

    email: Annotated[str, msgspec.Meta(pattern=r"^[^@\s]+@[^@\s]+$")]
    attributes: dict[str, str | float | bool] = {}
    list_ids: list[int] = []
    email_blacklisted: bool | None = None
    update_enabled: bool = False


class AttributeBody(Strict):
    """`POST /v3/contacts/attributes/normal/{name}`."""

    type: Literal["text", "date", "float", "boolean"]


class EmailsBody(Strict):
    """`POST /v3/contacts/lists/{list}/contacts/add`."""

    emails: Annotated[list[Text], msgspec.Meta(min_length=1, max_length=150)]


class Bought(Strict):
    """A product of an order."""

    product_id: Text
    price: float
    quantity: Annotated[int, msgspec.Meta(ge=1)]


class Identifiers(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Who bought."""

    email_id: Text


class OrderBody(Strict):
    """`POST /v3/orders/status`."""

    id: Text
    created_at: Moment
    updated_at: Moment
    status: Text
    amount: float
    products: Annotated[list[Bought], msgspec.Meta(min_length=1)]
    identifiers: Identifiers


class Address(Strict):
    """An address of a mail."""

    email: Text
    name: str = ""


class MailHeaders(Strict):
    """The headers of a mail that have a meaning."""

    idempotency_key: UUID


class Attachment(Strict):
    """A file of a mail, in base64."""

    name: Text
    content: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9+/]+={0,2}$")]


class MailBody(Strict):
    """`POST /v3/smtp/email`."""

    sender: Address
    to: Annotated[list[Address], msgspec.Meta(min_length=1)]
    subject: Text
    text_content: Text
    headers: MailHeaders
    html_content: str = ""
    attachment: list[Attachment] = []
