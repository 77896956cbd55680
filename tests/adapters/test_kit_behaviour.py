"""What Kit leaves open, and what a seller may get wrong: nothing is sold twice, and nobody is left without a mail."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from kramik.errors import KramikError, NeedsOperator, NotMailable, OutcomeUnknown, Rejected, Transient
from kramik.http import Budget
from kramik.intent import Consent
from kramik.mailers.kit import KitMailer
from kramik.ports import Delivery, Vault
from kramik.sandbox.mailers.kit.gate import API_KEY, LIMITS, OLD_API_KEY
from kramik.stores.memory import MemoryVault
from tests.adapters.kit import CALL, FIELD, SEQUENCE, Office, office, sold
from tests.sandbox.place import Place, opened

LAG = 0.6


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


@pytest.fixture
def made(account: Office) -> KitMailer:
    """Our account with everything connected."""
    return account.mailer()


def buyer(delivery: Delivery) -> str:
    """Return the address of who bought."""
    return delivery.order.intent.buyer.email


def refused(made: KitMailer, delivery: Delivery, kind: type[KramikError] = NotMailable) -> str:
    """Return why a sequence is not started."""
    with pytest.raises(kind) as caught:
        made.sequence.do(delivery)
    return str(caught.value)


def test_everything_of_one_purchase(account: Office, made: KitMailer) -> None:
    """Kit knows the person, the link, the purchase and the sequence, each under the order's own facts."""
    delivery = sold()
    bought, begun = made.purchase.do(delivery), made.sequence.do(delivery)
    number = begun.partition("/")[2]
    person = account.ask("GET", f"/v4/subscribers/{number}").json()["subscriber"]
    facts = {"purchase": int(bought), "email": buyer(delivery), "product": "agregaty-w-praktyce"}
    money = {"amount": "299.0", "currency": "PLN"}
    assert [{**facts, **money}] == account.effects(buyer(delivery), "purchase")
    assert [delivery.order.id] == [
        each["order"] for each in account.place.ledger(delivery.order.id, "purchase")
    ]
    assert (delivery.access_link, "Anna") == (person["fields"][FIELD], person["first_name"])
    assert f"{SEQUENCE}/{person['id']}" == begun


def test_purchase_leaves_out_what_is_not_known(account: Office) -> None:
    """Without OAuth a purchase is a tag of the product, and no purchase is posted."""
    delivery = sold()
    account.mailer(oauth=False).purchase.do(delivery)
    assert ["purchased:agregaty-w-praktyce"] == [
        each["tag"] for each in account.effects(buyer(delivery), "purchase")
    ]


def test_known_person_gets_the_new_link(account: Office, made: KitMailer) -> None:
    """Kit may leave the fields of somebody it knows alone; then they are written again, and other fields stay."""
    delivery = sold()
    number = account.known(buyer(delivery), link_kolejki_bez_strachu="https://old.example/")
    made.sequence.do(delivery)
    fields = account.ask("GET", f"/v4/subscribers/{number}").json()["subscriber"]["fields"]
    assert {FIELD: delivery.access_link, "link_kolejki_bez_strachu": "https://old.example/"} == fields
    assert [1] == [text.count(delivery.access_link) for _, text in account.mails(buyer(delivery))]


@pytest.mark.parametrize("api_key", [OLD_API_KEY, ""])
@pytest.mark.parametrize("effect", ["purchase", "sequence"])
def test_missing_field(account: Office, api_key: str, effect: str) -> None:
    """A custom field that Kit ignores or refuses parks the order before anything else happens, and says what to do."""
    made = account.mailer(api_key=api_key or API_KEY)
    delivery = sold(product="nowy-kurs")
    with pytest.raises(NeedsOperator if api_key else Rejected) as caught:
        getattr(made, effect).do(delivery)
    assert "link_nowy_kurs" in str(caught.value)
    assert "kramik check --live --create-fields" in str(caught.value)
    assert [] == account.effects(buyer(delivery), effect)


@pytest.mark.parametrize("state", ["cancelled", "bounced", "complained", "inactive"])
def test_person_who_is_not_mailed(account: Office, made: KitMailer, state: str) -> None:
    """Whom Kit does not mail is not added to a sequence; the purchase is registered all the same."""
    delivery = sold()
    account.known(buyer(delivery), state)
    assert state in refused(made, delivery)
    assert ([], 1) == (account.effects(buyer(delivery), "sequence"), len(made.purchase.do(delivery)[:1]))


def test_sequence_that_sleeps(account: Office, made: KitMailer) -> None:
    """A sequence that is not active mails nobody."""
    assert "not active" in refused(made, sold(sequence="1003"))


def test_second_purchase_of_one_sequence(account: Office, made: KitMailer) -> None:
    """Who had the sequence before gets no second mail of it, so that the shop has to send one."""
    first = sold()
    made.sequence.do(first)
    second = Delivery(
        order=replace(first.order, id="second"), access_link="https://s.example/access/second.m"
    )
    assert "before" in refused(made, second)
    assert (1, 1) == tuple(len(account.effects(buyer(first), each)) for each in ("sequence", "mail"))


def test_product_without_a_sequence(made: KitMailer) -> None:
    """A product that names no sequence is mailed by the shop."""
    assert "no sequence" in refused(made, sold(sequence=""))
    assert made.sequence.find is not None
    assert made.sequence.find(sold(sequence="")) is None


def test_consent(account: Office) -> None:
    """With `only_with_consent` who agreed to nothing more is mailed by the shop, and who agreed by Kit."""
    made, silent = account.mailer(only_with_consent=True), sold()
    assert "agree" in refused(made, silent)
    given = Consent(id="marketing", version="1", sha256="", lang="pl", given_at=datetime.now(UTC))
    assert made.sequence.do(sold(consents=(given,)))
    assert [] == account.effects(buyer(silent), "sequence")


def test_sequence_that_is_not_there(made: KitMailer) -> None:
    """A number that Kit does not know, or a name without a number, parks the step."""
    assert "404" in refused(made, sold(sequence="77"), Rejected)
    assert "'start'" in refused(made, sold(sequence="start"), NeedsOperator)


@pytest.mark.parametrize("fault", ["drop", "garbage", "refuse"])
@pytest.mark.parametrize("effect", ["purchase", "sequence"])
def test_lost_before_the_effect(account: Office, made: KitMailer, effect: str, fault: str) -> None:
    """What is lost while the person is made known is no unknown outcome: nothing was sold or started yet."""
    delivery = sold()
    account.place.fault(peer="kit", operation="person", fault=fault, status=500)
    with pytest.raises(Transient):
        getattr(made, effect).do(delivery)
    assert [] == account.effects(buyer(delivery), effect)
    assert getattr(made, effect).do(delivery)


@pytest.mark.parametrize("effect", ["purchase", "sequence"])
def test_lost_answer_is_found(account: Office, made: KitMailer, effect: str) -> None:
    """An effect whose answer was lost is found with the receipt that its answer had."""
    delivery, found = sold(), getattr(made, effect)
    account.place.fault(peer="kit", operation=effect, fault="drop")
    with pytest.raises(OutcomeUnknown):
        found.do(delivery)
    receipt = found.find(delivery)
    facts = account.effects(buyer(delivery), effect)
    ids = {"purchase": "{purchase}", "sequence": "{sequence}/{subscriber}"}[effect]
    assert [receipt] == [ids.format(**each) for each in facts]


def test_lists_lag() -> None:
    """Within its lag a list does not show what happened; behind it, it does."""
    with opened(lag=LAG) as place, office(place) as account:
        made, delivery = account.mailer(lag=LAG), sold()
        receipts = [made.purchase.do(delivery), made.sequence.do(delivery)]
        finds = [made.purchase.find, made.sequence.find]
        assert [None, None] == [find(delivery) for find in finds if find is not None]
        time.sleep(LAG + 0.1)
        assert receipts == [find(delivery) for find in finds if find is not None]
        assert (LAG, LAG) == (made.purchase.lag, made.sequence.lag)


def test_older_start_is_not_ours(made: KitMailer) -> None:
    """Who was in the sequence before our call began was not added by it."""
    delivery = sold()
    made.sequence.do(delivery)
    started = datetime.now(UTC) + timedelta(minutes=5)
    steps = tuple(
        replace(step, started_at=started) if step.name == "sequence" else step
        for step in delivery.order.steps
    )
    later = Delivery(order=replace(delivery.order, steps=steps), access_link=delivery.access_link)
    assert made.sequence.find is not None
    assert (None, True) == (made.sequence.find(later), made.sequence.find(delivery) is not None)


def test_old_purchase_is_found_on_a_later_page(account: Office, made: KitMailer) -> None:
    """The look-up goes on behind the first page."""
    delivery = sold()
    receipt = made.purchase.do(delivery)
    for number in range(501):
        made._post(replace_order(delivery, f"later-{number}"), made._token(), Budget(CALL))
    assert made.purchase.find is not None
    assert receipt == made.purchase.find(delivery)


def replace_order(delivery: Delivery, name: str) -> Delivery:
    """Return the same sale under another number."""
    return Delivery(order=replace(delivery.order, id=name), access_link=delivery.access_link)


def test_limit_of_calls() -> None:
    """Behind its limit Kit answers 429 in plain text and without Retry-After: later again, as late as we like."""
    with opened(pace=1.0) as place, office(place) as account:
        statuses = {account.ask("GET", "/v4/account").status_code for _ in range(LIMITS["API Key"])}
        answer = account.ask("GET", "/v4/account")
        assert ({200}, 429, "Retry later") == (statuses, answer.status_code, answer.text)
        assert "retry-after" not in answer.headers
        with pytest.raises(Transient) as caught:
            account.mailer().sequence.do(sold())
        assert caught.value.after is None
        assert [] == place.ledger(effect="sequence")
