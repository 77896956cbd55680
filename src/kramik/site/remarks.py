"""What the order form says about a problem: in the reader's language, beside the field and in the summary on top."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from kramik.errors import Problem
from kramik.site.texts import Texts

INVOICE = ("company", "tax_id", "street", "postal_code", "city")
CONSENTS = ("consent_terms", "consent_immediate", "consent_marketing")
VISIBLE = ("email", "name", "country", *INVOICE, "coupon", "payment", *CONSENTS)

_PLACES = {"gateway": "payment", "method": "payment"}
"""Fields that the form shows as one."""

_TARGETS = {"price_changed": "price", "price_with_code": "price", "words_changed": "consent_terms"}
"""Where to look when a hidden field is not what it should be."""


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """A sentence about a field; `target` is the id to jump to, empty when nothing on the page can be changed."""

    field: str
    text: str
    target: str


def remarks(problems: Iterable[Problem], texts: Texts) -> list[Remark]:
    """Return the remarks in the order of the form, whatever has no place on it first."""
    found = [
        Remark(field=_PLACES.get(each.field, each.field), text=_sentence(each, texts), target=_target(each))
        for each in problems
    ]
    return sorted(found, key=lambda remark: VISIBLE.index(remark.field) if remark.field in VISIBLE else -1)


def first_texts(found: Iterable[Remark]) -> dict[str, str]:
    """Return the first sentence about each visible field, empty where nothing is wrong."""
    texts = dict.fromkeys(VISIBLE, "")
    for remark in found:
        texts[remark.field] = texts.get(remark.field) or remark.text
    return texts


def _sentence(problem: Problem, texts: Texts) -> str:
    ours = texts.either(f"problem.{problem.code}_{problem.field}", f"problem.{problem.code}")
    if ours is None:
        return problem.message
    return ours.format(label=texts.either(f"field.{problem.field}") or problem.field)


def _target(problem: Problem) -> str:
    if problem.code in _TARGETS:
        return _TARGETS[problem.code]
    field = _PLACES.get(problem.field, problem.field)
    return field if field in VISIBLE else ""
