"""The worker of Azure Functions: both programming models, triggers, errors, logs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from fogbank.runtimes.inside.channel import ClosedError
from tests.azure_worker import WorkerProcess, write_app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

APP = """
    import asyncio, json, logging, sys, threading
    import azure.functions as func

    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    barrier = threading.Barrier(2, timeout=20)

    @app.route(route="hello/{name?}", methods=["GET", "POST"])
    def hello(req: func.HttpRequest) -> func.HttpResponse:
        logging.info("hello %s", req.route_params.get("name"))
        seen = {
            "method": req.method, "url": req.url, "params": dict(req.params), "route": dict(req.route_params),
            "header": req.headers.get("X-One"), "body": req.get_body().decode(),
        }
        headers = {"X-Two": "2", "Set-Cookie": "a=b; Path=/"}
        return func.HttpResponse(json.dumps(seen), status_code=201, headers=headers, mimetype="application/json")

    @app.route()
    async def later(req: func.HttpRequest, context: func.Context) -> str:
        await asyncio.sleep(0)
        return f"{context.function_name} {context.invocation_id} {context.trace_context.trace_parent}"

    @app.route()
    def meet(req: func.HttpRequest) -> str:
        barrier.wait()
        return "met"

    @app.route()
    def fail(req: func.HttpRequest) -> str:
        raise ValueError("no good")

    @app.route()
    def leave(req: func.HttpRequest) -> str:
        sys.exit(3)

    @app.route()
    def wrong(req: func.HttpRequest):
        return {"not": "a response"}

    @app.route()
    def nothing(req: func.HttpRequest):
        return None

    @app.timer_trigger(schedule="0 */5 * * * *", arg_name="timer", run_on_startup=True, use_monitor=False)
    def tick(timer: func.TimerRequest) -> None:
        logging.warning("past due: %s, last: %s", timer.past_due, timer.schedule_status.get("Last"))

    @app.timer_trigger(schedule="0 */5 * * * *", arg_name="timer")
    def chatty(timer: func.TimerRequest):
        return "what for"
"""


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    with WorkerProcess(write_app(tmp_path_factory.mktemp("app"), function_app=APP)) as running:
        yield running


def test_it_is_ready(worker: WorkerProcess) -> None:
    assert worker.first.head == {"kind": "ready"}


def test_the_index(worker: WorkerProcess) -> None:
    index = worker.index()
    assert index["hello"]["bindings"][0] == {
        "direction": "IN", "type": "httpTrigger", "name": "req", "route": "hello/{name?}",
        "methods": ["GET", "POST"], "authLevel": "ANONYMOUS",
    }  # fmt: skip
    assert index["hello"]["scriptFile"] == "function_app.py"
    assert index["later"]["bindings"][0]["route"] == "later"
    assert index["later"]["isAsync"] is True
    trigger = index["tick"]["bindings"][0]
    assert (trigger["schedule"], trigger["runOnStartup"], trigger["useMonitor"]) == ("0 */5 * * * *", True, False)


def test_a_request(worker: WorkerProcess) -> None:
    message = worker.request(
        "hello",
        "/api/hello/ann?a=1&a=2&b=%20c&empty=",
        b"body",
        method="POST",
        headers=[["X-One", "1"], ["x-one", "11"]],
        params={"name": "ann"},
    )
    assert message.head["kind"] == "result"
    assert message.head["head"] == {
        "status": 201,
        "headers": [["X-Two", "2"], ["content-type", "application/json"], ["set-cookie", "a=b; Path=/"]],
    }
    assert json.loads(message.body) == {
        "method": "POST",
        "url": "http://app/api/hello/ann?a=1&a=2&b=%20c&empty=",
        "params": {"a": "1,2", "b": " c"},
        "route": {"name": "ann"},
        "header": "11",
        "body": "body",
    }


def test_a_coroutine_and_its_context(worker: WorkerProcess) -> None:
    message = worker.request("later", headers=[["traceparent", "00-ab-cd-01"]])
    assert message.body.decode() == f"later {message.head['id']} 00-ab-cd-01"
    assert message.head["head"] == {"status": 200, "headers": [["content-type", "text/plain; charset=utf-8"]]}


def test_functions_run_beside_each_other(worker: WorkerProcess) -> None:
    request = {"method": "GET", "headers": [], "params": {}, "url": "", "path": "/", "query": ""}
    numbers = {worker.send(function="meet", **request), worker.send(function="meet", **request)}
    answers = [worker.channel.receive(), worker.channel.receive()]
    assert {answer.head["id"] for answer in answers} == numbers
    assert {answer.body for answer in answers} == {b"met"}


def test_more_than_there_are_threads_for(tmp_path: Path) -> None:
    """Plain functions wait for a thread; coroutines don't."""
    source = """
        import threading
        import azure.functions as func
        app = func.FunctionApp()
        go = threading.Event()

        @app.route()
        def wait(req: func.HttpRequest) -> str:
            go.wait(20)
            return "waited"

        @app.route()
        async def release(req: func.HttpRequest) -> str:
            go.set()
            return "released"
    """
    request = {"method": "GET", "headers": [], "params": {}, "url": "", "path": "/", "query": ""}
    with WorkerProcess(write_app(tmp_path, function_app=source), PYTHON_THREADPOOL_THREAD_COUNT="2") as worker:
        for function in ("wait", "wait", "wait", "release"):
            worker.send(function=function, **request)
        answers = [worker.channel.receive() for _ in range(4)]
        assert sorted(answer.body for answer in answers) == [b"released", *[b"waited"] * 3]
        assert worker.request("wait").body == b"waited"
        missing = worker.request("nothing")
        assert (missing.head["kind"], missing.head["error_type"]) == ("error", "RuntimeError")


def test_an_exception_is_reported(worker: WorkerProcess) -> None:
    message = worker.request("fail")
    assert (message.head["kind"], message.head["error_type"]) == ("error", "ValueError")
    report = json.loads(message.body)
    assert (report["errorMessage"], report["errorType"]) == ("no good", "ValueError")
    assert 'raise ValueError("no good")' in report["stackTrace"]


def test_what_is_no_response(worker: WorkerProcess) -> None:
    report = json.loads(worker.request("wrong").body)
    assert report["errorMessage"] == (
        'unable to encode outgoing TypedData: unsupported type "http" for Python type "dict"'
    )


def test_no_response_is_no_content(worker: WorkerProcess) -> None:
    assert worker.request("nothing").head["head"]["status"] == 204


def test_a_timer(worker: WorkerProcess) -> None:
    info = {"IsPastDue": True, "ScheduleStatus": {"Last": "2026-01-01T00:00:00+00:00"}, "Schedule": {}}
    message = worker.call(json.dumps(info).encode(), function="tick", reason="Timer fired")
    assert (message.head["kind"], message.head["head"], message.body) == ("result", {}, b"")


def test_a_result_without_a_binding(worker: WorkerProcess) -> None:
    report = json.loads(worker.call(b"{}", function="chatty").body)
    assert report["errorMessage"] == "function 'chatty' without a $return binding returned a non-None value"


def test_what_is_logged(tmp_path: Path) -> None:
    with WorkerProcess(write_app(tmp_path, function_app=APP)) as worker:
        worker.call(b'{"IsPastDue": true}', function="tick", reason="Timer fired")
        worker.request("fail")
        (line,) = worker.stop().splitlines()
    assert line.endswith("Z   [Warning]   past due: True, last: None")


def test_leaving_ends_the_process(tmp_path: Path) -> None:
    with WorkerProcess(write_app(tmp_path, function_app=APP)) as worker:
        with pytest.raises(ClosedError):
            worker.request("leave")
        assert worker.process.wait(10) == 3


@pytest.mark.parametrize(
    ("source", "kind", "message"),
    [
        ("import nowhere", "ModuleNotFoundError", "No module named 'nowhere'"),
        ("x = 1", "ValueError", "Could not find top level function app instances in function_app.py."),
        (
            "import azure.functions as f\na = f.FunctionApp()\nb = f.FunctionApp()",
            "ValueError",
            "More than one FunctionApp or other top level function app instances are defined.",
        ),
        (
            "import azure.functions as f\na = f.FunctionApp()\n@a.route()\ndef g(other): pass",
            "FunctionLoadError",
            (
                "cannot load the g function: the following parameters are declared in Python but not in the function"
                " definition (function.json or function decorators): {'other'}"
            ),
        ),
        (
            "import azure.functions as f\na = f.FunctionApp()\n@a.route()\ndef g(req: f.TimerRequest): pass",
            "FunctionLoadError",
            (
                'cannot load the g function: type of req binding in the function definition "httpTrigger" does not'
                ' match its Python annotation "TimerRequest"'
            ),
        ),
    ],
)
def test_an_app_that_can_not_be_indexed(tmp_path: Path, source: str, kind: str, message: str) -> None:
    with WorkerProcess(write_app(tmp_path, function_app=source)) as worker:
        assert (worker.first.head["kind"], worker.first.head["error_type"]) == ("init_error", kind)
        assert json.loads(worker.first.body)["errorMessage"] == message


HTTP_JSON = """
    {"scriptFile": "__init__.py", "bindings": [
        {"authLevel": "anonymous", "type": "httpTrigger", "direction": "in", "name": "req", "methods": ["get"]},
        {"type": "http", "direction": "out", "name": "%s"}]}
"""


def test_functions_in_folders(tmp_path: Path) -> None:
    """Version 1 of the model: each function is a folder; one that can't be loaded leaves the others alone."""
    app = write_app(
        tmp_path,
        **{
            "shared__words.py": "GREETING = 'hello'",
            "first__function.json": HTTP_JSON % "$return",
            "first__helper.py": "NAME = 'first'",
            "first____init__.py": """
                import azure.functions as func
                from __app__.shared import words
                from shared.words import GREETING
                from . import helper
                def main(req: func.HttpRequest, context) -> func.HttpResponse:
                    return func.HttpResponse(f"{words.GREETING} from {helper.NAME} in {context.function_directory}")
            """,
            "second__function.json": (HTTP_JSON % "res").replace("__init__.py", "run.py"),
            "second__run.py": """
                import azure.functions as func
                def main(req: func.HttpRequest, res: func.Out[func.HttpResponse]) -> None:
                    res.set(func.HttpResponse("out", status_code=202))
            """,
            "third__function.json": HTTP_JSON % "$return",
            "third____init__.py": "def other(): pass",
            "fourth__function.json": "{",
        },
    )
    with WorkerProcess(app) as worker:
        index = worker.index()
        assert list(index) == ["first", "second", "fourth", "third"]
        assert "error" not in index["first"]
        assert index["third"]["error"] == (
            "RuntimeError: cannot load function third: function main() is not present in third/__init__.py"
        )
        assert index["fourth"]["error"].startswith("JSONDecodeError: ")
        first = worker.request("first")
        assert first.body.decode() == f"hello from first in {tmp_path}/first"
        second = worker.request("second")
        assert (second.head["head"]["status"], second.body) == (202, b"out")
        assert worker.request("third").head["kind"] == "error"


def test_an_asgi_app(tmp_path: Path) -> None:
    source = """
        import azure.functions as func
        async def web(scope, receive, send):
            if scope["type"] == "lifespan":
                await receive()
                await send({"type": "lifespan.startup.complete"})
            else:
                headers = [(b"x-path", scope["path"].encode())]
                await send({"type": "http.response.start", "status": 203, "headers": headers})
                await send({"type": "http.response.body", "body": b"from asgi"})
        app = func.AsgiFunctionApp(app=web, http_auth_level=func.AuthLevel.ANONYMOUS)
    """
    with WorkerProcess(write_app(tmp_path, function_app=source)) as worker:
        (name,) = worker.index()
        answer = worker.request(name, "/some/where", params={"route": "some/where"})
        assert answer.head["kind"] == "result", answer.body
        assert (answer.head["head"]["status"], answer.body) == (203, b"from asgi")
        assert ["x-path", "/some/where"] in answer.head["head"]["headers"]
