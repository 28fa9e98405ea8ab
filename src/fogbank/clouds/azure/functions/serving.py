"""What a function app answers on its own host name: its HTTP functions, the home page, the host's admin endpoints."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.azure.functions import admin
from fogbank.clouds.azure.functions.apps import address_of, settings_of
from fogbank.clouds.azure.functions.eventgrid import endpoint
from fogbank.clouds.azure.functions.indexing import NotIndexedError
from fogbank.clouds.azure.functions.routes.routing import Router, may_call
from fogbank.engines.functions.entrances import addresses
from fogbank.engines.functions.errors import FunctionNotFoundError
from fogbank.runtimes.model import Ended, Invocation
from fogbank.runtimes.runner import BusyError
from fogbank.wire.http import BODILESS, BodyTooLargeError, Response

if TYPE_CHECKING:
    from fogbank.clouds.azure.functions.apps import App
    from fogbank.clouds.azure.functions.indexing import Indexer
    from fogbank.clouds.azure.functions.routes.routing import Routed
    from fogbank.clouds.azure.parts import Parts
    from fogbank.engines.functions.model import Function
    from fogbank.runtimes.model import Outcome
    from fogbank.wire.http import Request

# "Azure Functions HTTP trigger", "Limits": 100 MB unless FUNCTIONS_REQUEST_BODY_SIZE_LIMIT says otherwise.
BODY_BYTES_MAX: Final = 104_857_600
ROUTERS_MAX: Final = 256
NOT_RUNNING: Final = b"Function host is not running."
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
# What the server itself says of its responses.
_OWN_HEADERS: Final = frozenset({"connection", "content-length", "date", "keep-alive", "transfer-encoding"})


class AppHost:
    """Answers requests for apps by their host names."""

    def __init__(self, parts: Parts, indexer: Indexer) -> None:
        self._parts = parts
        self._indexer = indexer
        # The routers of apps by their ids, each with what was indexed when it was made.
        self._routers: dict[int, tuple[Any, App, Router]] = {}

    async def handle(self, request: Request, name: str) -> Response:
        """Answer a request for the app of that name."""
        try:
            function = await self._parts.store.read(addresses.find, address_of(name))
            app, router = await self._host(function)
        except FunctionNotFoundError:
            return _page(404, "404 Web Site not found.", "There is no function app of that name.")
        except NotIndexedError:
            return _text(503, NOT_RUNNING)
        except BusyError:
            return Response(429, [])
        if not app.running:
            return _page(403, "Error 403 - This web app is stopped.", "The web app you have attempted to reach is"
                         " currently stopped and does not accept any requests.")  # fmt: skip
        segments = request.path.strip("/").split("/")
        if segments[0].lower() == "admin":
            return await admin.handle(self._parts, app, request, segments[1:])
        if app.indexed is not None and app.indexed.error:
            return _text(503, NOT_RUNNING)
        try:
            if [segment.lower() for segment in segments] == endpoint.PATH:
                return await endpoint.handle(self._parts, app, request)
        except BodyTooLargeError:
            return Response(413, [])
        except BusyError:
            return Response(429, [])
        routed = router.find(request.method, request.raw_path)
        if routed is None:
            return _home(app) if request.raw_path == "/" and request.method in ("GET", "HEAD") else Response(404, [])
        if not may_call(request, routed.entry, app.keys):
            return Response(401, [])
        try:
            return await self._call(request, app, routed)
        except BodyTooLargeError:
            return Response(413, [])
        except BusyError:
            return Response(429, [])
        except FunctionNotFoundError:
            return Response(404, [])

    async def _host(self, function: Function) -> tuple[App, Router]:
        function = await self._indexer.refresh(function)
        known = self._routers.get(function.id)
        if known is not None and known[0] is function.config and known[1].function.revision == function.revision:
            return known[1], known[2]
        app = await self._indexer.current(function)
        router = Router(app)
        if len(self._routers) >= ROUTERS_MAX:
            self._routers.clear()
        self._routers[function.id] = (app.function.config, app, router)
        return app, router

    async def _call(self, request: Request, app: App, routed: Routed) -> Response:
        body = await request.read(_body_bytes_max(app))
        query = f"?{request.raw_query}" if request.raw_query else ""
        context = {
            "function": routed.entry.name,
            "method": request.method,
            "path": request.raw_path,
            "query": request.raw_query,
            "url": f"{request.origin}{request.raw_path}{query}",
            "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in request.headers.items()],
            "params": routed.parameters,
        }
        invocation = Invocation(self._parts.ids.uuid(), body, context)
        outcome = await self._parts.invoker.run(app.function, invocation)
        return _respond(outcome, request.method)


def _body_bytes_max(app: App) -> int:
    """Return how long a request may be."""
    limit = settings_of(app.function.config).get("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT", "")
    return int(limit) if limit.isdecimal() and limit.isascii() else BODY_BYTES_MAX


def _respond(outcome: Outcome, method: str) -> Response:
    """Return the response that an outcome makes; how a function failed is for its log, not for the caller."""
    if outcome.ended in (Ended.LAUNCH, Ended.INIT_ERROR):
        return _text(503, NOT_RUNNING)
    if outcome.ended is not Ended.OK:
        return Response(500, [])
    status = outcome.head.get("status")
    headers = [(str(name), str(value)) for name, value in outcome.head.get("headers", ())]
    if not isinstance(status, int) or not 200 <= status <= 599:
        return Response(500, [])
    if not all(_TOKEN.fullmatch(name) and _VALUE.fullmatch(value) for name, value in headers):
        return Response(500, [])
    encoded = [
        (name.encode("latin-1"), value.encode("latin-1")) for name, value in headers if name.lower() not in _OWN_HEADERS
    ]
    if status in BODILESS:
        return Response(status, encoded)
    if method == "HEAD":
        return Response(status, encoded, b"", len(outcome.payload))
    return Response(status, encoded, outcome.payload)


def _home(app: App) -> Response:
    if app.function.config.environment.get("AzureWebJobsDisableHomepage", "").lower() == "true":
        return Response(204, [])
    title = "Your Azure Function App is up and running."
    return _page(200, title, f"{html.escape(app.name)} runs on Fogbank.")


def _page(status: int, title: str, text: str) -> Response:
    page = f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1><p>{text}</p></body></html>"
    return Response(status, [(b"Content-Type", b"text/html; charset=utf-8")], page.encode())


def _text(status: int, text: bytes) -> Response:
    return Response(status, [(b"Content-Type", b"text/plain; charset=utf-8")], text)
