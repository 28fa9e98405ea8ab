"""The worker under functions-framework, in a process of its own, spoken to over its channel."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest

import fogbank
from fogbank.runtimes.inside.channel import Channel, ClosedError, encode
from fogbank.runtimes.inside.functions_framework_python import PRELOAD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.runtimes.inside.channel import Message

BOOT = """
import json, socket, sys
from fogbank.runtimes.inside import functions_framework_python
from fogbank.runtimes.inside.channel import Channel
functions_framework_python.run(Channel(socket.socket(fileno=int(sys.argv[1]))), json.loads(sys.argv[2]))
"""


class Worker:
    """A worker for code; use it as a context."""

    def __init__(self, folder: Path, code: str, target: str, concurrency: int = 1, **environment: str) -> None:
        (folder / environment.get("FUNCTION_SOURCE", "main.py")).write_text(code)
        ours, theirs = socket.socketpair()
        launch = {"handler": target, "code": str(folder), "concurrency": concurrency}
        self._socket = ours
        self.process = subprocess.Popen(
            [sys.executable, "-c", BOOT, str(theirs.fileno()), json.dumps(launch)],
            pass_fds=[theirs.fileno()],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(fogbank.__file__).parents[1]), **environment},
        )
        theirs.close()
        self.channel = Channel(ours)
        self.output = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self.output, _ = self.process.communicate(timeout=20)

    def send(
        self, number: str, method: str = "GET", path: str = "/", query: str = "", body: bytes = b"", **headers: str
    ) -> None:
        pairs = [["host", "fog.test:8080"], *([name.replace("_", "-"), value] for name, value in headers.items())]
        context = {"method": method, "path": path, "query": query, "headers": pairs}
        head = {"kind": "invoke", "id": number, "deadline_ms": 0, "context": context}
        self._socket.sendall(encode(head, body))

    def ask(self, *arguments: str, **settings: Any) -> Message:
        self.send("1", *arguments, **settings)
        return self.channel.receive()


def ready(worker: Worker) -> Worker:
    message = worker.channel.receive()
    assert message.head["kind"] == "ready", message
    return worker


def test_http(tmp_path: Path) -> None:
    code = """
import flask, functions_framework
@functions_framework.http
def f(request):
    told = {"method": request.method, "url": request.url, "path": request.path, "args": request.args.to_dict(),
            "body": request.get_data(as_text=True), "x": request.headers.get("X-A"), "remote": request.remote_addr}
    return flask.jsonify(told), 201, {"X-Reply": "yes"}
"""
    with ready(Worker(tmp_path, code, "f")) as worker:
        reply = worker.ask("POST", "/a%20b/c", query="q=1", body=b"hi", x_a="b", x_forwarded_for="10.1.1.1")
    assert reply.head["kind"] == "result"
    assert reply.head["id"] == "1"
    head = reply.head["head"]
    assert head["status"] == 201
    assert ["X-Reply", "yes"] in head["headers"]
    assert json.loads(reply.body) == {
        "method": "POST",
        "url": "http://fog.test:8080/a%20b/c?q=1",
        "path": "/a b/c",
        "args": {"q": "1"},
        "body": "hi",
        "x": "b",
        "remote": "10.1.1.1",
    }


def test_a_function_without_a_decorator_and_one_that_fails(tmp_path: Path) -> None:
    code = """
def f(request):
    print("printed")
    if request.path == "/fail":
        raise ValueError("told to")
    return "fine"
"""
    with ready(Worker(tmp_path, code, "f")) as worker:
        assert worker.ask().body == b"fine"
        failed = worker.ask("GET", "/fail")
        assert worker.ask().body == b"fine"
    assert failed.head["head"]["status"] == 500
    assert ["X-Google-Status", "crash"] in failed.head["head"]["headers"]
    assert "printed" in worker.output
    assert "ValueError: told to" in worker.output


def test_cloudevents(tmp_path: Path) -> None:
    code = """
import functions_framework
@functions_framework.cloud_event
def f(event):
    print("got", event["type"], event.data, flush=True)
"""
    event = {"specversion": "1.0", "id": "1", "source": "//test", "type": "fog.test", "data": {"a": 1}}
    with ready(Worker(tmp_path, code, "f")) as worker:
        body = json.dumps(event).encode()
        reply = worker.ask("POST", body=body, content_type="application/cloudevents+json")
        binary = worker.ask(
            "POST", body=b'{"a": 2}', content_type="application/json", ce_specversion="1.0", ce_id="2", ce_source="/x",
            ce_type="fog.binary",
        )  # fmt: skip
        bad = worker.ask("POST", body=b"{}", content_type="application/cloudevents+json")
    assert (reply.head["head"]["status"], reply.body) == (200, b"OK")
    assert binary.head["head"]["status"] == 200
    assert bad.head["head"]["status"] == 400
    assert "got fog.test {'a': 1}" in worker.output
    assert "got fog.binary {'a': 2}" in worker.output


def test_background_events(tmp_path: Path) -> None:
    code = """
def f(data, context):
    print("got", data, context.event_type, flush=True)
"""
    message = {"data": base64.b64encode(b"x").decode()}
    context = {"eventId": "1", "timestamp": "2026-01-01T00:00:00Z", "eventType": "google.pubsub.topic.publish"}
    with ready(Worker(tmp_path, code, "f", FUNCTION_SIGNATURE_TYPE="event")) as worker:
        body = json.dumps({"context": {**context, "resource": "projects/p/topics/t"}, "data": message}).encode()
        reply = worker.ask("POST", body=body, content_type="application/json")
    assert (reply.head["head"]["status"], reply.body) == (200, b"OK")
    assert "google.pubsub.topic.publish" in worker.output


def test_typed(tmp_path: Path) -> None:
    code = """
import functions_framework
class Sum:
    def __init__(self, a, b): self.a, self.b = a, b
    @staticmethod
    def from_dict(d): return Sum(d["a"], d["b"])
    def to_dict(self): return {"sum": self.a + self.b}
@functions_framework.typed(Sum)
def f(given):
    return given
"""
    with ready(Worker(tmp_path, code, "f")) as worker:
        reply = worker.ask("POST", body=b'{"a": 1, "b": 2}', content_type="application/json")
    assert json.loads(reply.body) == {"sum": 3}


def test_requests_at_the_same_time(tmp_path: Path) -> None:
    code = """
import threading
together = threading.Barrier(4)
def f(request):
    together.wait(10)
    return request.path
"""
    with ready(Worker(tmp_path, code, "f", concurrency=4)) as worker:
        for _ in range(3):
            for number in range(4):
                worker.send(str(number), "GET", f"/{number}")
            replies = [worker.channel.receive() for _ in range(4)]
            assert {(reply.head["id"], reply.body) for reply in replies} == {
                (str(number), f"/{number}".encode()) for number in range(4)
            }


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("def g(request): pass", "MissingTargetException", "'f'"),
        ("f = 1", "InvalidTargetTypeException", "type function"),
        ("raise RuntimeError('at import')", "RuntimeError", "at import"),
        ("import sys; sys.exit(3)", "SystemExit", "3"),
        ("def f(:", "SyntaxError", "invalid syntax"),
    ],
)
def test_code_that_cannot_be_loaded(tmp_path: Path, code: str, kind: str, words: str) -> None:
    with Worker(tmp_path, code, "f") as worker:
        message = worker.channel.receive()
        with pytest.raises(ClosedError):
            worker.channel.receive()
    assert (message.head["kind"], message.head["error_type"]) == ("init_error", kind)
    assert words in json.loads(message.body)["errorMessage"]
    assert kind in worker.output


@pytest.mark.parametrize("concurrency", [1, 2])
def test_a_function_may_end_its_instance(tmp_path: Path, concurrency: int) -> None:
    with ready(Worker(tmp_path, "import sys\ndef f(request): sys.exit(7)", "f", concurrency)) as worker:
        worker.send("1")
        with pytest.raises(ClosedError):
            worker.channel.receive()
    assert worker.process.returncode == 7


def test_another_source_file(tmp_path: Path) -> None:
    code = "def f(request): return __file__"
    with ready(Worker(tmp_path, code, "f", FUNCTION_SOURCE="other.py")) as worker:
        assert worker.ask().body.endswith(b"/other.py")


def test_what_a_zygote_imports_starts_nothing_and_is_all_there_is(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("def f(request): return 'x'")
    program = f"""
import importlib, json, os, sys, threading, time
for name in {PRELOAD!r}: importlib.import_module(name)
assert threading.active_count() == 1
links = (os.path.join("/proc/self/fd", each) for each in os.listdir("/proc/self/fd"))
assert not [each for each in links if os.path.exists(each) and os.readlink(each).startswith("socket:")]
from pathlib import Path
from fogbank.runtimes.inside import functions_framework_python as worker
began = time.perf_counter()
app = worker.load(Path({str(tmp_path)!r}), "f")
context = {{"method": "GET", "path": "/", "query": "", "headers": []}}
print(worker.answer(app, context, b""), (time.perf_counter() - began) * 1000)
"""
    environment: Mapping[str, str] = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(Path(fogbank.__file__).parents[1]),
    }
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True, env=dict(environment)
    )
    assert done.returncode == 0, done.stderr
    assert "b'x'" in done.stdout
    assert time.monotonic() - began < 60
    print(done.stdout)
