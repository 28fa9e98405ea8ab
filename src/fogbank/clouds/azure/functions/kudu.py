"""The deployment service of an app, on its scm host name: zip deploy and what became of it.

Project Kudu's wiki, "Deploying from a zip file or url"; App Service documentation, "Deploy files".
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

import msgspec

from fogbank.clouds.azure.errors import json_response
from fogbank.clouds.azure.functions import changes
from fogbank.clouds.azure.functions.apps import address_of, read_app
from fogbank.clouds.azure.functions.indexing import NotIndexedError
from fogbank.engines.functions.entrances import addresses
from fogbank.engines.functions.errors import FunctionNotFoundError
from fogbank.runtimes.runner import BusyError
from fogbank.wire.http import BODY_BYTES_MAX, BodyTooLargeError, Response

if TYPE_CHECKING:
    from fogbank.clouds.azure.functions.apps import App
    from fogbank.clouds.azure.functions.indexing import Indexer
    from fogbank.clouds.azure.parts import Parts
    from fogbank.wire.http import Request

SUCCEEDED: Final = 4
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PARAMETERS: Final = frozenset({
    "api-version", "author", "authoremail", "clean", "deployer", "isasync", "message", "remotebuild", "restart",
    "trackdeploymentprogress", "type", "ignorestack", "path",
})  # fmt: skip


class Kudu:
    """Answers requests to scm hosts."""

    def __init__(self, parts: Parts, indexer: Indexer) -> None:
        self._parts = parts
        self._indexer = indexer

    async def handle(self, request: Request, name: str) -> Response:
        """Answer a request for the app of that name."""
        try:
            function = await self._parts.store.read(addresses.find, address_of(name))
        except FunctionNotFoundError:
            return Response(404, [(b"Content-Type", b"text/plain")], b"404 Web Site not found.")
        app = read_app(function)
        path = request.path.rstrip("/").lower()
        if path in ("/api/zipdeploy", "/api/publish"):
            if request.method not in ("POST", "PUT"):
                return _message(405, f"The requested resource does not support http method '{request.method}'.")
            return await self._deploy(request, app)
        if path == "/api/deployments" and request.method == "GET":
            return json_response(200, [_shown(app)] if "deployment" in function.config.labels else [])
        if path.startswith("/api/deployments/") and path.count("/") == 3 and request.method == "GET":
            number = path.rpartition("/")[2]
            if "deployment" in function.config.labels and number in ("latest", _shown(app)["id"]):
                return json_response(200, _shown(app))
            return _message(404, f"Deployment '{number}' not found.")
        uri = f"{request.origin}{request.raw_path}"
        return _message(404, f"No HTTP resource was found that matches the request URI '{uri}'.")

    async def _deploy(self, request: Request, app: App) -> Response:
        query = {name.lower(): values[-1] for name, values in parse_qs(request.raw_query).items()}
        for name, value in query.items():
            if name not in _PARAMETERS or (name == "remotebuild" and value.lower() == "true") or name == "path":
                return _message(400, f"Fogbank does not support the parameter {name}.")
        if query.get("type", "zip").lower() != "zip":
            return _message(400, f"Fogbank does not support the type {query['type']}.")
        if request.header(b"content-type").startswith("application/json"):
            return _message(400, "Fogbank does not support packages by their URL.")
        try:
            archive = await request.read(BODY_BYTES_MAX)
        except BodyTooLargeError as error:
            return _message(413, str(error))
        number = self._parts.ids.hex(20)
        record = {"id": number, "at_us": self._parts.clock.now()}
        try:
            labels = {"deployment": msgspec.json.encode(record).decode()}
            function = await changes.deploy(self._parts, app, archive, labels)
        except changes.ChangeError as error:
            return _message(400, str(error))
        except changes.RunsFromFolderError:
            return _message(
                409,
                "Run-From-Zip is set to a remote URL using WEBSITE_RUN_FROM_PACKAGE or WEBSITE_USE_ZIP app setting."
                " Deployment is not supported in this configuration.",
            )
        except FunctionNotFoundError:
            return _message(404, "The app was deleted.")
        if query.get("isasync", "").lower() == "true":
            self._indexer.soon(function)
            location = f"{request.origin}/api/deployments/latest".encode("latin-1")
            return Response(202, [(b"Location", location), (b"SCM-DEPLOYMENT-ID", number.encode())])
        try:
            await self._indexer.current(function)
        except (BusyError, FunctionNotFoundError, NotIndexedError):
            self._indexer.soon(function)
        return Response(200, [(b"SCM-DEPLOYMENT-ID", number.encode())])


def _shown(app: App) -> dict[str, Any]:
    record = msgspec.json.decode(app.function.config.labels["deployment"])
    moment = (_EPOCH + timedelta(microseconds=record["at_us"])).isoformat().replace("+00:00", "Z")
    return {
        "id": record["id"],
        "status": SUCCEEDED,
        "status_text": "",
        "author_email": "N/A",
        "author": "N/A",
        "deployer": "Push-Deployer",
        "message": "Created via a push deployment",
        "progress": "",
        "received_time": moment,
        "start_time": moment,
        "end_time": moment,
        "last_success_end_time": moment,
        "complete": True,
        "active": True,
        "is_temp": False,
        "is_readonly": True,
        "site_name": app.name,
    }


def _message(status: int, text: str) -> Response:
    return json_response(status, {"Message": text})
