"""Functions that queues set off, and those that put messages into queues."""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any

import pytest

from tests.conformance.azure.conftest import GROUP
from tests.conformance.azure.test_queues import connection_string, new_name, service_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from azure.storage.queue import QueueServiceClient

    from tests.conformance.azure.conftest import Azure

APP = """
    import json, logging, typing
    import azure.functions as func
    app = func.FunctionApp()

    @app.queue_trigger(arg_name="message", queue_name="%IN%", connection="")
    @app.queue_output(arg_name="out", queue_name="%OUT%", connection="OTHER")
    def work(message: func.QueueMessage, out: func.Out[str]) -> None:
        told = [message.get_body().decode(), message.dequeue_count, message.id, bool(message.pop_receipt),
                (message.expiration_time - message.insertion_time).days, message.time_next_visible is not None]
        logging.info("WORK %s", json.dumps(told))
        if message.get_body() == b"bad":
            raise ValueError("bad message")
        out.set("did " + message.get_body().decode())

    @app.route("send", auth_level="anonymous")
    @app.queue_output(arg_name="texts", queue_name="%IN%-out", connection="AzureWebJobsStorage")
    @app.queue_output(arg_name="data", queue_name="%IN%-out", connection="Storage")
    def send(req: func.HttpRequest, texts: func.Out[typing.List[str]], data: func.Out[bytes]) -> str:
        texts.set(["one", "two"])
        data.set(b"\\xff\\x00")
        return "sent"

    @app.timer_trigger(schedule="0 0 0 1 1 *", arg_name="timer")
    @app.queue_output(arg_name="$return", queue_name="%IN%-out", connection="Storage")
    def returning(timer: func.TimerRequest) -> str:
        return func.QueueMessage(body="returned")

    @app.route("unknown", auth_level="anonymous")
    @app.queue_output(arg_name="out", queue_name="q123", connection="UNKNOWN")
    def unknown(req: func.HttpRequest, out: func.Out[str]) -> str:
        out.set("x")
        return "sent"

    @app.queue_trigger(arg_name="message", queue_name="q123", connection="NOWHERE")
    def nowhere(message: func.QueueMessage) -> None:
        pass
"""
HOST = {"version": "2.0", "extensions": {"queues": {"maxDequeueCount": 3, "visibilityTimeout": "00:00:30"}}}


def encoded(text: str) -> str:
    return b64encode(text.encode()).decode()


def contents(service: QueueServiceClient, name: str) -> list[bytes]:
    with service.get_queue_client(name) as queue:
        return [b64decode(each.content) for each in queue.receive_messages(messages_per_page=32)]


def notes(azure: Azure, app: str) -> list[list[Any]]:
    found = (re.search(r"WORK (.*)", line) for line in azure.logs(app))
    return [json.loads(match[1]) for match in found if match]


@pytest.fixture
def service(timed_azure: Azure) -> Iterator[QueueServiceClient]:
    with service_of(timed_azure.server) as made:
        yield made


def test_a_queue_trigger_in_python(
    timed_azure: Azure, service: QueueServiceClient, eventually: Callable[..., Any]
) -> None:
    name = new_name()
    settings = {
        "AzureWebJobsStorage": "UseDevelopmentStorage=true",
        "OTHER": connection_string(timed_azure.server),
        "UNKNOWN": "DefaultEndpointsProtocol=https;AccountName=somebody;AccountKey=x;EndpointSuffix=core.windows.net",
        "IN": name,
        "OUT": f"{name}-done",
    }
    app = timed_azure.create(settings=settings)
    queue = service.create_queue(name)
    timed_azure.deploy(app, function_app=APP, host_json=json.dumps(HOST))
    sent = queue.send_message(encoded("good"))
    eventually(lambda: notes(timed_azure, app))
    assert notes(timed_azure, app) == [["good", 1, sent.id, True, 7, True]]
    assert eventually(lambda: contents(service, f"{name}-done")) == [b"did good"]
    eventually(lambda: queue.get_queue_properties().approximate_message_count == 0)

    queue.send_message(encoded("bad"))
    for attempt in (1, 2, 3):
        eventually(lambda: sum(note[0] == "bad" for note in notes(timed_azure, app)) == attempt)  # noqa: B023
        timed_azure.server.advance(31)
    assert eventually(lambda: contents(service, f"{name}-poison")) == [b"bad"]
    assert [note[:2] for note in notes(timed_azure, app)][1:] == [["bad", 1], ["bad", 2], ["bad", 3]]
    with service.get_queue_client(f"{name}-poison") as poison:
        timed_azure.server.advance(60)
        assert poison.receive_message().expires_on.year == 9999
        poison.clear_messages()
        queue.send_message("not base64!")
        eventually(lambda: [each.content for each in poison.peek_messages()] == ["not base64!"])

    assert timed_azure.get(app, "/api/send").body == b"sent"
    assert sorted(contents(service, f"{name}-out")) == [b"one", b"two", b"\xff\x00"]
    key = timed_azure.master_key(app)
    timed_azure.request(app, "POST", "/admin/functions/returning", b"{}", x_functions_key=key)
    assert eventually(lambda: contents(service, f"{name}-out")) == [b"returned"]
    by_hand = timed_azure.request(app, "POST", "/admin/functions/work", b'{"input": "by hand"}', x_functions_key=key)
    assert by_hand.status == 202
    eventually(lambda: any(note[0] == "by hand" for note in notes(timed_azure, app)))
    assert timed_azure.get(app, "/api/unknown").status == 500
    error = timed_azure.call("get_function", GROUP, app, "nowhere").config["error"]
    assert error.startswith("Storage account connection string 'NOWHERE' does not exist. Make sure that it is a defin")

    timed_azure.call("stop", GROUP, app)
    queue.send_message(encoded("later"))
    timed_azure.server.advance(30)
    assert not any(note[0] == "later" for note in notes(timed_azure, app))
    timed_azure.call("start", GROUP, app)
    eventually(lambda: any(note[0] == "later" for note in notes(timed_azure, app)))


def test_a_queue_trigger_with_a_function_json(
    timed_azure: Azure, service: QueueServiceClient, eventually: Callable[..., Any]
) -> None:
    name = new_name()
    bindings = [
        {"type": "queueTrigger", "direction": "in", "name": "message", "queueName": name, "connection": "C"},
        {"type": "queue", "direction": "out", "name": "$return", "queueName": f"{name}-out", "connection": "C"},
    ]
    app = timed_azure.create(settings={"C": "UseDevelopmentStorage=true"})
    timed_azure.deploy(
        app,
        work____init__="def main(message): return message.get_body().decode().upper()\n",
        work__function_json=json.dumps({"scriptFile": "__init__.py", "bindings": bindings}),
        host_json=json.dumps({"version": "2.0", "extensions": {"queues": {"messageEncoding": "none"}}}),
    )
    # The queue comes after the trigger.
    service.create_queue(name).send_message("plain")
    timed_azure.server.advance(6)
    with service.get_queue_client(f"{name}-out") as out:
        eventually(lambda: any(each["name"] == f"{name}-out" for each in service.list_queues()))
        assert [each.content for each in out.peek_messages()] == ["PLAIN"]
