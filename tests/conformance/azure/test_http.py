"""Functions behind URLs: routes, keys, errors, deployment."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.conformance.azure.conftest import GROUP

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from tests.conformance.azure.conftest import Azure

APP = """
    import json, logging, os
    import azure.functions as func

    app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)

    @app.route(route="hello/{name:alpha?}", auth_level=func.AuthLevel.ANONYMOUS, methods=["GET", "POST", "HEAD"])
    def hello(req: func.HttpRequest) -> func.HttpResponse:
        seen = [req.method, req.url, req.route_params.get("name"), dict(req.params), req.get_body().decode()]
        return func.HttpResponse(json.dumps(seen), mimetype="application/json", headers={"X-Up": "1"})

    @app.route()
    def locked(req: func.HttpRequest) -> str:
        return "open"

    @app.route(auth_level=func.AuthLevel.ADMIN)
    def mine(req: func.HttpRequest) -> str:
        return "master"

    @app.route(auth_level=func.AuthLevel.ANONYMOUS)
    def fail(req: func.HttpRequest) -> str:
        raise ValueError("no good")

    @app.route(auth_level=func.AuthLevel.ANONYMOUS)
    def leave(req: func.HttpRequest) -> str:
        os._exit(7)

    @app.route(auth_level=func.AuthLevel.ANONYMOUS)
    def setting(req: func.HttpRequest) -> str:
        logging.info("asked for %s", req.params["name"])
        return os.environ.get(req.params["name"], "none")

    @app.service_bus_queue_trigger(arg_name="message", queue_name="q", connection="C")
    def queued(message: func.ServiceBusMessage) -> None:
        pass
"""
ONE = """
    import azure.functions as func
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    @app.route(route="{*path}")
    def one(req: func.HttpRequest) -> str:
        return %r + str(req.route_params.get("path"))
"""


def test_a_request(azure: Azure) -> None:
    name = azure.deploy(function_app=APP)
    port = azure.server.url.rpartition(":")[2]
    answer = azure.request(name, "POST", "/api/Hello/ann?a=1&a=2", b"body")
    assert (answer.status, answer.headers["x-up"], answer.headers["content-type"]) == (200, "1", "application/json")
    url = f"http://{name}.azurewebsites.localhost:{port}/api/Hello/ann?a=1&a=2"
    assert answer.json() == ["POST", url, "ann", {"a": "1,2"}, "body"]
    head = azure.request(name, "HEAD", "/api/hello")
    assert (head.status, head.body) == (200, b"")
    assert int(head.headers["content-length"]) > 10
    for method, target in (("GET", "/api/hello/4"), ("DELETE", "/api/hello"), ("GET", "/api"), ("GET", "/hello")):
        answer = azure.request(name, method, target)
        assert (answer.status, answer.body) == (404, b""), (method, target)
    assert b"up and running" in azure.get(name, "/").body


def test_keys(azure: Azure) -> None:
    name = azure.deploy(function_app=APP)
    keys = azure.call("list_host_keys", GROUP, name)
    own = azure.call("list_function_keys", GROUP, name, "locked")["default"]
    assert len({keys.master_key, keys.function_keys["default"], own}) == 3
    assert azure.get(name, "/api/locked").status == 401
    assert azure.get(name, "/api/locked?code=wrong").status == 401
    for key in (keys.master_key, keys.function_keys["default"], own):
        assert azure.get(name, "/api/locked", x_functions_key=key).body == b"open"
    assert azure.get(name, f"/api/locked?code={own}").body == b"open"
    assert azure.get(name, "/api/mine", x_functions_key=keys.function_keys["default"]).status == 401
    assert azure.get(name, "/api/mine", x_functions_key=keys.master_key).body == b"master"


def test_keys_are_made_and_deleted(azure: Azure) -> None:
    name = azure.deploy(function_app=APP)
    made = azure.call("create_or_update_function_secret", GROUP, name, "locked", "mine", {"value": "secret"})
    assert (made.name, made.value) == ("mine", "secret")
    assert azure.get(name, "/api/locked?code=secret").status == 200
    azure.call("delete_function_secret", GROUP, name, "locked", "mine")
    assert azure.get(name, "/api/locked?code=secret").status == 401
    made = azure.call("create_or_update_host_secret", GROUP, name, "functionKeys", "all", {})
    assert azure.get(name, "/api/locked", x_functions_key=made.value).status == 200
    azure.call("delete_host_secret", GROUP, name, "functionKeys", "all")
    assert azure.get(name, "/api/locked", x_functions_key=made.value).status == 401
    old = azure.master_key(name)
    azure.call("create_or_update_host_secret", GROUP, name, "masterKey", "master", {"value": "new"})
    assert (azure.master_key(name), azure.get(name, "/api/mine", x_functions_key=old).status) == ("new", 401)
    missing = azure.arm(
        "DELETE", f"/resourceGroups/{GROUP}/providers/Microsoft.Web/sites/{name}/host/default/systemKeys/x"
    )
    assert (missing.status, missing.json()["error"]["code"]) == (404, "NotFound")
    url = azure.call("list_function_secrets", GROUP, name, "locked")
    assert url.trigger_url.endswith(f"/api/locked?code={url.key}")


def test_failures(azure: Azure) -> None:
    name = azure.deploy(function_app=APP)
    for target in ("/api/fail", "/api/leave"):
        answer = azure.get(name, target)
        assert (answer.status, answer.body) == (500, b"")
    assert azure.get(name, "/api/hello").status == 200


def test_functions_are_listed(azure: Azure) -> None:
    name = azure.deploy(function_app=APP)
    found = {each.name: each for each in azure.call("list_functions", GROUP, name)}
    assert set(found) == {f"{name}/{one}" for one in ("hello", "locked", "mine", "fail", "leave", "setting", "queued")}
    hello = azure.call("get_function", GROUP, name, "hello")
    assert hello.invoke_url_template.endswith("/api/hello/{name:alpha?}")
    assert hello.config["bindings"][0]["authLevel"] == "ANONYMOUS"
    assert found[f"{name}/queued"].config["error"] == "Fogbank does not support the trigger type serviceBusTrigger."
    missing = azure.arm("GET", f"/resourceGroups/{GROUP}/providers/Microsoft.Web/sites/{name}/functions/nothing")
    assert (missing.status, missing.json()["error"]["message"]) == (404, "Function (nothing) does not exist.")
    azure.call("sync_function_triggers", GROUP, name)
    azure.call("sync_functions", GROUP, name)


def test_the_host_tells_of_itself(azure: Azure) -> None:
    name = azure.deploy(function_app=APP)
    assert azure.get(name, "/admin/host/ping").status == 200
    assert azure.get(name, "/admin/host/status").status == 401
    key = azure.master_key(name)
    status = azure.get(name, "/admin/host/status", x_functions_key=key).json()
    assert (status["id"], status["state"]) == (name, "Running")
    error = "The 'queued' function is in error: Fogbank does not support the trigger type serviceBusTrigger."
    assert status["errors"] == [error]
    assert len(azure.get(name, f"/admin/functions?code={key}").json()) == 7
    shown = azure.get(name, "/admin/functions/hello", x_functions_key=key).json()
    assert (shown["name"], shown["language"]) == ("hello", "python")
    assert azure.get(name, "/admin/functions/nothing", x_functions_key=key).status == 404
    assert azure.request(name, "POST", "/admin/functions/hello", b"{}", x_functions_key=key).status == 400
    listed = azure.get(name, "/admin/host/keys", x_functions_key=key).json()["keys"]
    assert [each["name"] for each in listed] == ["default"]
    put = azure.request(name, "PUT", "/admin/host/keys/more", b'{"value": "v"}', x_functions_key=key)
    assert (put.status, put.json()) == (201, {"name": "more", "value": "v"})
    assert azure.get(name, "/api/locked?code=v").status == 200
    assert azure.request(name, "DELETE", "/admin/host/keys/more", x_functions_key=key).status == 204
    assert azure.request(name, "DELETE", "/admin/host/keys/more", x_functions_key=key).status == 404


def test_a_deployment_replaces_the_code(azure: Azure) -> None:
    name = azure.deploy(function_app=ONE % "first ")
    assert azure.get(name, "/api/a/b").body == b"first a/b"
    host = json.dumps({"version": "2.0", "extensions": {"http": {"routePrefix": ""}}})
    azure.deploy(name, function_app=ONE % "second ", host_json=host)
    assert azure.get(name, "/a/b").body == b"second a/b"
    assert azure.get(name, "/").body == b"second None"
    assert azure.get(name, "/", Authorization="Bearer token").body == b"second None"
    answer = azure.request(f"{name}.scm", "GET", "/api/deployments/latest")
    assert (answer.json()["status"], answer.json()["complete"]) == (4, True)


def test_an_asynchronous_deployment(azure: Azure, eventually: Callable[..., Any]) -> None:
    from tests.conformance.azure.conftest import zipped

    name = azure.create()
    answer = azure.request(f"{name}.scm", "POST", "/api/zipdeploy?isAsync=true", zipped(function_app=ONE % ""))
    assert (answer.status, answer.headers["location"].endswith("/api/deployments/latest")) == (202, True)
    assert azure.get(name, "/api/x").body == b"x"
    package = zipped(function_app=ONE % "published ")
    answer = azure.request(f"{name}.scm", "POST", "/api/publish?type=zip&RemoteBuild=false", package)
    assert (answer.status, bool(answer.headers["scm-deployment-id"])) == (200, True)
    assert azure.get(name, "/api/x").body == b"published x"
    assert len(azure.request(f"{name}.scm", "GET", "/api/deployments").json()) == 1


@pytest.mark.parametrize(
    ("method", "target", "body", "status"),
    [
        ("POST", "/api/zipdeploy", b"no zip", 400),
        ("GET", "/api/zipdeploy", b"", 405),
        ("POST", "/api/publish?type=war", b"", 400),
        ("POST", "/api/publish?RemoteBuild=true", b"", 400),
        ("POST", "/api/zipdeploy?other=1", b"", 400),
        ("GET", "/api/deployments/latest", b"", 404),
        ("GET", "/api/vfs/", b"", 404),
    ],
)
def test_refused_deployments(azure: Azure, method: str, target: str, body: bytes, status: int) -> None:
    name = azure.create()
    answer = azure.request(f"{name}.scm", method, target, body)
    assert (answer.status, list(answer.json())) == (status, ["Message"])


def test_no_such_app(azure: Azure) -> None:
    assert azure.get("nobody", "/api/x").status == 404
    assert azure.get("nobody.scm", "/api/deployments").status == 404


def test_settings_reach_functions(azure: Azure) -> None:
    name = azure.create(settings={"ONE": "1", "AzureWebJobs.fail.Disabled": "true"})
    azure.deploy(name, function_app=APP)
    assert azure.get(name, "/api/setting?name=ONE").body == b"1"
    assert azure.get(name, "/api/setting?name=WEBSITE_SITE_NAME").body == name.encode()
    assert azure.get(name, "/api/fail").status == 404
    azure.call("update_application_settings", GROUP, name, {"properties": {"ONE": "2"}})
    assert azure.get(name, "/api/setting?name=ONE").body == b"2"
    assert azure.get(name, "/api/fail").status == 500


def test_an_app_that_can_not_be_loaded(azure: Azure) -> None:
    name = azure.deploy(function_app="import nowhere")
    answer = azure.get(name, "/api/x")
    assert (answer.status, answer.body) == (503, b"Function host is not running.")
    status = azure.get(name, f"/admin/host/status?code={azure.master_key(name)}").json()
    assert status["state"] == "Error"
    assert status["errors"] == ["Worker failed to index functions: ModuleNotFoundError: No module named 'nowhere'"]
    assert "Exception: ModuleNotFoundError: No module named 'nowhere'" in azure.logs(name)
    azure.deploy(name, function_app=ONE % "now ")
    assert azure.get(name, "/api/x").body == b"now x"


def test_a_host_json_that_can_not_be(azure: Azure) -> None:
    name = azure.deploy(function_app=ONE % "", host_json='{"version": "2.0", "retry": {}}')
    assert azure.get(name, "/api/x").status == 503
    status = azure.get(name, f"/admin/host/status?code={azure.master_key(name)}").json()
    assert status["errors"] == ["Fogbank does not support retry in host.json."]


def test_an_app_in_a_folder(azure: Azure, tmp_path: Path) -> None:
    from tests.azure_worker import write_app
    from tests.conformance.azure.conftest import zipped

    write_app(tmp_path, function_app=APP)
    (tmp_path / "local.settings.json").write_text('{"Values": {"LOCAL": "yes", "ONE": "0"}} // comment')
    name = azure.create(settings={"WEBSITE_RUN_FROM_PACKAGE": str(tmp_path), "ONE": "1"})
    assert azure.get(name, "/api/setting?name=LOCAL").body == b"yes"
    assert azure.get(name, "/api/setting?name=ONE").body == b"1"
    answer = azure.request(f"{name}.scm", "POST", "/api/zipdeploy", zipped(function_app=APP))
    assert (answer.status, "WEBSITE_RUN_FROM_PACKAGE" in answer.json()["Message"]) == (409, True)
    write_app(tmp_path, function_app=ONE % "changed ")
    (tmp_path / "host.json").write_text('{"version": "2.0", "extensions": {"http": {"routePrefix": "v1"}}}')
    assert azure.get(name, "/v1/x").body == b"changed x"
    (tmp_path / "local.settings.json").write_text('{"Values": {"AzureWebJobs.one.Disabled": "1"}}')
    assert azure.get(name, "/v1/x").status == 404
    (tmp_path / "local.settings.json").write_text('{"Values": 1}')
    assert azure.get(name, "/v1/x").status == 503
    (tmp_path / "local.settings.json").unlink()
    assert azure.get(name, "/v1/x").body == b"changed x"


def test_version_1_of_the_model(azure: Azure) -> None:
    described = {
        "bindings": [
            {"type": "httpTrigger", "direction": "in", "name": "req", "authLevel": "anonymous", "route": "v1/{id:int}"},
            {"type": "http", "direction": "out", "name": "$return"},
        ]
    }
    source = """
        import azure.functions as func
        def main(req: func.HttpRequest) -> str:
            return "one " + req.route_params["id"]
    """
    name = azure.deploy(**{"first__function_json": json.dumps(described), "first____init__.py": source})
    assert azure.get(name, "/api/v1/12").body == b"one 12"
    assert azure.get(name, "/api/v1/x").status == 404


def test_what_functions_log(azure: Azure, eventually: Callable[..., Any]) -> None:
    name = azure.deploy(function_app=APP)
    azure.get(name, "/api/setting?name=ONE")
    azure.get(name, "/api/fail")
    azure.get(name, "/api/leave")
    eventually(lambda: any("python exited" in line for line in azure.logs(name)))
    lines = azure.logs(name)
    assert any(re.search(r"\[Information\]   asked for ONE$", line) for line in lines)
    assert any("Executed 'Functions.setting' (Succeeded, Id=" in line for line in lines)
    assert any("Executed 'Functions.fail' (Failed, Id=" in line for line in lines)
    assert "Exception: ValueError: no good" in lines
    assert "python exited with code 7" in lines
    assert any(re.search(r"Executing 'Functions.setting' \(Reason='This function was programm", line) for line in lines)


def test_requests_are_run_beside_each_other(azure: Azure) -> None:
    """One instance runs as many at a time as wait for each other here."""
    source = """
        import threading
        import azure.functions as func
        app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
        barrier = threading.Barrier(4, timeout=20)

        @app.route()
        def meet(req: func.HttpRequest) -> str:
            barrier.wait()
            return "met"
    """
    name = azure.deploy(function_app=source)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: azure.get(name, "/api/meet").body, range(4)))
    assert answers == [b"met"] * 4


def test_a_function_that_takes_too_long(azure: Azure) -> None:
    source = """
        import time
        import azure.functions as func
        app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

        @app.route()
        def slow(req: func.HttpRequest) -> str:
            time.sleep(60)

        @app.route()
        def quick(req: func.HttpRequest) -> str:
            return "quick"
    """
    name = azure.deploy(function_app=source, host_json='{"version": "2.0", "functionTimeout": "00:00:01"}')
    assert azure.get(name, "/api/slow").status == 500
    assert azure.get(name, "/api/quick").body == b"quick"


def test_a_large_body(azure: Azure) -> None:
    source = """
        import azure.functions as func
        app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

        @app.route()
        def echo(req: func.HttpRequest) -> func.HttpResponse:
            return func.HttpResponse(req.get_body(), mimetype="application/octet-stream")
    """
    name = azure.deploy(function_app=source)
    body = bytes(range(256)) * 12_000
    assert azure.request(name, "POST", "/api/echo", body).body == body
    settings = {"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": str(len(body) - 1)}
    azure.call("update_application_settings", GROUP, name, {"properties": settings})
    assert azure.request(name, "POST", "/api/echo", body).status == 413
    assert azure.request(name, "POST", "/api/echo", body[:-1]).status == 200


def test_an_app_that_brings_its_own_packages(azure: Azure) -> None:
    source = """
        import azure.functions as func
        import greetings
        app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

        @app.route()
        def greet(req: func.HttpRequest) -> str:
            return greetings.WORD
    """
    packages = {".python_packages__lib/site-packages/greetings.py": "WORD = 'moin'"}
    name = azure.deploy(function_app=source, **packages)
    assert azure.get(name, "/api/greet").body == b"moin"


def test_an_invocation_is_kept_and_replayed(azure: Azure) -> None:
    name = azure.deploy(function_app=APP)
    azure.request(name, "POST", "/api/hello/ann?a=1", b"body")
    listed = azure.control("GET", f"/_fogbank/invocations?function={name}").json()["invocations"]
    assert [each["source"] for each in listed] == ["request", "index"]
    replayed = azure.control("POST", f"/_fogbank/invocations/{listed[0]['id']}/replay").json()
    assert replayed["source"] == "replay"
    assert "ann" in json.dumps(replayed)
