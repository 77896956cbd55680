"""Which files each generator gets, by their path below the root of the other site.

What is `ours` follows the shop. `stubs` are a beginning: whoever changed one keeps it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from kramik.site.exports.data import FOLDER, Export, Exported, Page
from kramik.site.theme import Asset

HERE = Path(__file__).parent
_PLACE = re.compile("@([A-Z]+)@")


class Files(msgspec.Struct, frozen=True, kw_only=True):
    """What is written for a generator: files that follow the shop, and stubs that are only begun."""

    generator: str
    ours: Mapping[str, bytes]
    stubs: Mapping[str, bytes] = {}


def json(export: Export, layout: str) -> Files:  # noqa: ARG001 - snippets stand in a page that is there
    """Return the data alone, and the order form of each course as a snippet for any page."""
    made = export.data()
    snippets = {
        f"orders/{slug}.{lang}.html": _snippet(made, form)
        for slug, forms in made.orders.items()
        for lang, form in forms.items()
    }
    return Files(generator="json", ours={"shop.json": made.text.encode(), **snippets, **_plain(export)})


def jekyll(export: Export, layout: str) -> Files:
    """Return data, an include, and a page for each course.

    Source: https://jekyllrb.com/docs/datafiles/ and https://jekyllrb.com/docs/includes/ .
    """
    made = export.data()
    ours = {
        "_data/shop.json": made.text.encode(),
        "_includes/course-order.html": _template("jekyll/course-order.html").encode(),
        **_plain(export),
    }
    stub = _template("jekyll/course.html")
    stubs = {_file(page, "html"): _filled(stub, page, layout or "default") for page in made.pages}
    return Files(generator="jekyll", ours=ours, stubs=stubs)


def eleventy(export: Export, layout: str) -> Files:
    """Return global data, an include, and one template that makes the pages of all courses.

    The assets are templates too, so that nothing has to be added to the site's configuration.
    Source: https://www.11ty.dev/docs/pages-from-data/ .
    """
    made = export.data()
    asset = _template("eleventy/asset.njk")
    ours = {
        "_data/shop.json": made.text.encode(),
        "_includes/course-order.njk": _template("eleventy/course-order.njk").encode(),
        **{f"course-order/{name}.njk": _raw(asset, name, each) for name, each in export.assets.items()},
    }
    head, foot = ("", "") if layout else (_template("eleventy/head.html"), "</body>\n</html>")
    stub = (
        _template("eleventy/courses.njk")
        .replace("@LAYOUT@", f"layout: {_quoted(layout)}\n" if layout else "")
        .replace("@HEAD@", head)
        .replace("@FOOT@", foot)
    )
    return Files(generator="eleventy", ours=ours, stubs={"courses.njk": stub.encode()})


def hugo(export: Export, layout: str) -> Files:
    """Return data, a partial with its shortcode, and a content adapter that makes the pages of all courses.

    Source: https://gohugo.io/content-management/content-adapters/ ; they need Hugo 0.126.
    """
    made = export.data()
    ours = {
        "data/shop.json": made.text.encode(),
        "layouts/partials/course-order.html": _template("hugo/course-order.html").encode(),
        "layouts/shortcodes/course-order.html": _template("hugo/shortcode.html").encode(),
        "layouts/shortcodes/course-text.html": _template("hugo/text.html").encode(),
        **{f"static/{path}": content for path, content in _plain(export).items()},
    }
    named = f'\n    "layout" {_quoted(layout)}' if layout else ""
    stub = _template("hugo/_content.gotmpl").replace("@LAYOUT@", named)
    return Files(generator="hugo", ours=ours, stubs={f"content/{FOLDER}/_content.gotmpl": stub.encode()})


def astro(export: Export, layout: str) -> Files:
    """Return data, a component, and a route for each language that makes the pages of all courses.

    Source: https://docs.astro.build/en/reference/routing-reference/ and
    https://docs.astro.build/en/reference/directives-reference/ .
    """
    made = export.data()
    ours = {
        "src/data/shop.json": made.text.encode(),
        "src/components/CourseOrder.astro": _template("astro/CourseOrder.astro").encode(),
        **{f"public/{path}": content for path, content in _plain(export).items()},
    }
    first, *others = made.shop.languages
    routes = {first: FOLDER, **{lang: f"{lang}/{FOLDER}" for lang in others}}
    return Files(
        generator="astro",
        ours=ours,
        stubs={
            f"src/pages/{place}/[slug].astro": _route(place, lang, layout) for lang, place in routes.items()
        },
    )


GENERATORS = {"json": json, "jekyll": jekyll, "eleventy": eleventy, "hugo": hugo, "astro": astro}


def _route(place: str, lang: str, layout: str) -> bytes:
    """Return a route in this folder of `src/pages`; a layout is a component that is told title, description, lang."""
    up = "../" * (place.count("/") + 2)
    head, foot = _template("astro/head.html"), "</body>\n</html>"
    values = {"UP": up, "LANG": lang, "IMPORT": "", "FOOT": foot, "HEAD": head.replace("@LANG@", lang)}
    if layout:
        told = f'<Layout title={{words.title}} description={{words.summary}} lang="{lang}">\n'
        imported = f"import Layout from {_quoted(f'{up}layouts/{layout}')};\n"
        values |= {"IMPORT": imported, "HEAD": told, "FOOT": "</Layout>"}
    return _PLACE.sub(lambda found: values[found[1]], _template("astro/course.astro")).encode()


def _plain(export: Export) -> dict[str, bytes]:
    return {asset.path: asset.content for asset in export.assets.values()}


def _snippet(made: Exported, form: str) -> bytes:
    """Return a form with script and style, for a site that has the assets at its root."""
    style, script = (f"/{made.assets[name]}" for name in ("style", "script"))
    lines = (f'<link rel="stylesheet" href="{style}">', form, f'<script src="{script}" defer></script>', "")
    return "\n".join(lines).encode()


def _raw(template: str, name: str, asset: Asset) -> bytes:
    return template.replace("@NAME@", name).replace("@CONTENT@", asset.content.decode()).encode()


def _file(page: Page, end: str) -> str:
    return f"{page.path.strip('/')}.{end}"


def _filled(stub: str, page: Page, layout: str) -> bytes:
    values = {
        "LAYOUT": _quoted(layout),
        "TITLE": _quoted(page.title),
        "SUMMARY": _quoted(page.summary),
        "LANG": page.language,
        "PATH": page.path,
        "SLUG": page.product,
    }
    return _PLACE.sub(lambda found: values[found[1]], stub).encode()


def _quoted(text: str) -> str:
    """Return a text as YAML reads it without surprise: a JSON string is one."""
    return msgspec.json.encode(text).decode()


def _template(name: str) -> str:
    return (HERE / name).read_text("utf-8")
