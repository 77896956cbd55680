"""What every store of orders promises; each function takes an empty one."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from kramik.errors import Conflict
from kramik.order import Order
from kramik.ports import Orders, Query
from tests.contracts.race import PATIENCE, race
from tests.contracts.sales import after, paid, placed

RACERS = 6
ROUNDS = 5


def insert_then_get(orders: Orders) -> None:
    """A stored order comes back whole, with version 1."""
    order = paid(placed("a", email="Ola@Example.PL"))
    orders.insert(order).result(PATIENCE)
    assert replace(order, version=1) == orders.get("a")


def unknown_is_none(orders: Orders) -> None:
    """An order that nobody stored is None."""
    assert orders.get("nobody") is None


def insert_twice_conflicts(orders: Orders) -> None:
    """A second order of the same id ends its future with Conflict, and the first stays."""
    orders.insert(placed("a", email="first@example.pl")).result(PATIENCE)
    second = orders.insert(placed("a", email="second@example.pl"))
    assert isinstance(second.exception(PATIENCE), Conflict)
    assert _email(orders.get("a")) == "first@example.pl"


def insert_together_with_a_known_one(orders: Orders) -> None:
    """Among orders that arrive together, only those that are known conflict; of equal ones the first counts."""
    orders.insert(placed("3")).result(PATIENCE)
    names = ["1", "2", "3", "4", "2", "5"]
    stored = [orders.insert(placed(name, email=f"{at}@example.pl")) for at, name in enumerate(names)]
    conflicts = [isinstance(future.exception(PATIENCE), Conflict) for future in stored]
    assert conflicts == [False, False, True, False, True, False]
    assert _email(orders.get("2")) == "1@example.pl"


def insert_races(orders: Orders) -> None:
    """Of many who store the same id at once, exactly one succeeds."""

    def runner(racer: int) -> Callable[[], bool]:
        order = placed("a", email=f"{racer}@example.pl")
        return lambda: orders.insert(order).exception(PATIENCE) is None

    won = race([runner(racer) for racer in range(RACERS)])
    assert sum(won) == 1
    assert _email(orders.get("a")) == f"{won.index(True)}@example.pl"


def save_counts_the_version(orders: Orders) -> None:
    """A save returns the order with its next version, and that is what is found."""
    orders.insert(placed("a")).result(PATIENCE)
    saved = orders.save(paid(_got(orders, "a")))
    assert (saved.version, saved.status) == (2, "paid")
    assert saved == orders.get("a")


def save_with_a_stale_version_conflicts(orders: Orders) -> None:
    """Whoever loaded before somebody else saved gets Conflict, and changes nothing."""
    orders.insert(placed("a")).result(PATIENCE)
    stale = _got(orders, "a")
    saved = orders.save(paid(stale))
    assert _conflicts(orders, replace(stale, resent_at=after(9)))
    assert saved == orders.get("a")


def save_of_an_unknown_order_conflicts(orders: Orders) -> None:
    """An order that was never stored can not be saved."""
    assert _conflicts(orders, placed("nobody"))
    assert orders.get("nobody") is None


def save_races(orders: Orders) -> None:
    """Of many who save the same version at once, exactly one succeeds, round after round."""
    orders.insert(placed("a")).result(PATIENCE)
    for played in range(ROUNDS):
        loaded = _got(orders, "a")
        entries = [replace(loaded, resent_at=after(racer)) for racer in range(RACERS)]
        lost = race([lambda order=order: _conflicts(orders, order) for order in entries])  # type: ignore[misc]
        assert lost.count(False) == 1
        assert orders.get("a") == replace(entries[lost.index(False)], version=played + 2)


def search_by_email_in_any_case(orders: Orders) -> None:
    """An address is found however its letters are written."""
    _store(orders, placed("a", email="Ola@Example.PL"), placed("b", email="jan@example.pl"))
    assert _found(orders, Query(email="oLA@example.pl")) == ["a"]


def search_by_a_corrected_email(orders: Orders) -> None:
    """An order whose address was corrected is found by the new one, and by the old one no more."""
    _store(orders, placed("a", email="ola@example.pl"), placed("b", email="ola@example.pl"))
    moved = orders.save(_got(orders, "a").correct("Ala@Example.PL", now=after(1)))
    orders.save(paid(moved))
    assert _found(orders, Query(email="ala@example.pl")) == ["a"]
    assert _found(orders, Query(email="ola@example.pl")) == ["b"]


def search_by_product(orders: Orders) -> None:
    """Only orders of this product are found."""
    _store(orders, placed("a"), placed("b", product="inny"))
    assert _found(orders, Query(product="inny")) == ["b"]


def search_by_state(orders: Orders) -> None:
    """The state that is searched is the one that the order has now, parked included."""
    _store(orders, placed("a"), placed("b"), placed("c"))
    orders.save(paid(_got(orders, "b")))
    orders.save(paid(_got(orders, "c")).park("purchase", "why", now=after(1)))
    states = {
        state: _found(orders, Query(state=state)) for state in ("placed", "paid", "parked", "completed")
    }
    assert states == {"placed": ["a"], "paid": ["b"], "parked": ["c"], "completed": []}


def search_by_time(orders: Orders) -> None:
    """`since` is included and `until` is not."""
    _store(orders, *(placed(str(at), at=at) for at in range(5)))
    assert _found(orders, Query(since=after(1), until=after(3))) == ["2", "1"]


def search_by_everything(orders: Orders) -> None:
    """Every field that is given must fit."""
    _store(orders, placed("a"), placed("b", product="inny"), placed("c", email="x@y.pl"), placed("d", at=9))
    orders.save(paid(_got(orders, "a")))
    query = Query(email="ola@example.pl", product="agregaty", state="paid", since=after(0), until=after(1))
    assert _found(orders, query) == ["a"]
    assert _found(orders, replace(query, due_before=after(1))) == ["a"]
    assert _found(orders, replace(query, product="inny")) == []


def search_newest_first_in_pages(orders: Orders) -> None:
    """Pages follow one another without gap or double, also among orders of the same moment."""
    _store(orders, *(placed(f"{number:02}", at=number // 4) for number in range(10)))
    pages, query = [], Query(limit=3)
    while page := _found(orders, query):
        pages.append(page)
        query = replace(query, before=page[-1])
    assert pages == [["09", "08", "07"], ["06", "05", "04"], ["03", "02", "01"], ["00"]]


def search_what_is_due(orders: Orders) -> None:
    """Due is what is paid, unfinished and has no later date; its very moment is included."""
    _store(orders, placed("placed"), *(placed(f"paid {at}", at=at) for at in range(4)))
    for at in range(4):
        orders.save(paid(_got(orders, f"paid {at}"), at=at))
    later = _got(orders, "paid 0")
    for name in ("invitation", "purchase", "sequence"):
        later = later.postpone(name, "why", now=after(1), due=after(60))
    orders.save(later)
    assert _found(orders, Query(state="paid", due_before=after(2))) == ["paid 2", "paid 1"]
    assert _found(orders, Query(state="paid", due_before=after(2), before="paid 2")) == ["paid 1"]
    assert _found(orders, Query(due_before=after(60))) == ["paid 3", "paid 2", "paid 1", "paid 0"]


def search_by_payment(orders: Orders) -> None:
    """An order is found by the reference of the payment that it was granted for, and by no other."""
    _store(orders, placed("a"), placed("b"), placed("c"))
    saved = orders.save(paid(_got(orders, "a")))
    orders.save(paid(_got(orders, "b")))
    orders.save(saved.note_mail("again", now=after(1)))
    assert saved.payment is not None
    assert _found(orders, Query(payment=saved.payment.event.reference)) == ["a"]
    assert _found(orders, Query(payment="nobody's")) == []


def search_what_is_to_be_asked(orders: Orders) -> None:
    """An unpaid order is due when its gateway is to be asked, until it was."""
    asked = replace(placed("asked"), ask_at=after(1))
    _store(orders, placed("never"), asked, replace(placed("later"), ask_at=after(3)))
    assert _found(orders, Query(state="placed", due_before=after(1))) == ["asked"]
    orders.save(replace(_got(orders, "asked"), ask_at=None))
    assert _found(orders, Query(state="placed", due_before=after(2))) == []


def ping_answers(orders: Orders) -> None:
    """A store that works says so."""
    orders.ping()


PROMISES: tuple[Callable[[Orders], None], ...] = (
    insert_then_get,
    unknown_is_none,
    insert_twice_conflicts,
    insert_together_with_a_known_one,
    insert_races,
    save_counts_the_version,
    save_with_a_stale_version_conflicts,
    save_of_an_unknown_order_conflicts,
    save_races,
    search_by_email_in_any_case,
    search_by_a_corrected_email,
    search_by_product,
    search_by_state,
    search_by_time,
    search_by_everything,
    search_newest_first_in_pages,
    search_what_is_due,
    search_by_payment,
    search_what_is_to_be_asked,
    ping_answers,
)


def _store(orders: Orders, *given: Order) -> None:
    for future in [orders.insert(order) for order in given]:
        future.result(PATIENCE)


def _got(orders: Orders, name: str) -> Order:
    order = orders.get(name)
    assert order is not None
    return order


def _email(order: Order | None) -> str:
    return "" if order is None else order.intent.buyer.email


def _found(orders: Orders, query: Query) -> list[str]:
    return [order.id for order in orders.search(query)]


def _conflicts(orders: Orders, order: Order) -> bool:
    try:
        orders.save(order)
    except Conflict:
        return True
    return False
