"""Runs invocations: finds the code, keeps a pool of instances for each function revision, bounds them all."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fogbank.runtimes.code import CodeFolders, CodeMissingError, InvalidArchiveError
from fogbank.runtimes.model import Ended, Outcome, Workspace
from fogbank.runtimes.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.runtimes.model import Instance, Invocation, Launch, LogSink
    from fogbank.storage import Store

    Contract = Callable[[Launch, Workspace, Clock, str, LogSink], Instance]

# AWS's default account concurrency; beyond it an invocation is refused.
INVOCATIONS_MAX: Final = 1_000
# One function's instances; beyond, its invocations wait for one that becomes free.
INSTANCES_MAX: Final = 64
# Starting is bound by the processor; more at once would only make each slower.
STARTS_AT_ONCE: Final = max(2, (os.cpu_count() or 1) * 2)


class BusyError(Exception):
    """As many invocations run or wait as may."""


class FunctionRunner:
    """Runs functions under any contract; `contracts` makes their instances."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: Ids,
        contracts: Mapping[str, Contract],
        log: LogSink,
        folder: Path | None,
    ) -> None:
        self._clock = clock
        self._ids = ids
        self._contracts = contracts
        self._log = log
        self._temporary = tempfile.TemporaryDirectory(prefix="fogbank-", ignore_cleanup_errors=True)
        root = Path(self._temporary.name)
        self._instances_root = root / "instances"
        self._code = CodeFolders(store, (folder or root) / "code")
        self._pools: dict[tuple[int, int], Pool] = {}
        self._revisions: dict[int, int] = {}
        self._starting = asyncio.Semaphore(STARTS_AT_ONCE)
        self._closing: set[asyncio.Task[None]] = set()
        self._running = 0

    @property
    def running(self) -> int:
        """How many invocations run or wait for an instance."""
        return self._running

    async def invoke(self, launch: Launch, invocation: Invocation) -> Outcome:
        """Run an invocation to its end; raises `BusyError`."""
        if self._running >= INVOCATIONS_MAX:
            raise BusyError
        self._running += 1
        try:
            return await self._pool(launch).invoke(invocation)
        except (CodeMissingError, InvalidArchiveError, OSError) as error:
            return Outcome(Ended.LAUNCH, str(error).encode())
        finally:
            self._running -= 1

    def forget(self, function: int) -> None:
        """Let a deleted function's instances go."""
        revision = self._revisions.pop(function, None)
        if revision is not None:
            self._retire((function, revision))

    async def reset(self) -> None:
        """Stop every instance, whatever it does."""
        pools, self._pools = self._pools, {}
        self._revisions.clear()
        for pool in pools.values():
            await pool.close()

    async def close(self) -> None:
        """Stop every instance and remove their folders."""
        await self.reset()
        if self._closing:
            await asyncio.wait(self._closing)
        await asyncio.get_running_loop().run_in_executor(None, self._temporary.cleanup)

    def _pool(self, launch: Launch) -> Pool:
        function, revision = launch.key
        pool = self._pools.get(launch.key)
        if pool is None:
            pool = Pool(lambda: self._start(launch), self._clock, instances_max=INSTANCES_MAX, starting=self._starting)
            self._pools[launch.key] = pool
            known = self._revisions.get(function, 0)
            if revision > known:
                self._revisions[function] = revision
                if known:
                    self._retire((function, known))
        return pool

    def _retire(self, key: tuple[int, int]) -> None:
        pool = self._pools.pop(key, None)
        if pool is not None:
            pool.retire()
            task = asyncio.get_running_loop().create_task(pool.drained())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def _start(self, launch: Launch) -> Instance:
        code = await self._code.folder(launch.code)
        launch = launch._replace(environment={**launch.environment, **await launch.grant()})
        token = self._ids.hex(16)
        workspace = Workspace(code, self._instances_root / token)
        instance = self._contracts[launch.contract](launch, workspace, self._clock, token, self._log)
        await instance.start()
        return instance
