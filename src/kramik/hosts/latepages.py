"""Pages that are made when the first one is asked for: a function that redirects loads no template engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property

from kramik.errors import Problem
from kramik.offer import Offer
from kramik.payment import PaymentRequest
from kramik.ports import CourseFile
from kramik.replies import Pages


class LatePages:
    """Pages of `replies.py` in front of others."""

    def __init__(self, make: Callable[[], Pages]) -> None:
        self._make = make

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
        """Return the order page of an offer at a moment."""
        return self._pages.order_form(product, lang, values, problems, offer=offer, now=now)

    def payment_form(self, request: PaymentRequest, lang: str) -> str:
        """Return a page that submits the gateway's form."""
        return self._pages.payment_form(request, lang)

    def unpayable(self, url: str, lang: str) -> str:
        """Return a page that says that the order is kept."""
        return self._pages.unpayable(url, lang)

    def withdrawal(
        self, stated: Mapping[str, str], problems: Sequence[Problem], lang: str, *, at: datetime | None = None
    ) -> str:
        """Return the withdrawal as it was stated."""
        return self._pages.withdrawal(stated, problems, lang, at=at)

    def message(self, name: str, lang: str) -> str:
        """Return a page that says one thing."""
        return self._pages.message(name, lang)

    def files(self, title: str, lang: str, items: Sequence[CourseFile]) -> str:
        """Return the list of a course's files."""
        return self._pages.files(title, lang, items)

    @cached_property
    def _pages(self) -> Pages:
        return self._make()
