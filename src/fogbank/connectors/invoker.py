"""From a function's name to the outcome of an invocation: what every trigger and every cloud's API goes through."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeAlias

from fogbank.connectors.admission import Admission
from fogbank.connectors.streamed import Streamed
from fogbank.engines.functions import functions, versions
from fogbank.runtimes.streams.reply import ReplyStream

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fogbank.connectors.invocation_history import InvocationHistory
    from fogbank.engines.functions.model import Function, Name
    from fogbank.runtimes.model import Invocation, Launch, Outcome
    from fogbank.runtimes.runner import FunctionRunner
    from fogbank.storage import Store

Launcher: TypeAlias = "Callable[[Function], Launch]"


class Invoker:
    """Invokes functions; `launchers` prepares them, each contract's in its own way; `history` keeps what was run."""

    def __init__(
        self, store: Store, runner: FunctionRunner, launchers: Mapping[str, Launcher], history: InvocationHistory
    ) -> None:
        self._store = store
        self._runner = runner
        self._launchers = launchers
        self._history = history
        self._admission = Admission()
        self._streaming: set[asyncio.Task[Outcome]] = set()

    async def invoke(
        self, name: Name, invocation: Invocation, qualifier: str = "", chance: float = 1.0, *, source: str = "request"
    ) -> Outcome:
        """Run a function, or a version of it, as `versions.find` finds it. `source` says who asks for it.

        Raises `FunctionNotFoundError`, `BusyError`.
        """
        if not qualifier:
            return await self.run(await self._store.read(functions.find, name), invocation, source=source)
        return await self.run(await self._store.read(versions.find, name, qualifier, chance), invocation, source=source)

    async def run(self, function: Function, invocation: Invocation, *, source: str = "request") -> Outcome:
        """Run a function that was found already."""
        launch = self._launchers[function.config.contract](function)
        with self._admission.admit(function):
            running = self._runner.invoke(launch, invocation)
            return await self._history.keep(function, launch, invocation, source, running)

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

    def forget(self, function: int) -> None:
        """Let a deleted function's instances go."""
        self._runner.forget(function)
