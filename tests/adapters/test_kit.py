"""Kit keeps every promise of a mailing tool: purchases with OAuth, purchases as tags, and sequences."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from kramik.mailers.kit import KitMailer
from kramik.ports import Effect, Vault
from kramik.sandbox.mailers import kit
from kramik.stores.memory import MemoryVault
from tests.adapters.kit import CALL, Office, office, sold
from tests.contracts import mailer
from tests.contracts.effect import Peer
from tests.sandbox.place import Place, opened

EFFECTS: dict[str, tuple[bool, str, Callable[[KitMailer], Effect]]] = {
    "purchase": (True, "purchase", lambda made: made.purchase),
    "tag": (False, "purchase", lambda made: made.purchase),
    "sequence": (True, "sequence", lambda made: made.sequence),
    "sequence without OAuth": (False, "sequence", lambda made: made.sequence),
}


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """A running world."""
    with opened() as place:
        yield place


@pytest.fixture(scope="module")
def vault() -> Vault:
    """Where the one grant of this world is kept."""
    return MemoryVault()


@pytest.fixture
def account(place: Place, vault: Vault) -> Iterator[Office]:
    """An office before Kit."""
    with office(place, vault) as found:
        yield found


@pytest.mark.parametrize("name", EFFECTS)
@pytest.mark.parametrize("promise", mailer.EFFECT_PROMISES)
def test_effect(promise: Callable[[Peer], None], name: str, account: Office) -> None:
    """A purchase, a tag and a sequence keep each promise of an effect."""
    oauth, operation, effect = EFFECTS[name]
    delivery = sold()
    email = delivery.order.intent.buyer.email
    renewed = operation == "purchase" and oauth

    def fault(**switch: object) -> None:
        # An access token that is refused is renewed once, so the refusal has to come twice.
        twice = {"count": 2} if renewed and switch.get("status") == 401 else {}
        account.place.fault(peer="kit", operation=operation, **{**twice, **switch})

    promise(
        Peer(
            effect=effect(account.mailer(oauth=oauth)),
            nobody=effect(account.mailer(oauth=oauth, base_url="http://127.0.0.1:1")),
            delivery=delivery,
            call_seconds=CALL,
            secrets=tuple(str(kit.DEMO[key]) for key in ("api_key", "client_secret", "refresh_token")),
            happened=lambda: len(account.effects(email, operation)),
            fault=fault,
        )
    )


@pytest.mark.parametrize("oauth", [True, False])
@pytest.mark.parametrize("promise", mailer.PROMISES)
def test_promise(promise: Callable[[mailer.Office], None], *, oauth: bool, account: Office) -> None:
    """Kit keeps each promise of a mailing tool."""
    made = account.mailer(oauth=oauth)
    promise(mailer.Office(mailer=made, delivery=sold(), mails=account.mails))
