"""`fogbank functions`, run as users run it: listed, and a folder served while it is worked on."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Self

import pytest

from tests.debuggers import Dap
from tests.servers import ServerProcess, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# It takes a while to initialise, so that its first invocation is seen to wait for that.
SOURCE = """
import os
import time

time.sleep(0.05)

def handler(event, context):
    print("hello", event.get("name"))
    if "fail" in event:
        raise ValueError(event["fail"])
    return {"version": 1, "mode": os.environ.get("MODE")}
"""


class Dev:
    """`fogbank functions dev`; `lines` is what it has printed so far."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("FOGBANK_", "AWS_"))}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fogbank", "functions", "dev", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=clean | environment,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        wait_until(lambda: any("Ctrl-C ends it" in line for line in self.lines) or self.process.poll() is not None)
        self.url = self.lines[0].split()[2].rstrip(",") if self.process.poll() is None else ""

    def invoke(self, name: str, event: Any) -> Any:
        path = f"{self.url}/2015-03-31/functions/{name}/invocations"
        with urllib.request.urlopen(urllib.request.Request(path, json.dumps(event).encode())) as reply:
            return json.load(reply)

    def printed(self, text: str) -> bool:
        return any(text in line for line in self.lines)

    def stop(self, how: signal.Signals = signal.SIGINT) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
        status = self.process.wait(20)
        self._reader.join(10)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess("--memory") as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "greet"
    path.mkdir()
    (path / "app.py").write_text(SOURCE)
    return path


def fogbank(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fogbank", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_a_folder_is_served_on_a_running_server_while_it_is_worked_on(server: ServerProcess, folder: Path) -> None:
    with Dev(str(folder), "--url", server.url, "--env", "MODE=test") as dev:
        assert dev.lines[0] == f"Fogbank at {server.url}"
        assert dev.printed("greet  app.handler, python3")
        (address,) = (line.split()[-1] for line in dev.lines if line.startswith("  greet     any method  http://"))
        parts = urllib.parse.urlsplit(address)
        call = urllib.request.Request(f"{server.url}/?x=1", b"{}", {"Host": parts.netloc})
        with urllib.request.urlopen(call) as reply:
            assert json.load(reply)["version"] == 1
        assert dev.invoke("greet", {"name": "Ada"}) == {"version": 1, "mode": "test"}
        wait_until(lambda: dev.printed("    hello Ada"))
        assert any("  greet  ok  (" in line and "to start" in line for line in dev.lines)
        dev.invoke("greet", {"fail": "no"})
        wait_until(lambda: dev.printed("  greet  error: ValueError: no  ("))

        (folder / "app.py").write_text(SOURCE.replace('"version": 1', '"version": 2'))
        saved = time.monotonic()
        wait_until(lambda: dev.invoke("greet", {})["version"] == 2)
        # Less than 0.1 s where nothing else runs.
        assert time.monotonic() - saved < 5
        wait_until(lambda: dev.printed("app.py: greet updated in "))

        (folder / "app.py").write_text("def broken(")
        wait_until(lambda: dev.printed("app.py: Nothing in "))
        # The folder itself is what is served, so whoever calls is told, too.
        assert dev.invoke("greet", {})["errorType"] == "Runtime.UserCodeSyntaxError"
        (folder / "app.py").write_text(SOURCE.replace('"version": 1', '"version": 3'))
        wait_until(lambda: dev.invoke("greet", {}).get("version") == 3)
    assert dev.process.returncode == 0
    listed = fogbank("functions", "list", "--url", server.url)
    assert listed.stdout.splitlines()[0].split()[:2] == ["FUNCTION", "SCOPE"]
    assert "greet  " in listed.stdout, "what was served stays"
    assert json.loads(fogbank("functions", "list", "--json", "--url", server.url).stdout)[0]["name"] == "greet"
    with Dev(str(folder), "--url", server.url) as again:
        assert again.invoke("greet", {}) == {"version": 3, "mode": None}


def test_where_no_server_runs_one_is_started_and_ended(folder: Path) -> None:
    if "No Fogbank answers" not in fogbank("health", "--url", "http://127.0.0.1:4566").stderr:
        pytest.skip("needs port 4566: a server runs there")
    with Dev(str(folder)) as dev:
        assert dev.lines[0] == f"Fogbank at {dev.url}, in memory, for as long as this runs"
        assert dev.invoke("greet", {})["version"] == 1
        assert dev.stop(signal.SIGTERM) == 0
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(dev.url + "/_fogbank/health")


def test_a_template_s_functions_are_served_and_followed(server: ServerProcess, tmp_path: Path) -> None:
    function = "    Type: AWS::Serverless::Function\n    Properties:\n      Handler: app.handler\n      CodeUri: {}\n"
    head = f"Globals:\n  Function:\n    Runtime: python3.{sys.version_info.minor}\nResources:\n"
    template = head + "  One:\n" + function.format("one")
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "app.py").write_text(f"def handler(event, context):\n    return '{name}'\n")
    (tmp_path / "template.yaml").write_text(template)
    with Dev(str(tmp_path), "--url", server.url, AWS_ACCESS_KEY_ID="111122223333", AWS_REGION="eu-west-1") as dev:
        assert not dev.printed("curl"), "it would act for another account"
        scopes = {each["name"]: each["scope"] for each in json.loads(_list(server))}
        assert scopes["One"] == "aws/111122223333/eu-west-1"
        (tmp_path / "template.yaml").write_text(template + "  Two:\n" + function.format("two"))
        wait_until(lambda: dev.printed("template.yaml: Two updated in "))
        (tmp_path / "two" / "app.py").write_text("def handler(event, context):\n    return 2\n")
        wait_until(lambda: dev.printed("two/app.py: Two updated in "))
        (tmp_path / "template.yaml").write_text("{")
        wait_until(lambda: dev.printed("template.yaml: line 1 is not understood: {"))


def _list(server: ServerProcess) -> str:
    return fogbank("functions", "list", "--json", "--url", server.url).stdout


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("--url", "http://127.0.0.1:1"), 1, "No Fogbank answers at http://127.0.0.1:1"),
        (("--env", "x"), 2, "--env takes NAME=VALUE."),
        (("--memory-size", "1"), 2, "--memory-size"),
        (("--runtime", "cobol"), 1, "cobol"),
        (("--debug-port", "5678"), 2, "--debug-port is for --debug."),
        (("--runtime", "provided.al2023", "--handler", "x", "--debug"), 1, "can be debugged, not those of the runtime"),
    ],
)
def test_what_can_t_be_served_is_said(
    server: ServerProcess, folder: Path, arguments: tuple[str, ...], status: int, words: str
) -> None:
    failed = fogbank("functions", "dev", str(folder), "--url", server.url, *arguments)
    assert failed.returncode == status
    assert words in failed.stderr
    assert "Traceback" not in failed.stderr


GOOGLE_SOURCE = """
import functions_framework

@functions_framework.http
def say_hello(request):
    print("asked by", request.args["name"])
    return "hello " + request.args["name"]

@functions_framework.cloud_event
def on_event(event):
    print("event", event["id"])

def background(data, context):
    print("background", data["x"], context.event_type)
"""
CLOUD_EVENT = {"specversion": "1.0", "id": "e-1", "source": "//test", "type": "t", "data": {}}
BACKGROUND_EVENT = {
    "context": {"eventId": "1", "timestamp": "2026-01-01T00:00:00Z", "eventType": "kind"},
    "data": {"x": 5},
}


def test_a_folder_of_google_functions_is_served(tmp_path: Path, server: ServerProcess) -> None:
    folder = tmp_path / "greet"
    folder.mkdir()
    (folder / "main.py").write_text(GOOGLE_SOURCE)

    def call(address: str, event: Any = None) -> str:
        data = None if event is None else json.dumps(event).encode()
        request = urllib.request.Request(
            address, data, {"Content-Type": "application/cloudevents+json"} if data else {}
        )
        with urllib.request.urlopen(request) as reply:
            return reply.read().decode()

    with Dev(str(folder), "--url", server.url, GOOGLE_CLOUD_PROJECT="shop-one") as dev:
        base = f"{server.url}/us-central1-shop-one"
        assert dev.printed(f"  say-hello  any method          {base}/say-hello")
        assert dev.printed(f"  on-event   POST, a CloudEvent  {base}/on-event")
        assert call(f"{base}/say-hello?name=ada") == "hello ada"
        wait_until(lambda: dev.printed("    asked by ada"))
        call(f"{base}/on-event", CLOUD_EVENT)
        wait_until(lambda: dev.printed("    event e-1"))

        (folder / "main.py").write_text(GOOGLE_SOURCE.replace('"hello "', '"moin "'))
        saved = time.monotonic()
        wait_until(lambda: call(f"{base}/say-hello?name=ada") == "moin ada")
        # Less than 0.1 s where nothing else runs.
        assert time.monotonic() - saved < 5
        wait_until(lambda: dev.printed("main.py: say-hello, on-event updated in "))
        (folder / "main.py").write_text("def broken(")
        wait_until(lambda: dev.printed("main.py, line 1: "))
        (folder / "main.py").write_text(GOOGLE_SOURCE.replace("on_event", "on_other"))
        wait_until(lambda: dev.printed(f"  on-other   POST, a CloudEvent  {base}/on-other"))
        assert dev.stop() == 0
    with Dev(str(folder), "--url", server.url, "--target", "background", "--name", "b", "--timeout", "7") as dev:
        base = f"{server.url}/us-central1-fogbank"
        assert dev.printed(f"  b         POST, a background event  {base}/b")
        call(f"{base}/b", BACKGROUND_EVENT)
        wait_until(lambda: dev.printed("    background 5 kind"))


def test_the_server_s_refusal_of_a_google_function_is_shown(tmp_path: Path, server: ServerProcess) -> None:
    (tmp_path / "main.py").write_text(GOOGLE_SOURCE)
    failed = fogbank("functions", "dev", str(tmp_path), "--url", server.url, "--runtime", "ruby33")
    assert failed.returncode == 1
    assert "the runtime ruby33" in failed.stderr


AZURE_SOURCE = """
import logging
import azure.functions as func
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route(route="greet/{name}", methods=["GET"])
def greet(req: func.HttpRequest) -> str:
    logging.info("greeting %s", req.route_params["name"])
    return "hello " + req.route_params["name"]

@app.route(auth_level=func.AuthLevel.FUNCTION, methods=["POST", "PUT"])
def locked(req: func.HttpRequest) -> str:
    return "open"

@app.timer_trigger(schedule="0 0 3 * * *", arg_name="timer")
def nightly(timer: func.TimerRequest) -> None:
    pass
"""


def test_a_folder_of_azure_functions_is_served(tmp_path: Path, server: ServerProcess) -> None:
    folder = tmp_path / "My App"
    folder.mkdir()
    (folder / "host.json").write_text('{"version": "2.0"}')
    (folder / "local.settings.json").write_text('{"Values": {"FUNCTIONS_WORKER_RUNTIME": "python"}}')
    (folder / "function_app.py").write_text(AZURE_SOURCE)

    with Dev(str(folder), "--url", server.url) as dev:
        port = server.url.rpartition(":")[2]
        base = f"http://my-app.azurewebsites.localhost:{port}/api"
        assert dev.printed(f"  greet     GET                       {base}/greet/{{name}}")
        assert dev.printed(f"  locked    POST,PUT                  {base}/locked?code=")
        assert dev.printed("  nightly   timerTrigger 0 0 3 * * *")

        def get(path: str) -> str:
            request = urllib.request.Request(server.url + path, headers={"Host": "my-app.azurewebsites.localhost"})
            with urllib.request.urlopen(request) as reply:
                return reply.read().decode()

        assert get("/api/greet/ada") == "hello ada"
        wait_until(lambda: dev.printed("greeting ada"))
        (folder / "function_app.py").write_text(AZURE_SOURCE.replace("hello", "moin").replace("nightly", "daily"))
        wait_until(lambda: dev.printed("  daily     timerTrigger"))
        assert dev.printed("function_app.py: my-app updated in")
        assert get("/api/greet/ada") == "moin ada"
        (folder / "function_app.py").write_text("import nowhere")
        wait_until(lambda: dev.printed("Worker failed to index functions: ModuleNotFoundError"))
        (folder / "function_app.py").write_text(AZURE_SOURCE)
        wait_until(lambda: sum("  greet     GET" in line for line in dev.lines) >= 2)
        assert get("/api/greet/ada") == "hello ada"
        assert dev.stop() == 0


@pytest.mark.parametrize("arguments", [("--runtime", "python3.11"), ("--memory-size", "128"), ("--timeout", "3")])
def test_what_is_not_for_azure_functions(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "host.json").write_text("{}")
    failed = fogbank("functions", "dev", str(tmp_path), *arguments)
    assert failed.returncode == 1
    assert f"{arguments[0]} is not for Azure Functions" in failed.stderr


def test_functions_wait_for_a_debugger_while_they_are_worked_on(tmp_path: Path, server: ServerProcess) -> None:
    folder = tmp_path / "debugged"
    folder.mkdir()
    (folder / "host.json").write_text('{"version": "2.0"}')
    (folder / "function_app.py").write_text(AZURE_SOURCE)
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    waiting = f"debugged: waiting for a debugger on 127.0.0.1:{port}"

    def greet(dev: Dev) -> str:
        host = {"Host": "debugged.azurewebsites.localhost"}
        with urllib.request.urlopen(urllib.request.Request(dev.url + "/api/greet/ada", headers=host)) as reply:
            return reply.read().decode()

    with (
        ThreadPoolExecutor() as threads,
        Dev(str(folder), "--url", server.url, "--debug", "--debug-port", str(port)) as dev,
    ):
        (line,) = (line for line in dev.lines if "will wait for a debugger on" in line)
        code = line.rpartition(" ")[2]
        answer = threads.submit(greet, dev)
        wait_until(lambda: dev.printed(waiting))
        with Dap(port, str(folder), code) as dap:
            dap.break_at(str(folder / "function_app.py"), 9)
            thread, frame = dap.stopped()
            assert dap.evaluate("req.route_params['name']", frame["id"]) == "'ada'"
            dap.ask("continue", threadId=thread)
            assert answer.result(20) == "hello ada"
        (folder / "function_app.py").write_text(AZURE_SOURCE.replace("hello", "moin"))
        wait_until(lambda: dev.printed("function_app.py: debugged updated in"))
        answer = threads.submit(greet, dev)
        wait_until(lambda: dev.lines.count(waiting) == 2)
        with Dap(port, str(folder), code) as dap:
            dap.ask("configurationDone")
            assert answer.result(20) == "moin ada"
        assert dev.stop() == 0
        # Whoever worked on it is gone, and nothing waits any more.
        assert greet(dev) == "moin ada"


def test_nothing_deployed_is_said() -> None:
    with ServerProcess("--memory") as empty:
        assert fogbank("functions", "list", "--url", empty.url).stdout == "There is no function.\n"
