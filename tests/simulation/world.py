"""A server that is killed at random moments under clients that never stop, and started again on the same folder."""

from __future__ import annotations

import http.client
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

from tests.servers import RawClient, ServerProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

GONE = (OSError, http.client.HTTPException)


class Part(Protocol):
    """One kind of resource: clients that work on it, each turn with a random source of its own, and a checker.

    Checkers stand apart from the server: they know what the clients were told, and nothing else.
    """

    @property
    def workers(self) -> Sequence[Callable[[RawClient, random.Random], None]]:
        """What each client does again and again."""

    def prepare(self, client: RawClient) -> None:
        """Create the resource."""

    def check(self, client: RawClient) -> None:
        """Look at what is left after the last crash, and at what the clients saw meanwhile."""


class World:
    """One run; the seed decides how the clients behave and when the server dies. It is started with `flags`."""

    def __init__(self, seed: int, folder: Path, parts: Sequence[Part], *flags: str) -> None:
        self.random = random.Random(seed)
        self._flags = flags
        self.parts = parts
        self._folder = folder
        self._over = threading.Event()
        self._start()
        with RawClient(self.server.url) as client:
            for part in parts:
                part.prepare(client)

    def crash(self) -> None:
        """Let the clients work for a while, kill the server under them, and start it again."""
        threads = [
            threading.Thread(target=self._loop, args=(worker, self.random.randrange(2**32)))
            for part in self.parts
            for worker in part.workers
        ]
        self._over.clear()
        for thread in threads:
            thread.start()
        time.sleep(self.random.uniform(0.05, 0.6))
        self.server.kill()
        # Who has nothing to ask for doesn't notice that nobody answers.
        self._over.set()
        for thread in threads:
            thread.join()
        self._start()

    def check(self) -> None:
        """Let every part look at what is left, all at the same time: most of it is waiting for what may yet come."""
        with ThreadPoolExecutor(len(self.parts)) as checkers:
            for checked in [checkers.submit(self._check, part) for part in self.parts]:
                checked.result()

    def close(self) -> None:
        self.server.kill()

    def _check(self, part: Part) -> None:
        with RawClient(self.server.url) as client:
            part.check(client)

    def _start(self) -> None:
        self.server = ServerProcess("--data", str(self._folder), *self._flags)

    def _loop(self, work: Callable[[RawClient, random.Random], Any], seed: int) -> None:
        chance = random.Random(seed)
        with RawClient(self.server.url) as client:
            try:
                while not self._over.is_set():
                    work(client, chance)
            except GONE:
                pass
