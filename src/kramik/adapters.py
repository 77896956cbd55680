"""Every adapter by the name of its kind; the only file that knows them all.

Each is imported inside its own function, so that a process loads only what its shop uses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Generic, Protocol, TypeVar

import msgspec

from kramik import table
from kramik.errors import Problem, Rejected
from kramik.ports import Academy, CallingGateway, Gateway, Mailer, Vault

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
