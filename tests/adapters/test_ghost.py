"""Ghost: the promises of an academy against its simulator, and its wire format against answers of a real one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from kramik.academies.ghost import GhostAcademy, Settings
from kramik.academies.ghost.wire import Members, SigninUrls
from kramik.errors import ConfigurationError, NeedsOperator, Rejected
from kramik.http import Budget
from kramik.intent import Consent
from kramik.ports import Delivery, FreshLinks
from kramik.sandbox.academies import ghost as played
from tests.adapters.school import Class, taught
from tests.contracts.academy import EFFECT_PROMISES
from tests.contracts.effect import Peer
from tests.contracts.race import race
from tests.sandbox.place import Place, fresh_delivery, opened
from tests.unit.raw_server import answering, reply, serving

RECORDED = json.loads((Path(__file__).parents[1] / "vectors" / "ghost.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """A running world."""
    with opened() as place:
        yield place


@pytest.fixture
def school(place: Place) -> Iterator[Class]:
    """The site of the demo."""
    with taught(place, "ghost") as school:
        yield school


def site(school: Class, **changes: object) -> GhostAcademy:
    """Open the academy."""
    made = school.academy(changes=changes)
    assert isinstance(made, GhostAcademy)
    return made


def buying(delivery: Delivery, **changes: object) -> Delivery:
    """Return the delivery of another order of the same buyer."""
    intent = msgspec.structs.replace(delivery.order.intent, **changes)
    return msgspec.structs.replace(delivery, order=msgspec.structs.replace(delivery.order, intent=intent))


def members(school: Class, email: str) -> list[dict]:
    """Return what the site answers about an address, asked with a key of its own."""
    academy = site(school)
    found = academy._send(
        "GET",
        "/ghost/api/admin/members/",
        budget=Budget(5),
        doing="looking",
        query={"filter": f"email:'{email}'"},
    )
    return json.loads(found.body)["members"]


@pytest.mark.parametrize("promise", EFFECT_PROMISES)
def test_effect(promise: Callable[[Peer], None], school: Class) -> None:
    """An invitation keeps each promise of an effect."""
    promise(school.peer())


def test_a_click_opens_the_course(school: Class) -> None:
    """The fresh link of an order signs its buyer in and shows the course; the receipt alone does not."""
    academy, delivery = site(school), fresh_delivery()
    receipt = academy.invitation.do(delivery)
    assert 403 == school.visit(receipt)[0]
    link = academy.link(delivery.order)
    signed = school.place.browser.get(link, follow_redirects=True)
    school.place.browser.cookies.clear()
    assert (200, receipt) == (signed.status_code, str(signed.url).partition("?")[0])
    assert delivery.order.intent.title in signed.text


def test_a_scanner_burns_nothing(school: Class) -> None:
    """However often a mail scanner clicks and opens what it gets, the buyer's click gets a link that works."""
    academy, delivery = site(school), fresh_delivery()
    academy.invitation.do(delivery)
    for _ in range(10):
        assert 302 == school.place.browser.get(academy.link(delivery.order)).status_code
    links = {academy.link(delivery.order) for _ in range(3)}
    found = [school.place.browser.get(link).headers["location"] for link in links]
    school.place.browser.cookies.clear()
    assert (3, []) == (len(links), [each for each in found if "success=true" not in each])


def test_one_link_wears_out(school: Class) -> None:
    """The simulator is as strict as a real one: the eighth use of one link fails, which is why none is mailed."""
    academy, delivery = site(school), fresh_delivery()
    academy.invitation.do(delivery)
    link = academy.link(delivery.order)
    found = [school.place.browser.get(link).headers["location"] for _ in range(8)]
    school.place.browser.cookies.clear()
    assert [False] * 7 + [True] == ["TOKEN_EXPIRED" in each for each in found]


def test_two_courses_two_labels(school: Class) -> None:
    """A second course is added to the first, whoever buys both at the same time; a third order changes nothing."""
    first = fresh_delivery()
    both = [first, buying(first, course="agregaty-w-praktyce"), buying(first, course="kolejki-bez-strachu")]
    academy = site(school)
    race([partial(academy.invitation.do, each) for each in both * 2])
    granted = sorted(each["course"] for each in school.granted(first))
    assert ["agregaty-w-praktyce", "course-7", "kolejki-bez-strachu"] == granted


def test_changes_of_one_member_follow_one_another(school: Class) -> None:
    """Two courses of one buyer at the same moment are both there in the end, though each write replaces the list."""
    first = fresh_delivery()
    academy = site(school)
    academy.invitation.do(first)
    school.place.fault(peer="ghost", operation="find", fault="slow", seconds=0.2)
    both = [buying(first, course="agregaty-w-praktyce"), buying(first, course="kolejki-bez-strachu")]
    race([partial(academy.invitation.do, each) for each in both])
    (member,) = members(school, first.order.intent.buyer.email)
    assert 3 == len(member["labels"])


def test_what_a_member_has_stays(school: Class) -> None:
    """Labels and tiers that others gave stay, with their end, when a course is added or taken back."""
    first = fresh_delivery()
    email = first.order.intent.buyer.email
    kept = {"id": "tier-of-another-shop", "expiry_at": "2031-01-02T03:04:05.000Z"}
    academy = site(school)
    academy._send(
        "POST",
        "/ghost/api/admin/members/",
        budget=Budget(5),
        doing="making",
        json={"members": [{"email": email, "labels": [{"name": "vip"}], "tiers": [kept]}]},
    )
    academy.invitation.do(first)
    (member,) = members(school, email)
    assert ["vip", "course-7"] == [label["name"] for label in member["labels"]]
    assert {"tier-of-another-shop": 1925089445000} == {
        each["id"]: each["expiry_at"] for each in member["tiers"] if each["id"] != played.TIER
    }
    academy.revocation.do(first)
    (member,) = members(school, email)
    assert ["vip"] == [label["name"] for label in member["labels"]]
    assert ["tier-of-another-shop"] == [each["id"] for each in member["tiers"]]


def test_taken_back(school: Class) -> None:
    """What is taken back closes for this buyer alone, once; what was never given is a success."""
    academy, given, other, never = site(school), fresh_delivery(), fresh_delivery(), fresh_delivery()
    for each in (given, other):
        academy.invitation.do(each)
    said = [academy.revocation.do(each) for each in (given, given, never)]
    assert ["taken back", "nothing was given", "nothing was given"] == said
    assert [1, 0, 0] == [len(school.granted(each, "revoke")) for each in (given, other, never)]


def test_newsletters_need_a_yes(school: Class) -> None:
    """A member gets the site's newsletters only when the buyer ticked the box for marketing."""
    academy, no = site(school), fresh_delivery()
    given_at = no.order.created_at
    box = Consent(id="marketing", version="1", sha256="", lang="pl", given_at=given_at)
    yes = buying(fresh_delivery(), consents=(box,))
    found = []
    for each in (no, yes):
        academy.invitation.do(each)
        found += [member["subscribed"] for member in members(school, each.order.intent.buyer.email)]
    assert [False, True] == found


@pytest.mark.parametrize("email", ["o'neil@example.com", "a\\b@example.com", "x')+status:paid@example.com"])
def test_odd_addresses(email: str, school: Class) -> None:
    """An address can not break out of the filter: its own member is found, and no other."""
    delivery = fresh_delivery()
    odd = buying(delivery, buyer=msgspec.structs.replace(delivery.order.intent.buyer, email=email))
    academy = site(school)
    academy.invitation.do(odd)
    academy.invitation.do(odd)
    assert 1 == len(school.granted(odd))


def test_an_address_in_any_case(school: Class) -> None:
    """However a buyer writes their address, they are one member; the simulator compares letter by letter."""
    delivery = fresh_delivery()
    buyer = delivery.order.intent.buyer
    shouted = buying(delivery, buyer=msgspec.structs.replace(buyer, email=buyer.email.upper()))
    for each in (delivery, shouted):
        site(school).invitation.do(each)
    assert 1 == len(school.granted(delivery))


def test_access_ends_with_the_tier(school: Class) -> None:
    """A tier that opens the course is given until the access ends, to the second."""
    delivery = buying(fresh_delivery(), access_days=30)
    site(school).invitation.do(delivery)
    (member,) = members(school, delivery.order.intent.buyer.email)
    (tier,) = member["tiers"]
    assert played.TIER == tier["id"]
    assert int(delivery.order.created_at.timestamp()) + 30 * 86_400 == tier["expiry_at"] // 1000


def test_a_wrong_key_is_refused(school: Class) -> None:
    """A key that the site does not know gets a refusal that shows no part of it."""
    wrong = f"{played.KID}:{'ab' * 32}"
    with pytest.raises(Rejected) as caught:
        site(school, admin_key=wrong).invitation.do(fresh_delivery())
    assert "Invalid token" in str(caught.value)
    assert wrong.partition(":")[2] not in str(caught.value)


@pytest.mark.parametrize("key", ["", "abc", "id:", ":00ff", "id:xyz", "id:abc"])
def test_a_key_is_looked_at_first(key: str) -> None:
    """What can not be an Admin API key stops the shop when it starts."""
    with pytest.raises(ConfigurationError):
        GhostAcademy(Settings(url="https://kurs.example", admin_key=key), call_seconds=1)


def test_a_foreign_link_goes_to_nobody() -> None:
    """A sign-in link to another site is never given to a buyer."""
    member = b'{"members":[{"id":"m","labels":[{"name":"course-7"}]}],'
    body = member + b'"member_signin_urls":[{"url":"https://evil.example/members/?token=x"}]}'
    with serving(answering(reply(200, body))) as server:
        academy = GhostAcademy(Settings(url=server.url, admin_key="id:00ff"), call_seconds=1)
        with pytest.raises(NeedsOperator):
            academy.link(fresh_delivery().order)
        academy.close()


# A real Ghost 6.65.0


@pytest.mark.parametrize("name", ["create_member", "find_member", "put_label_replace", "put_tier_expiry"])
def test_reads_a_member(name: str) -> None:
    """A recorded member is read with its labels and tiers."""
    found = msgspec.convert(RECORDED[name]["response"], Members).members[0]
    assert "6b0315d8e313a4527af75203" == found.id
    assert all(label.name.startswith("course-") for label in found.labels)


def test_reads_a_sign_in_link() -> None:
    """A recorded sign-in link is read."""
    found = msgspec.convert(RECORDED["signin_url"]["response"], SigninUrls).member_signin_urls[0]
    assert ["signin"] == parse_qs(urlsplit(found.url).query)["action"]


def test_knows_a_duplicate() -> None:
    """The recorded refusal of a second member has the words that the adapter looks for."""
    body = json.dumps(RECORDED["create_member_duplicate"]["response"]).encode()
    assert (422, True) == (RECORDED["create_member_duplicate"]["status"], b"already exists" in body)


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("create_member", played._shown(played.Member(id="1", email="a@example.com"))),
        ("put_tier_expiry", {"id": "t", "expiry_at": 1}),
    ],
)
def test_the_simulator_answers_like_it(name: str, made: dict) -> None:
    """Every field of the simulator stands in the recorded answers, with the same type."""
    real = RECORDED[name]["response"]["members"][0]
    real = real["tiers"][0] if "expiry_at" in made else real
    assert {key: type(each) for key, each in made.items()} == {key: type(real[key]) for key in made}


def test_offers_fresh_links(school: Class) -> None:
    """The shop asks it for a link at each click."""
    assert isinstance(school.academy(), FreshLinks)
