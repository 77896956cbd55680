"""What a template may ask about its page: addresses, texts, money, typography.

Pages of the static site link from the root; pages that the API answers with link to the site by its full address.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit

from markupsafe import Markup

from kramik import countries
from kramik.catalogue import LegalKind, Product, fingerprint
from kramik.intent import asked, words_shown
from kramik.money import Money
from kramik.offer import Offer, offer
from kramik.site import feed, illustrated, linked, markdown, shown, switches, versions
from kramik.site.cover import cover
from kramik.site.source import PayWay, Source, origin
from kramik.site.texts import Texts, of
from kramik.site.theme import Theme


class View:
    """One page in one language; `path` is its address below the language, None when it has no address of its own.

    `source` is that of the page's moment, and `then` the moment at which it switches by itself.
    """

    cover = staticmethod(cover)

    def __init__(
        self,
        theme: Theme,
        texts: Texts,
        source: Source,
        *,
        path: str | None,
        api: bool,
        abroad: bool = False,
        kind: LegalKind = "content",
        then: datetime | None = None,
    ) -> None:
        self.path, self._kind, self.then = path, kind, then
        self.lang = texts.lang
        self._theme, self._source, self._texts = theme, source, texts
        self._base = source.site if abroad else _base(source, api=api)

    def link(self, path: str, lang: str = "") -> str:
        """Return the address to follow from this page."""
        return f"{self._base}{self._source.prefix(lang or self.lang)}{path}"

    def address(self, lang: str = "") -> str:
        """Return the full address of this page in a language."""
        return f"{self._source.site}{self._source.prefix(lang or self.lang)}{self.path or '/'}"

    def _full(self, path: str) -> str:
        return f"{self._source.site}{self._source.prefix(self.lang)}{path}"

    def asset(self, name: str) -> str:
        """Return the address of a style sheet, script or picture of the theme."""
        assets = self._theme.assets
        if name not in assets:
            msg = f"the theme has no asset {name!r}; take one of: {', '.join(sorted(assets))}"
            raise ValueError(msg)
        return f"{self._base}/{assets[name].path}"

    def successor(self) -> str:
        """Return the address of what this page is when it has switched."""
        return self.link(f"{self.path or '/'}{switches.file(self.then)}") if self.then else ""

    def others(self) -> Mapping[str, str]:
        """Return where this page is in the other languages."""
        path = self.path or "/"
        return {lang: self.link(path, lang) for lang in self._source.langs if lang != self.lang}

    def name_of(self, lang: str) -> str:
        """Return what a language calls itself."""
        return of(lang)("language.name")

    def texts(self) -> list[tuple[str, str]]:
        """Return name and title of every page that the author wrote."""
        return self._theme.titles(self.lang)

    def versions(self, name: str) -> list[tuple[str, str]]:
        """Return every version of a page with its address, the newest first."""
        return [(each, self.link(f"/{name}/{each}/")) for each in versions.of(self._source, name)]

    def feed(self) -> str:
        """Return the address of the feed."""
        return self.link(f"/{feed.FILE}")

    def linked_shop(self, products: list[Product]) -> Markup:
        """Return the front page for search engines."""
        places = [(self._full(f"/{each.slug}/"), each.title(self.lang)) for each in products]
        return linked.script(linked.organization(self._source), linked.listed(places))

    def linked_course(self, product: Product) -> Markup:
        """Return a sales page for search engines."""
        address = self._full(f"/{product.slug}/")
        sold = linked.course(
            self._source,
            product,
            self.lang,
            self.offer(product),
            address=address,
            picture=self.card(product),
        )
        way = [(self._full("/"), self._source.name), (address, product.title(self.lang))]
        return linked.script(linked.organization(self._source), sold, linked.trail(way))

    def card(self, product: Product) -> str:
        """Return the full address of the picture for previews elsewhere, drawn where a course has none; or empty."""
        picture = product.in_language(self.lang).blocks.picture
        pictures = self._theme.pictures
        path = (picture and pictures.card(picture.file)) or pictures.drawn(product.slug)
        return f"{origin(self._source.site)}{path}" if path else ""

    def entry(self, product: Product) -> str:
        """Return what the catalogue said of a product, as a hash that is kept with the order."""
        return fingerprint(product)

    def words_shown(self, product: Product) -> str:
        """Return the hash of what a buyer of this page agrees to beside the price."""
        terms = self._source.version("terms", self.lang)
        return words_shown(self._source.consents, product, self.lang, terms)

    def consent(self, name: str) -> str:
        """Return the text beside a box for the kind of this product, exactly as its hash is stored with the order."""
        text = asked(self._source.consents, name, self._kind)
        return text.in_language(self.lang) if text else ""

    def price(self, money: Money) -> str:
        """Return an amount as the reader writes it; nothing to pay is a word."""
        return shown.price(money, self.lang) if money.minor else self._texts("price.free")

    def offer(self, product: Product) -> Offer:
        """Return what a product costs as this page is built."""
        return offer(product, self._source.conditions, now=self._source.now)

    def opened(self, product: Product) -> bool:
        """Say whether the window in which a product is sold had begun when this page was made."""
        return product.opens is None or product.opens <= self._source.now

    def ended(self, product: Product) -> bool:
        """Say whether that window had ended; a product whose window is to come is still to be ordered then."""
        return product.closes is not None and product.closes <= self._source.now

    def coupons(self) -> bool:
        """Say whether there are codes that a buyer could have."""
        return bool(self._source.conditions.coupons)

    def countries(self) -> list[tuple[str, str]]:
        """Return code and name of every country that is sold to, in the order of the alphabet of this language."""
        sold = self._source.conditions.countries
        return [
            (code, self._texts(f"country.{code}")) for code in self._texts.under("country") if code in sold
        ]

    def home(self) -> str:
        """Return the country that is chosen before the buyer chooses: that of the language, if it is sold to."""
        home = countries.SPOKEN.get(self.lang, "")
        return home if home in self._source.conditions.countries else ""

    def moment(self, when: datetime) -> str:
        """Return a moment as the reader writes it."""
        return shown.moment(when, self.lang)

    def size(self, count: int) -> str:
        """Return a size in bytes as the reader writes it."""
        return shown.size(count, self.lang)

    def typeset(self, text: str, lang: str = "") -> str:
        """Return a text whose lines break where the language allows."""
        return shown.typeset(text, lang or self.lang)

    def inline(self, text: str, lang: str = "") -> Markup:
        """Return one line of Markdown as HTML."""
        return markdown.inline(text, lang or self.lang, self._theme.pictures)

    def block(self, text: str, lang: str = "") -> Markup:
        """Return Markdown as HTML."""
        return markdown.render(text, lang or self.lang, self._theme.pictures)

    def picture(self, file: str, alt: str, kind: str) -> Markup:
        """Return a picture of the author: hero, portrait or face."""
        return illustrated.shown(self._theme.pictures, file, alt, kind)

    def duration(self, minutes: int) -> str:
        """Return minutes as the reader writes them."""
        return shown.duration(minutes, self.lang)

    def lessons(self, count: int) -> str:
        """Return how many lessons there are, in words."""
        return self.typeset(self._texts(f"count.lessons_{shown.plural(count, self.lang)}", count=count))

    def language_of(self, product: Product) -> str:
        """Return the language in which this page shows the words of a product."""
        return self.lang if self.lang in product.words else product.lang

    def pay_way(self, way: PayWay) -> str:
        """Return what a way to pay is called: the method, and through whom; or the gateway where one chooses there."""
        if not way.method:
            return self._texts("method.any", gateway=way.title)
        alone = len({each.gateway for each in self._source.pay_ways}) == 1
        method = self._texts(f"method.{way.method}")
        return method if alone else f"{method} ({way.title})"

    def ways(self) -> str:
        """Return every way to pay, as words."""
        named = [self._texts(f"method.{way.method}") for way in self._source.pay_ways if way.method]
        gateways = [way.title for way in self._source.pay_ways if not way.method]
        return ", ".join(dict.fromkeys((*named, *gateways)))

    def access(self, product: Product) -> str:
        """Return for how long a course can be seen."""
        days = product.access_days
        if days is None:
            return self._texts("course.access_forever")
        return self._texts("course.access_day" if days == 1 else "course.access_days", days=days)

    @property
    def preconnect(self) -> str:
        """Return the origin of the API when it is not the site's own."""
        api = origin(self._source.api)
        return "" if api == origin(self._source.site) else api


def _base(source: Source, *, api: bool) -> str:
    if api and origin(source.api) != origin(source.site):
        return source.site
    return urlsplit(source.site).path.rstrip("/")
