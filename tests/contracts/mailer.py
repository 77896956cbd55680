"""What every mailing tool promises beyond the promises of any effect (`effect.py`); each takes an `Office`.

`POST_PROMISES` are those of a tool that also sends single mails; each takes a `Postbox`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from kramik.ports import Delivery, Mail, Mailer, Post
from tests.contracts.effect import PROMISES as EFFECT_PROMISES

__all__ = ["EFFECT_PROMISES", "POST_PROMISES", "PROMISES", "Office", "Postbox"]


@dataclass(frozen=True, kw_only=True)
class Office:
    """A mailing tool and what arrived: `mails` returns subject and text of every mail to an address."""

    mailer: Mailer
    delivery: Delivery
    mails: Callable[[str], list[tuple[str, str]]]

    @property
    def buyer(self) -> str:
        """Return the address of who bought."""
        return self.delivery.order.intent.buyer.email


@dataclass(frozen=True, kw_only=True)
class Postbox:
    """A way to send single mails, an address, and what arrived there."""

    post: Post
    to: str
    mails: Callable[[str], list[tuple[str, str]]]


def sequence_carries_the_link(office: Office) -> None:
    """The first mail of a sequence carries the access link, once."""
    office.mailer.sequence.do(office.delivery)
    assert [text.count(office.delivery.access_link) for _, text in office.mails(office.buyer)] == [1]


def sequence_begins_again_at_another_address(office: Office) -> None:
    """An order whose address was corrected starts the sequence there, with its own link, and nothing at the old one."""
    office.mailer.sequence.do(office.delivery)
    before = len(office.mails(office.buyer))
    order = office.delivery.order.correct(f"right-{office.buyer}", now=office.delivery.order.updated_at)
    link = office.delivery.access_link.replace(f"/{order.id}.", f"/{order.key}.")
    office.mailer.sequence.do(Delivery(order=order.addressed, access_link=link))
    assert [text.count(link) for _, text in office.mails(f"right-{office.buyer}")] == [1]
    assert len(office.mails(office.buyer)) == before


def purchase_sends_nothing(office: Office) -> None:
    """Registering a purchase sends no mail by itself."""
    office.mailer.purchase.do(office.delivery)
    assert office.mails(office.buyer) == []


def equal_keys_are_one_mail(box: Postbox) -> None:
    """A mail that is sent again with the same key arrives once, as it was written."""
    mail = Mail(to=box.to, subject="Twój dostęp: żółw", text="oto link\n", key=f"1-{box.to}")
    box.post.send(mail)
    box.post.send(mail)
    assert box.mails(box.to) == [("Twój dostęp: żółw", "oto link\n")]


def other_keys_are_other_mails(box: Postbox) -> None:
    """A mail with another key is another mail."""
    mail = Mail(to=box.to, subject="s", text="t", key=f"2-{box.to}")
    box.post.send(mail)
    box.post.send(replace(mail, key=f"3-{box.to}"))
    assert len(box.mails(box.to)) == 2


PROMISES = (sequence_carries_the_link, sequence_begins_again_at_another_address, purchase_sends_nothing)
POST_PROMISES = (equal_keys_are_one_mail, other_keys_are_other_mails)
