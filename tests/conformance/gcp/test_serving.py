"""Functions that Google's client deployed, called over HTTP."""

from __future__ import annotations

import http.client
import json
import shutil
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from fogbank.engines.telemetry import entries
from fogbank.engines.telemetry.errors import LogGroupNotFoundError
from tests.conformance.gcp.conftest import REGION, archive, deploy, function, upload
from tests.conformance.gcp.test_functions_v1 import create

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fogbank.engines.telemetry.model import Logged
    from fogbank.testing.server import ThreadedServer


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def call(url: str, path: str = "", method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
    parts = urlsplit(url)
    assert parts.hostname is not None
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    try:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, parts.path + path, body, given)
        answer = connection.getresponse()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()


@pytest.fixture
def grpc_client(make_client: Callable[..., Any]) -> Any:
    return make_client("v2", "grpc")


def log_of(server: ThreadedServer, project: str, name: str) -> list[str]:
    """Return the lines of a function's log group."""
    return [entry.text for entry in logged(server, project, name)]


def logged(server: ThreadedServer, project: str, name: str) -> list[Logged]:
    """Return the entries that a function of the second generation has in its project's logs."""

    async def read() -> list[Logged]:
        group = (f"gcp/{project}/", "_Default")
        try:
            page = await server.app.store.scan(entries.read, group, entries.Query())
        except LogGroupNotFoundError:
            return []
        return [entry for entry in page.entries if name.encode() in entry.body]

    return server.call(read())


ECHO = """
import os, sys, json
import flask, functions_framework

@functions_framework.http
def hello(request):
    told = {
        "method": request.method, "path": request.path, "url": request.url, "args": request.args.to_dict(flat=False),
        "body": request.get_data(as_text=True), "headers": {k.lower(): v for k, v in request.headers.items()},
        "environment": dict(os.environ), "cwd": os.getcwd(), "pid": os.getpid(),
    }
    response = flask.jsonify(told)
    response.status_code = int(request.args.get("status", 200))
    response.headers.add("Set-Cookie", "a=1")
    response.headers.add("Set-Cookie", "b=2")
    return response
"""


def test_a_request_and_its_answer(grpc_client: Any, parent: str, project: str, server: ThreadedServer) -> None:
    made = deploy(grpc_client, parent, "echo", ECHO, environment_variables={"A": "b"})
    answer = call(made.url, "/sub/a%20b?q=1&q=2&status=203", "POST", b"hi", X_Own="x", Content_Type="text/plain")
    assert answer.status == 203
    told = answer.json
    assert (told["method"], told["path"], told["args"]["q"], told["body"]) == ("POST", "/sub/a b", ["1", "2"], "hi")
    assert told["headers"]["x-own"] == "x"
    assert told["headers"]["x-forwarded-for"] == "127.0.0.1"
    assert told["headers"]["function-execution-id"]
    assert "/" in told["headers"]["x-cloud-trace-context"]
    environment = told["environment"]
    assert environment["A"] == "b"
    assert environment["FUNCTION_TARGET"] == "hello"
    assert environment["FUNCTION_SIGNATURE_TYPE"] == "http"
    assert environment["GOOGLE_CLOUD_PROJECT"] == project
    assert environment["K_SERVICE"] == environment["K_CONFIGURATION"] == "echo"
    assert environment["K_REVISION"] == made.service_config.revision
    assert environment["PORT"] == "8080"
    # The same over a host name, and over HTTP/2's way in there is the same handler.
    parts = urlsplit(server.url)
    host = f"{REGION}-{project}.cloudfunctions.localhost:{parts.port}"
    assert call(f"{server.url}/echo", "/x", Host=host).json["path"] == "/x"
    assert call(made.url).json["path"] == "/"


def test_errors_are_the_frameworks_own(grpc_client: Any, parent: str, project: str, server: ThreadedServer) -> None:
    code = """
import json, sys
def hello(request):
    print("on stdout")
    print(json.dumps({"severity": "WARNING", "message": "careful"}))
    print("on stderr", file=sys.stderr)
    raise ValueError("told to fail")
"""
    made = deploy(grpc_client, parent, "fails", code)
    answer = call(made.url)
    assert (answer.status, answer.headers["x-google-status"]) == (500, "crash")
    deadline = time.monotonic() + 10
    while len(lines := log_of(server, project, "fails")) < 5 and time.monotonic() < deadline:
        time.sleep(0.05)
    text = "\n".join(lines)
    assert "on stdout" in lines
    assert "careful" in lines
    assert "on stderr" in lines
    assert "ValueError: told to fail" in text
    severities = {entry.text: entry.severity for entry in logged(server, project, "fails")}
    assert severities["careful"] == 400
    assert severities["on stdout"] == 0


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [
        ("def other(request): pass", 503, "failed to start"),
        ("raise RuntimeError('at import')", 503, "RuntimeError: at import"),
        ("import os\ndef hello(request): os._exit(7)", 503, "Container called exit(7)."),
    ],
)
def test_instances_that_end(
    grpc_client: Any, parent: str, project: str, server: ThreadedServer, code: str, status: int, words: str
) -> None:
    made = deploy(grpc_client, parent, "ends", code)
    assert call(made.url).status == status
    deadline = time.monotonic() + 10
    while words not in (text := "\n".join(log_of(server, project, "ends"))) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert words in text


def test_a_function_that_takes_too_long(grpc_client: Any, parent: str) -> None:
    made = deploy(grpc_client, parent, "slow", "import time\ndef hello(request): time.sleep(30)", timeout_seconds=1)
    answer = call(made.url)
    assert (answer.status, answer.body) == (504, b"upstream request timeout")


def test_there_is_nothing_elsewhere(server: ThreadedServer, project: str) -> None:
    assert call(f"{server.url}/{REGION}-{project}/nothing").status == 404


def test_other_signatures(grpc_client: Any, parent: str) -> None:
    code = """
import functions_framework
@functions_framework.cloud_event
def hello(event):
    assert event["type"] == "fog.test", event
"""
    made = deploy(grpc_client, parent, "event", code)
    event = {"specversion": "1.0", "id": "1", "source": "//test", "type": "fog.test", "data": {}}
    answer = call(made.url, "", "POST", json.dumps(event).encode(), Content_Type="application/cloudevents+json")
    assert (answer.status, answer.body) == (200, b"OK")


def test_an_update_answers_at_once(grpc_client: Any, parent: str) -> None:
    made = deploy(grpc_client, parent, "new", "def hello(request): return 'one'")
    assert call(made.url).body == b"one"
    given = function() | {"name": made.name}
    given["build_config"]["source"] = {
        "storage_source": upload(grpc_client, parent, archive(main="def hello(request): return 'two'")).storage_source
    }
    grpc_client.update_function(request={"function": given}).result(timeout=20)
    assert call(made.url).body == b"two"
    grpc_client.delete_function(name=made.name).result(timeout=20)
    assert call(made.url).status == 404


def test_a_folder_is_run_as_it_is(grpc_client: Any, parent: str, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "main.py").write_text("import part\ndef hello(request): return part.TEXT")
    (tmp_path / "part.py").write_text("TEXT = 'one'")
    made = function()
    made["build_config"]["source"] = {"storage_source": {"bucket": "hot-reload", "object": str(tmp_path)}}
    request = {"parent": parent, "function_id": "local", "function": made}
    url = grpc_client.create_function(request=request).result(timeout=20).url
    assert call(url).body == b"one"
    (tmp_path / "part.py").write_text("TEXT = 'another'")
    assert call(url).body == b"another"
    shutil.rmtree(tmp_path)
    answer = call(url)
    assert answer.status == 503
    assert str(tmp_path).encode() in answer.body


BUSY = """
import os, threading, time
running = 0
most = 0
lock = threading.Lock()
def hello(request):
    global running, most
    with lock:
        running += 1
        most = max(most, running)
    time.sleep(float(request.args.get("seconds", "0.3")))
    with lock:
        running -= 1
    return {"most": most}
"""


def call_at_once(url: str, count: int, path: str = "") -> list[Answer]:
    answers: list[Answer] = []
    threads = [threading.Thread(target=lambda: answers.append(call(url, path))) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_an_instance_takes_several_requests(grpc_client: Any, parent: str) -> None:
    made = deploy(
        grpc_client, parent, "many", BUSY, max_instance_request_concurrency=8, available_cpu="1", max_instance_count=1
    )
    call(made.url, "?seconds=0")
    answers = call_at_once(made.url, 8)
    assert [answer.status for answer in answers] == [200] * 8
    assert max(answer.json["most"] for answer in answers) == 8


def test_one_instance_takes_one_request_after_the_other(grpc_client: Any, parent: str) -> None:
    made = deploy(grpc_client, parent, "one", BUSY, max_instance_count=1)
    answers = call_at_once(made.url, 3, "?seconds=0.1")
    assert [answer.status for answer in answers] == [200] * 3
    assert max(answer.json["most"] for answer in answers) == 1


def test_requests_that_wait_too_long_are_refused(
    grpc_client: Any, parent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fogbank.clouds.gcp.functions import serving

    monkeypatch.setattr(serving, "WAIT_SECONDS", 0.6)
    made = deploy(grpc_client, parent, "full", BUSY, max_instance_count=1)
    call(made.url, "?seconds=0")
    answers = call_at_once(made.url, 6, "?seconds=0.4")
    statuses = sorted(answer.status for answer in answers)
    assert statuses[:2] == [200, 200]
    assert statuses[-1] == 429
    assert {answer.body for answer in answers if answer.status == 429} == {b"Rate exceeded."}


def test_minimum_instances_are_started_beforehand(grpc_client: Any, parent: str, tmp_path: Path) -> None:
    code = f"import os\nopen({str(tmp_path)!r} + '/' + os.urandom(8).hex(), 'w').close()\n"
    deploy(grpc_client, parent, "ready", code + "def hello(request): return 'x'", min_instance_count=2)
    deadline = time.monotonic() + 20
    while len(list(tmp_path.iterdir())) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(list(tmp_path.iterdir())) == 2


def test_call_function(client_v1: Any, parent: str) -> None:
    code = "def hello(request):\n    return request.get_json()['name'].upper()"
    made = create(client_v1, parent, "called", code=code)
    answer = client_v1.call_function(request={"name": made.name, "data": '{"name": "fog"}'})
    assert (answer.result, answer.error) == ("FOG", "")
    assert answer.execution_id
    failed = client_v1.call_function(request={"name": made.name, "data": "{}"})
    assert "500" in failed.error
    assert call(made.https_trigger.url, "", "POST", b'{"name": "x"}', Content_Type="application/json").body == b"X"


def test_requests_are_kept_and_can_be_done_over(grpc_client: Any, parent: str, server: ThreadedServer) -> None:
    made = deploy(grpc_client, parent, "kept", ECHO)
    assert call(made.url, "/kept?a=b", "POST", b"body").status == 200
    deadline = time.monotonic() + 10
    found: list[Any] = []
    while not found and time.monotonic() < deadline:
        told = call(f"{server.url}/_fogbank/invocations").json["invocations"]
        found = [each for each in told if each["function"] == "kept"]
        time.sleep(0.05)
    whole = call(f"{server.url}/_fogbank/invocations/{found[0]['id']}").json
    assert (whole["context"]["path"], whole["context"]["query"]) == ("/kept", "a=b")
    again = call(f"{server.url}/_fogbank/invocations/{found[0]['id']}/replay", "", "POST")
    assert again.status == 200, again.body
    assert again.json["status"] == "ok"


def test_the_length_of_what_a_head_leaves_out(grpc_client: Any, parent: str) -> None:
    made = deploy(grpc_client, parent, "head", "def hello(request): return 'twelve bytes'")
    answer = call(made.url, "", "HEAD")
    assert (answer.status, answer.headers["content-length"], answer.body) == (200, "12", b"")


def test_large_bodies_both_ways(grpc_client: Any, parent: str) -> None:
    made = deploy(grpc_client, parent, "large", "def hello(request): return request.get_data()", available_memory="1Gi")
    body = bytes(range(256)) * 20_000
    answer = call(made.url, "", "POST", body, Content_Type="application/octet-stream")
    assert (answer.status, answer.body == body) == (200, True)
    assert call(made.url, "", "POST", bytes(33_554_433)).status == 413
    code = "def hello(request): return bytes(33_554_433)"
    made = deploy(grpc_client, parent, "larger", code, available_memory="1Gi")
    assert call(made.url).status == 500


def test_minimum_instances_are_started_again_with_the_server(
    make_client: Callable[..., Any], parent: str, tmp_path: Path
) -> None:
    from fogbank.settings import Settings
    from fogbank.testing.server import ThreadedServer

    marks = tmp_path / "marks"
    marks.mkdir()
    marks.chmod(0o777)
    settings = Settings(port=0, data=tmp_path / "data", shared=tmp_path)
    code = f"import os\nopen({str(marks)!r} + '/' + os.urandom(8).hex(), 'w').close()\ndef hello(request): return 'x'"
    for expected in (1, 2):
        with ThreadedServer(settings) as running:
            if expected == 1:
                deploy(make_client("v2", "grpc", running.url), parent, "again", code, min_instance_count=1)
            deadline = time.monotonic() + 20
            while len(list(marks.iterdir())) < expected and time.monotonic() < deadline:
                time.sleep(0.05)
        assert len(list(marks.iterdir())) == expected
