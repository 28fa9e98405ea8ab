"""What is kept of invocations, over HTTP: listed, shown, replayed."""

from __future__ import annotations

import base64
import json
import socket
import struct
import threading
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from fogbank.runtimes.runner import BusyError
from tests.conformance.aws.functions import deploy
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.testing.server import ThreadedServer

# It takes a while to initialise, so that its first invocation is seen to wait for that.
SOURCE = """
    import os
    import time

    time.sleep(0.05)

    def handler(event, context):
        print("got", event)
        if event.get("fail"):
            raise ValueError("no")
        if event.get("exit"):
            os._exit(3)
        if event.get("large"):
            return "x" * 300_000
        return {"seen": event, "version": os.environ.get("VERSION")}
"""


class Control:
    """The control API of a server."""

    def __init__(self, url: str) -> None:
        self._url = url + "/_fogbank/invocations"

    def __call__(self, path: str = "", body: Any = None, method: str | None = None) -> Any:
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data, method=method)
        with urllib.request.urlopen(request) as reply:
            assert reply.headers["Content-Type"] == "application/json"
            return json.load(reply)

    def refused(self, path: str = "", body: Any = None, method: str | None = None) -> tuple[int, str]:
        with pytest.raises(urllib.error.HTTPError) as caught:
            self(path, body, method)
        return caught.value.code, json.load(caught.value)["error"]


@pytest.fixture
def control(server: ThreadedServer) -> Control:
    return Control(server.url)


@pytest.fixture
def scope(account: str) -> str:
    return f"aws/{account}/us-east-1"


@pytest.fixture
def invoke(client: Callable[..., Any]) -> Callable[..., str]:
    """`invoke({…})` runs the function `f` and returns the invocation's id."""
    lambda_ = client("lambda")
    deploy(lambda_, "f", SOURCE)

    def run(event: Any, **settings: Any) -> str:
        reply = lambda_.invoke(FunctionName="f", Payload=json.dumps(event), **settings)
        return reply["ResponseMetadata"]["RequestId"]

    return run


def test_an_invocation_is_shown_with_all_that_is_known(control: Control, invoke: Any, scope: str) -> None:
    context = base64.b64encode(b'{"custom": {"a": 1}}').decode()
    cold = control("/" + invoke({"n": 1}, ClientContext=context))
    assert cold["function"] == "f"
    assert cold["scope"] == scope
    assert (cold["version"], cold["contract"], cold["source"]) == ("$LATEST", "lambda", "request")
    assert (cold["status"], cold["ended"], cold["error"], cold["cut"]) == ("ok", "ok", "", [])
    assert (cold["event"], cold["event_form"], cold["event_bytes"]) == ({"n": 1}, "json", 8)
    assert cold["context"] == {"Lambda-Runtime-Client-Context": '{"custom": {"a": 1}}'}
    assert cold["payload"]["seen"] == {"n": 1}
    assert cold["cold"]
    assert cold["init_ms"] > 0
    assert cold["billed_ms"] >= cold["duration_ms"] + cold["init_ms"]
    assert cold["peak_bytes"] > 1_000_000
    texts = [line["text"] for line in cold["logs"]]
    assert any("got {'n': 1}" in text for text in texts)
    assert texts[-1].startswith(f"REPORT RequestId: {cold['id']}")
    warm = control("/" + invoke({"n": 2}))
    assert (warm["cold"], warm["init_ms"]) == (False, None)
    assert warm["began"] > cold["began"]
    assert control("/" + warm["record"]) == warm


def test_a_replay_runs_the_version_that_ran(control: Control, invoke: Any, client: Callable[..., Any]) -> None:
    lambda_ = client("lambda")
    lambda_.publish_version(FunctionName="f")
    lambda_.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    by_number, by_alias, latest = (invoke({"n": 1}, Qualifier=each) for each in ("1", "live", "$LATEST"))
    settings = {"FunctionName": "f", "Environment": {"Variables": {"VERSION": "later"}}}
    lambda_.update_function_configuration(**settings)
    for number, version, told in ((by_number, "1", None), (by_alias, "1", None), (latest, "$LATEST", "later")):
        again = control(f"/{number}/replay", method="POST")
        assert (again["version"], again["payload"]["version"], again["source"]) == (version, told, "replay")
    lambda_.delete_alias(FunctionName="f", Name="live")
    lambda_.delete_function(FunctionName="f", Qualifier="1")
    message = "The version 1 of the function f is gone."
    assert control.refused(f"/{by_number}/replay", method="POST") == (404, message)


def test_failures_say_what_happened(control: Control, invoke: Any) -> None:
    failed = control("/" + invoke({"fail": True}))
    assert (failed["status"], failed["ended"], failed["error"]) == ("error", "error", "ValueError: no")
    assert failed["payload"]["errorMessage"] == "no"
    ended = control("/" + invoke({"exit": True}))
    assert (ended["ended"], ended["exit_status"], ended["error"]) == (
        "exit",
        3,
        "The process ended with exit status 3.",
    )


def test_a_long_payload_is_cut_and_says_so(control: Control, invoke: Any) -> None:
    shown = control("/" + invoke({"large": True, "more": "y" * 300_000}))
    assert shown["cut"] == ["event", "payload", "logs"], "the function prints its event"
    assert shown["logs"][-1]["text"].startswith("REPORT")
    assert (shown["payload_bytes"], shown["payload_form"], len(shown["payload"])) == (300_002, "text", 262_144)
    assert shown["event_bytes"] > 300_000
    status, message = control.refused(f"/{shown['id']}/replay", {})
    assert (status, message) == (
        400,
        "Only the first 262144 bytes of the event are kept; send a whole one as `event`.",
    )


def test_lists_are_newest_first_filtered_and_paged(control: Control, invoke: Any, scope: str) -> None:
    ids = [invoke({"fail": number % 2 == 1}) for number in range(5)]
    mine = f"?function={scope}/f"

    def listed(query: str) -> list[str]:
        return [each["id"] for each in control(mine + query)["invocations"]]

    assert listed("") == ids[::-1]
    assert listed("&status=error") == [ids[3], ids[1]]
    assert listed("&status=ok") == [ids[4], ids[2], ids[0]]
    first = control(mine + "&limit=2")
    assert [each["id"] for each in first["invocations"]] == [ids[4], ids[3]]
    assert "event" not in first["invocations"][0]
    assert "logs" not in first["invocations"][0]
    second = control(f"{mine}&limit=2&before={first['next']}")
    assert [each["id"] for each in second["invocations"]] == [ids[2], ids[1]]
    last = control(f"{mine}&limit=2&before={second['next']}")
    assert ([each["id"] for each in last["invocations"]], last["next"]) == ([ids[0]], None)
    assert set(ids) <= {each["id"] for each in control("?function=f&limit=1000")["invocations"]}
    assert control("?function=never-deployed")["invocations"] == []


def test_whoever_waits_is_told_of_what_is_new(control: Control, invoke: Any, scope: str) -> None:
    first = control("/" + invoke({}))
    mine = f"?function={scope}/f&after="
    assert control(f"{mine}0")["invocations"][0]["id"] == first["id"]
    assert control(mine + first["record"]) == {"invocations": [], "next": first["record"]}
    assert control(mine + first["record"] + "&wait=1")["invocations"] == []
    told: list[Any] = []
    waiting = threading.Thread(target=lambda: told.append(control(f"{mine}{first['record']}&wait=20")))
    waiting.start()
    second = invoke({})
    waiting.join(10)
    assert [each["id"] for each in told[0]["invocations"]] == [second]


def test_a_replay_runs_the_function_as_it_is_now(control: Control, invoke: Any, client: Any) -> None:
    first = control("/" + invoke({"n": 1}))
    client("lambda").update_function_configuration(FunctionName="f", Environment={"Variables": {"VERSION": "2"}})
    again = control(f"/{first['id']}/replay", method="POST")
    assert again["id"] != first["id"]
    assert (again["source"], again["event"]) == ("replay", {"n": 1})
    assert again["payload"] == {"seen": {"n": 1}, "version": "2"}
    assert control("/" + again["id"]) == again
    other = control(f"/{again['id']}/replay", {"event": {"n": 3}})
    assert other["payload"]["seen"] == {"n": 3}
    as_text = control(f"/{other['id']}/replay", {"event": '{"n":  4}', "event_form": "text"})
    assert as_text["event_bytes"] == 9
    as_bytes = {"event": base64.b64encode(b'{"fail": 1}').decode(), "event_form": "base64"}
    assert control(f"/{other['id']}/replay", as_bytes)["error"] == "ValueError: no"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "truncated"),
        ({"evnt": 1}, "evnt"),
        ([], "Expected `object`"),
        ({"event": 5, "event_form": "text"}, "Expected `str`"),
        ({"event": "*", "event_form": "base64"}, "what a replay takes"),
        ({"event": 5, "event_form": "xml"}, "xml"),
    ],
)
def test_a_replay_s_body_is_checked(control: Control, invoke: Any, body: Any, words: str) -> None:
    number = invoke({})
    status, message = control.refused(f"/{number}/replay", body)
    assert status == 400
    assert words in message


def test_a_replay_of_a_function_that_is_gone_is_refused(control: Control, invoke: Any, client: Any) -> None:
    number = invoke({})
    client("lambda").delete_function(FunctionName="f")
    assert control.refused(f"/{number}/replay", method="POST") == (404, "The function f is gone.")
    assert control("/" + number)["id"] == number, "what it did stays"


@pytest.mark.parametrize(
    ("path", "method", "status", "words"),
    [
        ("?function=", "GET", 400, "function"),
        ("?function=a/", "GET", 400, "function"),
        ("?status=fine", "GET", 400, "status must be ok or error, not 'fine'"),
        ("?limit=0", "GET", 400, "limit must be a whole number from 1 to 1000, not '0'"),
        ("?limit=x", "GET", 400, "limit"),
        ("?limit=1001", "GET", 400, "limit"),
        ("?before=-1", "GET", 400, "before"),
        ("?after=99999999999999999999", "GET", 400, "after"),
        ("?after=1&before=2", "GET", 400, "exclude each other"),
        ("?wait=1", "GET", 400, "wait needs after"),
        ("?after=1&wait=31", "GET", 400, "wait"),
        ("?nonsense=1", "GET", 400, "There is no parameter nonsense"),
        ("?limit=1&limit=2", "GET", 400, "given twice"),
        ("", "DELETE", 405, "use GET"),
        ("/x", "POST", 405, "use GET"),
        ("/x", "GET", 404, "No invocation x is kept"),
        ("/x/replay", "GET", 405, "use POST"),
        ("/x/replay", "POST", 404, "No invocation x is kept"),
        ("/x/y", "GET", 404, "There is nothing at"),
        ("suffix", "GET", 404, "There is nothing at"),
        ("/%00", "GET", 404, "There is nothing at"),
    ],
)
def test_bad_requests_are_refused(control: Control, path: str, method: str, status: int, words: str) -> None:
    code, message = control.refused(path, method=method)
    assert code == status
    assert words in message


def test_whoever_asked_is_kept(control: Control, invoke: Any, client: Any, scope: str) -> None:
    invoke({}, InvocationType="Event")
    sqs = client("sqs")
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    client("lambda").create_event_source_mapping(EventSourceArn=arn, FunctionName="f")
    sqs.send_message(QueueUrl=queue, MessageBody="x")

    def sources() -> set[str]:
        return {each["source"] for each in control(f"?function={scope}/f")["invocations"]}

    wait_until(lambda: sources() == {"queue", "trigger"})


def test_a_caller_that_goes_away_leaves_a_record(control: Control, client: Any, server: Any, scope: str) -> None:
    deploy(client("lambda"), "slow", "import time\ndef handler(event, context):\n    time.sleep(3)\n")
    account = scope.split("/")[1]
    host, _, port = server.url.removeprefix("http://").partition(":")
    credential = f"Credential={account}/20260101/us-east-1/lambda/aws4_request"
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            b"POST /2015-03-31/functions/slow/invocations HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
            + f"Authorization: AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=0\r\n\r\n{{}}".encode()
        )
        time.sleep(0.2)
        # Closed without a farewell, which might mean only that nothing more is sent.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    [record] = wait_until(lambda: control(f"?function={scope}/slow")["invocations"])
    assert (record["ended"], record["status"]) == ("abandoned", "error")


def test_a_replay_of_a_busy_function_is_refused(
    control: Control, invoke: Any, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(*_: Any) -> Any:
        raise BusyError

    number = invoke({})
    monkeypatch.setattr(server.app.runner, "invoke", busy)
    assert control.refused(f"/{number}/replay", {}) == (429, "The function f is busy; try again.")


def test_attempts_of_one_invocation_are_kept_each(timed_server: Any, timed_client: Any, account: str) -> None:
    lambda_ = timed_client("lambda")
    deploy(lambda_, "f", SOURCE)
    control = Control(timed_server.url)
    lambda_.invoke(FunctionName="f", Payload=b'{"fail": 1}', InvocationType="Event")
    for attempts in (1, 2, 3):
        wait_until(lambda attempts=attempts: len(control()["invocations"]) == attempts)
        timed_server.advance(121)
    kept = control()["invocations"]
    assert len({each["id"] for each in kept}) == 1
    assert control("/" + kept[0]["id"])["record"] == kept[0]["record"]
    assert control("/" + kept[2]["record"])["began"] < kept[0]["began"]


def test_a_reset_empties_what_is_kept(timed_server: Any, timed_client: Any) -> None:
    lambda_ = timed_client("lambda")
    deploy(lambda_, "f", SOURCE)
    lambda_.invoke(FunctionName="f", Payload=b"{}")
    control = Control(timed_server.url)
    assert len(control()["invocations"]) == 1
    lambda_.invoke(FunctionName="f", Payload=b"{}")
    timed_server.reset()
    assert control()["invocations"] == []
