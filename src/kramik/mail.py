"""The one mail that kramik writes itself: the access link again, for a buyer who lost it.

Plain text, in the language of the order; what the buyer typed never reaches a header.
"""

from __future__ import annotations

from kramik.order import Order
from kramik.ports import Mail

_TEXTS = {
    "pl": (
        "Twój dostęp: {title}",
        "Cześć,\n\noto ponownie Twój link do kursu „{title}”:\n\n{link}\n\nNumer zamówienia: {order}\n",
    ),
    "en": (
        "Your access: {title}",
        "Hello,\n\nhere is your link to “{title}” again:\n\n{link}\n\nOrder number: {order}\n",
    ),
}


def access_mail(order: Order, link: str, *, key: str) -> Mail:
    """Write the mail that carries the access link; equal keys are one mail."""
    subject, text = _TEXTS.get(order.intent.lang, _TEXTS["en"])
    words = {"title": order.intent.title, "link": link, "order": order.id}
    title = " ".join(order.intent.title.split())
    return Mail(
        to=order.intent.buyer.email, subject=subject.format(title=title), text=text.format(**words), key=key
    )
