"""`fogbank functions`, run as users run it: listed, and a folder served while it is worked on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any, Self

import pytest

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
        assert dev.invoke("greet", {})["version"] == 2, "the last one that could be served stays"
        (folder / "app.py").write_text(SOURCE.replace('"version": 1', '"version": 3'))
        wait_until(lambda: dev.invoke("greet", {})["version"] == 3)
    assert dev.process.returncode == 0
    listed = fogbank("functions", "list", "--url", server.url)
    assert listed.stdout.splitlines()[0].split()[:2] == ["FUNCTION", "SCOPE"]
    assert "greet  " in listed.stdout, "what was served stays"
    assert json.loads(fogbank("functions", "list", "--json", "--url", server.url).stdout)[0]["name"] == "greet"
    with Dev(str(folder), "--url", server.url) as again:
        assert again.invoke("greet", {}) == {"version": 3, "mode": None}


def test_where_no_server_runs_one_is_started_and_ended(folder: Path) -> None:
    if "No Fogbank answers" not in fogbank("health", "--url", "http://127.0.0.1:4566").stderr:
        pytest.skip("a server runs at the default address")
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
    ],
)
def test_what_can_t_be_served_is_said(
    server: ServerProcess, folder: Path, arguments: tuple[str, ...], status: int, words: str
) -> None:
    failed = fogbank("functions", "dev", str(folder), "--url", server.url, *arguments)
    assert failed.returncode == status
    assert words in failed.stderr
    assert "Traceback" not in failed.stderr


@pytest.mark.parametrize(("file", "kind"), [("host.json", "Azure Functions"), ("main.py", "Google Cloud Functions")])
def test_other_clouds_folders_are_refused_by_name(tmp_path: Path, file: str, kind: str) -> None:
    (tmp_path / file).write_text("import functions_framework\n")
    failed = fogbank("functions", "dev", str(tmp_path))
    assert failed.returncode == 1
    assert f"holds {kind}; this version of `functions dev` serves folders of AWS Lambda only." in failed.stderr


def test_nothing_deployed_is_said() -> None:
    with ServerProcess("--memory") as empty:
        assert fogbank("functions", "list", "--url", empty.url).stdout == "There is no function.\n"
