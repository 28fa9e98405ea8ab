"""How many invocations of a function run at once, all its versions together, where a limit was set for it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from fogbank.runtimes.runner import BusyError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fogbank.engines.functions.model import Function


class Admission:
    """Counts the invocations that run, and refuses those that are too many."""

    def __init__(self) -> None:
        self._running: dict[int, int] = {}

    @contextmanager
    def admit(self, function: Function) -> Iterator[None]:
        """Let an invocation run inside the block; raises `BusyError`."""
        key = function.root
        running = self._running.get(key, 0)
        limit = function.config.concurrency_max
        if limit is not None and running >= limit:
            raise BusyError
        self._running[key] = running + 1
        try:
            yield
        finally:
            left = self._running[key] - 1
            if left:
                self._running[key] = left
            else:
                del self._running[key]
