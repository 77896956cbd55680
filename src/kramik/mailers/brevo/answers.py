"""What Brevo answers, as far as we read it."""

from __future__ import annotations

import msgspec

from kramik.http import Answer


class Contact(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Somebody there, as far as we need to know them."""

    id: int
    email_blacklisted: bool
    list_ids: list[int] = []
    list_unsubscribed: list[int] | None = None
    attributes: dict[str, object] = {}

    def unwilling(self, number: int) -> bool:
        """Say whether Brevo will not mail this person for this list."""
        return self.email_blacklisted or number in (self.list_unsubscribed or ())


class Refusal(msgspec.Struct, frozen=True):
    """What Brevo says when it refuses."""

    code: str = ""
    message: str = ""


class Sent(msgspec.Struct, frozen=True, rename="camel"):
    """What Brevo says of a mail."""

    message_id: str


class Attribute(msgspec.Struct, frozen=True):
    """An attribute of contacts."""

    name: str


class Attributes(msgspec.Struct, frozen=True):
    """The attributes of the account."""

    attributes: list[Attribute]


def refusal(answer: Answer) -> Refusal:
    """Read a refusal; an empty one where nobody can read it."""
    try:
        return msgspec.json.decode(answer.body, type=Refusal)
    except msgspec.MsgspecError:
        return Refusal()
