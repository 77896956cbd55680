"""The confirmation of the contract on a durable medium: a mail with everything that was agreed, and the terms.

It is made of the order's intent, so it says what was bought and not what is sold today; the terms go along whole,
because a link alone is no durable medium. The sentences are templates that a lawyer has to approve.
Source: CRD art. 8(7) and 16(m), UPK art. 21 and 38 pt 13; CJEU C-49/11 for the link.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from hashlib import sha256

import msgspec

from kramik.intent import Consent, ConsentText, Intent
from kramik.mail import as_html
from kramik.order import Order
from kramik.ports import Delivery, Effect, File, Mail, Post


class Paper(msgspec.Struct, frozen=True, kw_only=True):
    """What a shop prints on every confirmation: who sells, where the site is, its texts.

    `seller` maps name, address, email, phone and tax_id; the first of `langs` is the one that stands at the root of the
    site. `terms` maps what an order keeps of its terms (`Intent.terms`) to that very text, in Markdown, and a language
    to the text of today, for an order that keeps nothing of them.
    """

    site: str
    seller: Mapping[str, str]
    consents: Mapping[str, ConsentText]
    terms: Mapping[str, str]
    langs: tuple[str, ...]


def confirming(post: Post, paper: Paper) -> Effect:
    """Return the effect that mails the confirmation; the receipt says that it went by mail."""

    def do(delivery: Delivery) -> str:
        return f"by mail {post.send(confirmation(delivery.order, paper))}"

    return Effect(repeat=post.repeat, do=do)


def confirmation(order: Order, paper: Paper) -> Mail:
    """Write the confirmation of a paid order, in its language; the same order is the same mail."""
    words = _WORDS.get(order.intent.lang, _WORDS["en"])
    lang = order.intent.lang if order.intent.lang in _WORDS else "en"
    link, kept = _terms_link(order.intent, paper), _files(order.intent, paper, words)
    withdraw = f"{_home(order.intent, paper)}/withdraw/"
    blocks = [
        [words["thanks"]],
        _bought(order, words),
        _buyer(order.intent, words),
        _seller(paper.seller, words),
        *_agreed(order.intent, paper, words),
        [f"{words['terms_attached' if kept else 'terms']}:", link] if paper.terms else [],
        [f"{words['withdraw']}:", withdraw],
        [words["keep"]],
    ]
    text = "\n\n".join("\n".join(block) for block in blocks if block) + "\n"
    subject = words["subject"].format(title=" ".join(order.intent.title.split()))
    return Mail(
        to=order.intent.buyer.email,
        subject=subject,
        text=text,
        html=as_html(text, title=subject, lang=lang, links=(link, withdraw)),
        files=kept,
        key=f"{order.key}/confirmation",
    )


def _bought(order: Order, words: Mapping[str, str]) -> list[str]:
    intent, payment = order.intent, order.payment
    days = words["days"].format(days=intent.access_days) if intent.access_days else words["no_end"]
    paid = f"{intent.gateway}, {payment.event.reference}, {_moment(payment.at)}" if payment else ""
    return _lines(
        (words["order"], order.id),
        (words["placed"], _moment(order.created_at)),
        (words["product"], intent.title),
        (words["price"], str(intent.price)),
        (words["paid"], paid),
        (words["access"], days),
    )


def _buyer(intent: Intent, words: Mapping[str, str]) -> list[str]:
    buyer, invoice = intent.buyer, intent.buyer.invoice
    lines = _lines((words["buyer"], buyer.name), (words["email"], buyer.email))
    if invoice is None:
        return lines
    address = ", ".join(
        filter(None, (invoice.street, f"{invoice.postal_code} {invoice.city}".strip(), invoice.country))
    )
    return [
        *lines,
        *_lines((words["company"], f"{invoice.company}, {address}"), (words["tax_id"], invoice.tax_id)),
    ]


def _seller(seller: Mapping[str, str], words: Mapping[str, str]) -> list[str]:
    shown = (
        ("seller", "name"),
        ("address", "address"),
        ("email", "email"),
        ("phone", "phone"),
        ("tax_id", "tax_id"),
    )
    return _lines(*((words[word], seller.get(key, "")) for word, key in shown))


def _agreed(intent: Intent, paper: Paper, words: Mapping[str, str]) -> Iterator[list[str]]:
    """Yield what the buyer agreed to, and what follows from it for the right of withdrawal."""
    if intent.consents:
        yield [f"{words['agreed']}:"]
    for each in intent.consents:
        text = _text_of(each, paper.consents)
        shown = words["quoted"].format(text=text) if text else words["replaced"].format(sha256=each.sha256)
        yield [shown, f"({each.id}, {words['version']} {each.version}, {_moment(each.given_at)})"]
    if any(each.id == "immediate" for each in intent.consents):
        yield [words[f"withdrawal_{intent.legal_kind}"]]


def _text_of(consent: Consent, texts: Mapping[str, ConsentText]) -> str:
    """Return the text that was agreed to; nothing when the shop has another one by now."""
    known = (text for each in texts.values() if each.id == consent.id for text in each.texts.values())
    return next((text for text in known if sha256(text.encode()).hexdigest() == consent.sha256), "")


def _files(intent: Intent, paper: Paper, words: Mapping[str, str]) -> tuple[File, ...]:
    """Return the terms that were agreed to; never others, and none when nobody has these any more."""
    text = paper.terms.get(intent.terms or intent.lang, "")
    return (File(name=f"{words['terms_file']}.txt", text=text),) if text else ()


def _terms_link(intent: Intent, paper: Paper) -> str:
    """Return where the terms are read, in the version that was agreed to where it has an address."""
    version, mark, _ = intent.terms.partition(" sha256:")
    dated = f"{version}/" if mark and intent.terms in paper.terms else ""
    return f"{_home(intent, paper)}/terms/{dated}"


def _home(intent: Intent, paper: Paper) -> str:
    return f"{paper.site}{'' if intent.lang == paper.langs[0] else f'/{intent.lang}'}"


def _lines(*pairs: tuple[str, str]) -> list[str]:
    """Return a line for each pair that says something; what was typed stays on its line."""
    return [f"{label}: {' '.join(text.split())}" for label, text in pairs if text.strip()]


def _moment(when: datetime) -> str:
    return when.strftime("%Y-%m-%d %H:%M UTC")


_WORDS: dict[str, dict[str, str]] = {
    "pl": {
        "subject": "Potwierdzenie zamówienia: {title}",
        "thanks": "Dziękujemy za zakup. To jest potwierdzenie zawarcia umowy.",
        "order": "Numer zamówienia",
        "placed": "Złożone",
        "product": "Kurs",
        "price": "Cena z podatkami",
        "paid": "Zapłacone",
        "access": "Dostęp",
        "days": "{days} dni",
        "no_end": "bez ograniczenia w czasie",
        "buyer": "Kupuje",
        "email": "E-mail",
        "company": "Faktura dla",
        "tax_id": "NIP / numer podatkowy",
        "seller": "Sprzedaje",
        "address": "Adres",
        "phone": "Telefon",
        "agreed": "Twoje oświadczenia przy zamówieniu",
        "version": "wersja",
        "quoted": "„{text}”",
        "replaced": "tekst z tamtej chwili, sha256 {sha256}",
        "withdrawal_content": (
            "Na Twoje żądanie dostarczamy treści cyfrowe przed upływem 14 dni na odstąpienie od umowy. "
            "Zgodnie z Twoim oświadczeniem tracisz z chwilą ich dostarczenia prawo odstąpienia."
        ),
        "withdrawal_service": (
            "Na Twoje żądanie zaczynamy świadczyć usługę przed upływem 14 dni na odstąpienie od umowy. "
            "Prawo odstąpienia tracisz z chwilą pełnego wykonania usługi."
        ),
        "withdrawal_event": (
            "Umowa dotyczy wydarzenia w oznaczonym terminie, więc prawo odstąpienia od niej nie przysługuje."
        ),
        "withdraw": "Odstąp od umowy tutaj",
        "terms": "Regulamin",
        "terms_attached": "Regulamin (jest też w załączniku)",
        "terms_file": "regulamin",
        "keep": "Zachowaj tę wiadomość.",
    },
    "en": {
        "subject": "Confirmation of your order: {title}",
        "thanks": "Thank you for your purchase. This confirms that the contract was concluded.",
        "order": "Order number",
        "placed": "Placed",
        "product": "Course",
        "price": "Price with taxes",
        "paid": "Paid",
        "access": "Access",
        "days": "{days} days",
        "no_end": "without a limit in time",
        "buyer": "Buyer",
        "email": "E-mail",
        "company": "Invoice to",
        "tax_id": "Tax id",
        "seller": "Seller",
        "address": "Address",
        "phone": "Phone",
        "agreed": "What you declared when you ordered",
        "version": "version",
        "quoted": "“{text}”",
        "replaced": "the text of that moment, sha256 {sha256}",
        "withdrawal_content": (
            "At your request we supply the digital content before the 14 days for withdrawal have passed. "
            "As you declared, you lose the right of withdrawal when it is supplied."
        ),
        "withdrawal_service": (
            "At your request we begin the service before the 14 days for withdrawal have passed. "
            "You lose the right of withdrawal when the service was performed in full."
        ),
        "withdrawal_event": "The contract is about an event on a given date, so there is no right of withdrawal.",
        "withdraw": "Withdraw from contract here",
        "terms": "Terms",
        "terms_attached": "Terms (also attached)",
        "terms_file": "terms",
        "keep": "Please keep this mail.",
    },
}
