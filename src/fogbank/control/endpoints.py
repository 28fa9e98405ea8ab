"""The admin endpoints: health and reset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank import __version__
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.storage import Store
    from fogbank.wire.http import Request

_HEALTH: Final = ("/_fogbank/health", "/_localstack/health")


class Control:
    """Answers what is asked of Fogbank itself."""

    def __init__(self, store: Store, services: Sequence[str]) -> None:
        self._store = store
        self._services = services

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
            await self._store.reset()
            return _json(200, {"reset": True})
        return _json(404, {"error": f"There is nothing at {path}."})


def _json(status: int, value: Any) -> Response:
    return Response(status, [(b"Content-Type", b"application/json")], msgspec.json.encode(value))
