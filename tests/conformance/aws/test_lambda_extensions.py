"""Lambda extensions: programs in layers, and threads of the function, beside runtimes of every kind."""

from __future__ import annotations

import json
import shutil
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import pytest

from tests.conformance.aws.extension_layers import PROLOGUE, publish_extension
from tests.conformance.aws.functions import deploy
from tests.conformance.aws.test_lambda_invoke import invoke, log_of, wait_for
from tests.conformance.aws.test_lambda_runtimes import BOOTSTRAP, create

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fogbank.testing.server import ThreadedServer

node = pytest.mark.skipif(shutil.which("node") is None, reason="needs Node: there is none on PATH")
ruby = pytest.mark.skipif(shutil.which("ruby") is None, reason="needs Ruby: apt install ruby")
curl = pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl: there is none on PATH")

# Notes whatever it is told, until the end.
WATCHER = """
    status, headers, told = register("INVOKE", "SHUTDOWN", Lambda_Extension_Accept_Feature="accountId")
    note(["registered", status, told])
    me = headers["Lambda-Extension-Identifier"]
    while True:
        _, headers, event = ask(me)
        assert headers["Lambda-Extension-Event-Identifier"]
        note(event)
        if event["eventType"] == "SHUTDOWN":
            sys.exit()
"""


@pytest.fixture
def lambda_(client: Callable[..., Any]) -> Any:
    return client("lambda")


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return tmp_path / "notes"


def read(notes: Path) -> list[Any]:
    return [json.loads(line) for line in notes.read_text().splitlines()] if notes.exists() else []


def beside(client: Any, notes: Path, source: str = WATCHER, **settings: Any) -> dict[str, Any]:
    """Return the settings of a function that has an extension."""
    layer = publish_extension(client, source)
    return {"Layers": [layer], "Environment": {"Variables": {"NOTES": str(notes)}}, **settings}


def told_of(invocations: int, notes: Path) -> list[Any]:
    """Return what was noted once so many invocations were."""
    return wait_for(lambda: found if len(found := read(notes)) > invocations else None)


def events_of(kind: str, count: int, notes: Path) -> list[Any]:
    """Return the events of a kind that were noted, once there are so many."""

    def noted() -> list[Any] | None:
        found = [each for each in read(notes) if isinstance(each, dict) and each["eventType"] == kind]
        return found if len(found) >= count else None

    return wait_for(noted)


def test_an_extension_hears_of_invocations_and_of_the_end(lambda_: Any, account: str, notes: Path) -> None:
    made = deploy(lambda_, "f", "def handler(event, context): return context.aws_request_id", **beside(lambda_, notes))
    ids = [invoke(lambda_)[0] for _ in range(2)]
    events = events_of("INVOKE", 2, notes)
    # An instance is busy until its extensions ask for more: the second call may have made a second one.
    registered = [each for each in read(notes) if isinstance(each, list)]
    facts = {"functionName": "f", "functionVersion": "$LATEST", "handler": "app.handler", "accountId": account}
    assert registered in ([["registered", 200, facts]], [["registered", 200, facts]] * 2)
    assert sorted(event["requestId"] for event in events) == sorted(ids)
    for event in events:
        assert event["invokedFunctionArn"] == made["FunctionArn"]
        assert event["deadlineMs"] > 1_700_000_000_000
        assert event["tracing"]["type"] == "X-Amzn-Trace-Id"
    lambda_.delete_function(FunctionName="f")
    ends = events_of("SHUTDOWN", len(registered), notes)
    assert [end["shutdownReason"] for end in ends] == ["spindown"] * len(registered)


def test_a_runtime_that_has_extensions_gets_a_signal_at_the_end(lambda_: Any, notes: Path) -> None:
    source = """
        import os, signal, sys
        def end(*_):
            with open(os.environ["NOTES"], "a") as file:
                file.write('"signal"\\n')
            sys.exit()
        signal.signal(signal.SIGTERM, end)
        def handler(event, context): return 1
    """
    deploy(lambda_, "f", source, **beside(lambda_, notes))
    assert invoke(lambda_)[0] == 1
    lambda_.delete_function(FunctionName="f")
    assert told_of(3, notes)[-1] == "signal"


@node
def test_extensions_beside_node(lambda_: Any, notes: Path) -> None:
    create(lambda_, "nodejs20.x", {"index.js": "exports.handler = async () => 1;"}, **beside(lambda_, notes))
    assert invoke(lambda_)[0] == 1
    assert told_of(1, notes)[1]["eventType"] == "INVOKE"


@node
def test_a_node_that_was_started_before_its_function_finds_the_apis(lambda_: Any, notes: Path) -> None:
    source = """
        import fs from "node:fs";
        const api = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2020-01-01/extension`;
        const registered = await fetch(`${api}/register`, {
          method: "POST", headers: { "Lambda-Extension-Name": "inner" }, body: JSON.stringify({ events: ["INVOKE"] }),
        });
        const me = { "Lambda-Extension-Identifier": registered.headers.get("Lambda-Extension-Identifier") };
        (async () => {
          for (;;) {
            const event = await (await fetch(`${api}/event/next`, { headers: me })).json();
            fs.appendFileSync(process.env.NOTES, JSON.stringify(event) + "\\n");
          }
        })();
        export const handler = async () => registered.status;
    """
    create(lambda_, "nodejs20.x", {"index.mjs": source}, Environment={"Variables": {"NOTES": str(notes)}})
    assert invoke(lambda_)[0] == 200
    wait_for(notes.exists)
    invoke(lambda_)
    assert [event["eventType"] for event in told_of(1, notes)] == ["INVOKE"] * 2


@ruby
def test_extensions_beside_ruby(lambda_: Any, notes: Path) -> None:
    source = "def handler(event:, context:) = 1"
    create(lambda_, "ruby3.3", {"app.rb": source}, handler="app.handler", **beside(lambda_, notes))
    assert invoke(lambda_)[0] == 1
    assert told_of(1, notes)[1]["eventType"] == "INVOKE"


@curl
def test_extensions_beside_a_custom_runtime(lambda_: Any, notes: Path) -> None:
    create(lambda_, "provided.al2023", {"bootstrap": BOOTSTRAP}, handler="any", **beside(lambda_, notes))
    assert invoke(lambda_, 1)[0] == {"echo": 1}
    assert told_of(1, notes)[1]["eventType"] == "INVOKE"


def test_the_next_invocation_waits_for_the_extension_and_the_reply_does_not(
    lambda_: Any, notes: Path, tmp_path: Path
) -> None:
    source = """
        import time
        me = register("INVOKE")[1]["Lambda-Extension-Identifier"]
        while True:
            event = ask(me)[2]
            while not os.path.exists(os.environ["NOTES"] + "-go-on"):
                time.sleep(0.002)
            note(event["requestId"])
    """
    handler = """
        import os
        def handler(event, context):
            path = os.environ["NOTES"]
            return open(path).read() if os.path.exists(path) else "nothing yet"
    """
    deploy(lambda_, "f", handler, **beside(lambda_, notes, source))
    lambda_.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=1)
    first, reply = invoke(lambda_)
    assert first == "nothing yet"
    (tmp_path / "notes-go-on").touch()
    wait_for(notes.exists)

    def again() -> Any:
        try:
            return invoke(lambda_)
        except lambda_.exceptions.TooManyRequestsException:
            # The extension is about to ask for its next event.
            return None

    second, _ = wait_for(again)
    assert reply["ResponseMetadata"]["RequestId"] in second


def test_a_timeout_is_told_to_the_extension(lambda_: Any, notes: Path) -> None:
    source = "def handler(event, context):\n    while True: pass"
    deploy(lambda_, "f", source, **beside(lambda_, notes, Timeout=1))
    assert invoke(lambda_)[0]["errorType"] == "Sandbox.Timedout"
    *_, last = told_of(2, notes)
    assert last["shutdownReason"] == "timeout"


def test_the_runtime_s_end_is_told_to_the_extension(lambda_: Any, notes: Path) -> None:
    deploy(lambda_, "f", "import os\ndef handler(event, context): os._exit(3)", **beside(lambda_, notes))
    assert invoke(lambda_)[0]["errorMessage"].endswith("exit status 3")
    *_, last = told_of(2, notes)
    assert (last["eventType"], last["shutdownReason"]) == ("SHUTDOWN", "failure")


@pytest.mark.parametrize(
    ("source", "mode", "kind"),
    [
        ("sys.exit(1)", 0o755, "Extension.Crash"),
        ("", 0o644, "Runtime.LaunchError"),
        (
            """
            me = register("INVOKE")[1]["Lambda-Extension-Identifier"]
            print(call("POST", "/2020-01-01/extension/init/error", {"errorMessage": "no", "errorType": "Extension.No"},
                Lambda_Extension_Identifier=me, Lambda_Extension_Function_Error_Type="Extension.No"), flush=True)
            """,
            0o755,
            "Extension.No",
        ),
    ],
)
def test_extensions_that_do_not_start(lambda_: Any, notes: Path, source: str, mode: int, kind: str) -> None:
    layer = publish_extension(lambda_, source, mode=mode)
    variables = {"Variables": {"NOTES": str(notes)}}
    handler = "def handler(event, context): return 1"
    deploy(lambda_, "f", handler, Layers=[layer], Environment=variables, Timeout=1)
    payload, reply = invoke(lambda_)
    assert (payload["errorType"], reply["FunctionError"]) == (kind, "Unhandled")


def test_an_extension_that_ends_takes_the_instance_with_it(lambda_: Any, notes: Path) -> None:
    source = """
        me = register("INVOKE")[1]["Lambda-Extension-Identifier"]
        ask(me)
        note("ended")
    """
    handler = "import time\nBEGAN = time.time_ns()\ndef handler(event, context): return BEGAN"
    deploy(lambda_, "f", handler, **beside(lambda_, notes, source, Timeout=30))
    first, _ = invoke(lambda_)
    told_of(0, notes)
    second = wait_for(lambda: began if (began := invoke(lambda_)[0]) != first else None)
    assert isinstance(second, int) or second["errorType"] == "Extension.Crash"


def test_an_internal_extension_registers_from_within(lambda_: Any, notes: Path) -> None:
    source = (
        PROLOGUE
        + """
    # Finds the API by AWS_LAMBDA_RUNTIME_API.
    import threading
    refusals = [register("SHUTDOWN", name="inner")[2]["errorType"], register("INVOKE", name="")[2]["errorType"]]
    me = register("INVOKE", name="inner")[1]["Lambda-Extension-Identifier"]
    refusals.append(register("INVOKE", name="inner")[2]["errorType"])
    refusals.append(ask("nobody")[2]["errorType"])
    refusals.append(call("GET", "/2020-01-01/extension/event/next")[2]["errorType"])
    def watch():
        while True:
            note(ask(me)[2]["eventType"])
    threading.Thread(target=watch, daemon=True).start()
    def handler(event, context):
        return refusals + [register("INVOKE", name="late")[2]["errorType"]]
    """
    )
    deploy(lambda_, "f", source, Environment={"Variables": {"NOTES": str(notes)}})
    assert invoke(lambda_)[0] == [
        "Extension.InvalidEventType",
        "Extension.InvalidExtensionName",
        "Extension.AlreadyRegistered",
        "Extension.UnknownExtensionIdentifier",
        "Extension.MissingExtensionIdentifier",
        "Extension.RegistrationClosed",
    ]
    assert told_of(0, notes) == ["INVOKE"]


def test_the_apis_answer_nobody_but_the_instance(lambda_: Any, server: ThreadedServer) -> None:
    deploy(lambda_, "f", "import os\ndef handler(event, context): return os.environ['AWS_LAMBDA_RUNTIME_API']")
    api, _ = invoke(lambda_)
    assert api != server.url.removeprefix("http://")
    for path in ("/2020-01-01/extension/register", "/2022-07-01/telemetry"):
        connection = HTTPConnection(api)
        connection.request("POST", path, b"{}", {"Lambda-Extension-Name": "f"})
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["errorType"]) == (403, "Forbidden")
        connection.close()


def test_what_an_extension_prints_is_in_the_log_and_its_environment_is_not_the_runtime_s(
    lambda_: Any, notes: Path
) -> None:
    source = """
        print("extension:", sorted(os.environ), flush=True)
        me = register("INVOKE")[1]["Lambda-Extension-Identifier"]
        while True:
            ask(me)
    """
    deploy(lambda_, "f", "def handler(event, context): return 1", **beside(lambda_, notes, source))
    log = log_of(invoke(lambda_, LogType="Tail")[1])
    assert "'AWS_LAMBDA_RUNTIME_API'" in log
    assert "'AWS_SECRET_ACCESS_KEY'" in log
    assert "'_HANDLER'" not in log
