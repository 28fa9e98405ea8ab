"""Functions of all three clouds wait for a debugger, and have all the time that somebody takes who debugs them."""

from __future__ import annotations

import json
import shutil
import socket
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from fogbank.cli.dev.azure_api import AzureApi
from fogbank.cli.dev.google_api import GoogleApi
from fogbank.cli.dev.google_functions import read_functions
from fogbank.cli.dev.lambda_api import FUNCTIONS, LambdaApi
from fogbank.cli.dev.projects import Given, read_project
from fogbank.runtimes import debugging
from fogbank.settings import Settings
from fogbank.testing.server import ThreadedServer
from tests.debuggers import Dap, Inspector

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# A call is answered only when its debugger says so, if one ever does.
SECONDS_MAX = 60
# The breakpoint is in the line that returns.
LAMBDA = """\
loaded = "yes"

def handler(event, context):
    double = event["n"] * 2
    return {"double": double, "left_ms": context.get_remaining_time_in_millis()}
"""
GOOGLE = """\
import functions_framework

@functions_framework.http
def greet(request):
    double = int(request.args["n"]) * 2
    return {"double": double}
"""
AZURE = """\
import azure.functions as func
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route()
def greet(req):
    double = int(req.params["n"]) * 2
    return str(double)
"""
NODE = """\
export const handler = async (event) => {
  const double = event.n * 2;
  return { double };
};
"""


@pytest.fixture(scope="module")
def timed(shared: Path) -> Iterator[ThreadedServer]:
    """A server whose clock stands still until it is advanced."""
    with ThreadedServer(Settings(port=0, memory=True, shared=shared), frozen_at_us=1_795_348_800_000_000) as running:
        yield running


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as pool:
        yield pool


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


class Debug:
    """The endpoint of debugging, for one function."""

    def __init__(self, server: ThreadedServer, function: str) -> None:
        self._url = f"{server.url}/_fogbank/debug"
        self._function = function

    def __call__(self, method: str, query: str = "", **body: Any) -> Any:
        url = self._url if body else f"{self._url}?function={quote(self._function, safe='')}{query}"
        data = json.dumps({"function": self._function, **body}).encode() if body else None
        with urllib.request.urlopen(urllib.request.Request(url, data, method=method)) as reply:
            return json.load(reply)

    def refused(self, method: str, query: str = "", **body: Any) -> tuple[int, str]:
        with pytest.raises(urllib.error.HTTPError) as caught:
            self(method, query, **body)
        with caught.value as error:
            return error.code, json.load(error)["error"]

    def waits(self, count: int) -> None:
        """Wait until that many instances have begun to wait for a debugger."""
        assert self("GET", f"&after={count - 1}&wait=20")["waits"] == count


def call(url: str, body: Any = None, **headers: str) -> Any:
    request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=SECONDS_MAX) as reply:
        return json.load(reply)


def code_in(server: ThreadedServer, folder: Path, inside: str) -> str:
    """Return where a function sees its folder."""
    return inside if server.app.runner.tier.name == "B" else str(folder)


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return folder


def deploy(server: ThreadedServer, folder: Path) -> tuple[Debug, str]:
    """Make the Lambda function of a folder; returns what debugs it and what invokes it."""
    api = LambdaApi(server.url)
    (spec,) = read_project(folder, Given(timeout_seconds=1)).functions
    api.publish(spec)
    return Debug(server, f"{api.scope}/{spec.name}"), f"{server.url}{FUNCTIONS}/{spec.name}/invocations"


def test_a_python_function_is_debugged_for_longer_than_it_may_run(
    timed: ThreadedServer, tmp_path: Path, threads: ThreadPoolExecutor, port: int
) -> None:
    folder = write(tmp_path / "lambda-python", app__py=LAMBDA)
    debug, url = deploy(timed, folder)
    assert call(url, {"n": 1})["double"] == 2
    told = {"host": "127.0.0.1", "port": port, "code": code_in(timed, folder, "/var/task")}
    assert debug("POST", port=port) == told
    answers = [threads.submit(call, url, {"n": 21})]
    debug.waits(1)
    # Neither the initialisation nor the instance's idleness ends by the clock.
    timed.advance(3_600)
    with Dap(port, str(folder), code_in(timed, folder, "/var/task")) as dap:
        dap.break_at(str(folder / "app.py"), 5)
        thread, frame = dap.stopped()
        assert frame["source"]["path"] == str(folder / "app.py")
        assert dap.evaluate("double, loaded", frame["id"]) == "(42, 'yes')"
        # A second one waits for the same instance.
        answers.append(threads.submit(call, url, {"n": 3}))
        timed.advance(12 * 3_600)
        dap.ask("continue", threadId=thread)
        first = answers[0].result(20)
        assert first["double"] == 42
        assert first["left_ms"] > 1_000
        thread, frame = dap.stopped()
        assert dap.evaluate("event", frame["id"]) == "{'n': 3}"
        dap.ask("continue", threadId=thread)
        assert answers[1].result(20)["double"] == 6
        dap.ask("disconnect")
    # It is still there, and one can attach again.
    timed.advance(7 * 3_600)
    assert call(url, {"n": 4})["double"] == 8
    with Dap(port, str(folder), code_in(timed, folder, "/var/task")) as dap:
        dap.break_at(str(folder / "app.py"), 5)
        answer = threads.submit(call, url, {"n": 5})
        dap.stopped()
        # What is saved ends what is debugged.
        write(folder, app__py=LAMBDA.replace("* 2", "* 3"))
        later = threads.submit(call, url, {"n": 5})
        with pytest.raises(KeyError):
            answer.result(20)["double"]
    debug.waits(2)
    assert debug("DELETE") == {"debugging": False}
    assert later.result(20)["errorType"] == "Runtime.ExitError"
    assert call(url, {"n": 5})["double"] == 15
    assert debug.refused("DELETE") == (409, "The function lambda-python is not debugged.")
    assert debug.refused("GET") == (409, "The function lambda-python is not debugged.")


def test_a_node_function_is_debugged(
    server: ThreadedServer, tmp_path: Path, threads: ThreadPoolExecutor, port: int
) -> None:
    if shutil.which("node") is None:
        pytest.skip("needs Node: there is none on PATH")
    folder = write(tmp_path / "lambda-node", index__mjs=NODE)
    debug, url = deploy(server, folder)
    debug("POST", port=port)
    answer = threads.submit(call, url, {"n": 21})
    debug.waits(1)
    with Inspector(port) as inspector:
        inspector.event("Debugger.paused")
        script = f"file://{code_in(server, folder, '/var/task')}/index.mjs"
        inspector.ask("Debugger.setBreakpointByUrl", url=script, lineNumber=2)
        inspector.ask("Debugger.resume")
        frame = inspector.event("Debugger.paused")["callFrames"][0]["callFrameId"]
        value = inspector.ask("Debugger.evaluateOnCallFrame", callFrameId=frame, expression="double")
        assert value["result"]["value"] == 42
        inspector.ask("Debugger.resume")
        assert answer.result(20) == {"double": 42}
    debug("DELETE")


def test_a_google_function_is_debugged(
    server: ThreadedServer, tmp_path: Path, threads: ThreadPoolExecutor, port: int
) -> None:
    folder = write(tmp_path / "google", main__py=GOOGLE)
    api = GoogleApi(server.url, "debug-test")
    (function,) = read_functions(folder, Given())
    api.publish(function, folder, Given())
    debug = Debug(server, f"{api.scope}/{function.name}")
    debug("POST", port=port)
    answer = threads.submit(call, f"{api.address(function)}?n=21")
    debug.waits(1)
    with Dap(port, str(folder), code_in(server, folder, "/workspace")) as dap:
        dap.break_at(str(folder / "main.py"), 6)
        thread, frame = dap.stopped()
        assert dap.evaluate("double", frame["id"]) == "42"
        dap.ask("continue", threadId=thread)
        assert answer.result(20) == {"double": 42}
    debug("DELETE")


def test_an_azure_function_is_debugged(
    server: ThreadedServer, tmp_path: Path, threads: ThreadPoolExecutor, port: int
) -> None:
    folder = write(tmp_path / "azure", host__json='{"version": "2.0"}', function_app__py=AZURE)
    api = AzureApi(server.url)
    api.publish("debug-test", folder, {})
    assert len(api.functions("debug-test")) == 1
    debug = Debug(server, f"{api.scope}/debug-test")
    debug("POST", port=port)
    host = {"Host": "debug-test.azurewebsites.localhost"}
    answer = threads.submit(lambda: call(f"{server.url}/api/greet?n=21", **host))
    debug.waits(1)
    with Dap(port, str(folder), code_in(server, folder, "/home/site/wwwroot")) as dap:
        dap.break_at(str(folder / "function_app.py"), 7)
        thread, frame = dap.stopped()
        assert dap.evaluate("double", frame["id"]) == "42"
        dap.ask("continue", threadId=thread)
        assert answer.result(20) == 42
    debug("DELETE")


def test_what_can_t_be_debugged(
    server: ThreadedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, port: int
) -> None:
    folder = write(tmp_path / "lambda-custom", bootstrap="#!/bin/sh\n")
    debug, _ = deploy(server, folder)
    assert debug.refused("POST", port=port) == (
        409,
        "Functions in Python and Node.js can be debugged, not those of the runtime provided.al2023.",
    )
    debug, _ = deploy(server, write(tmp_path / "lambda-plain", app__py=LAMBDA))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        status, text = debug.refused("POST", port=number)
    assert (status, text) == (409, f"Something listens on 127.0.0.1:{number} already; choose another port.")
    assert debug.refused("POST", port=1)[0] == 400
    assert debug.refused("POST", port="x")[0] == 400
    assert Debug(server, "aws/1/x/gone").refused("POST", port=port) == (404, "There is no function gone in aws/1/x.")
    assert Debug(server, "gone").refused("GET")[0] == 400
    assert debug.refused("PUT", port=port)[0] == 405
    monkeypatch.setattr(debugging.debugged, "find_spec", lambda _: None)
    status, text = debug.refused("POST", port=port)
    assert status == 409
    assert text.endswith("pip install 'fogbank[debug]'.")
