"""Function apps on a server, made with Microsoft's own management client."""

from __future__ import annotations

import contextlib
import http.client
import io
import itertools
import json
import os
import socket
import textwrap
import time
import zipfile
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from azure.core.credentials import AccessToken
from azure.core.pipeline.policies import RetryPolicy
from azure.mgmt.web import WebSiteManagementClient

from fogbank.engines.telemetry import entries
from fogbank.engines.telemetry.entries import Query
from fogbank.engines.telemetry.errors import LogGroupNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fogbank.testing.server import ThreadedServer

GROUP = "Group-1"
LOCATION = "westeurope"
_numbers = itertools.count(1)


class Credential:
    """A token that nobody checks."""

    def get_token(self, *_scopes: str, **_settings: Any) -> AccessToken:
        return AccessToken("token", int(time.time()) + 3_600)


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def zipped(**files: str | bytes) -> bytes:
    """Return a package; `function_app` is for function_app.py, `host_json` for host.json."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            path = name.replace("__", "/", 1).replace("_json", ".json")
            path = path if "." in path else f"{path}.py"
            archive.writestr(path, textwrap.dedent(content) if isinstance(content, str) else content)
    return buffer.getvalue()


class Azure:
    """A subscription of the test's own on a server."""

    def __init__(self, server: ThreadedServer) -> None:
        self.server = server
        number = next(_numbers)
        self.subscription = f"00000000-0000-0000-{os.getpid() % 10_000:04d}-{number:012d}"
        self.prefix = f"app-{os.getpid()}-{number}"
        self.client = WebSiteManagementClient(
            Credential(), self.subscription, base_url=server.url, polling_interval=0,
            retry_policy=RetryPolicy.no_retries(),
        )  # fmt: skip

    def create(self, name: str = "", settings: dict[str, str] | None = None, **more: Any) -> str:
        """Create an app; returns its name."""
        name = name or self.prefix
        config = {"appSettings": [{"name": key, "value": value} for key, value in (settings or {}).items()]}
        site = {
            "location": LOCATION,
            "kind": "functionapp,linux",
            "properties": {"siteConfig": config, "reserved": True},
            **more,
        }
        self.call("begin_create_or_update", GROUP, name, site).result()
        return name

    def create_in(self, group: str, name: str) -> str:
        """Create an app in a resource group; returns its name."""
        site = {"location": LOCATION, "kind": "functionapp"}
        self.call("begin_create_or_update", group, name, site).result()
        return name

    def call(self, operation: str, *arguments: Any, **settings: Any) -> Any:
        """Call an operation of the client over plain HTTP."""
        return getattr(self.client.web_apps, operation)(*arguments, enforce_https=False, **settings)

    def deploy(self, name: str = "", **files: str | bytes) -> str:
        """Create an app if it isn't there, and deploy a package; returns the app's name."""
        if not name:
            name = self.create()
        answer = self.request(f"{name}.scm", "POST", "/api/zipdeploy", zipped(**files))
        assert answer.status == 200, answer.body
        return name

    def request(self, app: str, method: str, target: str, body: bytes = b"", **headers: str) -> Answer:
        """Send a request to an app's host."""
        parts = urlsplit(self.server.url)
        with contextlib.closing(http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)) as connection:
            host = f"{app}.azurewebsites.localhost:{parts.port}"
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, target, body, {"Host": host, **named})
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read())

    def get(self, app: str, target: str, **headers: str) -> Answer:
        return self.request(app, "GET", target, **headers)

    def arm(self, method: str, path: str, body: Any = None, query: str = "?api-version=2025-05-01") -> Answer:
        """Send a request to the management API."""
        return self.control(method, f"/subscriptions/{self.subscription}{path}{query}", body)

    def storage(self, method: str, target: str) -> Answer:
        """Send a request as if to Azure Storage, with a token."""
        return self.control(method, target, x_ms_version="2026-02-06", authorization="Bearer token")

    def control(self, method: str, target: str, body: Any = None, **headers: str) -> Answer:
        """Send a request to the server's own host."""
        parts = urlsplit(self.server.url)
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        with contextlib.closing(http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)) as connection:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, target, data, {"content-type": "application/json", **named})
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read())

    def logs(self, app: str) -> list[str]:
        """Return all lines that an app has logged."""
        return self.server.call(self._read_logs(app))

    async def _read_logs(self, app: str) -> list[str]:
        group = (f"azure/{self.subscription}/{GROUP.lower()}", f"/azure/functions/{app}")
        try:
            page = await self.server.app.store.read(entries.read, group, Query())
        except LogGroupNotFoundError:
            return []
        return [line for entry in page.entries for line in entry.text.splitlines()]

    def master_key(self, app: str) -> str:
        return self.call("list_host_keys", GROUP, app).master_key


@pytest.fixture
def resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Resolve names below localhost, as many systems do and others don't."""
    resolve = socket.getaddrinfo

    def find(host: Any, *arguments: Any, **settings: Any) -> Any:
        return resolve("127.0.0.1" if str(host).endswith(".localhost") else host, *arguments, **settings)

    monkeypatch.setattr(socket, "getaddrinfo", find)


@pytest.fixture
def azure(server: ThreadedServer) -> Iterator[Azure]:
    made = Azure(server)
    yield made
    made.client.close()


@pytest.fixture
def timed_azure(timed_server: ThreadedServer) -> Iterator[Azure]:
    made = Azure(timed_server)
    yield made
    made.client.close()


@pytest.fixture
def eventually() -> Callable[[Callable[[], Any]], Any]:
    """`eventually(f)` returns the first true result of `f`."""

    def wait(what: Callable[[], Any]) -> Any:
        from tests.servers import wait_until

        return wait_until(what)

    return wait
