"""The sandbox mailing tool keeps every promise of a mailer, in each kind of repeat-safety."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial

import pytest

from kramik.mailers.sandbox import SandboxMailer, Settings
from kramik.ports import Effect, Repeat
from tests.contracts.effect import Peer
from tests.contracts.mailer import EFFECT_PROMISES, POST_PROMISES, PROMISES, Office, Postbox
from tests.sandbox.place import Place, fresh_delivery, opened

CALL = 1.0
KINDS: tuple[Repeat, ...] = ("keyed", "set", "lookup", "unsafe")
EFFECTS: dict[str, Callable[[SandboxMailer], Effect]] = {
    "purchase": lambda mailer: mailer.purchase,
    "sequence": lambda mailer: mailer.sequence,
}


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """A running world."""
    with opened() as place:
        yield place


@pytest.fixture
def mailer(place: Place) -> Iterator[Callable[..., SandboxMailer]]:
    """How to open a mailing tool; all of them are closed in the end."""
    with ExitStack() as stack:

        def make(repeat: Repeat = "keyed", *, base_url: str = place.url) -> SandboxMailer:
            settings = Settings(base_url=base_url, token=place.settings.mail_token, repeat=repeat)
            made = SandboxMailer(settings, call_seconds=CALL)
            stack.callback(made.close)
            return made

        yield make
        place.browser.delete("/faults")


@pytest.mark.parametrize("repeat", KINDS)
@pytest.mark.parametrize("operation", EFFECTS)
@pytest.mark.parametrize("promise", EFFECT_PROMISES)
def test_effect(
    promise: Callable[[Peer], None],
    *,
    operation: str,
    repeat: Repeat,
    mailer: Callable[..., SandboxMailer],
    place: Place,
) -> None:
    """A purchase and a sequence keep each promise of an effect."""
    delivery, effect = fresh_delivery(), EFFECTS[operation]
    promise(
        Peer(
            effect=effect(mailer(repeat)),
            nobody=effect(mailer(repeat, base_url="http://127.0.0.1:1")),
            delivery=delivery,
            call_seconds=CALL,
            secrets=(place.settings.mail_token,),
            happened=lambda: len(place.ledger(delivery.order.id, operation)),
            fault=lambda **switch: place.fault(peer="mail", operation=operation, **switch),
        )
    )


def mails(place: Place, to: str) -> list[tuple[str, str]]:
    """Return what arrived at an address."""
    found = place.browser.get("/mail/messages.json", params={"to": to}).json()
    return [(mail["subject"], mail["text"]) for mail in found]


@pytest.mark.parametrize("repeat", KINDS)
@pytest.mark.parametrize("promise", PROMISES)
def test_promise(
    promise: Callable[[Office], None], repeat: Repeat, mailer: Callable[..., SandboxMailer], place: Place
) -> None:
    """The sandbox mailing tool keeps each promise of a mailing tool."""
    promise(Office(mailer=mailer(repeat), delivery=fresh_delivery(), mails=partial(mails, place)))


@pytest.mark.parametrize("promise", POST_PROMISES)
def test_post(promise: Callable[[Postbox], None], mailer: Callable[..., SandboxMailer], place: Place) -> None:
    """The sandbox mailing tool keeps each promise of a way to send single mails."""
    to = fresh_delivery().order.intent.buyer.email
    promise(Postbox(post=mailer(), to=to, mails=partial(mails, place)))
