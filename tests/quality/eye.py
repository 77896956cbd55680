"""Whoever looks at a page: in a real Chromium, wide and light, then narrow and dark, with axe in the hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from types import MappingProxyType

from playwright.sync_api import Browser, Page

from tests.quality import sight, tools
from tests.quality.sight import Scheme
from tests.site.visit import visiting
from tests.site.world import Running

_WIDE: Mapping[Scheme, int] = MappingProxyType({"light": 1280, "dark": 360})
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_RUN = """async (rules) => {
    const found = await axe.run(document, {runOnly: {type: "tag", values: rules}, resultTypes: ["violations"]});
    const said = found.violations.flatMap(rule =>
        rule.nodes.map(node => `${rule.id}: ${node.html.slice(0, 120)}: ${node.failureSummary}`));
    return {said, passed: found.passes.length};
}"""

_script = cache(tools.axe)


@contextmanager
def seeing(chromium: Browser, shop: Running, *, wrong: str = "") -> Iterator[Page]:
    """Visit the shop as somebody who wants nothing to move: a colour is judged when it has arrived."""
    with visiting(chromium, shop, wrong=wrong) as page:
        page.emulate_media(reduced_motion="reduce")
        yield page


def judged(page: Page) -> list[str]:
    """Return what axe says of the page as it is now, by WCAG 2.2 AA and good habit, in both schemes."""
    page.evaluate(_script())
    return [f"{scheme}: {each}" for scheme in _WIDE for each in _in(page, scheme)]


def _in(page: Page, scheme: Scheme) -> list[str]:
    sight.resize(page, _WIDE[scheme], 900)
    sight.recolour(page, scheme)
    found = page.evaluate(_RUN, _RULES)
    assert found["passed"] > 10, page.url
    fits = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    said: list[str] = found["said"]
    return said if fits else [*said, f"the page is wider than {_WIDE[scheme]} pixels"]
