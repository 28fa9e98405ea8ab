"""Functions in Node.js, under Google's own functions-framework out of their node_modules."""

from __future__ import annotations

import io
import json
import shutil
import socket
import subprocess
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from google.api_core.exceptions import GoogleAPICallError

from fogbank.runtimes import nursery
from fogbank.runtimes.functions_framework.contract import NODE_WORKER
from fogbank.runtimes.inside.channel import Channel, encode
from tests.conformance.gcp.conftest import function, upload
from tests.conformance.gcp.test_functions_v1 import create as create_v1
from tests.conformance.gcp.test_serving import call, call_at_once, log_of, logged
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.testing.server import ThreadedServer

JS = Path(__file__).parent / "js"
STUB = """#!/bin/sh
echo "$@" > arguments
[ -f refuse ] && echo "npm error 404 Not Found: $(cat refuse)" && exit 1
mkdir -p node_modules/@google-cloud/functions-framework
echo '{"bin": {"functions-framework": "main.js"}}' > node_modules/@google-cloud/functions-framework/package.json
cat > node_modules/@google-cloud/functions-framework/main.js <<'END'
const http = require("node:http");
const answer = require(process.cwd())[process.env.FUNCTION_TARGET];
http.createServer((request, response) => response.end(answer())).listen(process.env.PORT);
END
"""


@pytest.fixture(scope="module", autouse=True)
def _toolchain() -> None:
    if shutil.which("node") is None:
        pytest.skip("needs Node: there is none on PATH")
    if not (JS / "node_modules").is_dir():
        pytest.skip("needs Node: the packages of tests/conformance/gcp/js are not installed (make toolchains)")


@pytest.fixture
def grpc_client(make_client: Callable[..., Any]) -> Any:
    return make_client("v2", "grpc")


@pytest.fixture
def deploy(grpc_client: Any, parent: str) -> Callable[..., Any]:
    """`deploy("echo")` makes a function of that name, and target, from the folder `js`."""

    def make(
        name: str, file: str = "functions/http.js", runtime: str = "nodejs20", function_id: str = "", **settings: Any
    ) -> Any:
        made = function(runtime, name, **settings)
        made["build_config"]["source"] = {"storage_source": {"bucket": "hot-reload", "object": str(JS)}}
        made["build_config"]["environment_variables"] = {"GOOGLE_FUNCTION_SOURCE": file}
        request = {"parent": parent, "function_id": function_id or name.lower(), "function": made}
        return grpc_client.create_function(request=request).result(timeout=60)

    return make


@pytest.fixture
def deploy_archive(grpc_client: Any, parent: str) -> Callable[..., Any]:
    """`deploy_archive(files)` makes a function `hello` from an archive."""

    def make(files: dict[str, str]) -> Any:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as zipped:
            for name, text in files.items():
                zipped.writestr(name, text)
        made = function("nodejs20", "hello")
        source = upload(grpc_client, parent, buffer.getvalue()).storage_source
        made["build_config"]["source"] = {"storage_source": source}
        request = {"parent": parent, "function_id": "hello", "function": made}
        return grpc_client.create_function(request=request).result(timeout=60)

    return make


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program in npm's place that fetches nothing."""
    program = tmp_path / "npm"
    program.write_text(STUB)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")


def test_a_request_and_its_answer(deploy: Callable[..., Any], project: str) -> None:
    made = deploy("echo", environment_variables={"A": "b"})
    answer = call(
        made.url, "/sub/a%20b?q=1&q=2&status=203", "POST", b'{"x": 1}', X_Own="x", Content_Type="application/json"
    )
    assert (answer.status, answer.headers["content-type"]) == (203, "application/json; charset=utf-8")
    told = answer.json
    assert (told["method"], told["path"], told["query"]["q"]) == ("POST", "/sub/a%20b", ["1", "2"])
    assert (told["body"], told["parsed"], told["ip"]) == ('{"x": 1}', {"x": 1}, "127.0.0.1")
    assert told["headers"]["x-own"] == "x"
    assert told["headers"]["function-execution-id"]
    environment = told["environment"]
    assert (environment["A"], environment["NODE_ENV"], environment["PORT"]) == ("b", "production", "8080")
    assert (environment["FUNCTION_TARGET"], environment["FUNCTION_SIGNATURE_TYPE"]) == ("echo", "http")
    assert environment["GOOGLE_CLOUD_PROJECT"] == project
    assert environment["K_SERVICE"] == environment["K_CONFIGURATION"] == "echo"
    assert environment["K_REVISION"] == made.service_config.revision
    assert "PYTHONUNBUFFERED" not in environment
    assert told["argv"][1].endswith("functions-framework/build/src/main.js")
    answer = call(made.url, "", "HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.headers["content-length"]) > 100


@pytest.mark.parametrize(
    ("name", "file", "body"),
    [
        ("module", "functions/module.mjs", b"module module.mjs"),
        ("handle", "functions/plain.js", b"plain"),
        ("parts", "functions/http.js", b"one,two"),
    ],
)
@pytest.mark.parametrize("runtime", ["nodejs18", "nodejs22"])
def test_kinds_of_source(deploy: Callable[..., Any], name: str, file: str, body: bytes, runtime: str) -> None:
    assert call(deploy(name, file, runtime).url).body == body


def test_stems_of_one_function_alone_are_kept_of_few(
    grpc_client: Any, deploy: Callable[..., Any], server: ThreadedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nursery, "OWN_KINDS_MAX", 1)
    if server.app.runner.tier.name != "B":
        pytest.skip("needs isolation: no program is started beforehand without it")

    def owned() -> dict[str, int]:
        stock = server.app.runner._nursery._stock
        return {
            dict(kind.own.environment)["WHICH"]: len(stems) for kind, stems in stock.items() if kind.own is not None
        }

    for which in ("one", "two"):
        made = deploy("handle", "functions/plain.js", function_id=which, environment_variables={"WHICH": which})
        wait_until(lambda which=which: owned() == {which: 1})
        assert call(made.url).body == b"plain"
    wait_until(lambda: owned() == {"two": 1})
    grpc_client.delete_function(name=made.name).result(timeout=20)
    assert owned() == {}


def test_functions_of_events(deploy: Callable[..., Any], server: ThreadedServer, project: str) -> None:
    made = deploy("cloudEvent")
    event = {"specversion": "1.0", "id": "1", "source": "//test", "type": "fog.test", "data": {"word": "moin"}}
    answer = call(made.url, "", "POST", json.dumps(event).encode(), Content_Type="application/cloudevents+json")
    assert answer.status == 204
    wait_until(lambda: "got fog.test moin" in log_of(server, project, "cloudevent"))


def test_background_functions() -> None:
    """By the worker alone: no API asks for this signature yet."""
    ours, theirs = socket.socketpair()
    environment = {
        "PATH": "/usr/bin:/bin", "PORT": "8080", "NODE_ENV": "production", "FUNCTION_TARGET": "background",
        "FUNCTION_SIGNATURE_TYPE": "event", "FUNCTION_SOURCE": "functions/plain.js",
    }  # fmt: skip
    node = shutil.which("node")
    assert node is not None
    with (
        ours,
        subprocess.Popen(
            ["bash", "-c", f'exec "$0" "$1" 3<&{theirs.fileno()}', node, str(NODE_WORKER)],
            cwd=JS,
            env=environment,
            pass_fds=[theirs.fileno()],
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        theirs.close()
        channel = Channel(ours)
        assert channel.receive().head == {"kind": "ready"}
        event = {"data": {"word": "moin"}, "context": {"eventType": "fog.test", "eventId": "1"}}
        context = {"method": "POST", "path": "/", "query": "", "headers": [["content-type", "application/json"]]}
        head = {"kind": "invoke", "id": "1", "deadline_ms": 0, "context": context}
        ours.sendall(encode(head, json.dumps(event).encode()))
        answer = channel.receive()
        assert (answer.head["kind"], answer.head["head"]["status"]) == ("result", 204)
        ours.shutdown(socket.SHUT_RDWR)
        output, _ = process.communicate(timeout=10)
    assert output == "background moin fog.test\n"


def test_logs_have_severities(deploy: Callable[..., Any], server: ThreadedServer, project: str) -> None:
    assert call(deploy("logs").url).body == b"logged"
    wait_until(lambda: len(log_of(server, project, "logs")) >= 3)
    severities = {entry.text: entry.severity for entry in logged(server, project, "logs")}
    assert severities == {"on stdout": 0, "careful": 400, "on stderr": 0}


def test_failures_are_the_frameworks_own(deploy: Callable[..., Any], server: ThreadedServer, project: str) -> None:
    made = deploy("echo")
    answer = call(made.url, "?fail=1")
    assert (answer.status, answer.headers["x-google-status"]) == (500, "crash")
    assert call(made.url, "?exit=1").status in (500, 503)
    assert call(made.url).status == 200
    wait_until(lambda: "TypeError: told to fail" in "\n".join(log_of(server, project, "echo")))


@pytest.mark.parametrize(
    ("name", "file", "words"),
    [
        ("nothing", "functions/http.js", "Function 'nothing' is not defined in the provided module."),
        ("broken", "functions/broken.js", "SyntaxError: Unexpected token ';'"),
    ],
)
def test_functions_that_cannot_be_loaded(
    deploy: Callable[..., Any], server: ThreadedServer, project: str, name: str, file: str, words: str
) -> None:
    assert call(deploy(name, file).url).status == 503
    wait_until(lambda: words in "\n".join(log_of(server, project, name)))


def test_an_instance_takes_several_requests(deploy: Callable[..., Any]) -> None:
    made = deploy("busy", max_instance_request_concurrency=8, available_cpu="1", max_instance_count=1)
    call(made.url)
    answers = call_at_once(made.url, 8)
    assert [answer.status for answer in answers] == [200] * 8
    assert max(answer.json["most"] for answer in answers) == 8


def test_a_function_that_takes_too_long(deploy: Callable[..., Any]) -> None:
    assert call(deploy("slow", timeout_seconds=1).url).status == 504


def test_large_bodies_both_ways(deploy: Callable[..., Any]) -> None:
    made = deploy("large", available_memory="1Gi")
    body = bytes(range(256)) * 20_000
    answer = call(made.url, "", "POST", body, Content_Type="application/octet-stream")
    assert (answer.status, answer.body == body) == (200, True)


def test_the_first_generation(make_client: Callable[..., Any], parent: str) -> None:
    made = create_v1(
        make_client("v1", "grpc"), parent, "first", runtime="nodejs20", entry_point="handle", source_upload_url="",
        source_archive_url=f"gs://hot-reload{JS}",
        build_environment_variables={"GOOGLE_FUNCTION_SOURCE": "functions/plain.js"},
    )  # fmt: skip
    assert call(made.https_trigger.url).body == b"plain"


@pytest.mark.usefixtures("npm")
def test_packages_are_installed_when_a_source_is_deployed(deploy_archive: Callable[..., Any]) -> None:
    source = "exports.hello = () => require('node:fs').readFileSync('arguments')"
    made = deploy_archive({"index.js": source, "package.json": '{"dependencies": {"x": "1"}}'})
    said = call(made.url).body.decode()
    assert said == (
        "install --omit=dev --ignore-scripts --no-audit --no-fund --no-save @google-cloud/functions-framework\n"
    )


@pytest.mark.usefixtures("npm")
@pytest.mark.parametrize(
    ("files", "words"),
    [
        (
            {"index.js": "", "refuse": "no such package"},
            "ended with status 1: npm error 404 Not Found: no such package",
        ),
        ({"other.js": ""}, "Build failed: function.js does not exist"),
        ({"index.js": "", "package.json": '{"main": "dist/main.js"}'}, "Build failed: dist/main.js does not exist"),
        ({"index.js": "", "package.json": "{"}, "package.json is not valid"),
        ({"index.js": "", "package.json": '{"scripts": {"gcp-build": "tsc"}}'}, "does not run the script gcp-build"),
    ],
)
def test_builds_that_fail(deploy_archive: Callable[..., Any], files: dict[str, str], words: str) -> None:
    with pytest.raises(GoogleAPICallError, match="Build failed") as caught:
        deploy_archive(files)
    assert words in str(caught.value)


def test_a_build_without_npm(
    deploy_archive: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GoogleAPICallError, match="npm is needed to install @google-cloud/functions-framework"):
        deploy_archive({"index.js": ""})


def test_a_folder_without_the_framework(grpc_client: Any, parent: str, tmp_path: Path) -> None:
    (tmp_path / "index.js").write_text("exports.hello = () => 1;")
    made = function("nodejs20", "hello")
    made["build_config"]["source"] = {"storage_source": {"bucket": "hot-reload", "object": str(tmp_path)}}
    request = {"parent": parent, "function_id": "hello", "function": made}
    with pytest.raises(GoogleAPICallError, match="run npm install @google-cloud/functions-framework there"):
        grpc_client.create_function(request=request).result(timeout=20)
