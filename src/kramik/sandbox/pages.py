"""The pages of this world: templates in `templates/`, Polish and English, no script, nothing from elsewhere."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import Response

from kramik.sandbox.texts import TEXTS

HERE = Path(__file__).parent / "templates"
HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}


def page(name: str, status: int = 200, /, *, lang: str = "", **values: object) -> Response:
    """Render a page in this language; any but `pl` is English."""
    known = lang if lang in TEXTS else "en"
    html = _templates().get_template(f"{name}.html").render(values, lang=known, say=TEXTS[known])
    return Response(html, status, HEADERS, media_type="text/html; charset=utf-8")


@cache
def style() -> str:
    """Return the one style sheet of all pages."""
    return (HERE / "style.css").read_text(encoding="utf-8")


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
