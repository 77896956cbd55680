"""The composition root: the only file that knows every adapter.

Each adapter is imported inside its own function, so that a process loads only what its shop uses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Literal, Protocol, TextIO, TypeVar

import msgspec

from kramik import config, desk, mail, table
from kramik.confirmation import Paper, confirming
from kramik.errors import ConfigurationError, Problem, Rejected
from kramik.fulfilment import effects
from kramik.log import Logger
from kramik.notice import Channel
from kramik.offer import Conditions
from kramik.payment import Keys
from kramik.ports import (
    Academy,
    CallingGateway,
    Checkable,
    Effect,
    FreshLinks,
    Gateway,
    Log,
    Mailer,
    Orders,
    Post,
    Queue,
    Revoking,
    Shelf,
    Teller,
    Vault,
)
from kramik.premises import Addresses, Ports, Timing
from kramik.quotas import Quotas
from kramik.shop import Shop

if TYPE_CHECKING:
    from kramik.settings import Settings
    from kramik.site.exports.placed import Placed
    from kramik.site.pages import Pages
    from kramik.site.source import PayWay, Source
    from kramik.stores.azure import AzureStore
    from kramik.stores.sqlite import SqliteStore

Made_co = TypeVar("Made_co", covariant=True)


class Features(Protocol):
    """What an adapter declares about itself, as far as a shop needs to know it."""

    @property
    def title(self) -> str:
        """Return what people call it."""
        ...

    @property
    def methods(self) -> tuple[str, ...]:
        """Return the ways to pay that a buyer may choose at the shop."""
        ...


class _NoFeatures(msgspec.Struct, frozen=True):
    title: str = ""
    methods: tuple[str, ...] = ()


NO_FEATURES = _NoFeatures()

PATIENCE = 10.0
"""Seconds that a gateway may take at most when it is called: a buyer waits."""


class Kind(Generic[Made_co]):
    """An adapter that is loaded: the shape of its table, and how it is made from that and the time-out of a call.

    `about` is what a mailing tool or an academy declares about itself, for the matrix; `keep` makes an adapter that
    keeps secrets which its vendor changes.
    """

    def __init__(
        self,
        shape: type[table.Shape],
        make: Callable[[table.Shape, float], Made_co],
        features: Features = NO_FEATURES,
        *,
        about: msgspec.Struct | None = None,
        keep: Callable[[table.Shape, float, Vault | None], Made_co] | None = None,
    ) -> None:
        self.shape: type[msgspec.Struct] = shape
        self.features, self.about = features, about
        self._read, self._make, self._keep = shape, make, keep

    def make(self, settings: msgspec.Struct, call: float, vault: Vault | None = None) -> Made_co:
        """Make the adapter; one that keeps secrets needs the vault."""
        if not isinstance(settings, self._read):
            msg = f"settings of {type(settings).__name__} for {self._read.__name__}"
            raise TypeError(msg)
        if self._keep is not None:
            return self._keep(settings, call, vault)
        return self._make(settings, call)


def _sandbox_gateway() -> Kind[Gateway]:
    from kramik.gateways.sandbox import FEATURES, SandboxGateway, Settings

    return Kind(Settings, lambda settings, _: SandboxGateway(settings), FEATURES)


def _imoje() -> Kind[Gateway]:
    from kramik.gateways.imoje import FEATURES, AskedImojeGateway, ImojeGateway, Settings

    def make(settings: Settings, call: float) -> ImojeGateway:
        if not settings.api_token:
            return ImojeGateway(settings)
        return AskedImojeGateway(settings, call_seconds=min(call, PATIENCE))

    return Kind(Settings, make, FEATURES)


def _autopay() -> Kind[Gateway]:
    from kramik.gateways.autopay import FEATURES, AutopayGateway, Settings

    return Kind(Settings, lambda settings, _: AutopayGateway(settings), FEATURES)


def _payu() -> Kind[Gateway]:
    from kramik.gateways.payu import FEATURES, PayuGateway, Settings

    return Kind(Settings, lambda settings, _: PayuGateway(settings), FEATURES)


def _payu_rest() -> Kind[CallingGateway]:
    from kramik.gateways.payu.rest import FEATURES, PayuRestGateway, Settings

    def make(settings: Settings, call: float) -> PayuRestGateway:
        return PayuRestGateway(settings, call_seconds=min(call, PATIENCE))

    return Kind(Settings, make, FEATURES)


def _tpay() -> Kind[Gateway]:
    from kramik.gateways.tpay import FEATURES, DailyCertificates, Settings, TpayGateway

    return Kind(Settings, lambda settings, _: TpayGateway(settings, DailyCertificates()), FEATURES)


def _tpay_api() -> Kind[CallingGateway]:
    from kramik.gateways.tpay import DailyCertificates
    from kramik.gateways.tpay.open_api import FEATURES, Settings, TpayApiGateway

    def make(settings: Settings, call: float) -> TpayApiGateway:
        return TpayApiGateway(settings, DailyCertificates(), call_seconds=min(call, PATIENCE))

    return Kind(Settings, make, FEATURES)


def _dotpay() -> Kind[Gateway]:
    from kramik.gateways.dotpay import FEATURES, DotpayGateway, Settings

    return Kind(Settings, lambda settings, _: DotpayGateway(settings), FEATURES)


def _twocheckout() -> Kind[Gateway]:
    from kramik.gateways.twocheckout import FEATURES, Settings, TwoCheckoutGateway

    return Kind(Settings, lambda settings, _: TwoCheckoutGateway(settings), FEATURES)


def _przelewy24() -> Kind[CallingGateway]:
    from kramik.gateways.przelewy24 import FEATURES, Przelewy24Gateway, Settings

    def make(settings: Settings, call: float) -> Przelewy24Gateway:
        return Przelewy24Gateway(settings, call_seconds=min(call, PATIENCE))

    return Kind(Settings, make, FEATURES)


def _paynow() -> Kind[CallingGateway]:
    from kramik.gateways.paynow import FEATURES, PaynowGateway, Settings

    def make(settings: Settings, call: float) -> PaynowGateway:
        return PaynowGateway(settings, call_seconds=min(call, PATIENCE))

    return Kind(Settings, make, FEATURES)


def _redsys() -> Kind[Gateway]:
    from kramik.gateways.redsys import FEATURES, RedsysGateway, Settings

    return Kind(Settings, lambda settings, _: RedsysGateway(settings), FEATURES)


def _stripe() -> Kind[Gateway]:
    from kramik.gateways.stripe import FEATURES, AskedStripeGateway, Settings, StripeGateway

    def make(settings: Settings, call: float) -> StripeGateway:
        if not settings.api_key:
            return StripeGateway(settings)
        return AskedStripeGateway(settings, call_seconds=min(call, PATIENCE))

    return Kind(Settings, make, FEATURES)


def _stripe_checkout() -> Kind[CallingGateway]:
    from kramik.gateways.stripe.checkout import FEATURES, Settings, StripeCheckout

    def make(settings: Settings, call: float) -> StripeCheckout:
        return StripeCheckout(settings, call_seconds=min(call, PATIENCE))

    return Kind(Settings, make, FEATURES)


def _sandbox_academy() -> Kind[Academy]:
    from kramik.academies.sandbox import FEATURES, SandboxAcademy, Settings

    return Kind(Settings, lambda settings, call: SandboxAcademy(settings, call_seconds=call), about=FEATURES)


def _files() -> Kind[Academy]:
    from kramik.academies.files import FEATURES, Settings, academy

    return Kind(Settings, lambda settings, call: academy(settings, call_seconds=call), about=FEATURES)


def _ghost() -> Kind[Academy]:
    from kramik.academies.ghost import FEATURES, GhostAcademy, Settings

    return Kind(Settings, lambda settings, call: GhostAcademy(settings, call_seconds=call), about=FEATURES)


def _http_academy() -> Kind[Academy]:
    from kramik.academies.http import FEATURES, Settings, academy

    return Kind(Settings, lambda settings, call: academy(settings, call_seconds=call), about=FEATURES)


def _preset(name: str) -> Callable[[], Kind[Academy]]:
    """Return how the academy of a preset is loaded."""

    def load() -> Kind[Academy]:
        from kramik.academies.http import presets

        def make(settings: msgspec.Struct, call: float) -> Academy:
            return presets.academy(name, settings, call_seconds=call)

        return Kind(presets.shape(name), make, about=presets.preset(name).features)

    return load


def _smtp() -> Kind[Mailer]:
    from kramik.mailers.smtp import FEATURES, Settings, SmtpPost

    return Kind(Settings, lambda settings, call: SmtpPost(settings, call_seconds=call), about=FEATURES)


def _sandbox_mailer() -> Kind[Mailer]:
    from kramik.mailers.sandbox import FEATURES, SandboxMailer, Settings

    return Kind(Settings, lambda settings, call: SandboxMailer(settings, call_seconds=call), about=FEATURES)


def _kit() -> Kind[Mailer]:
    from kramik.mailers.kit import FEATURES, KitMailer, Settings

    def keep(settings: Settings, call: float, vault: Vault | None = None) -> KitMailer:
        return KitMailer(settings, call_seconds=call, vault=vault)

    return Kind(Settings, keep, about=FEATURES, keep=keep)


def _kit_v3() -> Kind[Mailer]:
    from kramik.mailers.kit import V3_FEATURES, KitV3Mailer, V3Settings

    return Kind(
        V3Settings, lambda settings, call: KitV3Mailer(settings, call_seconds=call), about=V3_FEATURES
    )


def _mailchimp() -> Kind[Mailer]:
    from kramik.mailers.mailchimp import FEATURES, MailchimpMailer, Settings

    return Kind(Settings, lambda settings, call: MailchimpMailer(settings, call_seconds=call), about=FEATURES)


def _mailerlite() -> Kind[Mailer]:
    from kramik.mailers.mailerlite import FEATURES, MailerLiteMailer, Settings

    return Kind(
        Settings, lambda settings, call: MailerLiteMailer(settings, call_seconds=call), about=FEATURES
    )


def _brevo() -> Kind[Mailer]:
    from kramik.mailers.brevo import FEATURES, BrevoMailer, Settings

    return Kind(Settings, lambda settings, call: BrevoMailer(settings, call_seconds=call), about=FEATURES)


def _listmonk() -> Kind[Mailer]:
    from kramik.mailers.listmonk import FEATURES, ListmonkMailer, Settings

    return Kind(Settings, lambda settings, call: ListmonkMailer(settings, call_seconds=call), about=FEATURES)


def _buttondown() -> Kind[Mailer]:
    from kramik.mailers.buttondown import FEATURES, ButtondownMailer, Settings

    return Kind(
        Settings, lambda settings, call: ButtondownMailer(settings, call_seconds=call), about=FEATURES
    )


GATEWAYS: Mapping[str, Callable[[], Kind[Gateway | CallingGateway]]] = {
    "sandbox": _sandbox_gateway,
    "imoje": _imoje,
    "autopay": _autopay,
    "payu": _payu,
    "payu_rest": _payu_rest,
    "tpay": _tpay,
    "tpay_api": _tpay_api,
    "dotpay": _dotpay,
    "twocheckout": _twocheckout,
    "przelewy24": _przelewy24,
    "paynow": _paynow,
    "redsys": _redsys,
    "stripe": _stripe,
    "stripe_checkout": _stripe_checkout,
}
ACADEMIES: Mapping[str, Callable[[], Kind[Academy]]] = {
    "sandbox": _sandbox_academy,
    "files": _files,
    "ghost": _ghost,
    "thinkific": _preset("thinkific"),
    "teachable": _preset("teachable"),
    "circle": _preset("circle"),
    "kajabi": _preset("kajabi"),
    "heartbeat": _preset("heartbeat"),
    "moodle": _preset("moodle"),
    "learnworlds": _preset("learnworlds"),
    "discourse": _preset("discourse"),
    "http": _http_academy,
}
MAILERS: Mapping[str, Callable[[], Kind[Mailer]]] = {
    "sandbox": _sandbox_mailer,
    "smtp": _smtp,
    "kit": _kit,
    "kit-v3": _kit_v3,
    "mailchimp": _mailchimp,
    "mailerlite": _mailerlite,
    "brevo": _brevo,
    "listmonk": _listmonk,
    "buttondown": _buttondown,
}
FAMILIES: Mapping[str, Mapping[str, Callable[[], Kind[object]]]] = {
    "gateways": GATEWAYS,
    "academy": ACADEMIES,
    "mailer": MAILERS,
}


def read(folder: Path, environ: Mapping[str, str], overlay: Mapping[str, object] | None = None) -> Settings:
    """Read the settings of a shop folder.

    Raises:
        ConfigurationError: every problem of every file.
    """
    return config.read(folder, environ, shape, overlay, methods=methods)


def methods(kind: str) -> tuple[str, ...]:
    """Return the ways to pay that a gateway can take from a buyer's choice at the shop."""
    return GATEWAYS[kind]().features.methods


EXTRAS = dict.fromkeys(("tpay", "tpay_api", "redsys"), ("cryptography", "crypto"))
"""The package that an adapter needs beside the core, and the extra that brings it."""


def shape(family: str, kind: str) -> type[msgspec.Struct]:
    """Return the shape of an adapter's table.

    Raises:
        Rejected: there is no such adapter, or its extra is not installed.
    """
    kinds = FAMILIES[family]
    if kind not in kinds:
        message = f"{kind!r} is not known here; {table.nearest(kind, kinds)}"
        raise Rejected(Problem(field="kind", code="unknown_kind", message=message))
    require(kind)
    return kinds[kind]().shape


def require(kind: str, find: Callable[[str], object | None] = find_spec) -> None:
    """Look whether the extra of an adapter is installed.

    Raises:
        Rejected: it is not, and how to install it.
    """
    package, extra = EXTRAS.get(kind, ("", ""))
    if package and find(package) is None:
        message = f'{kind!r} needs the extra "{extra}"; install it with: pip install "kramik[{extra}]"'
        raise Rejected(Problem(field="kind", code="missing_extra", message=message))


def build(
    settings: Settings, orders: Orders, queue: Queue, *, vault: Vault | None = None, log: Log | None = None
) -> Shop:
    """Build the shop over an open store; without `log` its events go to stderr.

    Raises:
        ConfigurationError: an adapter can not work like this, or needs a vault where there is none.
    """
    call = settings.worker.call
    academy = ACADEMIES[settings.academy.kind]().make(_at_home(settings, settings.academy.settings), call)
    mailer = MAILERS[settings.mailer.kind]().make(settings.mailer.settings, call, vault)
    post = _post(settings, mailer)
    gateways = {
        name: GATEWAYS[each.kind]().make(each.settings, call) for name, each in settings.gateways.items()
    }
    taken_back = academy.revocation if isinstance(academy, Revoking) else None
    ports = Ports(
        orders=orders,
        queue=queue,
        gateways=gateways,
        effects=effects(
            academy,
            mailer,
            taken_back and desk.careful(orders, taken_back),
            by_post=None if post is None else mail.by_post(post),
            withdrawal=mail.acknowledging(post or mail.NoPost()),
            confirmation=None if post is None else _confirming(settings, post),
        ),
        post=post or mail.NoPost(),
        log=logger(settings) if log is None else log,
        fresh_links=academy if isinstance(academy, FreshLinks) else None,
        quotas=None if vault is None else Quotas(vault),
        shelf=academy if isinstance(academy, Shelf) else None,
        tellers=_tellers(settings, post),
        diary=vault if settings.notices.digest else None,
        takes_back=settings.revoke_on_refund,
    )
    return Shop(
        ports,
        catalogue=settings.catalogue,
        keys=Keys(*settings.secrets),
        addresses=Addresses(site=settings.site, api=settings.api),
        consents=settings.consents,
        timing=Timing(visibility=settings.worker.visibility, call=call),
        langs=settings.languages,
        conditions=conditions(settings),
    )


def conditions(settings: Settings) -> Conditions:
    """Return how this shop sells beside its catalogue."""
    made = source(settings)
    terms = {lang: made.version("terms", lang) for lang in settings.languages}
    return Conditions(
        coupons=settings.coupons,
        prices=settings.prices,
        methods={name: each.methods for name, each in settings.gateways.items()},
        terms={lang: text for lang, text in terms.items() if text},
    )


def _post(settings: Settings, mailer: Mailer) -> Post | None:
    """Return the shop's own post: `[smtp]`, else a mailing tool that sends single mails."""
    if settings.smtp is None:
        return mailer if isinstance(mailer, Post) else None
    post = MAILERS[settings.smtp.kind]().make(settings.smtp.settings, settings.worker.call)
    return post if isinstance(post, Post) else None


def _confirming(settings: Settings, post: Post) -> Effect | None:
    """Return what mails the confirmation of an order, where the table of the post says that it may."""
    if not _confirms(settings):
        return None
    paper = Paper(
        site=settings.site,
        seller=msgspec.structs.asdict(settings.seller),
        consents=settings.consents,
        terms=dict(terms(settings)),
        langs=settings.languages,
    )
    return confirming(post, paper)


def terms(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield every text of the terms by what an order keeps of it, and those of today by their language."""
    from kramik.site import versions

    made = source(settings)
    for lang in settings.languages:
        old = (versions.page(made, "terms", version, lang) for version in versions.of(made, "terms"))
        today = made.page("terms", lang)
        for page in filter(None, (*old, today)):
            yield page.named, page.body
        if today is not None:
            yield lang, today.body


def _confirms(settings: Settings) -> bool:
    """Say whether the table of the post says that it mails confirmations."""
    return bool(getattr((settings.smtp or settings.mailer).settings, "confirmation", False))


def _tellers(settings: Settings, post: Post | None) -> dict[Channel, Teller]:
    """Return how the seller is told.

    Raises:
        ConfigurationError: it can not work like this.
    """
    from kramik.tellers.mail import MailTeller
    from kramik.tellers.webhook import WebhookTeller

    notices, tellers = settings.notices, dict[Channel, Teller]()
    if notices.email and post is None:
        message = (
            f"[notices] email needs a post, and {settings.mailer.kind} sends no single mails; add [smtp]"
        )
        raise ConfigurationError(Problem(field=config.FILE, code="no_post", message=message))
    if notices.email and post is not None:
        tellers["mail"] = MailTeller(post, to=notices.email, shop=settings.name)
    if notices.webhook:
        call = settings.worker.call
        tellers["webhook"] = WebhookTeller(notices.webhook, notices.secrets, call_seconds=call)
    return tellers


def advice(settings: Settings) -> Iterator[str]:
    """Yield what a shop can do without, and what it then can not do."""
    from kramik.mailers import Features as AboutMailer

    about = MAILERS[settings.mailer.kind]().about
    if settings.mailer.kind != "sandbox" and not _confirms(settings):
        yield (
            "no order is confirmed by mail, which the law of the EU wants no later than the access; add [smtp], or "
            "set confirmation = true where the mailing tool has that setting"
        )
    if settings.smtp is None and isinstance(about, AboutMailer) and not about.posts:
        yield (
            f"{about.title} sends no single mails and there is no [smtp]: nobody can be mailed their access again, "
            "and whom the mailing tool will not mail waits for you; add [smtp] to shop.toml"
        )


def mailing_tool(settings: Settings, vault: Vault) -> Mailer:
    """Return the mailing tool alone."""
    kind = MAILERS[settings.mailer.kind]()
    return kind.make(settings.mailer.settings, settings.worker.call, vault)


def vendors(settings: Settings, vault: Vault) -> dict[str, Checkable | None]:
    """Return the vendors of a shop by the name of their table; None for one that can not be asked about its account."""
    call = settings.worker.call
    made: dict[str, object] = {
        f"gateways.{name}": GATEWAYS[each.kind]().make(each.settings, call)
        for name, each in settings.gateways.items()
    }
    made["mailer"] = MAILERS[settings.mailer.kind]().make(settings.mailer.settings, call, vault)
    academy = _at_home(settings, settings.academy.settings)
    made["academy"] = ACADEMIES[settings.academy.kind]().make(academy, call)
    if settings.smtp is not None:
        made["smtp"] = MAILERS[settings.smtp.kind]().make(settings.smtp.settings, call)
    return {name: each if isinstance(each, Checkable) else None for name, each in made.items()}


def _at_home(settings: Settings, table: msgspec.Struct) -> msgspec.Struct:
    """Return a table whose `folder`, if it has one, is meant from the folder of the shop."""
    folder = getattr(table, "folder", "")
    return (
        msgspec.structs.replace(table, folder=str(settings.folder / Path(folder).expanduser()))
        if folder
        else table
    )


def asleep() -> None:
    """Wake nobody: a process without workers."""


def open_store(file: Path, *, wake: Callable[[], None] = asleep) -> SqliteStore:
    """Open the embedded store; `wake` is called when a message can be taken.

    A new file is for its owner alone: it holds buyers and secrets.

    Raises:
        ConfigurationError: the file is none of ours, or newer than this version.
    """
    from kramik.stores.sqlite import SqliteStore

    with suppress(OSError):  # what is wrong with the place, the store says better
        file.touch(mode=0o600)
    return SqliteStore(file, wake=wake)


def open_azure(environ: Mapping[str, str]) -> AzureStore:
    """Open the store in the storage account that the environment names, as the Functions host does; it asks nobody yet.

    Raises:
        ConfigurationError: no account is named, or it can not be read.
    """
    from kramik.stores.azure import Account, AzureStore

    name = environ.get("AzureWebJobsStorage__accountName", "")
    return AzureStore(Account(environ.get("AzureWebJobsStorage", ""), name=name))


def record_versions(settings: Settings) -> list[str]:
    """Keep a copy of each page with a version that is news, so that it stays online.

    Raises:
        ConfigurationError: a page says something else than was published under its version.
    """
    from kramik.site import versions

    made = source(settings)
    problems = tuple(versions.problems(made))
    if problems:
        raise ConfigurationError(*problems)
    return versions.record(settings.folder, made)


def build_site(settings: Settings, out: Path, *, now: datetime | None = None) -> list[str]:
    """Build the static site into a folder, as it is at a moment: at this one if none is given."""
    from kramik.site.build import build

    return build(source(settings, now), out, templates=settings.templates)


def export_site(
    settings: Settings, generator: str, out: Path, *, layout: str = "", now: datetime | None = None
) -> Placed:
    """Write the shop for another generator, as it is at a moment: at this one if none is given."""
    from kramik.site.exports import files, placed
    from kramik.site.exports.data import Export

    made = files.GENERATORS[generator](Export(source(settings, now), settings.templates), layout)
    return placed.place(made, out)


def headers(settings: Settings, place: Literal["site", "api"]) -> Mapping[str, str]:
    """Return the headers of the static site's pages, or of those that the functions answer with."""
    from kramik.site.headers import security

    return security(source(settings), place)


def logger(settings: Settings, stream: TextIO | None = None) -> Logger:
    """Return the log of this shop, which knows what to mask; it writes to stderr if no stream is given."""
    return Logger([*settings.secrets, *config.secrets_of(settings)], stream)


def source(settings: Settings, now: datetime | None = None) -> Source:
    """Return what the static site is made from, with the prices of a moment: of this one if none is given."""
    from kramik.site import versions
    from kramik.site.source import Source

    adapters = settings.gateways.values()
    urls = [getattr(each.settings, key, "") for each in adapters for key in ("base_url", "pay_url")]
    origins = {_origin(str(url)) for url in urls}
    return Source(
        name=settings.name,
        site=settings.site,
        api=settings.api,
        langs=settings.languages,
        currency=settings.currency,
        catalogue=settings.catalogue,
        pages=settings.pages,
        consents=settings.consents,
        pay_ways=tuple(_pay_ways(settings)),
        seller=msgspec.to_builtins(settings.seller),
        form_action_origins=tuple(sorted(origins - {""})),
        now=now or datetime.now(UTC),
        conditions=Conditions(coupons=settings.coupons, prices=settings.prices),
        pictures=settings.folder / "pictures",
        versions=versions.read(settings.folder),
        theme=settings.theme,
    )


def _pay_ways(settings: Settings) -> Iterator[PayWay]:
    """Yield what a buyer may choose: each gateway, and behind it the methods that the shop offers of it."""
    from kramik.site.source import PayWay

    for name, each in settings.gateways.items():
        title = GATEWAYS[each.kind]().features.title
        for method in ("", *each.methods):
            yield PayWay(gateway=name, title=title, method=method)


def pages(settings: Settings) -> Pages:
    """Return the pages that the functions answer with."""
    from kramik.site.pages import Pages

    return Pages(source(settings), settings.templates)


def _origin(url: str) -> str:
    return "/".join(url.split("/", 3)[:3])
