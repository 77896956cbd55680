"""The composition root: what the settings of a shop say, made of the adapters that they name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, TypeVar

import msgspec

from kramik import adapters, config, desk, mail, publishing, written
from kramik.conditions import zone
from kramik.confirmation import Paper, confirming
from kramik.errors import ConfigurationError, NeedsOperator, Problem
from kramik.log import Logger
from kramik.moves import effects
from kramik.notice import Channel
from kramik.offer import Conditions, introduces, reduced_from
from kramik.payment import Keys
from kramik.ports import (
    Academy,
    CallingGateway,
    Checkable,
    Directing,
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
    from kramik.stores.azure import AzureStore
    from kramik.stores.sqlite import SqliteStore

Made = TypeVar("Made")


def read(folder: Path, environ: Mapping[str, str], overlay: Mapping[str, object] | None = None) -> Settings:
    """Read the settings of a shop folder.

    Raises:
        ConfigurationError: every problem of every file.
    """
    from kramik.site.texts import languages

    return config.read(
        folder, environ, adapters.shape, overlay, methods=adapters.methods, speaks=tuple(languages())
    )


def build(
    settings: Settings, orders: Orders, queue: Queue, *, vault: Vault | None = None, log: Log | None = None
) -> Shop:
    """Build the shop over an open store; without `log` its events go to stderr.

    Raises:
        ConfigurationError: an adapter can not work like this, or needs a vault where there is none.
    """
    return Shop(
        _ports(settings, orders, queue, vault=vault, log=log or logger(settings)),
        catalogue=settings.catalogue,
        keys=Keys(*settings.secrets),
        addresses=Addresses(site=settings.site, api=settings.api),
        consents=settings.consents,
        timing=Timing(visibility=settings.worker.visibility, call=settings.worker.call),
        langs=settings.languages,
        conditions=conditions(settings),
    )


def _ports(settings: Settings, orders: Orders, queue: Queue, *, vault: Vault | None, log: Log) -> Ports:
    academy, mailer = _academy(settings), _mailer(settings, vault)
    post, clock = _post(settings, mailer), zone(settings.timezone) or UTC
    taken_back = academy.revocation if isinstance(academy, Revoking) else None
    return Ports(
        orders=orders,
        queue=queue,
        gateways={name: _gateway(settings, name) for name in settings.gateways},
        effects=effects(
            academy,
            mailer,
            taken_back and desk.careful(orders, taken_back),
            removal=taken_back and desk.removing(orders, taken_back),
            by_post=None if post is None else mail.by_post(post),
            withdrawal=mail.acknowledging(post or mail.NoPost(), clock),
            confirmation=None if post is None else _confirming(settings, post),
        ),
        post=post or mail.NoPost(),
        log=log,
        fresh_links=academy if isinstance(academy, FreshLinks) else None,
        quotas=None if vault is None else Quotas(vault),
        shelf=academy if isinstance(academy, Shelf) else None,
        tellers=_made(settings, "[notices]", lambda: _tellers(settings, post)),
        diary=vault if settings.notices.digest else None,
        takes_back=settings.revoke_on_refund,
    )


def _academy(settings: Settings) -> Academy:
    table, call = _at_home(settings, settings.academy.settings), settings.worker.call
    make = adapters.ACADEMIES[settings.academy.kind]().make
    return _made(settings, "[academy]", lambda: make(table, call))


def _mailer(settings: Settings, vault: Vault | None) -> Mailer:
    table, call = settings.mailer.settings, settings.worker.call
    make = adapters.MAILERS[settings.mailer.kind]().make
    return _made(settings, "[mailer]", lambda: make(table, call, vault))


def _gateway(settings: Settings, name: str) -> Gateway | CallingGateway:
    found = settings.gateways[name]
    make = adapters.GATEWAYS[found.kind]().make
    return _made(settings, f"[gateways.{name}]", lambda: make(found.settings, settings.worker.call))


def _made(settings: Settings, header: str, make: Callable[[], Made]) -> Made:
    """Make the adapter of a table; what it finds wrong there is told with its line."""
    try:
        return make()
    except ConfigurationError as error:
        found = (written.located(settings.folder, header, each) for each in error.problems)
        raise ConfigurationError(*found) from None


def conditions(settings: Settings) -> Conditions:
    """Return how this shop sells beside its catalogue."""
    made = publishing.source(settings)
    terms = {lang: made.version("terms", lang) for lang in settings.languages}
    return Conditions(
        coupons=settings.coupons,
        prices=settings.history,
        methods={name: each.methods for name, each in settings.gateways.items()},
        countries=settings.countries,
        terms={lang: text for lang, text in terms.items() if text},
    )


def _post(settings: Settings, mailer: Mailer) -> Post | None:
    """Return the shop's own post: `[smtp]`, else a mailing tool that sends single mails."""
    if settings.smtp is None:
        return mailer if isinstance(mailer, Post) else None
    smtp, call = settings.smtp, settings.worker.call
    post = _made(settings, "[smtp]", lambda: adapters.MAILERS[smtp.kind]().make(smtp.settings, call))
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

    made = publishing.source(settings)
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
        message = f"needs a post, and {settings.mailer.kind} sends no single mails; add [smtp]"
        raise ConfigurationError(Problem(field="email", code="no_post", message=message))
    if notices.email and post is not None:
        tellers["mail"] = MailTeller(post, to=notices.email, shop=settings.name)
    if notices.webhook:
        call = settings.worker.call
        tellers["webhook"] = WebhookTeller(notices.webhook, notices.secrets, call_seconds=call)
    return tellers


def advice(settings: Settings) -> Iterator[str]:
    """Yield what a shop can do without, and what it then can not do."""
    from kramik import unread, untranslated
    from kramik.mailers import Features as AboutMailer
    from kramik.site.pictures import can_resize

    yield from unread.files(settings.folder, settings.languages)
    for product in settings.catalogue:
        if not product.in_language(product.lang).summary.strip():
            yield (
                f"products/{product.slug}.md has no summary; one sentence of it stands on the front page, below the "
                "title, and in what search engines and messengers show"
            )
        if not product.in_language(product.lang).blocks.requirements:
            yield (
                f"products/{product.slug}.md has no requirements; say what a buyer needs to use the course, "
                "such as a browser that plays video: the law wants it known before an order"
            )
    yield from _unasked(settings)
    yield from untranslated.courses(tuple(settings.catalogue), settings.languages)
    about = adapters.MAILERS[settings.mailer.kind]().about
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
    if (settings.folder / "pictures").is_dir() and not can_resize():
        yield (
            "Pillow is missing: the pictures of this shop are published as they are, large and with the camera's "
            'metadata; install it with `pip install "kramik[images]"`'
        )
    yield from publishing.left_behind(settings)
    yield from _unreduced(settings)


def _unreduced(settings: Settings) -> Iterator[str]:
    """Yield each sale that may not be called one, since it is not below what was asked in the thirty days before."""
    history = settings.history
    for product, sale in ((each, sale) for each in settings.catalogue for sale in each.sales):
        lowest = history.lowest(product.slug, product.sales, before=sale.opens)
        if lowest is None or introduces(product, sale, history) or reduced_from(product, sale, history):
            continue
        yield (
            f"products/{product.slug}.md costs {sale.price} from {sale.opens:%Y-%m-%d} on, not below {lowest}, "
            "the lowest price of the thirty days before: no reduction may be announced, so nothing is struck out"
        )


def _unasked(settings: Settings) -> Iterator[str]:
    """Yield each sale of a shop that is tried, before which no price was ever published."""
    for product in settings.catalogue if settings.local else ():
        compared = any(not introduces(product, sale, settings.history) for sale in product.sales)
        if compared and settings.prices.last(product.slug) is None:
            yield (
                f"products/{product.slug}.md has a sale and no history: here {product.price} counts as asked before "
                "it, and live it has to be; run `kramik build` under your own url, and publish, before it begins"
            )


def mailing_tool(settings: Settings, vault: Vault) -> Mailer:
    """Return the mailing tool alone."""
    kind = adapters.MAILERS[settings.mailer.kind]()
    return kind.make(settings.mailer.settings, settings.worker.call, vault)


def vendors(settings: Settings, vault: Vault) -> dict[str, Checkable | None]:
    """Return the vendors of a shop by the name of their table; None for one that can not be asked about its account."""
    call = settings.worker.call
    made: dict[str, object] = {
        f"gateways.{name}": adapters.GATEWAYS[each.kind]().make(each.settings, call)
        for name, each in settings.gateways.items()
    }
    made["mailer"] = adapters.MAILERS[settings.mailer.kind]().make(settings.mailer.settings, call, vault)
    academy = _at_home(settings, settings.academy.settings)
    made["academy"] = adapters.ACADEMIES[settings.academy.kind]().make(academy, call)
    if settings.smtp is not None:
        made["smtp"] = adapters.MAILERS[settings.smtp.kind]().make(settings.smtp.settings, call)
    return {name: each if isinstance(each, Checkable) else None for name, each in made.items()}


def misdirected(settings: Settings, vault: Vault) -> Iterator[Problem]:
    """Yield each product whose mails lead nowhere, as far as the settings tell: every order of it would park."""
    tool = mailing_tool(settings, vault)
    if not isinstance(tool, Directing):
        return
    for product in settings.catalogue:
        try:
            tool.directed(product)
        except NeedsOperator as error:
            yield Problem(
                field=written.keyed(settings.folder, product.slug), code="misdirected", message=str(error)
            )


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


def logger(settings: Settings, stream: TextIO | None = None) -> Logger:
    """Return the log of this shop, which knows what to mask; it writes to stderr if no stream is given."""
    return Logger([*settings.secrets, *config.secrets_of(settings)], stream)
