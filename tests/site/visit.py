"""A visitor: one page in a fresh browser context, watched for what it must not do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from playwright.sync_api import Browser, Page

from tests.hosts.witness import LINES, witnessed
from tests.site.world import Running

PATIENCE = 30_000
"""Milliseconds that a busy browser is waited for; what is wrong stays wrong all that time."""


@contextmanager
def visiting(
    chromium: Browser,
    shop: Running,
    *,
    script: bool = True,
    wide: int = 1280,
    wrong: str = "",
    high: int = 900,
    touch: bool = False,
) -> Iterator[Page]:
    """Open a page that must ask nobody else and must not complain; `wrong` is a status that a script is told."""
    context = chromium.new_context(
        java_script_enabled=script, viewport={"width": wide, "height": high}, has_touch=touch
    )
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request", lambda asked: complaints.extend({asked.url} if not asked.url.startswith(shop.url) else ())
    )
    try:
        with witnessed(lambda: witness(page, complaints)):
            yield page
        assert [] == [each for each in complaints if not (wrong and wrong in each)]
        assert [] == context.cookies()
    finally:
        context.close()


def witness(page: Page, complaints: Iterable[str] = ()) -> str:
    """Return what a page shows, and where a picture of it lies."""
    picture = Path(mkdtemp(prefix="kramik-seen-")) / "page.png"
    page.screenshot(path=picture, timeout=5_000)
    text = page.locator("body").inner_text(timeout=5_000)
    shown = [line for line in text.splitlines() if line.strip()]
    return "\n".join([f"{page.url} looked like {picture} and said:", *shown[:LINES], *complaints])
