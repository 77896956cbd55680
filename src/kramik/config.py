"""The settings of a shop: `shop.toml`, the product and page files, and the environment; one frozen value.

All problems are reported together, each with file and line. Adapters are not known here: `wiring.py`
hands in the shape of each adapter's table. Values of secrets never appear in a problem or a repr.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, tzinfo
from itertools import product
from pathlib import Path
from typing import NamedTuple

import msgspec

from kramik import address, beside, conditions, countries, table, written
from kramik.beside import Files
from kramik.consents import DEFAULTS
from kramik.errors import ConfigurationError, Problem, Rejected
from kramik.intent import ConsentText
from kramik.settings import Adapter, Notices, Seller, Settings, ShopTable, Worker

FILE = written.SETTINGS

SHORTEST_SECRET = 16

Shapes = Callable[[str, str], type[msgspec.Struct]]
"""(family, kind) to the shape of the adapter's table; raises Rejected for a kind that does not exist."""

Methods = Callable[[str], Collection[str]]
"""The kind of a gateway to the ways to pay that it takes from a buyer's choice."""


def no_methods(_kind: str) -> Collection[str]:
    """Return none: for whoever knows no gateway."""
    return ()


def read(
    folder: Path,
    environ: Mapping[str, str],
    shapes: Shapes,
    overlay: Mapping[str, object] | None = None,
    *,
    methods: Methods = no_methods,
    speaks: Collection[str] = (),
) -> Settings:
    """Read a shop folder; `speaks` are the languages of the theme, any at all if there are none.

    `overlay` is laid over `shop.toml`: its keys of `[shop]` over those of the file, any other table in place of it.

    Raises:
        ConfigurationError: every problem of every file.
    """
    reading = _Reading(folder, environ, shapes, methods=methods, speaks=speaks)
    settings = reading.settings(overlay or {})
    if settings is None or reading.problems:
        raise ConfigurationError(*_in_order(reading.problems))
    return settings


def environment(folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of `.env` in the shop folder, under those of the process."""
    from dotenv import dotenv_values  # noqa: PLC0415 - only commands need it, a function app does not

    return {**{key: value or "" for key, value in dotenv_values(folder / ".env").items()}, **environ}


def secrets_of(settings: Settings) -> Iterator[str]:
    """Yield every secret of every adapter, for a log that must not print them."""
    smtp = () if settings.smtp is None else (settings.smtp,)
    for adapter in (*settings.gateways.values(), settings.mailer, settings.academy, *smtp):
        yield from table.secrets(adapter.settings)
    yield from settings.notices.secrets


class _Tables(NamedTuple):
    """The tables of `shop.toml` but the first, under the names that they have in the settings."""

    seller: Seller
    worker: Worker
    gateways: dict[str, Adapter]
    mailer: Adapter
    academy: Adapter
    smtp: Adapter | None
    notices: Notices
    consents: dict[str, ConsentText]


class _Reading:
    """One pass over the files of a shop, which collects problems as it goes."""

    def __init__(
        self,
        folder: Path,
        environ: Mapping[str, str],
        shapes: Shapes,
        *,
        methods: Methods,
        speaks: Collection[str],
    ) -> None:
        self.problems: list[Problem] = []
        self._folder, self._environ = folder, environ
        self._shapes, self._methods, self._speaks = shapes, methods, speaks
        self._text = ""
        self._meant: set[str] = set()
        """Tables that stand there with a slip in their name, so that nobody is told that they are missing."""

    def settings(self, overlay: Mapping[str, object]) -> Settings | None:
        raw = self._toml()
        if raw is not None:
            self._check_tables(raw)
            raw = {**raw, **overlay, "shop": {**_sub(raw, "shop"), **_sub(overlay, "shop")}}
        shop = None if raw is None else self._table("shop", _sub(raw, "shop"), ShopTable, required=True)
        languages = () if shop is None else tuple(dict.fromkeys([shop.locale, *shop.languages]))
        tables = None if raw is None else self._tables(raw, languages)
        if shop is None:
            if self._text:  # else this is no shop, and nothing else is worth a word
                self._files(None, "", UTC)
            return None
        self._check_shop(shop)
        files = self._files(shop.locale, shop.currency, self._clock(shop.timezone))
        if not tables or not files or not all(map(_is_address, (shop.url, shop.api or shop.url))):
            return None
        return self._made(shop, languages, tables, files)

    def _tables(self, raw: Mapping[str, object], languages: Collection[str]) -> _Tables | None:
        """Read every table but the first; None where one of them is wrong."""
        seller = self._table("seller", _sub(raw, "seller"), Seller)
        worker = self._table("worker", _sub(raw, "worker"), Worker)
        self._check_worker(worker)
        gateways = self._gateways(_sub(raw, "gateways"))
        mailer, academy = self._family(raw, "mailer"), self._family(raw, "academy")
        by_smtp = raw.get("smtp") is not None
        smtp = self._adapter("mailer", "smtp", _sub(raw, "smtp"), header="smtp") if by_smtp else None
        notices = self._table("notices", _sub(raw, "notices"), Notices)
        self._check_notices(notices)
        consents = self._consents(_sub(raw, "consents"))
        self._check_consents(_sub(raw, "consents"), consents, languages)
        known = {name: gateway for name, gateway in gateways.items() if gateway}
        if seller is None or worker is None or notices is None or len(known) < len(gateways):
            return None
        if mailer is None or academy is None:
            return None
        return _Tables(seller, worker, known, mailer, academy, smtp, notices, consents)

    def _made(self, shop: ShopTable, languages: tuple[str, ...], tables: _Tables, files: Files) -> Settings:
        return Settings(
            folder=self._folder,
            name=shop.name,
            site=address.normal(shop.url),
            api=address.normal(shop.api or shop.url),
            languages=languages,
            currency=shop.currency,
            secrets=tuple(shop.secret if isinstance(shop.secret, list) else [shop.secret]),
            revoke_on_refund=shop.revoke_on_refund,
            timezone=shop.timezone,
            countries=countries.listed(shop.countries),
            theme=shop.theme,
            **tables._asdict(),
            **files._asdict(),
        )

    def _files(self, lang: str | None, currency: str, clock: tzinfo | None) -> Files | None:
        reading = beside.Reading(self._folder)
        found = reading.files(lang, currency, clock)
        self.problems += reading.problems
        return found

    def _gateways(self, tables: Mapping[str, object]) -> dict[str, Adapter | None]:
        if not tables and "gateways" not in self._meant:
            self.problems.append(
                self._at("[gateways]", "names no gateway; add a table such as [gateways.sandbox]")
            )
        return {name: self._gateway(name, dict(_sub(tables, name))) for name in tables}

    def _gateway(self, name: str, raw: dict[str, object]) -> Adapter | None:
        """Read one gateway; `methods` belongs to the shop, the other keys to the adapter."""
        offered = raw.pop("methods", [])
        adapter = self._adapter("gateways", name, raw)
        if adapter is None:
            return None
        if not isinstance(offered, list) or not all(isinstance(each, str) for each in offered):
            self.problems.append(
                self._at(f"[gateways.{name}]", 'must be a list such as ["blik", "card"]', key="methods")
            )
            return adapter
        known = dict.fromkeys(self._methods(name))
        for each in offered:
            if each not in known:
                hint = table.nearest(each, known) if known else "it takes no choice of the buyer"
                message = f"names {each!r}, which this gateway does not know; {hint}"
                self.problems.append(self._at(f"[gateways.{name}]", message, key="methods"))
        return msgspec.structs.replace(adapter, methods=tuple(dict.fromkeys(offered)))

    def _toml(self) -> dict[str, object] | None:
        try:
            self._text = written.text(self._folder, FILE)
            return tomllib.loads(self._text)
        except FileNotFoundError:
            place = self._folder.resolve()
            message = (
                f"there is no {FILE} in {place}; make a shop with `kramik new DIR` or name one with --shop"
            )
            self.problems.append(Problem(field=FILE, code="missing_file", message=message))
        except OSError as error:
            self.problems.append(beside.unreadable(FILE, error))
        except ConfigurationError as error:
            self.problems += error.problems
        except tomllib.TOMLDecodeError as error:
            self.problems.append(written.not_toml(FILE, self._text, error))
        return None

    def _check_tables(self, raw: Mapping[str, object]) -> None:
        for name, value in raw.items():
            if name not in _TABLES:
                message = f"is no table of this file; {table.nearest(name, _TABLES)}"
                self.problems.append(self._at(f"[{name}]", message))
                self._meant.update(difflib.get_close_matches(name, _TABLES.keys() - raw.keys(), n=1))
                continue
            inner = value.items() if name in _NESTED and isinstance(value, dict) else ()
            for key, each in ((name, value), *((f"{name}.{key}", each) for key, each in inner)):
                if not isinstance(each, dict):
                    self.problems.append(
                        self._at(f"[{key}]", f"must be a table; begin it with a line [{key}]")
                    )

    def _table(
        self, name: str, raw: Mapping[str, object], shape: type[table.Shape], *, required: bool = False
    ) -> table.Shape | None:
        if required and name in self._meant:
            return None
        if required and not raw:
            self.problems.append(self._at(f"[{name}]", "is missing; add it"))
            return None
        try:
            return table.read(raw, shape, self._environ)
        except Rejected as error:
            self.problems += [
                self._at(f"[{name}]", each.message, key=each.field, code=each.code) for each in error.problems
            ]
        return None

    def _family(self, raw: Mapping[str, object], family: str) -> Adapter | None:
        settings = dict(_sub(raw, family))
        kind = settings.pop("kind", None)
        if family in self._meant:
            return None
        if not isinstance(kind, str):
            lacks = "lacks a kind" if family in raw else "is missing"
            self.problems.append(
                self._at(f"[{family}]", f'{lacks}; add the table with a kind such as kind = "sandbox"')
            )
            return None
        return self._adapter(family, kind, settings, header=family)

    def _adapter(self, family: str, kind: str, raw: Mapping[str, object], header: str = "") -> Adapter | None:
        name = header or f"{family}.{kind}"
        try:
            shape = self._shapes(family, kind)
        except Rejected as error:
            self.problems += [self._at(f"[{name}]", each.message, key="kind") for each in error.problems]
            return None
        settings = self._table(name, raw, shape)
        return None if settings is None else Adapter(family=family, kind=kind, settings=settings)

    def _check_shop(self, shop: ShopTable) -> None:
        secrets = shop.secret if isinstance(shop.secret, list) else [shop.secret]
        if any(len(secret) < SHORTEST_SECRET for secret in secrets):
            message = f"is shorter than {SHORTEST_SECRET} characters; make one with `openssl rand -hex 32`"
            self.problems.append(self._at("[shop]", message, key="secret"))
        for key, lang in (("locale", shop.locale), *(("languages", each) for each in shop.languages)):
            if self._speaks and lang not in self._speaks:
                hint = table.nearest(lang, self._speaks)
                self.problems.append(
                    self._at("[shop]", f"names {lang!r}, which the theme does not speak; {hint}", key=key)
                )
        for code in shop.countries:
            if code not in countries.KNOWN and code != "EU":
                why = "which is no country that the theme has a name for; write two letters such as PL, or EU for all"
                self.problems.append(self._at("[shop]", f"names {code!r}, {why}", key="countries"))
        for key, url in (("url", shop.url), ("api", shop.api)):
            if url and not _is_address(url):
                self.problems.append(
                    self._at("[shop]", "is no address such as https://kurs.example", key=key)
                )

    def _check_worker(self, worker: Worker | None) -> None:
        if worker is not None and not 0 < 2 * worker.call <= worker.visibility:
            message = (
                "must be at least twice `call`: a call has to end long before others may take its message"
            )
            self.problems.append(self._at("[worker]", message, key="visibility"))
        if worker is not None and worker.threads < 1:
            self.problems.append(self._at("[worker]", "must be 1 or more", key="threads"))

    def _check_notices(self, notices: Notices | None) -> None:
        if notices is None:
            return
        if bool(notices.webhook) != bool(notices.secrets):
            message = "and webhook_secret go together; write both or none"
            self.problems.append(self._at("[notices]", message, key="webhook"))
        if notices.email and not _MAILBOX.fullmatch(notices.email):
            message = "is no address such as hanna@akademia.example"
            self.problems.append(self._at("[notices]", message, key="email"))
        if notices.digest and not (notices.email or notices.webhook):
            message = "goes nowhere; add email or webhook"
            self.problems.append(self._at("[notices]", message, key="digest"))

    def _clock(self, name: str) -> tzinfo | None:
        """Return the shop's clock; in the place of one that does not exist, any, since it is told once."""
        try:
            return conditions.zone(name)
        except Rejected as error:
            self.problems += [self._at("[shop]", each.message, key="timezone") for each in error.problems]
            return UTC

    def _consents(self, raw: Mapping[str, object]) -> dict[str, ConsentText]:
        """Read the shop's own texts; one for `immediate` stands for every kind of product that has none of its own."""
        consents = {name: text for name, text in DEFAULTS.items() if text.id not in raw or name == text.id}
        for name in raw:
            fields = dict(_sub(raw, name))
            version = fields.pop("version", "")
            if (
                name not in DEFAULTS
                or not version
                or not all(isinstance(text, str) for text in fields.values())
            ):
                message = f"needs a version and a text per language; known are {', '.join(DEFAULTS)}"
                self.problems.append(self._at(f"[consents.{name}]", message))
                continue
            texts = {lang: str(text) for lang, text in fields.items()}
            consents[name] = ConsentText(id=DEFAULTS[name].id, version=str(version), texts=texts)
        return consents

    def _check_consents(
        self, own: Mapping[str, object], consents: Mapping[str, ConsentText], languages: Collection[str]
    ) -> None:
        """Name each language in which a box of the shop's own would stand without words, or with foreign ones."""
        for name, lang in product(own, languages):
            if name in consents and not consents[name].texts.get(lang, "").strip():
                message = f"has no text in {lang!r}, which the shop speaks; write {lang} = "
                self.problems.append(
                    self._at(f"[consents.{name}]", f"{message}with the words beside the box")
                )

    def _at(self, header: str, message: str, *, key: str = "", code: str = "wrong") -> Problem:
        line = next(written.lines(self._text, header, re.split(r"[.\[]", key, maxsplit=1)[0]), 1)
        return Problem(
            field=f"{FILE}:{line}", code=code, message=f"{header} {key} {message}".replace("  ", " ")
        )


_TABLES: dict[str, object] = dict.fromkeys(
    ("shop", "seller", "gateways", "mailer", "academy", "smtp", "notices", "worker", "consents")
)

_MAILBOX = re.compile(r"[^\s@<>,;\"]+@[^\s@<>,;\"]+")

_NESTED = ("gateways", "consents")


def _in_order(problems: list[Problem]) -> list[Problem]:
    """Return the problems file by file as they were found, and those of a file from its top."""
    places = [each.field.rpartition(":") for each in problems]
    files = list(dict.fromkeys(file or line for file, _, line in places))
    keys = [
        (files.index(file or line), int(line) if file and line.isdigit() else 0) for file, _, line in places
    ]
    return [problem for _, problem in sorted(zip(keys, problems, strict=True), key=lambda pair: pair[0])]


def _is_address(url: str) -> bool:
    try:
        address.normal(url)
    except ValueError:
        return False
    return True


def _sub(raw: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = raw.get(name)
    return found if isinstance(found, dict) else {}
