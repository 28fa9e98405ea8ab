"""A world that a script runs in: no files, no network, no clock but the one it is given, so much time and memory.

The interpreter is QuickJS. A world belongs to the thread that made it, so it is made and used on a `Worker`; while a
script runs, other threads do, too. Values go in and out as JSON.
"""

from __future__ import annotations

import asyncio
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from quickjs import Object

P = ParamSpec("P")
T = TypeVar("T")

MEMORY_BYTES_MAX: Final = 64 * 1024 * 1024
STACK_BYTES_MAX: Final = 512 * 1024
# So many threads run scripts, and so many scripts take turns on each at the most.
WORKERS: Final = 4
RUNS_MAX: Final = 16
# So many steps of promises are taken before it is looked whether the time is up.
_JOBS_AT_ONCE: Final = 1_000
_INTERRUPTED: Final = "InternalError: interrupted"
_DECLARED: Final = re.compile(r"\bfunction\s*\*?\s*([\w$]+)\s*\(")
# Without arguments a date is the one that the world was given.
_CLOCK: Final = """
((now) => {
    const Real = Date;
    Real.now = () => now;
    globalThis.Date = new Proxy(Real, {
        construct: (made, given, as) => Reflect.construct(made, given.length ? given : [now], as),
        apply: () => new Real(now).toString(),
    });
    Real.prototype.constructor = globalThis.Date;
})
"""


class ScriptError(Exception):
    """A script failed; the text is what it threw, with where."""


class ScriptTimeoutError(Exception):
    """A script has used up its processor time."""


class TooManyScriptsError(Exception):
    """No thread takes another script now."""


class Budget:
    """Processor time that worlds share, in seconds."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.left = seconds

    def check(self) -> None:
        """Raise `ScriptTimeoutError` if nothing is left."""
        if self.left <= 0:
            raise ScriptTimeoutError


class Sandbox:
    """A world, in which it is `now_us`."""

    def __init__(self, budget: Budget, now_us: int) -> None:
        import quickjs  # noqa: PLC0415 - loaded with the first script

        self._failure = quickjs.JSException
        self._budget = budget
        self._context = quickjs.Context()
        self._context.set_memory_limit(MEMORY_BYTES_MAX)
        self._context.set_max_stack_size(STACK_BYTES_MAX)
        # Integers would be cut to 32 bits on their way in.
        self.call(self.load(_CLOCK), float(now_us // 1_000))

    def load(self, text: str) -> Object:
        """Evaluate a script, and return its value."""
        return self._timed(self._context.eval, text)

    def load_function(self, text: str) -> Object:
        """Return the function that a text is, or the first of several that it declares."""
        try:
            return self.load(f"({text}\n)")
        except ScriptError:
            declared = _DECLARED.search(text)
            if declared is None:
                raise
            self.load(text)
            return self.load(declared[1])

    def call(self, function: Object, *arguments: str | float) -> Any:
        """Call a function of the world; what its promises wait for is done by `settle`."""
        return self._timed(function, *arguments)

    def settle(self) -> None:
        """Have everything done that promises wait for."""
        while self._timed(self._some_jobs):
            pass

    def _some_jobs(self) -> bool:
        return all(self._context.execute_pending_job() for _ in range(_JOBS_AT_ONCE))

    def _timed(self, run: Callable[..., T], *arguments: Any) -> T:
        self._budget.check()
        # The interpreter's limit counts the time of the whole process, so that a script may be ended before its own is
        # used up where much else is done; it is never ended later.
        self._context.set_time_limit(self._budget.left)
        start = time.thread_time()
        try:
            return run(*arguments)
        except (self._failure, UnicodeError) as error:
            text = str(error).rstrip()
            if text.startswith(_INTERRUPTED):
                self._budget.left = 0
                raise ScriptTimeoutError from None
            raise ScriptError(text) from None
        finally:
            self._budget.left -= time.thread_time() - start


class Worker:
    """A thread that makes and uses worlds; `runs` is for how many scripts it does so now."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(1, "fogbank-script")
        self.runs = 0

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do something on the thread."""
        return await asyncio.wrap_future(self._threads.submit(work, *args, **kwargs))


@cache
def _workers() -> tuple[Worker, ...]:
    return tuple(Worker() for _ in range(WORKERS))


@contextmanager
def reserved() -> Iterator[Worker]:
    """Have the thread that has least to do for a run; raises `TooManyScriptsError`."""
    with _counting:
        found = min(_workers(), key=lambda each: each.runs)
        if found.runs >= RUNS_MAX:
            raise TooManyScriptsError
        found.runs += 1
    try:
        yield found
    finally:
        with _counting:
            found.runs -= 1


# Several servers in one process share the threads.
_counting = threading.Lock()
