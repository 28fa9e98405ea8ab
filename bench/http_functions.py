"""Functions of Azure and Google that answer HTTP requests: warm, and for the first time."""

from __future__ import annotations

import asyncio
import io
import itertools
import json
import time
import zipfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from bench.case import Case, Timed
from bench.functions import NODE_PAUSE_SECONDS, PAUSE_SECONDS
from bench.http import RefusedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bench.case import Work
    from bench.http import Client, Connection

    Deploy = Callable[[Client, Connection, str], Awaitable[bytes]]

LOCATION = "/v2/projects/bench-project/locations/us-central1"
GOOGLE_SOURCE = """
import functions_framework

@functions_framework.http
def greet(request):
    return "Hello, " + request.args["name"]
"""
SITES = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/bench/providers/Microsoft.Web/sites"
AZURE_SOURCE = """
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route(route="greet")
def greet(req):
    return func.HttpResponse("Hello, " + req.params["name"])
"""
GOOGLE_NODE_SOURCE = """
require("@google-cloud/functions-framework").http("greet", (request, response) => {
    response.send("Hello, " + request.query.name);
});
"""
AZURE_NODE_SOURCE = """
const { app } = require("@azure/functions");
app.get("greet", async (request) => ({ body: "Hello, " + request.query.get("name") }));
"""
TESTS = Path(__file__).parents[1] / "tests" / "conformance"


def _zipped(**files: str) -> bytes:
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "."), text)
    return package.getvalue()


@cache
def _with_packages(cloud: str, source: str) -> bytes:
    """Return a package for Node.js, with what the tests of a cloud have installed."""
    folder = TESTS / cloud / "js"
    if not (folder / "node_modules").is_dir():
        raise RefusedError(f"the packages of {folder} are not installed (make toolchains)")
    package = io.BytesIO(_zipped(index__js=source, package__json='{"main": "index.js"}'))
    with zipfile.ZipFile(package, "a", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted((folder / "node_modules").rglob("*")):
            if path.is_file() and path.suffix in (".js", ".cjs", ".mjs", ".json"):
                archive.write(path, path.relative_to(folder))
    return package.getvalue()


async def _deploy_google(client: Client, connection: Connection, name: str) -> bytes:
    return await _deploy_to_google(client, connection, name, "python311", _zipped(main__py=GOOGLE_SOURCE))


async def _deploy_google_node(client: Client, connection: Connection, name: str) -> bytes:
    package = _with_packages("gcp", GOOGLE_NODE_SOURCE)
    return await _deploy_to_google(client, connection, f"{name}-node", "nodejs20", package)


async def _deploy_to_google(client: Client, connection: Connection, name: str, runtime: str, package: bytes) -> bytes:
    """Deploy a function; returns a request for it."""
    place = json.loads(await connection.ask(client.plain("POST", f"{LOCATION}/functions:generateUploadUrl", b"{}")))
    path = "/" + place["uploadUrl"].split("/", 3)[3]
    await connection.ask(client.plain("PUT", path, package, "application/zip"))
    source = {"storageSource": place["storageSource"]}
    function = {
        "buildConfig": {"runtime": runtime, "entryPoint": "greet", "source": source},
        "serviceConfig": {"availableMemory": "256Mi"},
    }
    path = f"{LOCATION}/functions?functionId={name}"
    await connection.ask(client.plain("POST", path, json.dumps(function).encode()))
    return client.plain("GET", f"/us-central1-bench-project/{name}?name=Ada")


async def _deploy_azure(client: Client, connection: Connection, name: str) -> bytes:
    package = _zipped(function_app__py=AZURE_SOURCE, host__json='{"version": "2.0"}')
    return await _deploy_to_azure(client, connection, name, "python", package)


async def _deploy_azure_node(client: Client, connection: Connection, name: str) -> bytes:
    package = _with_packages("azure", AZURE_NODE_SOURCE)
    return await _deploy_to_azure(client, connection, f"{name}-node", "node", package)


async def _deploy_to_azure(client: Client, connection: Connection, name: str, language: str, package: bytes) -> bytes:
    """Deploy an app; returns a request for its function."""
    settings = [{"name": "FUNCTIONS_WORKER_RUNTIME", "value": language}]
    properties = {"siteConfig": {"appSettings": settings}}
    site = {"location": "westeurope", "kind": "functionapp,linux", "properties": properties}
    path = f"{SITES}/{name}?api-version=2023-12-01"
    await connection.ask(client.plain("PUT", path, json.dumps(site).encode()))
    host = f"{name}.scm.azurewebsites.localhost"
    await connection.ask(client.plain("POST", "/api/zipdeploy", package, "application/zip", host))
    return client.plain("GET", "/api/greet?name=Ada", host=f"{name}.azurewebsites.localhost")


def warm(deploy: Deploy) -> Callable[[Client, Connection], Awaitable[Work]]:
    """Call one function again and again."""

    async def prepare(client: Client, connection: Connection) -> Work:
        request = await deploy(client, connection, "bench-warm")

        async def work(connection: Connection) -> int:
            await connection.ask(request)
            return 1

        return work

    return prepare


def cold(deploy: Deploy, pause_seconds: float = PAUSE_SECONDS) -> Callable[[Client, Connection], Awaitable[Work]]:
    """Each turn deploys a function and calls it for the first time; the call is what counts."""

    async def prepare(client: Client, _: Connection) -> Work:
        numbers = itertools.count()

        async def work(connection: Connection) -> Timed:
            request = await deploy(client, connection, f"bench-cold-{next(numbers)}")
            await asyncio.sleep(pause_seconds)
            began = time.perf_counter()
            await connection.ask(request)
            return Timed(1, time.perf_counter() - began)

        return work

    return prepare


HTTP_FUNCTION_CASES = (
    Case("gcf.Call warm", warm(_deploy_google), budget_ms=1.2, concurrency=1),
    Case("gcf.Call cold", cold(_deploy_google), budget_ms=15, concurrency=1),
    Case("gcf.Call warm, Node.js", warm(_deploy_google_node), budget_ms=1.2, concurrency=1),
    Case("gcf.Call cold, Node.js", cold(_deploy_google_node, NODE_PAUSE_SECONDS), budget_ms=40, concurrency=1),
    Case("azure.Call warm", warm(_deploy_azure), budget_ms=1.2, concurrency=1),
    Case("azure.Call cold", cold(_deploy_azure), budget_ms=15, concurrency=1),
    Case("azure.Call warm, Node.js", warm(_deploy_azure_node), budget_ms=1.2, concurrency=1),
    Case("azure.Call cold, Node.js", cold(_deploy_azure_node, NODE_PAUSE_SECONDS), budget_ms=40, concurrency=1),
)
