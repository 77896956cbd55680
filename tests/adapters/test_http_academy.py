"""An academy over HTTP does what its recipe says and nothing that an answer, a buyer or a mistake would like."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import msgspec
import pytest

from kramik.academies.http import HttpAcademy, Settings, academy
from kramik.errors import KramikError, NeedsOperator, OutcomeUnknown, Rejected, Transient
from kramik.ports import Delivery, FreshLinks, Revoking
from kramik.table import read
from tests.contracts.stopwatch import quickest, timed
from tests.sandbox.place import fresh_delivery
from tests.story.example import NOON, paid
from tests.unit.raw_server import RawServer, reply, serving

CALL = 1.0
SECRETS = {"KEY": "s3cret-key-of-the-academy", "ID": "client-7"}
GRANT = {
    "name": "granting access",
    "path": "/grants",
    "json": {"email": "{order.email}"},
    "save": {"url": "url"},
}
RECIPE: dict[str, object] = {"repeat": "set", "link": "{url}", "grant": [GRANT]}

Answers = Callable[[str], bytes]


@contextmanager
def answered(answers: Answers) -> Iterator[RawServer]:
    """Run a server that answers each request by its first line."""
    found: list[RawServer] = []
    with serving(lambda line, _: line.sendall(answers(_first(found[0])))) as server:
        found.append(server)
        yield server


def _first(server: RawServer) -> str:
    return server.asked[-1].split(b"\r\n", 1)[0].decode().rpartition(" ")[0]


def json(content: object, status: int = 200) -> bytes:
    """Return an answer with JSON."""
    return reply(status, msgspec.json.encode(content))


def settings(url: str = "https://academy.example", /, **changes: object) -> Settings:
    """Read a table as a shop has it."""
    raw = {"base_url": url, "private_network": True, **RECIPE, **changes}
    return read({key: each for key, each in raw.items() if each is not None}, Settings, SECRETS)


@pytest.fixture
def opened() -> Iterator[Callable[..., HttpAcademy]]:
    """How to open an academy; each is closed in the end."""
    with ExitStack() as stack:

        def make(url: str, **changes: object) -> HttpAcademy:
            made = academy(settings(url, **changes), call_seconds=CALL)
            stack.callback(made.close)
            return made

        yield make


Open = Callable[..., HttpAcademy]


def bought(**buyer: str) -> Delivery:
    """Return a delivery to such a buyer."""
    delivery = fresh_delivery()
    who = msgspec.structs.replace(delivery.order.intent.buyer, **buyer)
    intent = msgspec.structs.replace(delivery.order.intent, buyer=who)
    return msgspec.structs.replace(delivery, order=msgspec.structs.replace(delivery.order, intent=intent))


def body_of(server: RawServer, number: int = -1) -> bytes:
    """Return the body of a request."""
    return server.asked[number].partition(b"\r\n\r\n")[2]


# The table


def test_every_problem_at_once() -> None:
    """Each mistake of a recipe is told with its key, all of them in one go."""
    steps = [
        {"name": "one", "path": "no-slash", "json": {"a": "{order.mail}"}, "form": {"b": "{nobody}"}},
        {"name": "two", "path": "/{secret.key}", "metod": "GET", "save": {"x": "a[[["}},
        {"name": "three", "path": "/", "when": "missing", "save": {"x": "a[[["}, "fail_when": "]"},
    ]
    changes: dict[str, object] = {
        "secrets": {"key": "env:KEY"},
        "fresh_link": "{url}",
        "grant": steps,
        "link": "{secret.key}",
        "found": "x",
        "auth": {"kind": "basic", "user": "{"},
    }
    with pytest.raises(Rejected) as caught:
        settings("ftp://academy.example", **changes)
    places = [re.match(r"\(([^)]*)\)", each.message) for each in caught.value.problems]
    told = [
        place[1] if place else each.field for place, each in zip(places, caught.value.problems, strict=True)
    ]
    assert {
        "base_url",
        "grant[0].path",
        "grant[0].json.a",
        "grant[0].form.b",
        "grant[0]",
        "grant[1].metod",
        "grant[2].when",
        "grant[2].save.x",
        "grant[2].fail_when",
        "link",
        "fresh",
        "fresh_link",
        "auth.password",
        "auth.user",
    } == set(told)


@pytest.mark.parametrize("where", ["link", "path"])
def test_no_secret_where_it_leads_elsewhere(where: str) -> None:
    """A secret may stand in headers and bodies, and in no address that is mailed or logged."""
    changes: dict[str, object] = (
        {"link": "https://academy.example/{secret.key}"}
        if where == "link"
        else {"grant": [{**GRANT, "path": "/{secret.key}"}]}
    )
    with pytest.raises(Rejected, match="secret"):
        settings(secrets={"key": "env:KEY"}, **changes)


def test_secrets_come_from_the_environment() -> None:
    """A secret that stands in the file is refused."""
    with pytest.raises(Rejected, match="written in the file"):
        settings(secrets={"key": "in the file"})


def test_http_needs_a_word() -> None:
    """Without `private_network` an address is https."""
    with pytest.raises(Rejected, match="http only with"):
        settings("http://academy.example", private_network=False)


def test_offers_what_it_can() -> None:
    """Revoking and fresh links are there exactly when the recipe has the steps."""
    step = {"name": "a step", "path": "/x"}
    for revoke in ([], [step]):
        for fresh in ([], [step]):
            link = "https://academy.example/" if fresh else ""
            made: object = academy(settings(revoke=revoke, fresh=fresh, fresh_link=link), call_seconds=CALL)
            assert (bool(revoke), bool(fresh)) == (isinstance(made, Revoking), isinstance(made, FreshLinks))


# Values stay values

EVIL = 'x", "admin": true, "y": "{secret.key} {{7*7}} ${7*7} {0.__class__} {order.id}\\'


def test_a_value_is_no_template(opened: Open) -> None:
    """What a buyer typed arrives as they typed it, in a body that has no other field."""
    step = {**GRANT, "json": {"name": "{order.name}", "id": "{{{order.id}}}"}}
    with answered(lambda _: json({"url": f"{base}/c"})) as server:
        base = server.url
        delivery = bought(name=EVIL)
        opened(base, grant=[step], secrets={"key": "env:KEY"}).invitation.do(delivery)
        found = msgspec.json.decode(body_of(server))
    assert {"name": EVIL, "id": f"{{{delivery.order.id}}}"} == found


@pytest.mark.parametrize("name", ["../../admin", "a/b?c=d&e#f", "a%2Fb", "..", "ż ó"])
def test_a_value_stays_in_its_place_of_a_path(name: str, opened: Open) -> None:
    """A value that looks like a path or a query is one segment, or one parameter."""
    step = {**GRANT, "path": "/members/{order.name}/x", "query": {"q": "{order.name}"}, "json": None}
    step = {key: each for key, each in step.items() if each is not None}
    with answered(lambda _: json({"url": f"{base}/c"})) as server:
        base = server.url
        opened(base, grant=[step]).invitation.do(bought(name=name))
        target = server.asked[0].split(b" ")[1].decode()
    path, _, query = target.partition("?")
    assert (4, 1, 0) == (path.count("/") + 1, query.count("=") + query.count("&"), query.count("#"))
    assert "/../" not in path


def test_a_header_has_one_line(opened: Open) -> None:
    """A value with a line break makes no second header: the request is not sent."""
    step = {**GRANT, "headers": {"X-Name": "{order.name}"}}
    with answered(lambda _: json({})) as server, pytest.raises(NeedsOperator):
        opened(server.url, grant=[step]).invitation.do(bought(name="a\r\nX-Admin: 1"))
    assert [] == server.asked


def test_numbers_stay_numbers(opened: Open) -> None:
    """A place that is all of a leaf keeps the type of what was saved; what may be missing is left out."""
    first = {"name": "one", "path": "/one", "save": {"n": "id", "none": "nothing"}}
    second = {
        **GRANT,
        "json": {"n": "{n}", "t": "n{n}", "c": "{course.id|int}", "ends": "{order.ends|optional}"},
    }
    with answered(lambda _: json({"id": 7, "url": f"{base}/c"})) as server:
        base = server.url
        made = opened(base, grant=[first, second], courses={"course-7": {"id": "12"}})
        delivery = bought()
        made.invitation.do(delivery)
        sent = msgspec.json.decode(body_of(server))
    ends = {"ends": sent["ends"]} if delivery.order.intent.access_days else {}
    assert {"n": 7, "t": "n7", "c": 12, **ends} == sent


# Where a link may lead


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/c",
        "//evil.example/c",
        "javascript:alert(1)",
        "ftp://academy.example/c",
        "https://academy.example@evil.example/c",
        "https://evil@academy.example/c",
        "https://academy.example.evil.example/",
        "https://academy.example\\@evil.example/",
        "https://academy.example/a b",
        "https://academy.example:444/c",
        "",
        7,
        None,
    ],
)
def test_a_link_leads_to_our_academy(link: object, opened: Open) -> None:
    """A link in an answer that leads anywhere else is never given to a buyer."""
    with answered(lambda _: json({"url": link})) as server, pytest.raises(NeedsOperator):
        opened(server.url, link_hosts=["academy.example"]).invitation.do(bought())


def test_a_host_that_the_owner_names(opened: Open) -> None:
    """A host of the settings is good."""
    with answered(lambda _: json({"url": "https://school.example/c"})) as server:
        made = opened(server.url, link_hosts=["school.example"])
        assert "https://school.example/c" == made.invitation.do(bought())


def test_https_only_on_the_internet() -> None:
    """Without `private_network` a link is https, whatever the host."""
    made = academy(settings(private_network=False, link="http://academy.example/c"), call_seconds=CALL)
    with pytest.raises(NeedsOperator):
        made._link(made._recipe.link, {})
    made.close()


# Where a request may go


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f000001"])
def test_no_private_address(host: str) -> None:
    """Without `private_network` nothing is sent into a network of ours, however its address is written."""
    with answered(lambda _: json({})) as server:
        port = server.url.rpartition(":")[2]
        made = academy(settings(f"https://{host}:{port}", private_network=False), call_seconds=CALL)
        with pytest.raises(NeedsOperator, match="private network"):
            made.invitation.do(bought())
        made.close()
        assert (0, []) == (server.connections, server.asked)


def test_no_redirect(opened: Open) -> None:
    """A redirect is not followed, to nowhere."""
    with answered(lambda _: json({})) as elsewhere:
        moved = f"HTTP/1.1 302 Found\r\nlocation: {elsewhere.url}/x\r\ncontent-length: 0\r\n\r\n".encode()
        with answered(lambda _: moved) as server, pytest.raises(NeedsOperator):
            opened(server.url).invitation.do(bought())
        assert [] == elsewhere.asked


# What an answer means


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (json({"error": "no", "url": "x"}), Rejected),
        (json({}, 409), Rejected),
        (json({"error": "taken"}, 422), Rejected),
        (json({}, 502), Transient),
        (json({}, 500), OutcomeUnknown),
        (json({}, 204 + 2), OutcomeUnknown),
        (reply(200, b'{"half'), OutcomeUnknown),
    ],
)
def test_decisions(answer: bytes, error: type[KramikError], opened: Open) -> None:
    """A failure inside a 200, an unmet `already`, `retry_on`, an unknown 2xx and half an answer."""
    step = {
        **GRANT,
        "ok": [200],
        "fail_when": "error",
        "retry_on": [502],
        "already": {"status": [409], "when": "contains(error, 'already')"},
    }
    with answered(lambda _: answer) as server, pytest.raises(error):
        opened(server.url, grant=[step]).invitation.do(bought())


def test_already_is_done(opened: Open) -> None:
    """An answer that says that it was done before is a success, and what it says is saved."""
    step = {**GRANT, "already": {"status": [409], "when": "contains(error, 'already')"}}
    with answered(lambda _: json({"error": "already there", "url": f"{base}/c"}, 409)) as server:
        base = server.url
        assert f"{base}/c" == opened(base, grant=[step]).invitation.do(bought())


LOOKUP: dict[str, object] = {
    "repeat": "lookup",
    "found": "url",
    "find": [{"name": "asking", "method": "GET", "path": "/find", "save": {"url": "url"}}],
}


def test_after_the_point_of_no_return(opened: Open) -> None:
    """When access was given and a later step fails for sure, the outcome is unknown and not a failure."""
    later = {"name": "later", "path": "/later"}
    refused = {"/grants": json({"url": "x"}), "/later": json({}, 429)}
    with answered(lambda line: refused[line.split()[1]]) as server:
        with pytest.raises(OutcomeUnknown):
            opened(server.url, grant=[GRANT, later], **LOOKUP).invitation.do(bought())
        with pytest.raises(Transient):
            opened(server.url, grant=[{**GRANT, "harmless": True}, later], **LOOKUP).invitation.do(bought())
        with pytest.raises(Transient):
            opened(server.url, grant=[GRANT, later]).invitation.do(bought())


@pytest.mark.parametrize(("repeat", "error"), [("unsafe", OutcomeUnknown), ("set", NeedsOperator)])
def test_a_bad_link_does_not_undo_a_grant(repeat: str, error: type[KramikError], opened: Open) -> None:
    """Access that was given with a link that may not be used is not given again where that would be one too many."""
    with answered(lambda _: json({"url": "https://evil.example/c"})) as server, pytest.raises(error):
        opened(server.url, repeat=repeat).invitation.do(bought())


def test_a_question_changes_nothing(opened: Open) -> None:
    """A lost answer to a question before anything was done is no unknown outcome."""
    ask = {"name": "asking", "method": "GET", "path": "/ask"}
    with answered(lambda _: json({}, 500)) as server, pytest.raises(Transient):
        opened(server.url, grant=[ask, GRANT], **LOOKUP).invitation.do(bought())


def test_find_says_whether(opened: Open) -> None:
    """A look-up returns the link when the name that tells was found, and None when it was not."""
    known: list[bytes] = [json({"url": None})]
    with answered(lambda _: known[0]) as server:
        effect = opened(server.url, **LOOKUP).invitation
        assert effect.find is not None
        assert effect.find(bought()) is None
        known[0] = json({"url": f"{server.url}/c"})
        assert f"{server.url}/c" == effect.find(bought())


def test_a_journey_lasts_as_long_as_one_call(opened: Open) -> None:
    """Steps share the time of one call: the last one is cut off, or not begun."""
    from time import sleep  # noqa: PLC0415 - the vendor is slow here, and nobody else

    def slow(_: str) -> bytes:
        sleep(0.45)
        return json({})

    steps = [{"name": f"step {number}", "path": "/x"} for number in range(8)]
    with answered(slow) as server:
        invitation = opened(server.url, grant=steps, link=f"{server.url}/c").invitation

        def journey() -> None:
            with pytest.raises((Transient, OutcomeUnknown)):
                invitation.do(bought())

        assert quickest(lambda: timed(journey), CALL + 0.4) < CALL + 0.4


# Who we are


def test_header_and_basic(opened: Open) -> None:
    """A key in a header, or a name and a password."""
    ways = {
        b"x-api-key: s3cret-key-of-the-academy": {
            "kind": "header",
            "name": "X-Api-Key",
            "value": "{secret.key}",
        },
        b"authorization: Basic Y2xpZW50LTc6czNjcmV0LWtleS1vZi10aGUtYWNhZGVteQ==": {
            "kind": "basic",
            "user": "client-7",
            "password": "{secret.key}",
        },
    }
    for line, auth in ways.items():
        with answered(lambda _: json({"url": f"{base}/c"})) as server:  # noqa: B023 - answered at once
            base = server.url
            opened(base, auth=auth, secrets={"key": "env:KEY"}).invitation.do(bought())
            assert line in server.asked[0]


OAUTH = {
    "kind": "oauth2",
    "token_path": "/token",
    "client_id": "{secret.id}",
    "client_secret": "{secret.key}",
    "scope": "all",
}


def test_a_token_is_asked_for_once(opened: Open) -> None:
    """A token is kept until it ends, and asked for again when it is refused."""
    good = ["first"]

    def answers(line: str) -> bytes:
        if line == "POST /token":
            return json({"access_token": good[0], "expires_in": 3600})
        right = f"authorization: Bearer {good[0]}".encode() in found[0].asked[-1]
        return json({"url": f"{found[0].url}/c"}) if right else json({}, 401)

    found: list[RawServer] = []
    with answered(answers) as server:
        found.append(server)
        made = opened(server.url, auth=OAUTH, secrets={"key": "env:KEY", "id": "env:ID"})
        made.invitation.do(bought())
        made.invitation.do(bought())
        assert 1 == sum(each.startswith(b"POST /token") for each in server.asked)
        form = b"grant_type=client_credentials&client_id=client-7&client_secret=s3cret-key-of-the-academy&scope=all"
        assert form == body_of(server, 0)
        good[0] = "second"
        made.invitation.do(bought())
        assert 2 == sum(each.startswith(b"POST /token") for each in server.asked)


def test_a_token_that_always_fails(opened: Open) -> None:
    """A token that is refused twice is a refusal, and no error shows it or what it was got with."""

    def answers(line: str) -> bytes:
        token = {"access_token": "tok-of-the-vendor"}
        return json(token) if line == "POST /token" else json({"said": "tok-of-the-vendor"}, 401)

    with answered(answers) as server:
        made = opened(server.url, auth=OAUTH, secrets={"key": "env:KEY", "id": "env:ID"})
        with pytest.raises(Rejected) as caught:
            made.invitation.do(bought())
        assert 4 == len(server.asked)
    assert "tok-of" not in str(caught.value)


def test_no_token_no_harm(opened: Open) -> None:
    """When there is no token nothing has happened, whatever went wrong."""
    with answered(lambda _: json({}, 500)) as server, pytest.raises(Transient):
        opened(server.url, auth=OAUTH, secrets={"key": "env:KEY", "id": "env:ID"}).invitation.do(bought())


def test_a_token_of_ours(opened: Open) -> None:
    """A JWT is signed with a secret and named by its key."""
    auth = {
        "kind": "jwt",
        "key": "{secret.key}",
        "kid": "{secret.id}",
        "prefix": "Ours ",
        "claims": {"aud": "/x/"},
    }
    with answered(lambda _: json({"url": f"{base}/c"})) as server:
        base = server.url
        opened(base, auth=auth, secrets={"key": "env:KEY", "id": "env:ID"}).invitation.do(bought())
        assert b"authorization: Ours eyJ" in server.asked[0]


def test_silent() -> None:
    """Neither an academy nor its table shows a secret."""
    found = settings(secrets={"key": "env:KEY"})
    made = academy(found, call_seconds=CALL)
    assert "s3cret" not in repr(made)
    made.close()


# Choosing


def test_one_of_a_list(opened: Open) -> None:
    """The first item whose key equals the value is taken, as text and in any case; without one nothing is saved."""
    ask = {
        "name": "asking",
        "method": "GET",
        "path": "/ask",
        "choose": {"member": {"of": "items", "key": "mail", "equals": "{order.email}", "take": "id"}},
    }
    links = ["{base_url}/m/{member}", "{base_url}/nobody"]
    items: list[dict[str, object]] = [
        {"id": 1, "mail": "joann@example.org"},
        {"id": 2, "mail": "ANN@example.org"},
    ]
    with answered(lambda _: json({"items": items})) as server:
        made = opened(server.url, grant=[ask], link=links)
        assert f"{server.url}/m/2" == made.invitation.do(bought(email="ann@example.org"))
        assert f"{server.url}/nobody" == made.invitation.do(bought(email="nn@example.org"))
    with answered(lambda _: json({"items": None})) as server:
        made = opened(server.url, grant=[ask], link=links)
        assert f"{server.url}/nobody" == made.invitation.do(bought())


def test_a_kind_of_its_own(opened: Open) -> None:
    """A recipe may call its JSON by another name; the request has one content type."""
    with answered(lambda _: json({"url": f"{base}/c"})) as server:
        base = server.url
        opened(base, headers={"Content-Type": "application/vnd.api+json"}).invitation.do(bought())
        kinds = [line for line in server.asked[0].lower().split(b"\r\n") if line.startswith(b"content-type")]
    assert [b"content-type: application/vnd.api+json"] == kinds


def test_the_recorded_link(opened: Open) -> None:
    """The steps that get a new link know the one that was recorded, and fall back to it."""
    fresh = [{"name": "signing in", "path": "/sso", "json": {"to": "{recorded}"}, "save": {"new": "new"}}]
    with answered(lambda _: json({"new": None})) as server:
        made = opened(server.url, fresh=fresh, fresh_link=["{new}", "{recorded}"])
        assert isinstance(made, FreshLinks)
        order = bought().order
        event = paid(order.id, gateway="sandbox", shop_id="shop-1")
        order = order.apply(event, now=NOON).record("invitation", f"{server.url}/c", now=NOON)
        assert f"{server.url}/c" == made.link(order)
        assert {"to": f"{server.url}/c"} == msgspec.json.decode(body_of(server))
