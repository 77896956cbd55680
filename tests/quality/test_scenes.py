"""What a script makes of a page, judged by the same tools: live by axe, then as it stood by the others."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.quality import tools
from tests.quality.eye import judged, seeing
from tests.quality.scenes import SCENES
from tests.site.world import Running

_AS_IT_STANDS = """() => {
    const page = document.documentElement.cloneNode(true);
    page.querySelectorAll("script:not([type='application/ld+json'])").forEach(each => each.remove());
    return "<!DOCTYPE html>\\n" + page.outerHTML;
}"""


@pytest.fixture(scope="module")
def seen(chromium: Browser, running: Running) -> dict[str, tuple[str, list[str]]]:
    """Each scene as it stood at its end, without its scripts, and what axe said of it."""
    found = {}
    with seeing(chromium, running, wrong="422") as page:
        for name, play in SCENES.items():
            play(page, running)
            found[name] = _stands(page), judged(page)
    return found


def _stands(page: Page) -> str:
    html: str = page.evaluate(_AS_IT_STANDS)
    return html


def test_axe(seen: dict[str, tuple[str, list[str]]]) -> None:
    """Nothing that the script says, opens or locks keeps anybody out."""
    assert [] == [f"{name}: {each}" for name, (_, said) in seen.items() for each in said]


def test_rules_of_html(seen: dict[str, tuple[str, list[str]]], tmp_path: Path) -> None:
    """What the script writes into a page is HTML."""
    for name, (page, _) in seen.items():
        (tmp_path / f"{name}.html").write_text(page, "utf-8")

    assert [] == tools.remarks(tmp_path)
    assert [] == tools.messages(tmp_path)


def test_pa11y(seen: dict[str, tuple[str, list[str]]], running: Running) -> None:
    """And HTML CodeSniffer has nothing against it in either scheme."""
    running.extra = {f"/seen/{name}": page for name, (page, _) in seen.items()}

    assert [] == tools.issues(running.url + path for path in running.extra)
