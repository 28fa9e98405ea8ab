"""The admin endpoints: health, reset, functions and their code, documents, and what is kept of invocations."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Protocol

from fogbank import __version__
from fogbank.control.records import iso
from fogbank.control.replies import RefusedError, allow, error_reply, json_reply, read_number, read_query
from fogbank.engines.functions import functions
from fogbank.runtimes.lambda_runtime_api.extensions.delivery import MARK
from fogbank.storage import StoreUnavailableError, blobs
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from fogbank.engines.functions.model import Function
    from fogbank.runtimes.runner import FunctionRunner
    from fogbank.storage import Store
    from fogbank.wire.http import Request

_CODE: Final = re.compile(r"/_fogbank/code/([0-9a-f]{64})\.zip")
FUNCTIONS_MAX: Final = 1_000
_MESSAGES: Final = "/_aws/sqs/messages"
_HEALTH: Final = "/_fogbank/health"
# What functions may ask, too.
_OPEN: Final = (_HEALTH, "/_localstack/health")


class Endpoint(Protocol):
    """What answers at a path of its own and below it."""

    async def handle(self, request: Request, path: str) -> Response:
        """Answer a request, or raise `RefusedError`; `path` has no slash at its end."""


class Control:
    """Answers what is asked of Fogbank itself; `endpoints` are those that have modules of their own, by their paths."""

    def __init__(
        self,
        store: Store,
        services: Sequence[str],
        reset: Callable[[], Awaitable[None]],
        runner: FunctionRunner,
        endpoints: Mapping[str, Endpoint],
    ) -> None:
        self._is_function = runner.is_function
        self._store = store
        self._services = services
        self._reset = reset
        self._endpoints = endpoints

    async def handle(self, request: Request) -> Response:
        """Answer one request; functions, and whoever can't be told from one, may ask for the server's health only."""
        try:
            if request.raw_path not in _OPEN and self._is_inside(request):
                raise RefusedError(403, "Functions may not use the control API.")
            return await self._handle(request, request.raw_path.rstrip("/"))
        except RefusedError as error:
            return error_reply(error.status, str(error))
        except StoreUnavailableError as error:
            return error_reply(503, f"The store is unavailable: {error}")

    async def _handle(self, request: Request, path: str) -> Response:
        if path == _HEALTH:
            allow(request, path, "GET", "HEAD")
            services = dict.fromkeys(self._services, "running")
            return json_reply(200, {"version": __version__, "edition": "fogbank", "services": services})
        if path == "/_fogbank/reset":
            allow(request, path, "POST")
            await self._reset()
            return json_reply(200, {"reset": True})
        # "/_fogbank/queues/1" is the business of "/_fogbank/queues".
        endpoint = self._endpoints.get("/".join(path.split("/", 3)[:3]))
        if endpoint is not None:
            return await endpoint.handle(request, path)
        if path.startswith(_MESSAGES):
            from fogbank.clouds.aws.sqs.inspection import show_messages  # noqa: PLC0415 - loaded on first use

            allow(request, path, "GET")
            return await show_messages(self._store, request)
        if path == "/_fogbank/functions":
            allow(request, path, "GET", "HEAD")
            return await self._list_functions(request)
        if match := _CODE.fullmatch(path):
            data = await self._store.scan(blobs.fetch, bytes.fromhex(match[1]))
            if data is not None:
                return Response(200, [(b"Content-Type", b"application/zip")], data)
        raise RefusedError(404, f"There is nothing at {path}.")

    def _is_inside(self, request: Request) -> bool:
        if request.client_port == 0 or MARK in request.headers:
            return True
        return self._is_function(request.client, request.client_port, request.server_port)

    async def _list_functions(self, request: Request) -> Response:
        values = read_query(request, "limit", "after")
        limit = read_number(values, "limit", 1, FUNCTIONS_MAX, FUNCTIONS_MAX)
        scope, _, name = values.get("after", "").rpartition("/")
        found = await self._store.scan(functions.list_everywhere, (scope, name), limit)
        follows = f"{found[-1].scope}/{found[-1].name}" if len(found) == limit else None
        return json_reply(200, {"functions": [_show(function) for function in found], "next": follows})


def _show(function: Function) -> dict[str, Any]:
    config = function.config
    return {
        "name": function.name,
        "scope": function.scope,
        "contract": config.contract,
        "runtime": config.runtime,
        "handler": config.handler,
        "memory_mib": config.memory_mib,
        "timeout_seconds": config.timeout_seconds,
        "created": iso(function.created_us),
        "modified": iso(function.modified_us),
    }
