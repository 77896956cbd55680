"""What `kramik check` looks for in a built site: links, the law, and colours that can be read.

Source of the rules: Directive 2011/83/EU art. 6, 8 and 11a; the platform for online disputes closed on 20 July 2025.
A lawyer still has to read your terms: this finds what is missing, not what is wrong in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from kramik.catalogue import Product
from kramik.errors import Problem
from kramik.intent import REQUIRED_CONSENTS
from kramik.offer import offer
from kramik.site import contrast, overridden, stopped, stylesheet
from kramik.site.source import Source
from kramik.site.texts import of
from kramik.site.theme import HERE, VARIANTS

ODR = re.compile(r"ec\.europa\.eu/(?:consumers/)?odr", re.IGNORECASE)
BUTTONS = {
    "pl": ("Zamawiam z obowiązkiem zapłaty", "Kupuję i płacę"),
    "en": ("Order with obligation to pay", "Buy now", "Pay now"),
}
"""What the button of an order may say: it alone has to tell that the order costs money (C-249/21)."""

NO_ORDER = "the server takes no order"
NEEDED = {
    "product": NO_ORDER,
    "email": NO_ORDER,
    "name": NO_ORDER,
    "lang": "every order is in the first language of the shop",
    "price_shown": "a buyer is charged a price that they may not have seen",
    "words_shown": "an order keeps words that its buyer may not have seen",
}
"""The fields that every order form has to send, and what is wrong without each."""

_OPENED = frozenset({"http", "https", "mailto", "tel", "sms", "data"})
_TITLE = re.compile(r"#[ \t]+\S")
_FENCE = re.compile(r"[ ]{0,3}(```|~~~)")
_INVENTED = re.compile(
    r"[\w.+-]+@[\w.-]+\.example\b|Hann\w+ Wierzbick\w+|Akademi\w+ Agregatów|Introligatorsk\w+ 7/12"
    r"|\b526-?000-?12-?46\b|\b71 ?555 ?01 ?20\b"
)
"""The seller of the example shop, whom nobody may be, and names below `.example`, which RFC 2606 gives to nobody."""

_WRITTEN = ("shop.toml", "pages/[!.]*.md", "products/[!.]*.md", "templates/**/*.html")


def problems(source: Source, files: Mapping[str, bytes], folder: Path) -> Iterator[Problem]:
    """Yield what keeps the site from being published, with file and line where a file of the shop says it."""
    written = {
        str(file.relative_to(folder)): file.read_text("utf-8", "replace")
        for pattern in _WRITTEN
        for file in sorted(folder.glob(pattern))
    }
    yield from _law(source, written)
    yield from _left_over(source, written)
    yield from _second_titles(written)
    pages = {path: _Page.of(content) for path, content in files.items() if path.endswith(".html")}
    yield from _links(source, pages, files, written)
    own = (
        f"templates/{name}.html"
        for name in ("form", "order")
        if (folder / f"templates/{name}.html").is_file()
    )
    form = next(own, "templates/form.html")
    yield from _templates(source, pages, form)
    yield from _forms(source, pages, form)
    if (folder / "templates").is_dir():
        yield from overridden.problems(folder / "templates")
        contents = {path: files[path] for path in pages}
        for path, tag, why in stopped.found(source, contents):
            place = _where(tag.splitlines()[0], written) or path
            yield _wrong(place, f"{why}: the policy of the site stops it, without a word")
    yield from _style(folder / "templates" / "user.css")
    yield from _colours(source, folder / "templates" / "user.css")


def _law(source: Source, written: Mapping[str, str]) -> Iterator[Problem]:
    lines = written.get("shop.toml", "").splitlines()
    table = next((n for n, text in enumerate(lines, start=1) if text.strip().startswith("[seller]")), 1)
    for key in ("name", "address", "email", "phone"):
        if not source.seller.get(key):
            why = f"[seller] {key} is missing; the law wants it shown before an order"
            yield _wrong(f"shop.toml:{table}", why)
    for name in ("terms", "privacy"):
        page = source.page(name, source.langs[0])
        if page is None or page.lang != source.langs[0]:
            yield _wrong(f"pages/{name}.md", "is missing; a buyer agrees to it, so write it")
    for file, text in written.items():
        for number, line in enumerate(text.splitlines(), start=1):
            if ODR.search(line):
                yield _wrong(
                    f"{file}:{number}",
                    "links to the platform for online disputes, which is closed; take it out",
                )


def _left_over(source: Source, written: Mapping[str, str]) -> Iterator[Problem]:
    """Yield what a shop that others reach still has of the example that it was made from."""
    host = urlsplit(source.site).hostname or ""
    if host in {"localhost", "127.0.0.1", "::1"} or host.endswith((".localhost", ".example")):
        return
    for file, text in written.items():
        for number, line in enumerate(text.splitlines(), start=1):
            found = None if line.lstrip().startswith("#") and file == "shop.toml" else _INVENTED.search(line)
            if found:
                why = f"says {found[0]}, which belongs to the example; write your own in its place"
                yield _wrong(f"{file}:{number}", why)


def _second_titles(written: Mapping[str, str]) -> Iterator[Problem]:
    """Yield each heading of the first rank: the page has one already, its title."""
    for file, text in written.items():
        code = not file.endswith(".md")
        front = text.startswith("---")
        for number, line in enumerate(text.splitlines(), start=1):
            if front:
                front = number == 1 or line.rstrip() != "---"
            elif _FENCE.match(line):
                code = not code
            elif not code and _TITLE.match(line):
                why = "begins a heading with one #; the title of the page is the only one, so write ##"
                yield _wrong(f"{file}:{number}", why)


def _links(
    source: Source, pages: Mapping[str, _Page], files: Mapping[str, bytes], written: Mapping[str, str]
) -> Iterator[Problem]:
    told: set[str] = set()
    own = any(file.startswith("templates/") for file in written)
    for path, page in pages.items():
        for link in page.pictures:
            if urlsplit(link).netloc not in {"", urlsplit(source.site).netloc} and link not in told:
                told.add(link)
                why = "the browser is told to load nothing of others; save it in pictures/ and name the file"
                yield _wrong(_where(link, written) or path, f"shows {link}, but {why}")
        base = f"{source.site}/{path.removesuffix('index.html')}"
        for link in page.links:
            broken = _broken(source, urljoin(base, link), pages, files)
            if broken and link not in told:
                told.add(link)
                mend = "mend the link, or the template that left its target out" if own else "mend the link"
                yield _wrong(_where(link, written) or path, f"links to {link}, {broken}; {mend}")


def _broken(source: Source, target: str, pages: Mapping[str, _Page], files: Mapping[str, bytes]) -> str:
    """Return why a link leads nowhere; empty when it leads somewhere, or out of the site."""
    parts, site = urlsplit(target), urlsplit(source.site)
    if parts.scheme not in _OPENED:
        return "which no browser opens"
    if (parts.scheme, parts.netloc) != (site.scheme, site.netloc):
        return ""
    inside = unquote(parts.path).removeprefix(site.path.rstrip("/")).lstrip("/")
    if inside.startswith("api/"):
        return ""
    name = f"{inside}index.html" if inside.endswith("/") or not inside else inside
    if name not in files:
        slash = f"{inside}/index.html" in files
        return "which is a folder: end it with a slash" if slash else "which is no page of this site"
    if parts.fragment and name in pages and unquote(parts.fragment) not in pages[name].ids:
        return f"where nothing has the id {parts.fragment!r}"
    return ""


def _templates(source: Source, pages: Mapping[str, _Page], form: str) -> Iterator[Problem]:
    """Yield what a template of the shop has dropped that the law wants on a page."""
    for lang in source.langs:
        prefix = source.prefix(lang)
        front = pages.get(f"{prefix}/index.html".lstrip("/"))
        if front and not any(link.endswith(f"{prefix}/withdraw/") for link in front.links):
            yield _wrong(
                "templates/base.html", f"has no link to {prefix}/withdraw/; the law wants it on every page"
            )
        for product in source.catalogue:
            page = pages.get(f"{prefix}/{product.slug}/order/index.html".lstrip("/"))
            why = _unlawful(page, _labels(source, product, lang)) if page and _sold(source, product) else ""
            if why:
                yield _wrong(form, why)
                break


def _sold(source: Source, product: Product) -> bool:
    """Say whether the order page of a product has a form: not when its sale is over."""
    return product.closes is None or product.closes > source.now


def _labels(source: Source, product: Product, lang: str) -> set[str]:
    """Return what the button may say: that the order costs money, or that it is free."""
    texts = of(lang)
    if offer(product, source.conditions, now=source.now).free:
        return {texts("order.button_free")}
    return {*BUTTONS.get(lang, ()), texts("order.button")}


def _unlawful(page: _Page, allowed: set[str]) -> str:
    """Return why the form of an order page makes no contract, or one that does not hold; empty when it does."""
    if page.ticked:
        return f"ticks the box {min(page.ticked)} beforehand; only the buyer may tick it"
    said = {words for button in page.buttons for words in button}
    if not page.buttons or said - allowed:
        words = ", ".join(sorted(allowed))
        return f"labels the order button with other words than: {words}; without these there is no contract"
    return ""


def _forms(source: Source, pages: Mapping[str, _Page], form: str) -> Iterator[Problem]:
    """Yield what a template of the shop has dropped from the order form that no order can do without."""
    needed = [*NEEDED, *(f"consent_{name}" for name in REQUIRED_CONSENTS if name in source.consents)]
    needed += ["country"] if source.conditions.countries else []
    told: set[str] = set()
    for lang in source.langs:
        for product in source.catalogue:
            page = pages.get(f"{source.prefix(lang)}/{product.slug}/order/index.html".lstrip("/"))
            for name in needed if page and _sold(source, product) else ():
                if page and name not in page.fields and name not in told:
                    told.add(name)
                    why = f"has no field {name!r}, without which {NEEDED.get(name, NO_ORDER)}; put it back"
                    yield _wrong(form, why)


def _style(user: Path) -> Iterator[Problem]:
    own = user.read_text("utf-8", "replace") if user.is_file() else ""
    yield from (_wrong(f"templates/user.css:{each.line}", each.why) for each in stylesheet.faults(own))


def _colours(source: Source, user: Path) -> Iterator[Problem]:
    if not user.is_file():
        return
    own = user.read_text("utf-8", "replace")
    sheets = [(HERE / "assets" / "kramik.css").read_text("utf-8")]
    if source.theme in VARIANTS:
        sheets.append((HERE / "assets" / f"{source.theme}.css").read_text("utf-8"))
    lines = {each.name: each.line for each in contrast.declared(own)}
    for low in contrast.low(contrast.laid_over(*sheets, own)):
        line = max(lines.get(low.text, 0), lines.get(low.ground, 0), lines.get("hue", 0)) or 1
        why = f"makes --{low.text} on --{low.ground} {low.ratio:.1f} to 1 in the {low.scheme} scheme; text needs 4.5"
        yield _wrong(f"templates/user.css:{line}", why)


def _where(link: str, written: Mapping[str, str]) -> str:
    """Return file and line of what a page says, as its author wrote it: as a link at best, else as a whole word."""
    said = unquote(link)
    whole = rf"(?<![\w/#.-]){re.escape(said)}" + (r"(?![\w/-])" if said[-1:].isalnum() else "")
    for pattern in (rf"""[("'<:]\s*{whole}""", whole):
        for file, text in written.items():
            for number, line in enumerate(text.splitlines(), start=1):
                if re.search(pattern, unquote(line)):
                    return f"{file}:{number}"
    return ""


def _wrong(field: str, message: str) -> Problem:
    return Problem(field=field, code="site", message=message)


class _Page(HTMLParser):
    """The links, pictures, ids, fields and button labels of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.pictures: list[str] = []
        self.ids: set[str] = set()
        self.fields: set[str] = set()
        self.ticked: set[str] = set()
        self.buttons: set[tuple[str, str]] = set()
        """What is sent by each order button, and what it says."""
        self._button: list[str] | None = None

    @classmethod
    def of(cls, content: bytes) -> _Page:
        """Read a page."""
        page = cls()
        page.feed(content.decode("utf-8", "replace"))
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what is asked for later."""
        found = dict(attrs)
        self.ids.add(found.get("id") or "")
        if tag in {"a", "img", "link", "script"}:
            self.links += [each for each in (found.get("href"), found.get("src")) if each]
        if tag == "img":
            self.pictures.append(found.get("src") or "")
        if tag in {"input", "select", "textarea"}:
            self.fields.add(found.get("name") or "")
        if (found.get("name") or "").startswith("consent_") and "checked" in found:
            self.ticked.add(found["name"] or "")
        if tag == "button" and found.get("name") == "button":
            self._button = [found.get("value") or "", ""]

    def handle_data(self, data: str) -> None:
        """Keep what the order button says."""
        if self._button is not None:
            self._button[1] += data

    def handle_endtag(self, tag: str) -> None:
        """Keep the order button as a whole."""
        if tag == "button" and self._button is not None:
            value, text = self._button
            self.buttons.add((value, " ".join(text.split())))
            self._button = None
