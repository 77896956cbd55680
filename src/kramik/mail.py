"""The mails that kramik writes itself: the access, where no sequence carries it, and again for whoever lost it.

Text, and HTML that says the same without anything from elsewhere, in the language of the order.
What the buyer typed never begins a header and is never a template.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, tzinfo
from html import escape
from typing import Literal

from kramik.errors import NeedsOperator
from kramik.order import Order
from kramik.ports import Delivery, Effect, Mail, Post

_AGAIN = {
    "pl": (
        "Twój dostęp: {title}",
        "Cześć,\n\noto ponownie Twój link do kursu „{title}”:\n\n{link}\n\nNumer zamówienia: {order}\n",
    ),
    "en": (
        "Your access: {title}",
        "Hello,\n\nhere is your link to “{title}” again:\n\n{link}\n\nOrder number: {order}\n",
    ),
}
_FIRST = {
    "pl": (
        "Twój dostęp: {title}",
        (
            "Cześć,\n\ndziękujemy za zakup kursu „{title}”. Otworzysz go tym linkiem:\n\n{link}\n\n"
            "Link jest tylko dla Ciebie. Zachowaj tę wiadomość, żeby zawsze tu wrócić.\n\nNumer zamówienia: {order}\n"
        ),
    ),
    "en": (
        "Your access: {title}",
        (
            "Hello,\n\nthank you for buying “{title}”. This link opens it:\n\n{link}\n\n"
            "The link is for you alone. Keep this mail to find your way back.\n\nOrder number: {order}\n"
        ),
    ),
}


_WITHDRAWN = {
    "pl": (
        "Potwierdzenie odstąpienia od umowy: {title}",
        (
            "Potwierdzamy, że {at} otrzymaliśmy oświadczenie o odstąpieniu od umowy.\n\n"
            "Kurs: {title}\nNumer zamówienia: {order}\nOsoba: {name}\nAdres e-mail: {email}\n\n"
            "Treść oświadczenia:\n{statement}\n\n"
            "Odpowiemy bez zbędnej zwłoki. Jeśli prawo odstąpienia przysługuje, zwrócimy płatność najpóźniej "
            "{until} tą samą drogą, którą przyszła.\n\nZachowaj tę wiadomość.\n"
        ),
    ),
    "en": (
        "Your withdrawal from the contract: {title}",
        (
            "We confirm that on {at} we received your withdrawal from the contract.\n\n"
            "Course: {title}\nOrder number: {order}\nName: {name}\nE-mail: {email}\n\n"
            "Your statement:\n{statement}\n\n"
            "We will answer without delay. If the right of withdrawal exists, the payment goes back no later than "
            "{until}, the way it came.\n\nPlease keep this mail.\n"
        ),
    ),
}
_STATEMENT = {"pl": "Odstępuję od umowy.", "en": "I withdraw from the contract."}


class NoPost:
    """The post of a shop that has none."""

    @property
    def repeat(self) -> Literal["keyed"]:
        """Return that a repeat is harmless: nothing is sent."""
        return "keyed"

    def send(self, mail: Mail) -> str:
        """Send nothing.

        Raises:
            NeedsOperator: always.
        """
        why = f"this shop sends no mails of its own; add [smtp] to shop.toml (the mail was {mail.subject!r})"
        raise NeedsOperator(why)


def by_post(post: Post) -> Effect:
    """Return the effect that mails the access itself; the receipt says that it went by mail."""

    def do(delivery: Delivery) -> str:
        order = delivery.order
        return f"by mail {post.send(access_mail(order, delivery.access_link, key=f'{order.key}/access'))}"

    return Effect(repeat=post.repeat, do=do)


def access_mail(order: Order, link: str, *, key: str, again: bool = False) -> Mail:
    """Write the mail that carries the access link; equal keys are one mail."""
    texts = _AGAIN if again else _FIRST
    lang = order.intent.lang if order.intent.lang in texts else "en"
    subject, text = texts[lang]
    words = {"title": order.intent.title, "link": link, "order": order.id}
    title = " ".join(order.intent.title.split())
    body, subject = text.format(**words), subject.format(title=title)
    return Mail(
        to=order.intent.buyer.email,
        subject=subject,
        text=body,
        html=as_html(body, title=subject, lang=lang, links=(link,)),
        key=key,
    )


def acknowledging(post: Post, clock: tzinfo = UTC) -> Effect:
    """Return the effect that acknowledges a withdrawal by mail; the receipt says that it went."""

    def do(delivery: Delivery) -> str:
        return f"by mail {post.send(withdrawal_mail(delivery.order, clock))}"

    return Effect(repeat=post.repeat, do=do)


def withdrawal_mail(order: Order, clock: tzinfo = UTC) -> Mail:
    """Write the acknowledgement of a withdrawal: content, date and time by this clock, as CRD art. 11a demands.

    Raises:
        NeedsOperator: nobody withdrew from this order.
    """
    stated = order.withdrawal
    if stated is None:
        raise NeedsOperator("nobody withdrew from this order")
    lang = order.intent.lang if order.intent.lang in _WITHDRAWN else "en"
    subject, text = _WITHDRAWN[lang]
    title = " ".join(order.intent.title.split())
    words = {
        "title": title,
        "order": order.id,
        "name": stated.name,
        "email": order.intent.buyer.email,
        "at": f"{stated.at.astimezone(clock):%Y-%m-%d %H:%M:%S %Z}",
        "until": f"{stated.refund_by.astimezone(clock):%Y-%m-%d}",
        "statement": stated.statement or _STATEMENT[lang],
    }
    body, subject = text.format(**words), subject.format(title=title)
    return Mail(
        to=order.intent.buyer.email,
        subject=subject,
        text=body,
        html=as_html(body, title=subject, lang=lang),
        key=f"{order.id}/withdrawal",
    )


def as_html(text: str, *, title: str, lang: str, links: Iterable[str] = ()) -> str:
    """Return the text as a small page with a title: paragraphs, and links only where they are our own."""
    shown = escape(text.strip())
    for link in map(escape, links):
        shown = shown.replace(link, f'<a href="{link}">{link}</a>')
    paragraphs = (each.replace("\n", "<br>\n") for each in shown.split("\n\n"))
    body = "\n".join(f"<p>{each}</p>" for each in paragraphs)
    head = f'<meta charset="utf-8">\n<title>{escape(title)}</title>'
    return f'<!doctype html>\n<html lang="{escape(lang)}">\n{head}\n<body>\n{body}\n</body>\n</html>\n'
