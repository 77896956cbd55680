from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256

import msgspec
import pytest

from kramik.catalogue import Catalogue, LegalKind
from kramik.consents import DEFAULTS
from kramik.errors import ConfigurationError, Conflict, Problem, Rejected, Transient
from kramik.intent import Draft
from kramik.journal import STEPS
from kramik.order import Order
from kramik.payment import Keys
from kramik.ports import Mail, Query
from kramik.premises import Timing
from kramik.queue import ATTEMPTS, Again, Message, Park, Plan
from kramik.shop import STRANGERS, Shop
from kramik.stores.memory import MemoryOrders
from kramik.tasks import DELIVERIES
from tests.story.example import (
    COURSE,
    DRAFT,
    NOON,
    PRICE,
    FakeClock,
    Letterbox,
    a_paid_order,
    a_shop,
    paid,
    refund,
    work_off,
)
from tests.story.world import World


@pytest.fixture
def shop(clock: FakeClock) -> Shop:
    """A shop in a world where all goes well."""
    return a_shop(World(clock).effects())


class BrokenOrders(MemoryOrders):
    """Orders that can not be read now."""

    def get(self, order_id: str) -> Order | None:
        raise Transient("the store is down")


def _codes(shop: Shop, **changes: object) -> list[tuple[str, str]]:
    draft = msgspec.structs.replace(DRAFT, **changes)
    with pytest.raises(Rejected) as caught:
        shop.place(draft, now=NOON)
    return [(problem.field, problem.code) for problem in caught.value.problems]


def _stored(shop: Shop, order: Order) -> Order:
    shop.ports.orders.insert(order).result()
    return order


def _loaded(shop: Shop) -> Order:
    order = shop.ports.orders.get("order-1")
    assert order is not None
    return order


def _worked(shop: Shop, message: Message, clock: FakeClock) -> Plan:
    shop.ports.queue.put(message, now=clock()).result()
    received = shop.ports.queue.take(now=clock(), visibility=120)
    assert received is not None
    return shop.work(received, clock=clock)


# Placing


@pytest.mark.parametrize(
    ("country", "problems"),
    [("", [("country", "missing")]), ("FR", [("country", "unknown_country")]), ("AT", [])],
)
def test_a_shop_that_sells_to_some_countries(
    shop: Shop, country: str, problems: list[tuple[str, str]]
) -> None:
    """The buyer says in which they live, the shop sells there, and the order keeps it; a shop at home asks nothing."""
    buyer = msgspec.structs.replace(DRAFT.buyer, country=country)
    here = shop.place(msgspec.structs.replace(DRAFT, buyer=buyer, key="here"), now=NOON).order
    shop.conditions = msgspec.structs.replace(shop.conditions, countries=("PL", "AT"))

    assert country == here.intent.buyer.country
    if problems:
        assert problems == _codes(shop, buyer=buyer)
    else:
        sold = shop.place(msgspec.structs.replace(DRAFT, buyer=buyer), now=NOON).order
        stored = shop.ports.orders.get(sold.id)
        assert stored is not None
        assert country == stored.intent.buyer.country


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"product": "nothing"}, ("product", "unknown_product")),
        ({"gateway": "nowhere"}, ("gateway", "unknown_gateway")),
        ({"lang": "de"}, ("lang", "unknown_language")),
        ({"price_shown": "1.00 PLN"}, ("price_shown", "price_changed")),
        ({"consents": ("terms",)}, ("consent_immediate", "consent_missing")),
    ],
)
def test_a_draft_that_can_not_be_taken_is_refused(
    shop: Shop, changes: dict[str, object], problem: tuple[str, str]
) -> None:
    """Each problem has its field and a code for programs."""
    assert [problem] == _codes(shop, **changes)


@pytest.mark.parametrize("kind", ["content", "service", "event"])
def test_the_order_keeps_the_words_for_the_kind_of_the_product(shop: Shop, kind: LegalKind) -> None:
    """The hash is of the text that stood beside the box for this kind, under the same id."""
    product = msgspec.structs.replace(COURSE, legal_kind=kind)
    shop.catalogue = Catalogue(products={product.slug: product}, hash="")
    shop.consents = DEFAULTS
    order = shop.placed(shop.place(DRAFT, now=NOON))
    text = DEFAULTS["immediate" if kind == "content" else f"immediate_{kind}"].texts["pl"]
    assert (kind, [sha256(text.encode()).hexdigest()]) == (
        order.intent.legal_kind,
        [each.sha256 for each in order.intent.consents if each.id == "immediate"],
    )


def test_all_problems_are_told_at_once(shop: Shop) -> None:
    """Those that the caller found, too."""
    late = Problem(field="email", code="bad", message="is no address")
    with pytest.raises(Rejected) as caught:
        shop.place(
            msgspec.structs.replace(DRAFT, product="x", gateway="y", consents=()), now=NOON, problems=[late]
        )
    assert len(caught.value.problems) == 5


def test_a_product_is_sold_in_its_window(shop: Shop) -> None:
    """Before and after it the form is refused."""
    product = msgspec.structs.replace(shop.catalogue.products["agregaty"], closes=NOON)
    shop.catalogue = msgspec.structs.replace(shop.catalogue, products={"agregaty": product})
    assert _codes(shop) == [("product", "not_on_sale")]


def test_a_shown_price_that_still_holds_is_fine(shop: Shop) -> None:
    """The buyer pays what they saw."""
    draft = msgspec.structs.replace(DRAFT, price_shown=str(PRICE))
    assert shop.placed(shop.place(draft, now=NOON)).intent.price == PRICE


def test_nothing_chosen_is_the_first_gateway_and_language(shop: Shop) -> None:
    """A form may leave them out."""
    order = shop.placed(shop.place(msgspec.structs.replace(DRAFT, gateway="", lang=""), now=NOON))
    assert (order.intent.gateway, order.intent.lang) == ("till", "pl")


def test_the_same_key_with_other_content_is_a_conflict(shop: Shop) -> None:
    """The first order stays as it was."""
    shop.placed(shop.place(DRAFT, now=NOON))
    other = msgspec.structs.replace(
        DRAFT, buyer=msgspec.structs.replace(DRAFT.buyer, email="other@example.com")
    )
    with pytest.raises(Conflict, match="use a new key"):
        shop.placed(shop.place(other, now=NOON))


def test_without_a_key_the_same_content_is_one_order_for_ten_minutes(shop: Shop) -> None:
    """A double click is one order, tomorrow's purchase is another."""
    draft: Draft = msgspec.structs.replace(DRAFT, key="")
    ids = [shop.placed(shop.place(draft, now=NOON + timedelta(seconds=after))).id for after in (0, 5, 86_400)]
    assert ids[0] == ids[1] != ids[2]


def test_an_order_is_found_again_after_the_keys_rotated(clock: FakeClock) -> None:
    """The id that an older key gave still stands for the same idempotency key."""
    before = a_shop(World(clock).effects())
    order = before.placed(before.place(DRAFT, now=NOON))
    after = a_shop(World(clock).effects(), orders=before.ports.orders)
    after._keys = Keys("a new secret", "a secret of this shop")
    assert order.id == after.placed(after.place(DRAFT, now=NOON)).id


@pytest.mark.parametrize(("visibility", "call"), [(20, 15), (29.9, 15), (120, 0), (0, 0)])
def test_a_call_fits_twice_into_the_visibility(visibility: float, call: float) -> None:
    """With less a worker would have no time for any call, and its message would come back for ever."""
    with pytest.raises(ConfigurationError, match="twice the longest call"):
        Timing(visibility=visibility, call=call)


# Working


def test_a_message_about_nobody_is_kept_for_a_person(shop: Shop, clock: FakeClock) -> None:
    """It is tried for a quarter of an hour, in case the order is late, and then set aside with its reason."""
    shop.ports.queue.put(Message(order="nobody", event=paid("nobody")), now=clock()).result()
    work_off(shop, clock)
    assert [poisoned.why for poisoned in shop.ports.queue.poisoned()] == [
        "it failed 10 times, the last time with: there is no order 'nobody' (yet)"
    ]
    assert timedelta(minutes=5) < clock() - NOON < timedelta(minutes=40)


@pytest.mark.parametrize(
    ("attempt", "parked"), [(STRANGERS, False), (ATTEMPTS - 2, False), (ATTEMPTS - 1, True)]
)
def test_a_store_that_is_down_is_waited_for_longer(clock: FakeClock, attempt: int, *, parked: bool) -> None:
    """A bug once set every payment aside after a quarter of an hour without the store."""
    shop = a_shop(World(clock).effects(), orders=BrokenOrders())
    plan = _worked(shop, Message(order="order-1", event=paid(), attempt=attempt), clock)
    assert parked is isinstance(plan, Park)


def test_a_message_counts_its_failures_and_forgets_them(shop: Shop, clock: FakeClock) -> None:
    """The count survives the queue; what works begins at zero again."""
    _worked(shop, Message(order="late"), clock)
    clock.forward(60)
    received = shop.ports.queue.take(now=clock(), visibility=120)
    assert getattr(received, "message", Message()).attempt == 1


@pytest.mark.parametrize(("deliveries", "parked"), [(DELIVERIES, False), (DELIVERIES + 1, True)])
def test_a_message_that_kills_whoever_takes_it_is_set_aside(
    shop: Shop, clock: FakeClock, deliveries: int, *, parked: bool
) -> None:
    """The queue's own count is not trusted to do it."""
    _stored(shop, a_paid_order())
    shop.ports.queue.put(Message(order="order-1"), now=clock()).result()
    received = shop.ports.queue.take(now=clock(), visibility=120)
    assert received is not None
    plan = shop.work(msgspec.structs.replace(received, deliveries=deliveries), clock=clock)
    assert parked is isinstance(plan, Park)
    assert parked is (_loaded(shop).state == "parked")
    clock.forward(10_000)
    assert [] == shop.sweep(now=clock())


def test_a_repeat_is_the_same_order_whatever_changed_since(shop: Shop, clock: FakeClock) -> None:
    """The same key and content get the stored order, also when the product is not sold any more."""
    draft = msgspec.structs.replace(DRAFT, key="k-1")
    before = shop.placed(shop.place(draft, now=NOON))
    shop.catalogue = msgspec.structs.replace(shop.catalogue, products={})
    assert before.id == shop.placed(shop.place(draft, now=clock())).id
    with pytest.raises(Rejected):
        shop.place(msgspec.structs.replace(draft, source="other"), now=clock())


def test_what_nobody_could_read_is_shown_to_a_person(shop: Shop, clock: FakeClock) -> None:
    """It is moved aside with its reason and with what it said."""
    riddle = Message(task="unreadable", note="the kind 'rebate' is not known", raw='{"kind":"rebate"}')
    plan = _worked(shop, riddle, clock)
    assert Park("an authentic notification that nobody could read: the kind 'rebate' is not known") == plan
    assert [riddle] == [each.message for each in shop.ports.queue.poisoned()]


def test_a_worker_that_is_told_to_stop_gives_the_message_back(shop: Shop, clock: FakeClock) -> None:
    """What was told is saved, nothing is begun, and the next worker may have the message at once."""
    _stored(shop, a_paid_order())
    shop.ports.queue.put(Message(order="order-1"), now=clock()).result()
    received = shop.ports.queue.take(now=clock(), visibility=120)
    assert received is not None
    assert Again(0) == shop.work(received, clock=clock, stop=lambda: True)
    assert shop.ports.queue.take(now=clock(), visibility=120) is not None


# Sweeping


@pytest.mark.parametrize(("seconds", "swept"), [(239, []), (240, ["order-1"])])
def test_an_order_is_swept_when_it_is_overdue(
    shop: Shop, clock: FakeClock, seconds: float, swept: list[str]
) -> None:
    """Twice the visibility: a message in somebody's hands is left alone."""
    _stored(shop, a_paid_order())
    clock.forward(seconds)
    assert swept == shop.sweep(now=clock())


def test_an_order_that_waits_for_its_next_try_is_not_swept(shop: Shop, clock: FakeClock) -> None:
    """A bug once put one more message for it into the queue with every sweep."""
    due = NOON + timedelta(minutes=15)
    order = (
        a_paid_order().record("purchase", "p", now=NOON).postpone("invitation", "closed", now=NOON, due=due)
    )
    _stored(shop, order)
    clock.forward(600)
    assert shop.sweep(now=clock()) == []


def test_the_sweep_turns_every_page(shop: Shop, clock: FakeClock) -> None:
    """More orders than fit one page are all found, each once."""
    names = [f"order-{number:03}" for number in range(450)]
    for name in names:
        _stored(shop, a_paid_order(name))
    clock.forward(3600)
    swept = shop.sweep(now=clock())
    assert (450, set(names)) == (len(swept), set(swept))


def test_only_what_is_paid_and_unfinished_is_swept(shop: Shop, clock: FakeClock) -> None:
    """Placed, parked, refunded and completed orders wait for somebody else."""
    done = a_paid_order("d")
    for name in STEPS:
        done = done.record(name, "r", now=NOON)
    _stored(shop, done.complete(now=NOON))
    parked = a_paid_order("p").park("purchase", "closed", now=NOON)
    _stored(shop, parked.park("invitation", "closed", now=NOON))
    _stored(shop, a_paid_order("r").apply(refund("r"), now=NOON))
    clock.forward(3600)
    assert shop.sweep(now=clock()) == []


# The buyer and the seller


@pytest.mark.parametrize("token", ["", "x", "order-1.", "order-1.AAAAAAAAAAAAAAAAAAAAAAAA", "\udcff.x"])
def test_a_made_up_token_opens_nothing(shop: Shop, token: str) -> None:
    """No order and no link, as for one that does not exist."""
    _stored(shop, a_paid_order().record("invitation", "https://course", now=NOON))
    assert shop.open_access(token) == (None, "")


def test_a_course_opens_as_soon_as_there_is_an_invitation(shop: Shop) -> None:
    """Before it there is the order and no link yet."""
    order = _stored(shop, a_paid_order())
    token = shop.access_link(order).rpartition("/")[2]
    assert shop.open_access(token)[1] == ""
    saved = shop.ports.orders.get(order.id)
    assert saved is not None
    shop.ports.orders.save(saved.record("invitation", "https://course", now=NOON))
    assert shop.open_access(token)[1] == "https://course"


def test_mails_are_not_sent_again_all_the_time(shop: Shop, clock: FakeClock) -> None:
    """Whoever asks for the same address again and again gets one mail in ten minutes; the seller may insist."""
    order = _stored(shop, a_paid_order().record("invitation", "https://course", now=NOON))
    for seconds in (0, 1, 598, 2):
        clock.forward(seconds)
        shop.ask_resend("ANNA@example.com", now=clock()).result()
        work_off(shop, clock)
    post = shop.ports.post
    assert isinstance(post, Letterbox)
    assert len(post.mails) == 2
    clock.forward(1)
    shop.resend(order, now=clock())
    work_off(shop, clock)
    assert len(post.mails) == 3


class ChoosyLetterbox(Letterbox):
    """Refuses the mails of one order."""

    def send(self, mail: Mail) -> str:
        if mail.key.startswith("order-1/"):
            raise Rejected(Problem(field="to", code="refused", message="the address is blocked"))
        return super().send(mail)


def test_one_refused_mail_does_not_hold_up_the_others(clock: FakeClock) -> None:
    """The other orders of the address get theirs, and a person sees what was refused."""
    letters = ChoosyLetterbox()
    shop = a_shop(World(clock).effects(), post=letters)
    for name in ("order-1", "order-2"):
        order = a_paid_order(name).record("invitation", "https://academy.example/1", now=NOON)
        _stored(shop, order)
    shop.ask_resend("anna@example.com", now=clock()).result()
    work_off(shop, clock)
    assert ["order-2"] == [key.partition("/")[0] for key in letters.mails]
    assert 1 == len(shop.ports.queue.poisoned())


def test_retry_puts_an_order_back_to_work_that_has_no_message(shop: Shop, clock: FakeClock) -> None:
    """Poison may have been discarded: the order is enough."""
    _stored(shop, a_paid_order().park("purchase", "closed", now=NOON))
    order = shop.ports.orders.get("order-1")
    assert order is not None
    shop.retry(order, now=clock())
    work_off(shop, clock)
    assert getattr(shop.ports.orders.get("order-1"), "status", "") == "completed"


def test_a_person_can_say_that_it_did_happen(clock: FakeClock) -> None:
    """Where the other side could not tell the shop, it can tell a person: the receipt is recorded, nothing repeated."""
    world = World(clock, "unsafe")
    world.fault = lambda step: "lost" if (step, world.calls[step]) == ("invitation", 1) else "none"
    shop = a_shop(world.effects())
    _stored(shop, a_paid_order())
    _worked(shop, Message(order="order-1"), clock)
    order = shop.ports.orders.get("order-1")
    assert order is not None
    shop.retry(order, now=clock(), found={"invitation": world.rows("order-1", "invitation")[0].receipt})
    work_off(shop, clock)
    assert (world.doubled(), world.missing(["order-1"])) == ([], [])


def test_a_retry_asks_before_it_calls_again(clock: FakeClock) -> None:
    """A step parked because nobody could be asked is asked about first, so that what happened is found."""
    world = World(clock, "lookup")
    world.fault, world.unfound = lambda _: "lost", lambda _: True
    shop = a_shop(world.effects())
    _stored(shop, a_paid_order())
    shop.ports.queue.put(Message(order="order-1"), now=clock()).result()
    work_off(shop, clock, rounds=20_000)
    order = shop.ports.orders.get("order-1")
    assert order is not None
    assert (order.state, order.step("invitation").unknown) == ("parked", True)

    world.fault, world.unfound = lambda _: "none", lambda _: False
    shop.retry(order, now=clock())
    work_off(shop, clock)
    assert (world.doubled(), world.missing(["order-1"])) == ([], [])


def test_poison_may_be_replayed_twice_and_while_the_original_lives(clock: FakeClock) -> None:
    """The same handler, the same compare-and-set: nothing happens twice."""
    world = World(clock)
    world.fault = lambda _: "rejected"
    shop = a_shop(world.effects())
    _stored(shop, a_paid_order())
    for _ in range(3):
        shop.ports.queue.put(Message(order="order-1", event=paid()), now=clock()).result()
    work_off(shop, clock)
    world.fault = lambda _: "none"
    for _ in range(2):
        order = shop.ports.orders.get("order-1")
        assert order is not None
        shop.retry(order, now=clock())
        shop.ports.queue.put(Message(order="order-1"), now=clock()).result()
        work_off(shop, clock)
    left: Sequence[object] = shop.ports.queue.poisoned()
    assert (world.doubled(), world.missing(["order-1"]), list(left)) == ([], [], [])


def test_a_shop_finds_its_orders_by_state(shop: Shop) -> None:
    """What a person must see is one question to the store."""
    _stored(shop, a_paid_order("p").park("purchase", "closed", now=NOON))
    _stored(shop, a_paid_order("q"))
    assert [order.id for order in shop.ports.orders.search(Query(state="parked"))] == ["p"]
