"""From a function's name to the outcome of an invocation: what every trigger and every cloud's API goes through."""

from __future__ import annotations

import asyncio
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from fogbank.connectors.admission import Admission
from fogbank.engines.functions import functions, versions
from fogbank.kernel.clock import wake
from fogbank.runtimes.streams.reply import ReplyStream
from fogbank.runtimes.streams.streamed import Streamed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping

    from fogbank.connectors.invocation_history import InvocationHistory
    from fogbank.engines.functions.model import Function, Name
    from fogbank.runtimes.model import Invocation, Launch, Outcome
    from fogbank.runtimes.pool import Prepared
    from fogbank.runtimes.runner import FunctionRunner
    from fogbank.storage import Store

Launcher: TypeAlias = "Callable[[Function], Launch]"
Tracer: TypeAlias = "Callable[[Function, Mapping[str, Any]], Mapping[str, Any]]"
"""Returns the context that a function gets in place of the one that came with an event; raises `LoopError`."""
Completer: TypeAlias = "Callable[[Function, Invocation, Awaitable[Outcome]], Coroutine[Any, Any, Outcome]]"
"""Awaits an outcome and does what belongs to it before it counts; returns the outcome that it makes of it."""

Preparer: TypeAlias = "Callable[[Function, Invocation], Awaitable[Invocation] | None]"
"""Returns what has to be awaited for the invocation that a function gets instead; None if it is as it is to be."""


class LoopError(Exception):
    """The function is being invoked over and over by what it causes itself."""


class Invoker:
    """Invokes functions; `launchers` prepares them, each contract's in its own way; `history` keeps what was run.

    `tracers` are of the contracts that follow chains of events from one function to the next, `completers` of those
    whose functions leave something for the server to do, `preparers` of those whose functions get more than the event.
    """

    def __init__(
        self,
        store: Store,
        runner: FunctionRunner,
        launchers: Mapping[str, Launcher],
        history: InvocationHistory,
        tracers: Mapping[str, Tracer],
        completers: Mapping[str, Completer] = MappingProxyType({}),
        preparers: Mapping[str, Preparer] = MappingProxyType({}),
    ) -> None:
        self._store = store
        self._runner = runner
        self._launchers = launchers
        self._history = history
        self._tracers = tracers
        self._completers = completers
        self._preparers = preparers
        self._admission = Admission()
        self._streaming: set[asyncio.Task[Outcome]] = set()
        # Done when the invocation is.
        self.under_way: set[asyncio.Future[None]] = set()

    async def invoke(
        self, name: Name, invocation: Invocation, qualifier: str = "", chance: float = 1.0, *, source: str = "request"
    ) -> Outcome:
        """Run a function, or a version of it, as `versions.find` finds it. `source` says who asks for it.

        Raises `FunctionNotFoundError`, `BusyError`, `LoopError`.
        """
        if not qualifier:
            return await self.run(await self._store.read(functions.find, name), invocation, source=source)
        return await self.run(await self._store.read(versions.find, name, qualifier, chance), invocation, source=source)

    async def run(self, function: Function, invocation: Invocation, *, source: str = "request") -> Outcome:
        """Run a function that was found already."""
        launch = self._launchers[function.config.contract](function)
        traced = invocation
        if (tracer := self._tracers.get(function.config.contract)) is not None:
            traced = invocation._replace(context=tracer(function, invocation.context))
        with self._admission.admit(function):
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self.under_way.add(done)
            try:
                running: Awaitable[Outcome] = self._invoke(function, launch, traced)
                if (completer := self._completers.get(function.config.contract)) is not None:
                    running = completer(function, traced, running)
                return await self._history.keep(function, launch, invocation, source, running)
            finally:
                self.under_way.discard(done)
                wake(done)

    def _invoke(self, function: Function, launch: Launch, invocation: Invocation) -> Awaitable[Outcome]:
        preparer = self._preparers.get(function.config.contract)
        preparing = None if preparer is None else preparer(function, invocation)
        if preparing is None:
            return self._runner.invoke(launch, invocation)
        return self._invoke_prepared(launch, preparing)

    async def _invoke_prepared(self, launch: Launch, preparing: Awaitable[Invocation]) -> Outcome:
        return await self._runner.invoke(launch, await preparing)

    def stream(self, function: Function, invocation: Invocation) -> Streamed:
        """Run a function whose reply is taken in parts."""
        reply = ReplyStream()
        running = asyncio.get_running_loop().create_task(self.run(function, invocation._replace(reply=reply)))
        self._streaming.add(running)
        running.add_done_callback(self._streaming.discard)
        return Streamed(running, reply)

    def warm(self, function: Function) -> None:
        """Make ready for a function's first instance, which somebody is likely to want soon."""
        self._runner.warm(self._launchers[function.config.contract](function))

    def prepare(self, function: Function) -> None:
        """Start the instances that are kept ready of a function, or of one of its versions."""
        self._runner.prepare(self._launchers[function.config.contract](function))

    def prepared(self, function: Function) -> Prepared:
        """Return what there is of the instances that are kept ready."""
        return self._runner.prepared((function.id, function.revision))

    def forget(self, function: int) -> None:
        """Let a deleted function's instances go."""
        self._runner.forget(function)
