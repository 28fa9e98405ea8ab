"""Functions that events set off, and those that publish events."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.conformance.azure.conftest import GROUP
from tests.conformance.azure.test_eventgrid import Grid, event, webhook_at
from tests.conformance.azure.webhooks import Webhook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conformance.azure.conftest import Azure

APP = """
    import datetime, json, logging
    import azure.functions as func
    app = func.FunctionApp()

    def note(kind, *told):
        logging.info("NOTE %s", json.dumps([kind, *told]))

    @app.event_grid_trigger(arg_name="event")
    def watch(event: func.EventGridEvent) -> None:
        note("watch", event.subject, event.event_type, event.get_json(), event.topic.rpartition("/")[0][-6:])
        if event.subject == "bad":
            raise ValueError("bad")

    @app.event_grid_trigger(arg_name="event")
    def cloud(event: func.CloudEvent) -> None:
        note("cloud", event.subject, event.type)

    @app.route("publish", auth_level="anonymous")
    @app.event_grid_output(arg_name="out", topic_endpoint_uri="TOPIC", topic_key_setting="KEY")
    def publish(req: func.HttpRequest, out: func.Out[func.EventGridOutputEvent]) -> str:
        out.set(func.EventGridOutputEvent(id="1", data={"n": 2}, subject=req.params["subject"], event_type="P",
                event_time=datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc), data_version="1"))
        return "published"
"""


def notes(azure: Azure, app: str) -> list[list[Any]]:
    found = (re.search(r"NOTE (.*)", line) for line in azure.logs(app))
    return [json.loads(match[1]) for match in found if match]


@pytest.fixture
def grid(azure: Azure) -> Iterator[Grid]:
    made = Grid(azure)
    yield made
    made.client.close()


def function(azure: Azure, app: str, name: str) -> dict[str, Any]:
    site = f"/subscriptions/{azure.subscription}/resourceGroups/{GROUP}/providers/Microsoft.Web/sites/{app}"
    return {"endpointType": "AzureFunction", "properties": {"resourceId": f"{site}/functions/{name}"}}


def test_an_event_grid_trigger(azure: Azure, grid: Grid, eventually: Callable[..., Any]) -> None:
    topic, client = grid.topic()
    shown = grid.call("topics", "get", GROUP, topic)
    key = grid.call("topics", "list_shared_access_keys", GROUP, topic).key1
    app = azure.deploy(azure.create(settings={"TOPIC": shown.endpoint, "KEY": key}), function_app=APP)
    grid.subscribe(f"topics/{topic}", function(azure, app, "watch"), "watch")
    grid.subscribe(
        f"topics/{topic}", function(azure, app, "cloud"), "cloud", eventDeliverySchema="CloudEventSchemaV1_0"
    )
    client.send([event("one"), event("two")])
    eventually(lambda: len(notes(azure, app)) == 4)
    assert sorted(notes(azure, app)) == [
        ["cloud", "one", "T"], ["cloud", "two", "T"],
        ["watch", "one", "T", {"n": 1}, "topics"], ["watch", "two", "T", {"n": 1}, "topics"],
    ]  # fmt: skip
    assert azure.get(app, "/api/publish?subject=mine").body == b"published"
    eventually(lambda: ["watch", "mine", "P", {"n": 2}, "topics"] in notes(azure, app))
    settings = {"TOPIC": "http://127.0.0.1/eventgrid/none.here-1/api/events", "KEY": key}
    azure.call("update_application_settings", GROUP, app, {"properties": settings})
    assert azure.get(app, "/api/publish?subject=lost").status == 500


def test_the_endpoint_that_webhooks_call(azure: Azure, grid: Grid, eventually: Callable[..., Any]) -> None:
    app = azure.deploy(function_app=APP)
    keys = azure.call("list_host_keys", GROUP, app)
    code = keys.system_keys["eventgrid_extension"]
    path = f"/runtime/webhooks/eventgrid?functionName=watch&code={code}"
    now = "2026-01-01T00:00:00Z"
    body = [{"id": "1", "topic": "/topics/t", "subject": "direct", "eventType": "T", "eventTime": now,
             "data": {}, "dataVersion": "1"}]  # fmt: skip
    sent = json.dumps(body).encode()
    assert azure.request(app, "POST", path.replace(code, "x"), sent).status == 401
    assert azure.request(app, "POST", path.replace("watch", "publish"), sent).status == 404
    assert azure.request(app, "POST", path, b"no").status == 400
    assert azure.request(app, "GET", path).status == 405
    asked = azure.request(app, "OPTIONS", path, WebHook_Request_Origin="eventgrid.azure.net")
    assert asked.headers["webhook-allowed-origin"] == "eventgrid.azure.net"
    question = json.dumps([{"data": {"validationCode": "c"}}]).encode()
    asked = azure.request(app, "POST", path, question, aeg_event_type="SubscriptionValidation")
    assert asked.json() == {"validationResponse": "c"}
    assert azure.request(app, "POST", path, sent, aeg_event_type="Notification").status == 202
    eventually(lambda: any(note[1] == "direct" for note in notes(azure, app)))
    bad = sent.replace(b"direct", b"bad")
    assert azure.request(app, "POST", path, bad, aeg_event_type="Notification").status == 500
    by_hand = json.dumps({"input": json.dumps({**body[0], "subject": "by hand"})}).encode()
    master = keys.master_key
    assert azure.request(app, "POST", "/admin/functions/watch", by_hand, x_functions_key=master).status == 202
    eventually(lambda: any(note[1] == "by hand" for note in notes(azure, app)))
    assert azure.request(app, "POST", "/admin/functions/watch", b'{"input": "x"}', x_functions_key=master).status == 400


def test_a_slow_webhook_delays_nobody_else(grid: Grid, eventually: Callable[..., Any]) -> None:
    """One that hangs, one that isn't there, one that fails, and one that is well."""
    import threading

    topic, client = grid.topic()
    release = threading.Event()
    with Webhook() as slow, Webhook() as failing, Webhook() as well:
        for name, hook in (("slow", slow), ("failing", failing), ("well", well)):
            grid.subscribe(f"topics/{topic}", webhook_at(hook.url), name)
        with Webhook() as gone:
            grid.subscribe(f"topics/{topic}", webhook_at(gone.url), "gone")
        slow.answer = lambda _: (release.wait(20), (200, {}, b""))[1]
        failing.answer = lambda _: (500, {}, b"")
        for number in range(50):
            client.send(event(str(number)))
        eventually(lambda: len(well.posts) == 50)
        assert len(slow.posts) < 50
        release.set()
        eventually(lambda: len(slow.posts) == 50)
