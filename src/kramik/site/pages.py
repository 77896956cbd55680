"""Every page of the shop, as HTML: those that are written to disk and those that the API answers with.

`Pages(source)` makes pages for the API. The builder asks for `api=False`, and its links start at the site's root.
With `abroad` they are parts for the pages of another site, and every link is a full address.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from datetime import datetime
from pathlib import Path

import msgspec

from kramik.catalogue import Product
from kramik.errors import Problem
from kramik.offer import Offer
from kramik.offer import offer as made
from kramik.payment import PaymentRequest
from kramik.ports import CourseFile
from kramik.site import markdown, versions
from kramik.site.remarks import CONSENTS, INVOICE, VISIBLE, first_texts, remarks
from kramik.site.source import Source
from kramik.site.texts import of
from kramik.site.theme import Theme
from kramik.site.view import View

MESSAGES = frozenset(
    "bad_request conflict gone not_found not_ready replaced resent too_large unavailable unknown_product".split()
)
"""The pages that say one thing; their words are `message.<name>_title` and `message.<name>_text`."""

_KEPT = (*VISIBLE, "source")
_SELLER = ("name", "address", "email", "phone", "tax_id")


class Pages:
    """The pages of one shop."""

    def __init__(
        self, source: Source, templates: Path | None = None, *, api: bool = True, abroad: bool = False
    ) -> None:
        self.theme = Theme(source, templates)
        self._source, self._api, self._abroad = source, api, abroad
        self._then: datetime | None = None
        self._texts = of

    def at(self, now: datetime, then: datetime | None = None) -> Pages:
        """Return the same pages as they are at another moment; `then` is when they switch by themselves."""
        other = copy(self)
        other._source, other._then = msgspec.structs.replace(self._source, now=now), then  # noqa: SLF001 - one of us
        return other

    # What the API answers with, too

    def order_form(
        self,
        product: str,
        lang: str,
        values: Mapping[str, str],
        problems: Sequence[Problem],
        *,
        offer: Offer | None = None,
        now: datetime | None = None,
    ) -> str:
        """Return the order page for an offer, with what the buyer typed and what is wrong with it."""
        if now is not None:
            return self.at(now).order_form(product, lang, values, problems, offer=offer)
        sold = self._source.catalogue.get(product)
        if sold is None:
            return self.message("unknown_product", lang)
        told = [_with_code(each) if offer and offer.coupon else each for each in problems]
        found = remarks(told, self._texts(self._source.language(lang)))
        if any(each.code == "words_changed" for each in problems):
            values = {**values, **dict.fromkeys(CONSENTS, "")}
        return self._render(
            "order.html",
            lang,
            f"/{sold.slug}/order/",
            product=sold,
            offer=offer or made(sold, self._source.conditions, now=self._source.now),
            values={**dict.fromkeys(_KEPT, ""), **values},
            remarks=found,
            wrong=first_texts(found),
            invoice_open=any(values.get(name) for name in INVOICE) or any(r.field in INVOICE for r in found),
        )

    def payment_form(self, request: PaymentRequest, lang: str) -> str:
        """Return a page that sends the buyer to the gateway: by itself with script, by its button without."""
        return self._render("payment.html", lang, None, request=request)

    def unpayable(self, url: str, lang: str) -> str:
        """Return a page that says that the order is kept, with a button that tries to pay it again."""
        return self._render("unpayable.html", lang, None, url=url)

    def withdrawal(
        self, stated: Mapping[str, str], problems: Sequence[Problem], lang: str, *, at: datetime | None = None
    ) -> str:
        """Return the withdrawal: its form (empty on the static page), what is to be confirmed, or that it was taken."""
        found = remarks(problems, self._texts(self._source.language(lang)))
        values = {**dict.fromkeys(("email", "name", "order", "statement"), ""), **stated}
        step = "taken" if at else "confirm" if stated and not problems else "state"
        return self._render(
            "withdraw.html",
            lang,
            "/withdraw/" if not stated and not problems else None,
            values=values,
            wrong={**dict.fromkeys(values, ""), **first_texts(found)},
            step=step,
            at=at.astimezone(self._source.zone) if at and self._source.zone else at,
        )

    def message(self, name: str, lang: str) -> str:
        """Return a page that says one thing and where to go from there; an unknown name is a bad request."""
        name = name if name in MESSAGES else "bad_request"
        return self._render("message.html", lang, None, name=name)

    def files(self, title: str, lang: str, items: Sequence[CourseFile]) -> str:
        """Return the list of the files of a course, with links relative to it."""
        return self._render("files.html", lang, None, title=title, files=items)

    # What is only written to disk

    def embedded(self, product: Product, lang: str) -> str:
        """Return what a course costs and its order form, without a page around them."""
        return self._render(
            "embed.html",
            lang,
            None,
            product=product,
            offer=made(product, self._source.conditions, now=self._source.now),
            values=dict.fromkeys(_KEPT, ""),
            wrong=first_texts(()),
            remarks=(),
            invoice_open=False,
        )

    def shop(self, lang: str) -> str:
        """Return the front page: the author's words and every course."""
        page = self._source.page("index", lang)
        body = markdown.render(page.body, page.lang, self.theme.pictures) if page else ""
        return self._render(
            "shop.html", lang, "/", page=page, body=body, products=list(self._source.catalogue)
        )

    def sales(self, product: Product, lang: str) -> str:
        """Return the sales page of a course."""
        lang = self._source.language(lang)
        words = product.in_language(lang)
        spoken = lang if lang in product.words else product.lang
        body = markdown.render(words.body, spoken, self.theme.pictures)
        return self._render(
            "product.html", lang, f"/{product.slug}/", product=product, words=words, body=body
        )

    def text(self, name: str, lang: str, version: str = "") -> str:
        """Return a page that the author wrote, such as the terms, as it is or as it was in a version."""
        now = self._source.page(name, lang)
        page = versions.page(self._source, name, version, lang) if version else now
        if page is None:
            return self.message("not_found", lang)
        return self._render(
            "text.html",
            lang,
            f"/{name}/{version}/" if version else f"/{name}/",
            page=page,
            name=name,
            body=markdown.render(page.body, page.lang, self.theme.pictures),
            old=bool(version) and (now is None or now.version != version),
        )

    def thanks(self, lang: str) -> str:
        """Return the page behind the payment, whose script follows the order."""
        return self._render("thanks.html", lang, "/thanks/")

    def resend(self, lang: str) -> str:
        """Return the form that asks for the access mail again."""
        return self._render("resend.html", lang, "/resend/")

    def _render(self, template: str, lang: str, path: str | None, **values: object) -> str:
        texts = self._texts(self._source.language(lang))
        product = values.get("product")
        kind = product.legal_kind if isinstance(product, Product) else "content"
        view = View(
            self.theme,
            texts,
            self._source,
            path=path,
            api=self._api,
            abroad=self._abroad,
            kind=kind,
            then=self._then,
        )
        seller = {**dict.fromkeys(_SELLER, ""), **self._source.seller}
        return self.theme.render(
            template, texts, {"shop": self._source, "seller": seller, "view": view, **values}
        )


def _with_code(problem: Problem) -> Problem:
    """Return what a buyer is told whose own code changed the price."""
    return (
        msgspec.structs.replace(problem, code="price_with_code")
        if problem.code == "price_changed"
        else problem
    )
