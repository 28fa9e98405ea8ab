"""Function apps in Node.js, with Microsoft's own library."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conformance.azure.conftest import GROUP, zipped
from tests.conformance.azure.test_eventgrid import Grid, event
from tests.conformance.azure.test_eventgrid_bindings import function, notes
from tests.conformance.azure.test_queue_bindings import contents, encoded
from tests.conformance.azure.test_queues import new_name, service_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conformance.azure.conftest import Azure

JS = Path(__file__).parent / "js"
NODE = {"FUNCTIONS_WORKER_RUNTIME": "node"}
APP = """
    const { app, HttpResponse, input, output } = require("@azure/functions");

    app.http("hello", {
        route: "hello/{name:alpha?}", authLevel: "anonymous", methods: ["GET", "POST", "HEAD"],
        handler: async (request, context) => ({
            jsonBody: [request.method, request.url, request.params.name ?? null, Object.fromEntries(request.query),
                       await request.text(), request.headers.get("x-own"), context.functionName, context.invocationId],
            headers: { "X-Up": "1" },
            cookies: [{ name: "a", value: "1", path: "/x", sameSite: "Lax", secure: true, maxAge: 60 }],
        }),
    });
    app.get("locked", { authLevel: "function", handler: async () => ({ body: "open" }) });
    app.get("nothing", async () => undefined);
    app.get("fail", () => { throw new RangeError("no good"); });
    app.get("leave", () => process.exit(7));
    app.get("uncaught", () => new Promise(() => setImmediate(() => { throw new Error("astray"); })));
    app.get("wrong", async () => "text");
    app.get("response", async () => new HttpResponse({ status: 418, body: "teapot" }));
    app.post("bytes", async (request) => ({ body: await request.arrayBuffer() }));
    app.get("setting", async (request, context) => {
        context.log("asked for", request.query.get("name"), { a: 1 });
        context.warn("careful");
        context.debug("unseen");
        console.log("printed");
        return { body: process.env[request.query.get("name")] ?? "none" };
    });
    let waiting = [];
    app.get("meet", () => new Promise((done) => {
        waiting.push(done);
        if (waiting.length === 4) waiting.forEach((each) => each({ body: "met" }));
    }));
    app.http("slow", { authLevel: "anonymous", handler: () => new Promise(() => {}) });
    app.serviceBusQueue("queued", { queueName: "q", connection: "C", handler: () => {} });
    app.hook.preInvocation((context) => { context.hookData.word = "hooked"; });
    app.hook.postInvocation((context) => {
        if (context.invocationContext.functionName === "hooked") context.result = { body: context.hookData.word };
    });
    app.get("hooked", () => ({ body: "not hooked" }));
"""
TIMERS = """
    const { app } = require("@azure/functions");
    app.timer("tick", {
        schedule: "%EVERY%",
        handler: async (timer, context) => context.log(`NOTE ${JSON.stringify(timer)}`),
    });
"""

QUEUES = """
    const { app, output } = require("@azure/functions");
    const done = output.storageQueue({ queueName: "%OUT%", connection: "C" });
    app.storageQueue("work", {
        queueName: "%IN%", connection: "C", return: done, extraOutputs: [],
        handler: (message, context) => {
            const { dequeueCount, id, popReceipt, insertionTime } = context.triggerMetadata;
            return [message, dequeueCount, typeof id, typeof popReceipt, isNaN(Date.parse(insertionTime))].map(
                (each) => JSON.stringify(each));
        },
    });
    app.get("send", { authLevel: "anonymous", extraOutputs: [done], handler: (request, context) => {
        context.extraOutputs.set(done, { an: "object" });
        return { body: "sent" };
    } });
"""


@pytest.fixture(scope="module", autouse=True)
def _toolchain() -> None:
    if shutil.which("node") is None:
        pytest.skip("needs Node: there is none on PATH")
    if not (JS / "node_modules").is_dir():
        pytest.skip("needs Node: the packages of tests/conformance/azure/js are not installed (make toolchains)")


def package(source: str = "", main: str = "index.js", **files: str) -> bytes:
    """Return a package with Microsoft's library; the source stands in index.js."""
    folder = JS / "node_modules"
    library = [path for path in folder.rglob("*") if path.name == "package.json" or path.suffix == ".js"]
    found: dict[str, str | bytes] = {
        f"node_modules__{path.relative_to(folder)}": path.read_bytes() for path in library if ".min." not in path.name
    }
    manifest = json.dumps({"main": main, "dependencies": {"@azure/functions": "4"}})
    return zipped(**found, **{"index.js": source, "package.json": manifest}, **files)


def deploy(azure: Azure, archive: bytes, **settings: str) -> str:
    name = azure.create(settings=NODE | settings)
    answer = azure.request(f"{name}.scm", "POST", "/api/zipdeploy", archive)
    assert answer.status == 200, answer.body
    return name


@pytest.fixture
def app(azure: Azure) -> str:
    return deploy(azure, package(APP), ONE="1")


def test_requests_and_answers(azure: Azure, app: str) -> None:
    answer = azure.request(app, "POST", "/api/hello/ann?a=1&b=2", b"body", X_Own="x")
    told = answer.json()
    assert told[:1] + told[2:7] == ["POST", "ann", {"a": "1", "b": "2"}, "body", "x", "hello"]
    assert told[1].endswith("/api/hello/ann?a=1&b=2")
    assert (answer.status, answer.headers["x-up"]) == (200, "1")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["set-cookie"] == "a=1; max-age=60; path=/x; secure; samesite=lax"
    assert azure.request(app, "HEAD", "/api/hello").body == b""
    assert azure.get(app, "/api/hello/12").status == 404
    assert azure.request(app, "PUT", "/api/hello").status == 404
    answer = azure.get(app, "/api/response")
    assert (answer.status, answer.body) == (418, b"teapot")
    assert (azure.get(app, "/api/nothing").status, azure.get(app, "/api/hooked").body) == (204, b"hooked")
    body = bytes(range(256)) * 4_000
    assert azure.request(app, "POST", "/api/bytes", body).body == body


def test_keys_settings_and_the_index(azure: Azure, app: str) -> None:
    assert azure.get(app, "/api/locked").status == 401
    key = azure.call("list_function_keys", GROUP, app, "locked")["default"]
    assert azure.get(app, f"/api/locked?code={key}").body == b"open"
    assert azure.get(app, "/api/setting?name=ONE").body == b"1"
    assert azure.get(app, "/api/setting?name=FUNCTIONS_WORKER_RUNTIME").body == b"node"
    listed = azure.get(app, f"/admin/functions?code={azure.master_key(app)}").json()
    hello = next(each for each in listed if each["name"] == "hello")
    assert (hello["language"], hello["config"]["scriptFile"]) == ("node", "index.js")
    assert [binding["type"] for binding in hello["config"]["bindings"]] == ["httpTrigger", "http"]
    status = azure.get(app, f"/admin/host/status?code={azure.master_key(app)}").json()
    assert status["errors"] == [
        "The 'queued' function is in error: Fogbank does not support the trigger type serviceBusTrigger."
    ]


def test_failures_and_what_is_logged(azure: Azure, app: str, eventually: Callable[..., Any]) -> None:
    azure.get(app, "/api/setting?name=ONE")
    for name in ("fail", "wrong", "leave", "uncaught"):
        assert azure.get(app, f"/api/{name}").status == 500
    assert azure.get(app, "/api/setting?name=ONE").body == b"1"
    eventually(lambda: any("node exited with code 1" in line for line in azure.logs(app)))
    lines = azure.logs(app)
    text = "\n".join(lines)
    for words in (
        "[Information]   asked for ONE { a: 1 }",
        "[Warning]   careful",
        "printed",
        "Exception: RangeError: no good",
        "Exception: Error: The HTTP response must be an object with optional properties",
        "node exited with code 7",
        "[Error]   Worker uncaught exception: Error: astray",
        "Executed 'Functions.setting' (Succeeded, Id=",
    ):
        assert words in text, words
    assert "unseen" not in text


def test_requests_are_run_beside_each_other(azure: Azure, app: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: azure.get(app, "/api/meet").body, range(4)))
    assert answers == [b"met"] * 4


def test_a_pattern_names_the_files(azure: Azure) -> None:
    one = 'const { app } = require("@azure/functions"); app.get("one", () => ({ body: "1" }));'
    two = 'import { app } from "@azure/functions"; app.get("two", () => ({ body: "2" }));'
    files = {"src__functions/one.js": one, "src__deep/two.mjs": two, "src__other.txt": ""}
    name = deploy(azure, package(main="src/{functions/*.js,deep/**}", **files))
    assert [azure.get(name, f"/api/{each}").body for each in ("one", "two")] == [b"1", b"2"]


@pytest.mark.parametrize(
    ("source", "main", "words"),
    [
        ("syntax error", "index.js", 'Worker was unable to load entry point "index.js": Unexpected identifier'),
        ("", "dist/*.js", 'Found zero files matching the supplied pattern "dist/*.js"'),
        (
            'const { app } = require("@azure/functions"); app.get("a", () => {}); app.get("a", () => {});',
            "index.js",
            'A function with name "a" has already been registered.',
        ),
        (
            (
                'const { app } = require("@azure/functions"); app.setup({ enableHttpStream: true });'
                ' app.get("a", () => {});'
            ),
            "index.js",
            "Fogbank does not support enableHttpStream.",
        ),
    ],
)
def test_apps_that_cannot_be_indexed(azure: Azure, source: str, main: str, words: str) -> None:
    name = deploy(azure, package(source, main))
    status = azure.get(name, f"/admin/host/status?code={azure.master_key(name)}").json()
    assert words in status["errors"][0]
    assert azure.get(name, "/api/a").status == 503


def test_the_older_model_is_refused(azure: Azure) -> None:
    described = json.dumps({"bindings": [{"type": "httpTrigger", "direction": "in", "name": "req"}]})
    name = deploy(azure, package("", **{"old__function.json": described, "old__index.js": ""}))
    status = azure.get(name, f"/admin/host/status?code={azure.master_key(name)}").json()
    assert "version 4 of the Node.js programming model" in status["errors"][0]


def test_an_app_without_the_library(azure: Azure) -> None:
    archive = zipped(**{"index.js": 'require("@azure/functions");', "package.json": '{"main": "index.js"}'})
    name = deploy(azure, archive)
    status = azure.get(name, f"/admin/host/status?code={azure.master_key(name)}").json()
    assert "Cannot find module '@azure/functions'" in status["errors"][0]


def test_an_app_in_a_folder(azure: Azure, tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"main": "index.js"}')
    shutil.copytree(JS / "node_modules", tmp_path / "node_modules", ignore=shutil.ignore_patterns("*.map"))
    source = 'const { app } = require("@azure/functions"); app.get("a", () => ({ body: "WORD" }));'
    (tmp_path / "index.js").write_text(source.replace("WORD", "one"))
    name = azure.create(settings=NODE | {"WEBSITE_RUN_FROM_PACKAGE": str(tmp_path)})
    assert azure.get(name, "/api/a").body == b"one"
    (tmp_path / "index.js").write_text(source.replace("WORD", "another"))
    assert azure.get(name, "/api/a").body == b"another"


def test_a_function_that_takes_too_long(azure: Azure) -> None:
    host = '{"version": "2.0", "functionTimeout": "00:00:01"}'
    name = deploy(azure, package(APP, host_json=host))
    assert azure.get(name, "/api/slow").status == 500
    assert azure.get(name, "/api/response").status == 418


def test_timers(timed_azure: Azure, eventually: Callable[..., Any]) -> None:
    name = deploy(timed_azure, package(TIMERS), EVERY="0 */5 * * * *")
    timed_azure.server.advance(299)
    timed_azure.server.advance(2)
    eventually(lambda: any("NOTE" in line for line in timed_azure.logs(name)))
    noted = [json.loads(line.partition("NOTE ")[2]) for line in timed_azure.logs(name) if "NOTE" in line]
    assert len(noted) == 1
    assert (noted[0]["isPastDue"], noted[0]["schedule"]) == (False, {"adjustForDST": True})
    assert set(noted[0]["scheduleStatus"]) == {"last", "next", "lastUpdated"}


def test_a_queue_trigger_in_node(azure: Azure, eventually: Callable[..., Any]) -> None:
    name = new_name()
    with service_of(azure.server) as service:
        queue = service.create_queue(name)
        service.create_queue(f"{name}-out")
        app = deploy(azure, package(QUEUES), C="UseDevelopmentStorage=true", IN=name, OUT=f"{name}-out")
        queue.send_message(encoded('{"a": 1}'))
        found = eventually(lambda: contents(service, f"{name}-out"))
        assert found == [b'{"a":1}', b"1", b'"string"', b'"string"', b"false"]
        assert azure.get(app, "/api/send").body == b"sent"
        assert contents(service, f"{name}-out") == [b'{"an":"object"}']


EVENTS = """
    const { app } = require("@azure/functions");
    app.eventGrid("watch", { handler: async (event, context) => {
        context.log(`NOTE ${JSON.stringify([event.subject, event.eventType, event.data])}`);
    } });
"""


def test_an_event_grid_trigger(azure: Azure, eventually: Callable[..., Any]) -> None:
    grid = Grid(azure)
    topic, client = grid.topic()
    app = deploy(azure, package(EVENTS))
    grid.subscribe(f"topics/{topic}", function(azure, app, "watch"))
    client.send(event("from a topic"))
    eventually(lambda: notes(azure, app) == [["from a topic", "T", {"n": 1}]])
    grid.client.close()
