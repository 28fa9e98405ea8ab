"""A server on a thread of the test's own process, for blocking clients."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, Self, TypeVar

from fogbank.app import App
from fogbank.kernel.clock import SECOND_US, Clock
from fogbank.kernel.ids import Ids

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from fogbank.settings import Settings

T = TypeVar("T")


class ThreadedServer:
    """`with ThreadedServer(settings) as server:` answers at `server.url` until the block ends."""

    def __init__(self, settings: Settings, *, frozen_at_us: int | None = None, seed: int | None = None) -> None:
        self.clock = Clock(frozen_at_us=frozen_at_us)
        self.url = ""
        self.app: App
        self._settings = settings
        self._seed = seed
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="fogbank-server", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the server's loop and return its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def advance(self, seconds: float) -> None:
        """Move the server's clock on; what falls due meanwhile has happened when this returns."""
        self.call(self.clock.advance(int(seconds * SECOND_US), self.app.settle))

    def reset(self) -> None:
        """Delete every resource."""
        self.call(self.app.reset())

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - raised in the test's own thread
            self._failure = error
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        async with App(self._settings, clock=self.clock, ids=Ids(self.clock, seed=self._seed)) as app:
            self.app = app
            self.url = app.url
            self._ready.set()
            await self._stop.wait()
