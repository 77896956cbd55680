"""Kit's old API keeps every promise of a mailing tool, and nothing that it leaves open is trusted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import msgspec
import pytest
from msgspec.structs import replace

from kramik.errors import ConfigurationError, NeedsOperator, NotMailable, OutcomeUnknown, Rejected, Transient
from kramik.mailers.kit import KitV3Mailer, V3Settings
from kramik.ports import Delivery, Effect
from kramik.sandbox.mailers.kit import v3
from kramik.sandbox.mailers.kit.v3 import LIMIT, SECRET
from tests.adapters.kit import CALL, FIELD, sold
from tests.adapters.test_kit_live import product
from tests.contracts import mailer
from tests.contracts.effect import Peer
from tests.sandbox.place import Place, opened
from tests.unit.raw_server import answering, reply, serving

EFFECTS: dict[str, Callable[[KitV3Mailer], Effect]] = {
    "purchase": lambda made: made.purchase,
    "sequence": lambda made: made.sequence,
}
LAG = 0.6


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """A running world."""
    with opened() as place:
        yield place


@pytest.fixture
def account(place: Place) -> Iterator[Callable[..., KitV3Mailer]]:
    """How to open our account; all of them are closed in the end."""
    with ExitStack() as stack:
        yield lambda **changes: opened_account(place, stack, **changes)
    place.browser.delete("/faults")


def opened_account(place: Place, stack: ExitStack, **changes: object) -> KitV3Mailer:
    """Open our account in this world."""
    about = {**v3.DEMO, "base_url": f"{place.url}/kit-v3", "lag": 0.0, **changes}
    made = KitV3Mailer(msgspec.convert(about, V3Settings), call_seconds=CALL)
    stack.callback(made.close)
    return made


@pytest.fixture
def made(account: Callable[..., KitV3Mailer]) -> KitV3Mailer:
    """Our account."""
    return account()


def effects(place: Place, delivery: Delivery, effect: str) -> list[dict]:
    """Return the facts of what happened to a buyer."""
    email = delivery.order.intent.buyer.email
    found = (entry["facts"] for entry in place.ledger(effect=effect))
    return [facts for facts in found if email in (facts.get("email"), facts.get("to"))]


def started(delivery: Delivery) -> Delivery:
    """Return the sale as it is when its call begins now."""
    steps = tuple(
        replace(step, started_at=datetime.now(UTC)) if step.name == "sequence" else step
        for step in delivery.order.steps
    )
    return Delivery(order=replace(delivery.order, steps=steps), access_link=delivery.access_link)


@pytest.mark.parametrize("name", EFFECTS)
@pytest.mark.parametrize("promise", mailer.EFFECT_PROMISES)
def test_effect(
    promise: Callable[[Peer], None], name: str, account: Callable[..., KitV3Mailer], place: Place
) -> None:
    """A purchase and a sequence keep each promise of an effect."""
    delivery, effect = sold(), EFFECTS[name]
    promise(
        Peer(
            effect=effect(account()),
            nobody=effect(account(base_url="http://127.0.0.1:1")),
            delivery=delivery,
            call_seconds=CALL,
            secrets=(SECRET,),
            happened=lambda: len(effects(place, delivery, name)),
            fault=lambda **switch: place.fault(peer="kit-v3", operation=name, **switch),
        )
    )


@pytest.mark.parametrize("promise", mailer.PROMISES)
def test_promise(promise: Callable[[mailer.Office], None], made: KitV3Mailer, place: Place) -> None:
    """Kit's old API keeps each promise of a mailing tool."""

    def mails(to: str) -> list[tuple[str, str]]:
        found = place.browser.get("/mail/messages.json", params={"to": to}).json()
        return [(mail["subject"], mail["text"]) for mail in found]

    promise(mailer.Office(mailer=made, delivery=sold(), mails=mails))


def test_second_purchase_of_one_sequence(made: KitV3Mailer, place: Place) -> None:
    """A subscription that is older than our call means that nobody is mailed now, so that the shop has to."""
    first = sold()
    made.sequence.do(started(first))
    person = replace(first.order, id="second")
    later = datetime.fromtimestamp(time.time() + 300, UTC)
    steps = tuple(replace(step, started_at=later) for step in person.steps)
    second = Delivery(order=replace(person, steps=steps), access_link="https://s.example/access/second.m")
    with pytest.raises(NotMailable, match="before"):
        made.sequence.do(second)
    assert made.sequence.find is not None
    assert (None, 1) == (made.sequence.find(second), len(effects(place, first, "mail")))


def test_product_without_a_sequence(made: KitV3Mailer) -> None:
    """A product that names no sequence is mailed by the shop."""
    with pytest.raises(NotMailable):
        made.sequence.do(sold(sequence=""))
    assert made.sequence.find is not None
    assert made.sequence.find(sold(sequence="")) is None


@pytest.mark.parametrize("effect", EFFECTS)
def test_missing_field(made: KitV3Mailer, place: Place, effect: str) -> None:
    """A custom field that Kit ignores parks the order before anything else happens."""
    delivery = sold(product="nowy-kurs")
    with pytest.raises(NeedsOperator, match="link_nowy_kurs"):
        getattr(made, effect).do(delivery)
    assert [] == effects(place, delivery, effect)


@pytest.mark.parametrize("effect", EFFECTS)
def test_lost_before_the_effect(made: KitV3Mailer, place: Place, effect: str) -> None:
    """What is lost while the person is made known is no unknown outcome."""
    delivery = sold()
    place.fault(peer="kit-v3", operation="person", fault="drop")
    with pytest.raises(Transient):
        getattr(made, effect).do(delivery)
    assert [] == effects(place, delivery, effect)


@pytest.mark.parametrize("effect", EFFECTS)
def test_lost_answer_is_found(made: KitV3Mailer, place: Place, effect: str) -> None:
    """An effect whose answer was lost is found, and happened once."""
    delivery = started(sold())
    place.fault(peer="kit-v3", operation=effect, fault="drop")
    with pytest.raises(OutcomeUnknown):
        getattr(made, effect).do(delivery)
    assert getattr(made, effect).find(delivery)
    assert 1 == len(effects(place, delivery, effect))


def test_lists_lag() -> None:
    """Within its lag a list does not show what happened; behind it, it does."""
    with opened(lag=LAG) as place, ExitStack() as stack:
        made, delivery = opened_account(place, stack, lag=LAG), started(sold())
        receipts = [made.purchase.do(delivery), made.sequence.do(delivery)]
        finds = [find for find in (made.purchase.find, made.sequence.find) if find is not None]
        assert [None, None] == [find(delivery) for find in finds]
        time.sleep(LAG + 0.1)
        assert receipts == [find(delivery) for find in finds]


def test_purchase_is_found_on_any_page() -> None:
    """The look-up reads the pages behind the first one, whichever end is the newest."""
    with opened(pace=0.0001) as place, ExitStack() as stack:
        made, other = opened_account(place, stack), sold()
        for number in range(51):
            made.purchase.do(
                Delivery(order=replace(other.order, id=f"{number}"), access_link=other.access_link)
            )
        last = sold()
        receipt = made.purchase.do(last)
        assert made.purchase.find is not None
        assert receipt == made.purchase.find(last)


def test_newest_subscriptions_come_first() -> None:
    """The look-up asks for the newest first, stops at one that is older than the call, and takes none for ours."""
    old = {"id": 1, "created_at": "2026-11-02T11:00:00Z", "subscriber": {"id": 7, "state": "active"}}
    page = msgspec.json.encode({"total_pages": 9, "subscriptions": [old]})
    with serving(answering(reply(200, page))) as server, ExitStack() as stack:
        settings = V3Settings(api_secret=SECRET, base_url=server.url, sequences={"agregaty-start": 1001})
        made = KitV3Mailer(settings, call_seconds=CALL)
        stack.callback(made.close)
        assert made.sequence.find is not None
        assert made.sequence.find(sold()) is None
    assert [True] == [b"sort_order=desc" in each for each in server.asked]


def test_refused_purchase(made: KitV3Mailer) -> None:
    """What Kit refuses parks in its own words."""
    delivery = sold()
    with pytest.raises(Rejected, match="transaction_id can't be blank"):
        made.purchase.do(Delivery(order=replace(delivery.order, id=""), access_link=delivery.access_link))


def test_limit_of_calls() -> None:
    """Behind its limit Kit answers 429 in plain text: later again."""
    with opened(pace=1.0) as place, ExitStack() as stack:
        for _ in range(LIMIT):
            place.browser.get("/kit-v3/v3/tags")
        with pytest.raises(Transient):
            opened_account(place, stack).purchase.do(sold())


def test_live(account: Callable[..., KitV3Mailer]) -> None:
    """Asked about its account, Kit names missing sequences and fields, makes fields, and refuses a wrong secret."""
    made = account()
    assert [] == made.problems([product()], create=False)
    wrong = made.problems([product("nowy-kurs-9", "77")], create=False)
    assert [True, True] == ["77" in wrong[0].message, "link_nowy_kurs_9" in wrong[1].message]
    assert [] == made.problems([product("nowy-kurs-9")], create=True)
    assert [] == made.problems([product("nowy-kurs-9")], create=False)
    (refusal,) = account(api_secret="secret-of-nobody").problems([product()], create=False)
    assert ("api_secret", False) == (refusal.field, "nobody" in refusal.message)


@pytest.mark.parametrize("changes", [{"api_secret": ""}, {"field": FIELD}])
def test_settings_that_make_no_sense(account: Callable[..., KitV3Mailer], changes: dict[str, str]) -> None:
    """An empty secret and one field for all courses are refused before the shop starts."""
    with pytest.raises(ConfigurationError):
        account(**changes)


def test_settings_show_no_secret() -> None:
    """Settings do not print their secret."""
    assert SECRET not in repr(msgspec.convert({"api_secret": SECRET}, V3Settings))
