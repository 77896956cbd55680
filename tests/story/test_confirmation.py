"""The confirmation of the contract: with the order or not at all, once, and independent of every other step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pytest
from msgspec.structs import replace

from kramik.catalogue import LegalKind
from kramik.confirmation import Paper, confirmation, confirming
from kramik.consents import DEFAULTS
from kramik.intent import ConsentText, asked
from kramik.journal import StepName
from kramik.moves import Effects
from kramik.order import Order
from kramik.shop import Shop
from kramik.stores.memory import MemoryOrders, MemoryQueue
from tests.story.example import (
    DRAFT,
    NOON,
    TERMS,
    FakeClock,
    PaperGateway,
    a_paid_order,
    a_shop,
    paid,
    work_off,
)
from tests.story.frailty import DiedError, FrailOrders, FrailQueue, Fuse, frail_effects
from tests.story.postman import PostFault, Postman
from tests.story.world import Fault, World

POSTS: tuple[Literal["keyed", "unsafe"], ...] = ("keyed", "unsafe")
PAPER = Paper(
    site="https://kurs.example",
    seller={"name": "Akademia Hanna Wierzbicka", "address": "Wrocław", "email": "hanna@akademia.example"},
    consents=TERMS,
    terms={"pl": "## Regulamin\n\n§ 1. Kupujesz kurs.\n", "en": "## Terms\n"},
    langs=("pl", "en"),
)
MANY = 200


def confirmed(world: World, post: Postman) -> Effects:
    """Return the effects of a shop that mails confirmations."""
    return {**world.effects(), "confirmation": confirming(post, PAPER)}


def bought(shop: Shop, clock: FakeClock, *, rounds: int = 500) -> Order:
    """Return an order that was placed, paid and worked on."""
    order = shop.placed(shop.place(DRAFT, now=clock()))
    shop.notify("till", PaperGateway().notification(paid(order.id)), now=clock()).stored.result()
    for _ in range(rounds):
        received = shop.ports.queue.take(now=clock(), visibility=120)
        if received is None:
            break
        shop.work(received, clock=clock)
    return stored(shop, order)


def stored(shop: Shop, order: Order) -> Order:
    """Return the order as it is stored."""
    found = shop.ports.orders.get(order.id)
    assert found is not None
    return found


def states(order: Order) -> dict[str, str]:
    """Return where each step stands."""
    return {step.name: step.state for step in order.steps}


def test_it_leaves_before_the_access(clock: FakeClock) -> None:
    """Without it, or after it, the right of withdrawal would survive the delivery."""
    post = Postman("unsafe")
    shop = a_shop(confirmed(World(clock), post))
    order = bought(shop, clock)
    assert ("completed", 1) == (order.state, len(post.arrived))
    done = [entry.step for entry in order.history if entry.what == "done"]
    assert ["confirmation", "invitation", "purchase", "sequence"] == done


def test_it_says_what_was_agreed(clock: FakeClock) -> None:
    """What, for how much, between whom, with which declarations, when; and the terms go along whole."""
    post = Postman("keyed")
    shop = a_shop(confirmed(World(clock), post))
    order = bought(shop, clock)
    [mail] = post.arrived
    for word in (
        order.id,
        "Agregaty w praktyce",
        "299.00 PLN",
        "2026-11-02 12:00 UTC",
        "Anna Kowalska",
        "Akademia Hanna Wierzbicka",
        "„zgoda immediate”",
        "(immediate, wersja 1, 2026-11-02 12:00 UTC)",
        "tracisz z chwilą ich dostarczenia prawo odstąpienia",
        "https://kurs.example/terms/",
        "Odstąp od umowy tutaj:\nhttps://kurs.example/withdraw/",
    ):
        assert word in mail.text
    assert ("anna@example.com", "Potwierdzenie zamówienia: Agregaty w praktyce") == (mail.to, mail.subject)
    assert [("regulamin.txt", PAPER.terms["pl"])] == [(each.name, each.text) for each in mail.files]
    assert '<a href="https://kurs.example/terms/">' in mail.html
    assert order.step("confirmation").receipt == f"by mail <{order.id}/confirmation@kurs.example>"


def test_english_and_a_text_that_was_replaced(clock: FakeClock) -> None:
    """The language of the order; a text that the shop has no more is named by its hash, never by another text."""
    post = Postman("keyed")
    later = {"terms": ConsentText(id="terms", version="2", texts={"pl": "nowa zgoda"})}
    effects = {**World(clock).effects(), "confirmation": confirming(post, replace(PAPER, consents=later))}
    shop = a_shop(effects)
    order = shop.placed(shop.place(replace(DRAFT, lang="en"), now=clock()))
    shop.notify("till", PaperGateway().notification(paid(order.id)), now=clock()).stored.result()
    work_off(shop, clock)
    [mail] = post.arrived
    assert "Confirmation of your order: Aggregates in practice" == mail.subject
    assert f"sha256 {order.intent.consents[0].sha256}" in mail.text
    assert "nowa zgoda" not in mail.text
    assert "https://kurs.example/en/terms/" in mail.text
    assert "Withdraw from contract here:\nhttps://kurs.example/en/withdraw/" in mail.text


@pytest.mark.parametrize("kind", ["content", "service", "event"])
def test_the_words_of_the_kind_are_quoted(kind: LegalKind) -> None:
    """What the buyer of a service or an event agreed to is quoted, not named by its hash."""
    given = [DEFAULTS["terms"], asked(DEFAULTS, "immediate", kind)]
    order = a_paid_order()
    agreed = tuple(each.given("pl", NOON) for each in given if each)
    order = replace(order, intent=replace(order.intent, legal_kind=kind, consents=agreed))
    mail = confirmation(order, replace(PAPER, consents=DEFAULTS))
    quoted = [each.texts["pl"] in mail.text for each in given if each]
    assert ([True, True], False) == (quoted, "sha256" in mail.text)


AGREED = "2026-11-01 sha256:9f"


@pytest.mark.parametrize(
    ("agreed", "kept", "link"),
    [
        (AGREED, "the terms of November\n", "https://kurs.example/terms/2026-11-01/"),
        ("sha256:77", "undated terms\n", "https://kurs.example/terms/"),
        ("2026-12-01 sha256:00", "", "https://kurs.example/terms/"),
        ("", PAPER.terms["pl"], "https://kurs.example/terms/"),
    ],
)
def test_the_terms_are_those_that_were_agreed_to(agreed: str, kept: str, link: str) -> None:
    """The very text and its own address; never another text, when nobody has that one any more."""
    texts = {**PAPER.terms, AGREED: "the terms of November\n", "sha256:77": "undated terms\n"}
    order = a_paid_order()
    order = replace(order, intent=replace(order.intent, terms=agreed))
    mail = confirmation(order, replace(PAPER, terms=texts))
    assert [each.text for each in mail.files] == ([kept] if kept else [])
    assert (True, bool(kept)) == (f":\n{link}\n" in mail.text, "(jest też w załączniku)" in mail.text)


@pytest.mark.parametrize(
    ("down", "done"),
    [
        ("sequence", {"confirmation", "invitation", "purchase"}),
        ("purchase", {"confirmation", "invitation", "sequence"}),
        ("invitation", {"confirmation", "purchase"}),
    ],
)
@pytest.mark.parametrize("fault", ["refused", "nothing", "lost", "rejected"])
def test_who_is_down_holds_up_nobody_else(
    clock: FakeClock, down: StepName, done: set[str], fault: Fault
) -> None:
    """A mailing tool never delays the access, an academy never loses the purchase."""
    world, post = World(clock, "lookup"), Postman("unsafe")
    world.fault = lambda step: fault if step == down else "none"
    order = bought(a_shop(confirmed(world, post)), clock, rounds=1)
    assert done == {name for name, state in states(order).items() if state == "done"}


@pytest.mark.parametrize("repeat", POSTS)
def test_a_post_that_is_down_holds_up_nobody(clock: FakeClock, repeat: Literal["keyed", "unsafe"]) -> None:
    """The buyer has access at once; the confirmation follows when the post is back."""
    world, post = World(clock), Postman(repeat, "refused")
    shop = a_shop(confirmed(world, post))
    order = bought(shop, clock, rounds=1)
    assert {
        "confirmation": "waiting",
        **dict.fromkeys(("invitation", "purchase", "sequence"), "done"),
    } == states(order)
    work_off(shop, clock)
    assert ("completed", 1) == (stored(shop, order).state, len(post.arrived))


def test_an_order_that_was_placed_without_it_never_gets_it(clock: FakeClock) -> None:
    """A shop that begins to confirm does not mail the buyers of yesterday."""
    post = Postman("keyed")
    shop = a_shop(confirmed(World(clock), post))
    shop.ports.orders.insert(a_paid_order()).result()
    shop.sweep(now=clock(), grace=0)
    work_off(shop, clock)
    assert ("completed", []) == (stored(shop, a_paid_order()).state, post.arrived)


def test_a_shop_that_stops_to_confirm_says_which_orders_wait(clock: FakeClock) -> None:
    """What was promised to a buyer is not forgotten: a person sends it, or puts the setting back."""
    world, post = World(clock), Postman("keyed")
    confirming_shop = a_shop(confirmed(world, post))
    order = confirming_shop.placed(confirming_shop.place(DRAFT, now=clock()))
    shop = a_shop(world.effects(), orders=confirming_shop.ports.orders, queue=confirming_shop.ports.queue)
    shop.notify("till", PaperGateway().notification(paid(order.id)), now=clock()).stored.result()
    work_off(shop, clock)
    after = stored(shop, order)
    assert ("parked", True) == (after.state, "makes this step no more" in after.attention[0])
    shop.retry(after, now=clock(), found={"confirmation": "sent by hand"})
    work_off(shop, clock)
    assert "completed" == stored(shop, order).state


def lives(repeat: Literal["keyed", "unsafe"], fault: PostFault) -> Iterator[tuple[Order, Postman, World]]:
    """Yield purchases in which the process died at the first boundary, the second, and so on."""
    for boundary in range(1, MANY):
        clock, post, fuse = FakeClock(), Postman(repeat, fault), Fuse(boundary)
        orders, queue, world = MemoryOrders(), MemoryQueue(), World(clock)
        effects = confirmed(world, post)
        whole = a_shop(effects, orders=orders, queue=queue)
        order = whole.placed(whole.place(DRAFT, now=clock()))
        whole.notify("till", PaperGateway().notification(paid(order.id)), now=clock()).stored.result()
        frail = a_shop(
            frail_effects(effects, fuse), orders=FrailOrders(orders, fuse), queue=FrailQueue(queue, fuse)
        )
        try:
            work_off(frail, clock)
        except DiedError:
            clock.forward(3600)
            whole.sweep(now=clock())
            work_off(whole, clock)
        yield stored(whole, order), post, world
        if not fuse.burnt:
            return
    raise AssertionError("a life that never ends")


@pytest.mark.parametrize("fault", ["none", "refused", "lost", "nothing"])
@pytest.mark.parametrize("repeat", POSTS)
def test_a_crash_at_any_boundary(repeat: Literal["keyed", "unsafe"], fault: PostFault) -> None:
    """One confirmation, or at most one and a person who is asked; the buyer has access either way."""
    for order, post, world in lives(repeat, fault):
        asked = order.state == "parked" and order.step("confirmation").unknown
        assert asked or ("completed", 1) == (order.state, len(post.arrived))
        assert len(post.arrived) <= 1
        assert not asked or "unsafe" == repeat
        assert ([], []) == (world.missing([order.id]), world.doubled())
