"""The admin endpoints: health, reset, and the code of functions for download."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank import __version__
from fogbank.storage import blobs
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from fogbank.storage import Store
    from fogbank.wire.http import Request

_CODE: Final = re.compile(r"/_fogbank/code/([0-9a-f]{64})\.zip")
_HEALTH: Final = ("/_fogbank/health", "/_localstack/health")


class Control:
    """Answers what is asked of Fogbank itself."""

    def __init__(self, store: Store, services: Sequence[str], reset: Callable[[], Awaitable[None]]) -> None:
        self._store = store
        self._services = services
        self._reset = reset

    async def handle(self, request: Request) -> Response:
        """Answer one request."""
        path = request.raw_path.rstrip("/")
        if path in _HEALTH:
            if request.method not in ("GET", "HEAD"):
                return _json(405, {"error": f"{request.method} is not allowed on {path}; use GET."})
            services = dict.fromkeys(self._services, "running")
            return _json(200, {"version": __version__, "edition": "fogbank", "services": services})
        if path == "/_fogbank/reset":
            if request.method != "POST":
                return _json(405, {"error": f"{request.method} is not allowed on {path}; use POST."})
            await self._reset()
            return _json(200, {"reset": True})
        if match := _CODE.fullmatch(path):
            data = await self._store.scan(blobs.fetch, bytes.fromhex(match[1]))
            if data is not None:
                return Response(200, [(b"Content-Type", b"application/zip")], data)
        return _json(404, {"error": f"There is nothing at {path}."})


def _json(status: int, value: Any) -> Response:
    return Response(status, [(b"Content-Type", b"application/json")], msgspec.json.encode(value))
