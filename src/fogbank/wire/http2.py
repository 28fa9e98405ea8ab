"""HTTP/2, by h2corn: started when the first connection speaks it, on a socket that only this server's user reaches.

Nothing else knows h2corn. What it runs is an ASGI application, so that another server can take its place.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fogbank.wire.splice import Splice

if TYPE_CHECKING:
    from fogbank.wire.asgi import Application

GRACE_SECONDS: Final = 5.0
_log = logging.getLogger(__name__)


class Http2Server:
    """Takes over connections that speak HTTP/2."""

    def __init__(self, application: Application, grace_seconds: float = GRACE_SECONDS) -> None:
        self._application = application
        self._grace_seconds = grace_seconds
        self._splices: set[Splice] = set()
        self._starting: asyncio.Task[Path] | None = None
        self._serving: asyncio.Task[None] | None = None
        self._server: Any = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._joining: set[asyncio.Task[None]] = set()
        self._closing = False

    def take(self, transport: asyncio.Transport, begun: bytes) -> None:
        """Go on with a connection whose first bytes were read already."""
        if self._closing:
            transport.close()
            return
        splice = Splice(transport, begun, self._splices.discard)
        self._splices.add(splice)
        task = asyncio.get_running_loop().create_task(self._join(splice))
        self._joining.add(task)
        task.add_done_callback(self._joining.discard)

    async def close(self) -> None:
        """Let calls under way finish within the grace, then cut off the rest."""
        self._closing = True
        if self._starting is not None:
            await asyncio.wait([self._starting])
        if self._serving is not None:
            self._server.shutdown()
            await asyncio.wait([self._serving], timeout=self._grace_seconds + 1)
            if not self._serving.done():
                self._serving.cancel()
                await asyncio.wait([self._serving])
        for splice in list(self._splices):
            splice.abort()
        if self._joining:
            await asyncio.wait(self._joining)
        if self._folder is not None:
            self._folder.cleanup()

    async def _join(self, splice: Splice) -> None:
        try:
            await splice.join(await self._path())
        except Exception:  # noqa: BLE001 - whatever it is, the connection must end
            _log.exception("a connection in HTTP/2 could not be served")
            splice.abort()

    async def _path(self) -> Path:
        """Return where h2corn listens, once it does; it is started again if it has ended."""
        ended = self._serving is not None and self._serving.done()
        if self._starting is None or (self._starting.done() and ended):
            if self._folder is not None:
                self._folder.cleanup()
            self._starting = asyncio.get_running_loop().create_task(self._start())
        return await asyncio.shield(self._starting)

    async def _start(self) -> Path:
        from h2corn import Config, Server, _lib  # noqa: PLC0415 - loaded on first use

        # There is no setting for it, and standard error is for what has gone wrong.
        _lib.emit_banner = lambda *_: None
        self._folder = tempfile.TemporaryDirectory(prefix="fogbank-h2-", ignore_cleanup_errors=True)
        path = Path(self._folder.name) / "http2.sock"
        config = Config(
            bind=(f"unix:{path}",),
            grpc=True,
            access_log=False,
            lifespan="off",
            uds_permissions=0o600,
            timeout_graceful_shutdown=self._grace_seconds,
            # Clients of Google's services keep connections for as long as they live.
            timeout_keep_alive=0,
        )
        self._server = Server(self._application, config)
        self._serving = asyncio.get_running_loop().create_task(self._server.serve())
        await self._server.wait_started()
        return path
