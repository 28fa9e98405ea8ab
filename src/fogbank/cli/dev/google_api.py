"""Functions made and changed through Google's own API, from local folders."""

from __future__ import annotations

import os
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec

from fogbank.cli.dev.google_functions import BACKGROUND
from fogbank.settings import LOOPBACK

if TYPE_CHECKING:
    from pathlib import Path

    from fogbank.cli.dev.google_functions import GoogleFunction
    from fogbank.cli.dev.projects import Given

TIMEOUT_SECONDS: Final = 60.0
DEFAULT_PROJECT: Final = "fogbank"
DEFAULT_REGION: Final = "us-central1"
# The bucket whose objects are local folders: functions then run from the folder itself.
HOT_RELOAD: Final = "hot-reload"


class GoogleApiError(Exception):
    """The server refuses, or doesn't answer."""


class GoogleApi:
    """Cloud Functions, second generation, on one server of this machine, for one project and region."""

    def __init__(self, url: str, project: str = DEFAULT_PROJECT, region: str = DEFAULT_REGION) -> None:
        self.url = url
        self.project = project
        self.region = region
        self._parts = urlsplit(url)
        if self._parts.hostname not in LOOPBACK:
            msg = f"A server elsewhere ({url}) doesn't see the folder; deploy a zip file there."
            raise GoogleApiError(msg)

    @property
    def scope(self) -> str:
        """The scope that its functions are in."""
        return f"gcp/{self.project}/{self.region}"

    def publish(self, function: GoogleFunction, folder: Path, given: Given) -> None:
        """Create a function, or bring the one of that name to what the folder says; raises `GoogleApiError`."""
        build: dict[str, Any] = {"runtime": function.runtime, "entryPoint": function.target, "source": _source(folder)}
        if function.kind == BACKGROUND:
            # Functions with a mark say themselves what they are.
            build["environmentVariables"] = {"GOOGLE_FUNCTION_SIGNATURE_TYPE": function.kind}
        service: dict[str, Any] = {"environmentVariables": dict(given.environment)}
        if given.memory_mib is not None:
            service["availableMemory"] = f"{given.memory_mib}Mi"
        if given.timeout_seconds is not None:
            service["timeoutSeconds"] = given.timeout_seconds
        body = {"buildConfig": build, "serviceConfig": service}
        try:
            self._call("POST", f"{self._parent}?functionId={function.name}", body)
        except _ExistsError:
            self._call("PATCH", f"{self._parent}/{function.name}", body)

    def update_code(self, function: GoogleFunction, folder: Path) -> None:
        """Give a function the folder's present code; raises `GoogleApiError`."""
        path = f"{self._parent}/{function.name}?updateMask=buildConfig.source"
        self._call("PATCH", path, {"buildConfig": {"source": _source(folder)}})

    def address(self, function: GoogleFunction) -> str:
        """Return where a function is called."""
        return f"{self.url}/{self.region}-{self.project}/{function.name}"

    @property
    def _parent(self) -> str:
        return f"/v2/projects/{self.project}/locations/{self.region}/functions"

    def _call(self, method: str, target: str, body: Any) -> None:
        assert self._parts.hostname is not None
        connection = HTTPConnection(self._parts.hostname, self._parts.port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request(method, target, msgspec.json.encode(body), {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = msgspec.json.decode(response.read(), type=dict[str, Any])
        except (OSError, HTTPException, msgspec.DecodeError) as error:
            msg = f"No answer from {self.url}: {error}"
            raise GoogleApiError(msg) from None
        finally:
            connection.close()
        # What a deployment fails with stands in its operation, which is over when it is returned.
        failed = answer.get("error")
        if failed:
            kind = _ExistsError if failed.get("status") == "ALREADY_EXISTS" else GoogleApiError
            raise kind(failed.get("message") or f"HTTP {response.status}")


class _ExistsError(GoogleApiError):
    """There is a function of that name."""


def caller(environment: dict[str, str] | None = None) -> tuple[str, str]:
    """Return the project and the region that Google's tools would act for with these environment variables."""
    values = os.environ if environment is None else environment
    project = values.get("GOOGLE_CLOUD_PROJECT") or values.get("CLOUDSDK_CORE_PROJECT") or DEFAULT_PROJECT
    return project, values.get("CLOUDSDK_FUNCTIONS_REGION") or DEFAULT_REGION


def _source(folder: Path) -> dict[str, Any]:
    return {"storageSource": {"bucket": HOT_RELOAD, "object": str(folder)}}
