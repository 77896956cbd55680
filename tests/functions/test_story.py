"""The story on Azure: Microsoft's worker core runs the function app, Azurite stores, the sandbox world pays."""

from __future__ import annotations

import itertools
import json
import os
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from statistics import median

import msgspec
import pytest

from kramik.hosts import functions, opened, traces
from kramik.hosts.azure import alerts, hostfile, measured
from kramik.hosts.worker import utc_now
from kramik.payment import sign
from kramik.queue import Message, decode, encode
from kramik.stores.azure import store
from tests.functions.app import FunctionApp
from tests.functions.conftest import Cloud
from tests.hosts.asking import Reply, ask, post_json
from tests.hosts.served import eventually, fields, pay

APPROVED = Path(__file__).parents[1] / "approved" / "bindings.json"
MEASURED = Path(str(measured.__file__)).parent / measured.FILE
HOW = "counted between the function app and Azurite; tests/functions/test_story.py"
GRANTED = {"grant": 1, "purchase": 1, "sequence": 1, "mail": 1}
_NUMBERS = itertools.count(1)
UNUSED = (
    "apsw azure.data azure.storage azure.identity httpcore2 httpx2 jinja2 jmespath markdown_it pygments requests rich "
    "click starlette uvicorn urllib3 PIL cryptography"
).split()
"""What neither a cold start nor a notification may load."""


@pytest.fixture(autouse=True)
def _quiet(cloud: Cloud) -> Iterator[None]:
    """Begin with empty queues, and leave them so."""
    yield
    for queue in (cloud.store.queue, cloud.store.poison_queue):
        queue.speak(lambda client: client.clear_messages())


def bought(cloud: Cloud) -> tuple[str, str]:
    """Buy and pay; return the order and where its status is. Its message waits in the queue."""
    email = f"buyer-{next(_NUMBERS)}@example.org"
    placed = post_json(f"{cloud.shop.url}/api/orders", fields(email=email), idempotency_key=email).json()
    assert 303 == pay(placed["payment"]["url"]).status
    assert eventually(cloud.store.queue.depth) == 1
    return placed["order"], placed["status_url"]


def told(cloud: Cloud, order: str) -> dict:
    """Tell the function app that an order was paid, as the gateway does."""
    settings = cloud.shop.world.world.settings
    said = {"id": f"t-{order}", "kind": "paid", "order": order, "shop_id": "akademia", "amount": 29900}
    body = json.dumps(said | {"currency": "PLN"})
    signature = sign(settings.gateway_key.encode(), body.encode()).hex()
    return cloud.app.http("POST", "/api/payments/sandbox", body, {"X-Sandbox-Signature": signature})


def test_the_bindings_are_those_that_were_approved(cloud: Cloud) -> None:
    """A change of a trigger, a route or an output is seen by whoever reviews it."""
    found = json.dumps(cloud.app.bindings, indent=1, sort_keys=True) + "\n"
    if os.environ.get("KRAMIK_APPROVE"):
        APPROVED.write_text(found, "utf-8")
    assert APPROVED.read_text("utf-8") == found


def test_every_route_of_the_shop_has_a_function(cloud: Cloud) -> None:
    """What the OpenAPI document promises is routed, and there is one trigger for all work and one timer."""
    document = json.loads(cloud.app.http("GET", "/api/openapi.json")["body"])
    routes = {f"/{route}" for route in functions.ASK.values()}
    shapes = {"/".join("{}" if part.startswith("{") else part for part in each.split("/")) for each in routes}
    promised = {
        "/".join("{}" if part.startswith("{") else part for part in each.split("/"))
        for each in document["paths"]
    }
    assert promised - shapes == set()
    kinds = [each["type"] for bindings in cloud.app.bindings.values() for each in bindings]
    assert (1, 1) == (kinds.count("queueTrigger"), kinds.count("timerTrigger"))


def test_the_words_of_azure_are_said_once(cloud: Cloud) -> None:
    """Queue, dequeue count and alarms are the same in the app, the store, host.json and the alert."""
    assert functions.QUEUE == store.QUEUE
    assert opened.LAST == hostfile.MAX_DEQUEUE
    assert traces.ALARMS == set(alerts.EVENTS)


def test_a_paid_order_is_delivered(cloud: Cloud) -> None:
    """Form, link, notification, queue, fulfilment, access: each effect once, and the link opens the course."""
    order, status = bought(cloud)
    assert ["done"] == cloud.app.look()
    shown = ask(status).json()
    assert "completed" == shown["status"]
    assert GRANTED == cloud.shop.effects(order)
    access = ask(shown["access"])
    assert (303, True) == (access.status, "/academy/" in access.headers["location"])
    assert (0, []) == (cloud.store.queue.depth(), list(cloud.store.queue.poisoned()))


def test_what_one_order_costs(cloud: Cloud) -> None:
    """An order takes at most nine transactions of the storage, and the bill is made of what is counted here."""
    bought(cloud)
    cloud.app.look()  # tables and queue are there, and nothing is loaded any more
    before = cloud.app.log.stat().st_size
    cloud.counting.reset()
    _, status = bought(cloud)
    assert ["done"] == cloud.app.look()
    passed = dict(cloud.counting.passed)
    assert sum(passed.values()) <= 9, cloud.counting.calls
    order = measured.Counted(
        http=2,
        work=1,
        queue=passed["queue"],
        table=passed["table"],
        stored_bytes=cloud.counting.largest_row,
        logged_bytes=cloud.app.log.stat().st_size - before,
    )
    looked, link = _counted(cloud, status)
    clicked, _ = _counted(cloud, json.loads(link.body)["access"])
    found = measured.Measured(how=HOW, order=order, status=looked, access=clicked)
    if os.environ.get("KRAMIK_APPROVE"):
        text = msgspec.json.format(msgspec.json.encode(found)).decode() + "\n"
        MEASURED.write_text(text, "utf-8")
    kept = measured.read()
    assert _sized(kept, stored=0, logged=0) == _sized(found, stored=0, logged=0)
    assert kept.order.stored_bytes == pytest.approx(order.stored_bytes, rel=0.25)
    assert kept.order.logged_bytes == pytest.approx(order.logged_bytes, rel=0.5)


def _counted(cloud: Cloud, url: str) -> tuple[measured.Counted, Reply]:
    """Return what one look at this address costs, and what it shows."""
    cloud.counting.reset()
    reply = ask(url)
    return measured.Counted(
        http=1, table=cloud.counting.passed["table"], queue=cloud.counting.passed["queue"]
    ), reply


def _sized(each: measured.Measured, *, stored: float, logged: float) -> measured.Measured:
    order = msgspec.structs.replace(each.order, stored_bytes=stored, logged_bytes=logged)
    return msgspec.structs.replace(each, order=order)


def test_a_notification_is_acknowledged_only_when_its_message_is_stored(cloud: Cloud) -> None:
    """While the storage is away the gateway hears no acknowledgement, and it is told again until it does."""
    placed = post_json(f"{cloud.shop.url}/api/orders", fields()).json()
    cloud.azurite.end(signal.SIGKILL)
    try:
        with pytest.raises(Exception, match="reached"):
            told(cloud, placed["order"])
    finally:
        cloud.azurite.start()
    assert 200 == told(cloud, placed["order"])["status"]
    assert 1 == cloud.store.queue.depth()


def test_a_forged_notification_leaves_no_message(cloud: Cloud) -> None:
    """Whoever has no key gets 400, and nothing is given to the binding."""
    answer = cloud.app.http("POST", "/api/payments/sandbox", "{}", {"X-Sandbox-Signature": "00"})
    assert (400, 0) == (answer["status"], cloud.store.queue.depth())


def test_a_function_that_dies_on_a_message_parks_the_order_before_azure_makes_poison_of_it(
    cloud: Cloud,
) -> None:
    """At its last delivery our own code looks at the count first: the order is parked and the message is kept."""
    order, status = bought(cloud)
    for _ in range(opened.LAST - 1):  # a function that times out answers nothing: the message just comes back
        (taken,) = cloud.app.inbox.take(8, now=utc_now())
        assert not cloud.app.inbox.failed(taken, after=0)
    assert ["done"] == cloud.app.look()
    (poisoned,) = cloud.store.queue.poisoned(order)
    assert (True, opened.LAST) == ("time out" in poisoned.why, poisoned.deliveries)
    assert {"grant": 0, "purchase": 0, "sequence": 0, "mail": 0} == cloud.shop.effects(order)
    assert cloud.store.queue.replay(poisoned.id, now=utc_now())
    assert ["done"] == cloud.app.look()
    assert ("completed", GRANTED) == (ask(status).json()["status"], cloud.shop.effects(order))


def test_the_timer_drains_what_the_host_made_poison_of(cloud: Cloud) -> None:
    """A message in the host's own poison queue comes to where a person looks, with its order, and can be replayed."""
    order, status = bought(cloud)
    (taken,) = cloud.app.inbox.take(8, now=utc_now())
    assert cloud.app.inbox.failed(msgspec.structs.replace(taken, deliveries=opened.LAST), after=0)
    assert (0, 1) == (cloud.store.queue.depth(), cloud.store.poison_queue.depth())
    assert "failed" not in cloud.app.fire()
    assert 0 == cloud.store.poison_queue.depth()
    (poisoned,) = cloud.store.queue.poisoned(order)
    assert cloud.store.queue.replay(poisoned.id, now=utc_now())
    assert ["done"] == cloud.app.look()
    assert "completed" == ask(status).json()["status"]


def test_the_timer_puts_a_forgotten_order_back_to_work(cloud: Cloud) -> None:
    """A paid order whose message was lost is found in the table and delivered."""
    order, status = bought(cloud)
    (taken,) = cloud.app.inbox.take(8, now=utc_now())
    cloud.app.inbox.succeeded(taken)
    given, found = decode(taken.body).event, cloud.store.orders.get(order)
    assert given is not None
    assert found is not None
    late = msgspec.structs.replace(
        found.confirm_payment(given, now=found.created_at),
        steps=tuple(
            msgspec.structs.replace(step, due=found.created_at - timedelta(hours=1)) for step in found.steps
        ),
    )
    cloud.store.orders.save(late)
    assert "failed" not in cloud.app.fire()
    assert ["done"] == cloud.app.look()
    assert ("completed", GRANTED) == (ask(status).json()["status"], cloud.shop.effects(order))


def test_a_message_that_nobody_can_read_is_kept_for_a_person(cloud: Cloud) -> None:
    """It does not come back for ever, and blocks nobody."""
    cloud.app.inbox.write('{"version": 99}')
    assert ["done"] == cloud.app.look()
    (poisoned,) = [each for each in cloud.store.queue.poisoned() if "version 1" in each.why]
    assert '{"version": 99}' == poisoned.message.raw
    assert cloud.store.queue.discard(poisoned.id)


def test_a_message_that_fails_comes_again_as_a_new_one(cloud: Cloud) -> None:
    """An order that nobody knows is tried later by a delayed message of our own; the host never counts to five."""
    cloud.app.inbox.write(encode(Message(order="nobody")).decode())
    assert ["done"] == cloud.app.look()
    assert [] == cloud.app.look()

    def came() -> list:
        return list(cloud.app.inbox.take(1, now=utc_now()))

    (taken,) = eventually(came)
    assert (1, 1) == (taken.deliveries, msgspec.json.decode(taken.body)["attempt"])


def test_the_door_answers_as_everywhere(cloud: Cloud) -> None:
    """Methods, sizes and unknown orders are answered by the same handlers as on one machine."""
    assert 204 == cloud.app.http("GET", "/api/warm")["status"]
    assert 405 == cloud.app.http("DELETE", "/api/orders")["status"]
    assert 413 == cloud.app.http("POST", "/api/orders", "x" * 65_537)["status"]
    assert 404 == cloud.app.http("GET", "/api/orders/nobody?key=x")["status"]
    assert 200 == cloud.app.http("GET", "/healthz")["status"]
    page = cloud.app.http("POST", "/api/orders", "product=agregaty-w-praktyce")
    assert (422, True) == (page["status"], "<form" in page["body"])


def test_neither_a_cold_start_nor_a_notification_loads_what_it_does_not_need(
    cloud: Cloud, tmp_path: Path
) -> None:
    """Until a notification is answered there is no SDK, no HTTP client, no template engine and no web framework."""
    app = FunctionApp(tmp_path, cloud.shop.environ(), cloud.counting.connection)
    try:
        (tmp_path / "shop").symlink_to(cloud.shop.folder)
        listed = app.call()["modules"]
        assert ["kramik", "kramik.hosts", "kramik.hosts.functions"] == [
            n for n in listed if n.startswith("kramik")
        ]
        fresh = Cloud(
            azurite=cloud.azurite, counting=cloud.counting, shop=cloud.shop, app=app, store=cloud.store
        )
        assert 200 == told(fresh, "nobody")["status"]
        loaded = app.call()["modules"]
        assert [] == [name for name in loaded for unused in UNUSED if f"{name}.".startswith(f"{unused}.")]
        cloud.counting.reset()
        assert 204 == app.http("GET", "/api/warm")["status"]
        assert {"azure.data.tables", "email_validator", "jinja2"} <= set(app.call()["modules"])
        assert 0 == cloud.counting.passed.total()
    finally:
        app.close()


def test_the_timer_fires_when_the_owner_says(cloud: Cloud, tmp_path: Path) -> None:
    """Once a day unless an app setting says otherwise."""
    assert functions.DAILY == cloud.app.bindings["sweep"][0]["schedule"]
    often = {**cloud.shop.environ(), "KRAMIK_SWEEP": "0 */30 * * * *"}
    app = FunctionApp(tmp_path, often, cloud.counting.connection)
    app.close()
    assert "0 */30 * * * *" == app.bindings["sweep"][0]["schedule"]


def test_a_notification_takes_little_more_than_a_function_that_does_nothing(
    cloud: Cloud, tmp_path: Path
) -> None:
    """In the same run, through the same worker core, at most twice the time of a constant answer."""
    constant = FunctionApp(tmp_path, cloud.shop.environ(), cloud.counting.connection, code=CONSTANT)
    try:
        ours, theirs = [], []
        for number in range(60):
            ours.append(float(told(cloud, f"nobody-{number}")["ms"]))
            theirs.append(float(constant.http("POST", "/api/payments/sandbox", "{}")["ms"]))
        assert median(ours) <= 2 * median(theirs), (median(ours), median(theirs))
    finally:
        constant.close()


CONSTANT = """\
from typing import List
import azure.functions as func
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route(route="api/payments/{gateway}", methods=["POST"])
@app.queue_output(arg_name="messages", queue_name="kramik-work", connection="AzureWebJobsStorage")
def notify(req: func.HttpRequest, messages: func.Out[List[str]]) -> func.HttpResponse:
    messages.set(['{"version": 1}'])
    return func.HttpResponse("OK")
"""
