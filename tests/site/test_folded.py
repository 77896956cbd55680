"""Texts of the theme are put into a template as it is compiled; what is not known then is still asked for."""

from __future__ import annotations

import pytest

from kramik.site import texts
from kramik.site.folded import FoldedEnvironment

POLISH = texts.of("pl")


def environment() -> FoldedEnvironment:
    """Return templates of Polish pages, as the theme has them."""
    return FoldedEnvironment(POLISH, autoescape=True)


@pytest.mark.parametrize(
    ("template", "shown"),
    [
        ('{{ t("order.title", title="<A>") }}', POLISH("order.title", title="&lt;A&gt;")),
        ("{{ t(name) }}", POLISH("order.heading")),
        ('{{ t("order." ~ "heading") }}', POLISH("order.heading")),
        ('{% macro m(t) %}{{ t("order.heading") }}{% endmacro %}{{ m(t) }}', POLISH("order.heading")),
    ],
)
def test_shown(template: str, shown: str) -> None:
    """A page says what it said without folding, with values escaped."""
    assert shown == environment().from_string(template).render(t=POLISH, name="order.heading")


def test_nothing_is_asked() -> None:
    """A page with fixed texts needs no texts when it is rendered."""
    assert POLISH("order.heading") == environment().from_string('{{ t("order.heading") }}').render()


def test_a_name_that_does_not_exist() -> None:
    """A mistyped name stops the page, as before."""
    with pytest.raises(KeyError):
        environment().from_string('{{ t("order.nonsense") }}').render(t=POLISH)
