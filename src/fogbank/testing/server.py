"""A server on a thread of the test's own process, for blocking clients."""

from __future__ import annotations

import asyncio
import itertools
import threading
from typing import TYPE_CHECKING, Any, Self, TypeVar

from fogbank.app import App
from fogbank.clouds.aws.api import DEFAULT_ACCOUNT
from fogbank.kernel.clock import SECOND_US, Clock
from fogbank.kernel.ids import Ids

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from fogbank.settings import Settings
    from fogbank.storage.signals import Happening

T = TypeVar("T")
_snapshots = itertools.count(1)


class ThreadedServer:
    """`with ThreadedServer(settings) as server:` answers at `server.url` until the block ends."""

    def __init__(self, settings: Settings, *, frozen_at_us: int | None = None, seed: int | None = None) -> None:
        self.clock = Clock(frozen_at_us=frozen_at_us)
        self.url = ""
        self.app: App
        self._settings = settings
        self._seed = seed
        self._timed = frozen_at_us is not None
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
        by_us = int(seconds * SECOND_US)
        if self._timed and not self.app.store.exclusive:
            # The test's clock is that of whoever uses the database.
            self.call(self.clock.advance(by_us, self.app.settle))
        else:
            self.call(self.app.time.advance(by_us))

    def advance_to_next(self) -> bool:
        """Move the server's clock to when something is due next, and have it happen; False if nothing is."""
        return self.call(self.app.time.advance_to_next())

    def freeze(self) -> None:
        """Let the server's time stand still."""
        self.call(self.app.time.freeze())

    def resume(self) -> None:
        """Let the server's time run on from where it stands."""
        self.call(self.app.time.resume())

    def now(self) -> float:
        """Return what time it is for the server, in seconds since the epoch."""
        return self.clock.now() / SECOND_US

    def reset(self) -> None:
        """Delete every resource."""
        self.call(self.app.reset())

    def snapshot(self, name: str = "") -> str:
        """Keep all resources and what is in them once nothing is under way; returns the snapshot's name."""
        return self.call(self._snapshot(name or f"test-{next(_snapshots)}"))

    def restore(self, name: str) -> None:
        """Have what a snapshot holds in the place of all that there is; time doesn't go back."""
        self.call(self.app.snapshots.restore(name))

    def client(self, service: str, *, account: str = DEFAULT_ACCOUNT, **settings: Any) -> Any:
        """Return a client of boto3 that needs no port; `settings` are those of `AwsClients`."""
        from fogbank.testing.aws import make_client  # noqa: PLC0415 - imported when a test asks

        return make_client(self, account, service, **settings)

    def witness(self, witness: Callable[[Happening], None]) -> Callable[[], None]:
        """Have all that happens told, on the server's thread, from now on; returns what ends that."""

        async def begin() -> Callable[[], None]:
            return self.app.store.signals.witness(witness)

        leave = self.call(begin())

        async def end() -> None:
            leave()

        return lambda: self.call(end())

    async def _snapshot(self, name: str) -> str:
        await self.app.settle()
        return (await self.app.snapshots.save(name)).name

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
