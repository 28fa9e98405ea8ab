"""The Telemetry API: extensions that subscribe, and what they are sent."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from fogbank.runtimes.lambda_runtime_api.extensions.delivery import MARK
from tests.conformance.aws.extension_layers import publish_extension
from tests.conformance.aws.functions import deploy
from tests.conformance.aws.test_lambda_invoke import invoke, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Notes the events that it is sent, over HTTP or TCP.
LISTENER = """
    import socketserver, threading
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class Posts(BaseHTTPRequestHandler):
        def do_POST(self):
            for event in json.loads(self.rfile.read(int(self.headers["Content-Length"]))):
                note(event)
            self.send_response(200)
            self.end_headers()
        def log_message(self, *_):
            pass

    class Lines(socketserver.StreamRequestHandler):
        def handle(self):
            for line in self.rfile:
                note(json.loads(line))

    me = register("INVOKE")[1]["Lambda-Extension-Identifier"]
    if os.environ["PROTOCOL"] == "TCP":
        server = socketserver.TCPServer(("127.0.0.1", 0), Lines)
        destination = {"protocol": "TCP", "port": server.server_address[1]}
    else:
        server = HTTPServer(("sandbox.localdomain" if os.environ["ENCLOSED"] else "127.0.0.1", 0), Posts)
        destination = {"protocol": "HTTP", "URI": f"http://sandbox.localdomain:{server.server_address[1]}/in?a=1"}
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def subscribe(**other):
        wanted = {"schemaVersion": "2022-12-13", "types": ["platform", "function", "extension"],
                  "buffering": {"timeoutMs": 25}, "destination": destination} | other
        return call("PUT", "/2022-07-01/telemetry", wanted, Lambda_Extension_Identifier=me)

    note([status for status, _, _ in (
        subscribe(schemaVersion="2000-01-01"),
        subscribe(types=["any"]),
        subscribe(buffering={"maxItems": 1}),
        subscribe(destination={"protocol": "HTTP", "URI": "http://example.com:80"}),
        subscribe(destination={"protocol": "UDP", "port": 1}),
        call("PUT", "/2022-07-01/telemetry", {}, Lambda_Extension_Identifier="nobody"),
        call("PUT", "/2020-08-15/logs", {}, Lambda_Extension_Identifier=me),
        subscribe(),
    )])
    print("here I am", flush=True)
    ask(me)
    note(["late", subscribe()[0]])
    ask(me)
"""


@pytest.fixture
def lambda_(client: Callable[..., Any]) -> Any:
    return client("lambda")


@pytest.mark.parametrize("protocol", ["HTTP", "TCP"])
def test_an_extension_is_sent_what_it_subscribes_to(lambda_: Any, server: Any, tmp_path: Path, protocol: str) -> None:
    notes = tmp_path / "notes"
    enclosed = "1" if server.app.runner.tier.name == "B" else ""
    variables = {"NOTES": str(notes), "PROTOCOL": protocol, "ENCLOSED": enclosed}
    source = "print('early')\ndef handler(event, context):\n    print('hello')\n    return 'x'"
    layer = publish_extension(lambda_, LISTENER)
    deploy(lambda_, "f", source, Layers=[layer], Environment={"Variables": variables})
    _, reply = invoke(lambda_)
    number = reply["ResponseMetadata"]["RequestId"]

    def noted() -> list[Any] | None:
        found = [json.loads(line) for line in notes.read_text().splitlines()] if notes.exists() else []
        kinds = [each["type"] for each in found if isinstance(each, dict)]
        return found if "platform.report" in kinds and ["late", 403] in found else None

    found = wait_for(noted)
    assert [400, 400, 400, 400, 400, 403, 400, 200] in found
    events: dict[str, list[Any]] = {}
    for each in found:
        if isinstance(each, dict):
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", each["time"])
            events.setdefault(each["type"], []).append(each["record"])
    init = {"initializationType": "on-demand", "phase": "init"}
    assert events["platform.initStart"] == [{**init, "functionName": "f", "functionVersion": "$LATEST"}]
    assert events["platform.initRuntimeDone"] == [{**init, "status": "success"}]
    assert events["platform.initReport"][0]["metrics"]["durationMs"] > 0
    subscribed = {"name": "watcher", "state": "Subscribed", "types": ["platform", "function", "extension"]}
    assert events["platform.telemetrySubscription"] == [subscribed]
    assert events["platform.extension"] == [{"name": "watcher", "state": "Ready", "events": ["INVOKE"]}]
    assert events["platform.start"] == [{"requestId": number, "version": "$LATEST"}]
    (done,) = events["platform.runtimeDone"]
    assert (done["requestId"], done["status"], done["metrics"]["producedBytes"]) == (number, "success", 3)
    (report,) = events["platform.report"]
    assert (report["requestId"], report["status"]) == (number, "success")
    assert report["metrics"].keys() == {
        "durationMs", "billedDurationMs", "memorySizeMB", "maxMemoryUsedMB", "initDurationMs",
    }  # fmt: skip
    assert "hello" in events["function"]
    assert "early" in events["function"]
    assert events["extension"] == ["here I am"]
    order = [each["type"] for each in found if isinstance(each, dict) and each["type"].startswith("platform.")]
    assert order.index("platform.initStart") < order.index("platform.start") < order.index("platform.report")


def test_telemetry_does_not_open_the_control_api(lambda_: Any, server: Any, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    source = """
        me = register("INVOKE")[1]["Lambda-Extension-Identifier"]
        wanted = {"schemaVersion": "2022-12-13", "types": ["platform"], "buffering": {"timeoutMs": 25},
                  "destination": {"protocol": "HTTP", "URI": os.environ["TARGET"]}}
        note(call("PUT", "/2022-07-01/telemetry", wanted, Lambda_Extension_Identifier=me)[0])
        ask(me)
        note("told")
        ask(me)
    """
    layer = publish_extension(lambda_, source)
    variables = {"NOTES": str(notes), "TARGET": f"{server.url.replace('127.0.0.1', 'localhost')}/_fogbank/reset"}
    deploy(lambda_, "f", "def handler(event, context): return 1", Layers=[layer], Environment={"Variables": variables})
    for _ in range(2):
        invoke(lambda_)
    wait_for(lambda: notes.exists() and "told" in notes.read_text())
    assert notes.read_text().startswith("200")
    request = urllib.request.Request(f"{server.url}/_fogbank/reset", b"", {MARK.decode(): "1"}, method="POST")
    with pytest.raises(urllib.error.HTTPError, match="403"), urllib.request.urlopen(request):
        pass
    assert lambda_.get_function(FunctionName="f")["Configuration"]["FunctionName"] == "f"
