"""Every kind of page in every state, judged by the HTML CodeSniffer of pa11y up to WCAG AAA, in both schemes."""

from __future__ import annotations

from pathlib import Path

from tests.quality import tools
from tests.quality.conftest import showing
from tests.quality.states import COLOURFUL, kinds
from tests.site.world import Running

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Page</title><style>{style}</style></head>
<body><main><h1>Page</h1>{body}</main></body></html>
"""
_PALE = """
:root { color-scheme: light dark; background: light-dark(oklch(98% .01 85), oklch(20% .01 265)); }
p, details[open] > div { color: light-dark(oklch(25% .02 265), oklch(35% .02 265)); }
"""
_FAULTY = {
    "/unnamed": _PAGE.format(
        style="", body='<form method="post"><input type="text" name="a"><button>Send</button></form>'
    ),
    "/pale": _PAGE.format(style=_PALE, body="<p>Pale in the dark</p>"),
    "/folded": _PAGE.format(
        style=_PALE, body="<details><summary>More</summary><div>Pale in the dark</div></details>"
    ),
    "/nested": _PAGE.format(style="", body="<h2>One</h2><h4>Three</h4>"),
}


def test_every_page(running: Running, extremes: Path) -> None:
    """Every kind of page on the disk, folds open, every answer of the API, and the colours of the other theme."""
    paths = (*kinds(running.files).values(), *running.extra)
    assert len(paths) > 40
    with showing(extremes, "warsztat") as other:
        pages = [running.url + path for path in paths] + [other.url + path for path in COLOURFUL]

        assert [] == tools.issues(pages)


def test_a_fault_is_found(running: Running) -> None:
    """A field without a name, a step in the headings, and an oklch colour that is too pale in the dark or in a fold."""
    before = running.headers, running.extra
    running.headers, running.extra = {}, _FAULTY
    found = tools.issues(running.url + path for path in _FAULTY)
    running.headers, running.extra = before

    assert any(each.startswith("/unnamed light: ") and "InputText.Name" in each for each in found)
    assert any(each.startswith("/nested light: ") and "1_3_1_AAA.G141" in each for each in found)
    for path in ("/pale", "/folded"):
        assert {"dark:"} == {each.split()[1] for each in found if each.startswith(path)}
