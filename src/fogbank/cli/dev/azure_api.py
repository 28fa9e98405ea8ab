"""Function apps made through Azure's own management API, from local folders."""

from __future__ import annotations

from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec

from fogbank.settings import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TIMEOUT_SECONDS: Final = 60.0
SUBSCRIPTION: Final = "00000000-0000-0000-0000-000000000000"
GROUP: Final = "dev"
VERSION: Final = "2025-05-01"


class AzureApiError(Exception):
    """The server refuses, or doesn't answer."""


class AzureApi:
    """`Microsoft.Web` on one server of this machine, for one resource group."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._parts = urlsplit(url)
        if self._parts.hostname not in LOOPBACK:
            msg = f"A server elsewhere ({url}) doesn't see the folder; deploy a zip file there."
            raise AzureApiError(msg)

    @property
    def scope(self) -> str:
        """The scope that its apps are in."""
        return f"azure/{SUBSCRIPTION}/{GROUP}"

    def publish(self, name: str, folder: Path, environment: Mapping[str, str]) -> None:
        """Create an app that runs from a folder, or bring the one of that name to it; raises `AzureApiError`."""
        settings = {**environment, "WEBSITE_RUN_FROM_PACKAGE": str(folder)}
        listed = [{"name": key, "value": value} for key, value in settings.items()]
        body = {
            "location": "local",
            "kind": "functionapp,linux",
            "properties": {"siteConfig": {"appSettings": listed}},
        }
        self._call("PUT", name, body)
        # One of that name may have been stopped.
        self._call("POST", f"{name}/start", None)

    def functions(self, name: str) -> list[dict[str, Any]]:
        """Return the properties of an app's functions as its folder has them now; raises `AzureApiError`."""
        found = self._call("GET", f"{name}/functions", None)["value"]
        return [each["properties"] for each in found]

    def host_keys(self, name: str) -> tuple[str, str]:
        """Return an app's master key and its default key; raises `AzureApiError`."""
        keys = self._call("POST", f"{name}/host/default/listkeys", None)
        return keys["masterKey"], keys["functionKeys"].get("default", "")

    def errors(self, name: str) -> list[str]:
        """Return what keeps an app, or functions of it, from running."""
        key, _ = self.host_keys(name)
        host = {"Host": f"{name}.azurewebsites.localhost", "x-functions-key": key}
        status: dict[str, Any] = self._send("GET", "/admin/host/status", b"", host)
        found: list[str] = status.get("errors", [])
        return found

    def _call(self, method: str, path: str, body: Any) -> Any:
        target = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.Web/sites/{path}"
        data = b"" if body is None else msgspec.json.encode(body)
        return self._send(method, f"{target}?api-version={VERSION}", data, {"Content-Type": "application/json"})

    def _send(self, method: str, target: str, data: bytes, headers: dict[str, str]) -> Any:
        assert self._parts.hostname is not None
        connection = HTTPConnection(self._parts.hostname, self._parts.port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request(method, target, data, headers)
            response = connection.getresponse()
            text = response.read()
            answer = msgspec.json.decode(text) if text else {}
        except (OSError, HTTPException, msgspec.DecodeError) as error:
            msg = f"No answer from {self.url}: {error}"
            raise AzureApiError(msg) from None
        finally:
            connection.close()
        if response.status >= 400:
            raise AzureApiError(answer.get("error", {}).get("message") or f"HTTP {response.status}")
        return answer
