"""The seller's mailbox: one short mail for each fact, which says what happened and which command helps.

It goes through the shop's own post and is as repeatable as that.
"""

from __future__ import annotations

from typing import Literal

from msgspec.structs import replace

from kramik.explained import comes_next, means
from kramik.mail import as_html
from kramik.ports import Mail, News, Post

_SUBJECTS = {
    "parked": "an order waits for you",
    "mismatch": "a payment does not fit its order",
    "second": "an order was paid twice",
    "refund": "money went back",
    "chargeback": "a buyer's bank took money back",
    "withdrawal": "a buyer withdrew from the contract",
    "poison": "a message was moved aside",
    "digest": "your day",
}
_EXPLAINED = ("parked", "mismatch", "second")
"""Kinds of which an order can say what they mean; money that went back says it itself."""


class MailTeller:
    """Mails the seller."""

    def __init__(self, post: Post, *, to: str, shop: str) -> None:
        self._post, self._to, self._shop = post, to, shop

    @property
    def repeat(self) -> Literal["keyed", "unsafe"]:
        """Return what the post is."""
        return self._post.repeat

    def tell(self, news: News) -> str:
        """Send the mail; the receipt is the post's id of it."""
        text = written(news)
        subject = f"{self._shop}: {_SUBJECTS[news.kind]}"
        html = as_html(text, title=subject, lang="en")
        mail = Mail(to=self._to, subject=subject, text=text, html=html, key=f"notice/{news.id}")
        return self._post.send(mail)


def written(news: News) -> str:
    """Return the text of a notice: the sentence, the order, the commands."""
    order, what = news.order, news.text.rstrip(".")
    if order is None:
        return f"{what}.\n" if news.kind != "digest" else news.text
    intent, order = order.intent, replace(order, notices=())  # whoever reads this is being told
    meaning = [f"{each}." for each in means(order)] if news.kind in _EXPLAINED else []
    lines = [
        f"{what}.",
        *meaning,
        "",
        f"Order:   {order.id}",
        f"Product: {' '.join(intent.title.split())} ({intent.product})",
        f"Price:   {intent.price} through {intent.gateway}",
        f"Since:   {news.at:%Y-%m-%d %H:%M} UTC",
        "",
        "See everything that happened:",
        f"  kramik orders show {order.id}",
    ]
    if news.kind in ("parked", "withdrawal"):
        lines += ["What comes next:", *(f"  {each}" for each in comes_next(order))]
    if news.kind in ("mismatch", "second"):
        lines += [
            "When the money is sent back:",
            "  kramik poison list, then kramik poison discard ID --why TEXT",
        ]
    return "\n".join([*lines, ""])
