"""Runs invocations: finds the code, keeps a pool of instances for each function revision, bounds them all."""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fogbank.runtimes.code import CodeFolders, CodeMissingError, InvalidArchiveError
from fogbank.runtimes.control_groups import find_control_groups
from fogbank.runtimes.debugging import Debugging
from fogbank.runtimes.instance import Instance
from fogbank.runtimes.local_folder import state_of
from fogbank.runtimes.model import Ended, Outcome, Workspace
from fogbank.runtimes.nursery import Nursery
from fogbank.runtimes.pool import Pool, PoolFullError, Prepared
from fogbank.runtimes.snapshots.template import Template, Templates
from fogbank.runtimes.temporary import TemporaryFolder, sweep

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.runtimes.contract import Contract
    from fogbank.runtimes.control_groups import Group
    from fogbank.runtimes.model import Invocation, Launch, LogSink
    from fogbank.runtimes.nursery import Kind, Tier
    from fogbank.storage import Store

# AWS's default account concurrency; beyond it an invocation is refused.
INVOCATIONS_MAX: Final = 1_000
# One function's instances; beyond, its invocations wait for one that becomes free.
INSTANCES_MAX: Final = 64
# Starting is bound by the processor; more at once would only make each slower.
STARTS_AT_ONCE: Final = max(2, (os.cpu_count() or 1) * 2)


class BusyError(Exception):
    """As many invocations run or wait as may."""


class FunctionRunner:
    """Runs functions under any contract, in the best sandbox that can be had here."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: Ids,
        contracts: Mapping[str, Contract],
        log: LogSink,
        folder: Path | None,
        shared: Path | None = None,
    ) -> None:
        self._shared = shared
        self._clock = clock
        self._ids = ids
        self._contracts = contracts
        self._log = log
        self._temporary = TemporaryFolder()
        root = self._temporary.path
        self._instances_root = root / "instances"
        self._groups = find_control_groups()
        self._nursery = Nursery(root, ids, self._groups, shared)
        self._code = CodeFolders(store, (folder or root) / "code")
        self._pools: dict[tuple[int, int], Pool] = {}
        self._revisions: dict[int, int] = {}
        self._folders: dict[tuple[int, int], str] = {}
        self._starting = asyncio.Semaphore(STARTS_AT_ONCE)
        self._closing: set[asyncio.Task[None]] = set()
        self._running = 0
        self.debugging = Debugging()
        # What has to end before a debugged function's next instance can have its port.
        self._ending: dict[int, asyncio.Task[None]] = {}
        self._templates = Templates(self._start_new, self._make_group)

    @property
    def running(self) -> int:
        """How many invocations run or wait for an instance."""
        return self._running

    @property
    def tier(self) -> Tier:
        """What sandbox instances get."""
        return self._nursery.tier

    @property
    def exact_limits(self) -> bool:
        """Whether the kernel holds instances' limits on memory, instead of their being watched."""
        return self._groups is not None

    async def open(self, first: Kind, *, isolated: bool = True) -> None:
        """Find out which sandbox can be had, with stems of one kind ready from the start. Raises `OSError`."""
        await self._nursery.open(first, isolated=isolated)
        asyncio.get_running_loop().run_in_executor(None, sweep)

    def is_function(self, address: str, port: int, here: int) -> bool:
        """Whether the other end of a connection with this address and port is one of the functions."""
        return self._nursery.is_function(address, port, here)

    def warm(self, launch: Launch) -> None:
        """Unpack a function's code and have stems of its kind ready, so that its first instance needn't wait."""
        self._spawn(self._warm(launch))

    def prepare(self, launch: Launch) -> None:
        """Start the instances that a function keeps however idle, and make ready for others."""
        self._pool(launch).prepare()
        self.warm(launch)

    def prepared(self, key: tuple[int, int]) -> Prepared:
        """Return what there is of the instances that a function keeps however idle."""
        pool = self._pools.get(key)
        return Prepared(0, failed=False) if pool is None else pool.prepared

    async def invoke(self, launch: Launch, invocation: Invocation) -> Outcome:
        """Run an invocation to its end; raises `BusyError`."""
        if self._running >= INVOCATIONS_MAX:
            raise BusyError
        self._running += 1
        try:
            return await self._pool(launch).invoke(invocation)
        except PoolFullError:
            raise BusyError from None
        except (CodeMissingError, InvalidArchiveError, OSError) as error:
            return Outcome(Ended.LAUNCH, str(error).encode())
        finally:
            self._running -= 1

    async def debug(self, function: int, runtime: str, port: int) -> None:
        """Have a function's instance wait for a debugger, from its next invocation on; raises `DebuggingError`."""
        self._retire_all(function)
        await self._until_ended(function)
        self.debugging.begin(function, runtime, port)

    def code_place(self, contract: str, folder: str) -> str:
        """Return where instances under a contract see a function's folder; "" where that is for each to say."""
        return self._contracts[contract].mounts.code if self.tier.name == "B" else folder

    def stop_debugging(self, function: int) -> bool:
        """Run a function as others are, and end what is debugged; False if it wasn't debugged."""
        self._retire_all(function)
        return self.debugging.end(function)

    def forget(self, function: int) -> None:
        """Let a deleted function's instances go."""
        self.debugging.end(function)
        self._ending.pop(function, None)
        revision = self._revisions.pop(function, None)
        if revision is not None:
            self._retire((function, revision))

    async def reset(self) -> None:
        """Stop every instance, whatever it does."""
        pools, self._pools = self._pools, {}
        self._revisions.clear()
        self.debugging.forget()
        for key, pool in pools.items():
            self._nursery.forget(key)
            await pool.close()
        await self._templates.close()

    async def close(self) -> None:
        """Stop every instance and remove their folders."""
        await self.reset()
        if self._closing:
            await asyncio.wait(self._closing)
        await self._nursery.close()
        if self._groups is not None:
            self._groups.close()
        await asyncio.get_running_loop().run_in_executor(None, self._temporary.close)

    def _pool(self, launch: Launch) -> Pool:
        launch = self.debugging.adapt(launch)
        function, revision = launch.key
        if launch.folder and (state := state_of(launch.folder)) != self._folders.get(launch.key):
            self._folders[launch.key] = state
            self._retire(launch.key)
        pool = self._pools.get(launch.key)
        if pool is None:
            pool = Pool(
                lambda: self._start(launch),
                self._clock,
                instances_max=INSTANCES_MAX if launch.instances_max is None else launch.instances_max,
                starting=self._starting,
                concurrency=launch.concurrency,
                instances_min=launch.instances_min,
                queued=launch.queued or launch.instances_max is None,
                lasting=launch.debug_port != 0,
            )
            self._pools[launch.key] = pool
            known = self._revisions.get(function, 0)
            if revision > known:
                self._revisions[function] = revision
                if known:
                    self._retire((function, known))
        return pool

    async def _warm(self, launch: Launch) -> None:
        # Whoever runs the function is told what is wrong with it.
        with contextlib.suppress(CodeMissingError, InvalidArchiveError, OSError):
            workspace = await self._workspace(launch)
            start = self._contracts[launch.contract].start(launch, workspace)
            self._nursery.prepare(start.kind)
            if start.prepare is not None:
                await start.prepare()

    async def _workspace(self, launch: Launch) -> Workspace:
        """Bring a function's code and layers to where instances find them; raises `OSError` and the like."""
        code = Path(launch.folder) if launch.folder else await self._code.folder(launch.code)
        if not code.is_dir():
            msg = f"there is no folder {code}"
            raise NotADirectoryError(msg)
        layers = await self._code.folder(*launch.layers) if launch.layers else None
        return Workspace(code, self._instances_root / self._ids.hex(16), layers, self._shared)

    async def _until_ended(self, function: int) -> None:
        """Wait until nothing that was debugged holds the function's port any more."""
        ending = self._ending.get(function)
        if ending is not None:
            await asyncio.wait([ending])

    def _spawn(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        return task

    def _retire(self, key: tuple[int, int]) -> None:
        self._nursery.forget(key)
        pool = self._pools.pop(key, None)
        if pool is None:
            return
        if self.debugging.find(key[0]) is None:
            pool.retire()
            self._spawn(self._drain(key, pool, self._templates.take(key)))
        else:
            # It may stand at a breakpoint for ever.
            self._ending[key[0]] = self._spawn(pool.close())

    def _retire_all(self, function: int) -> None:
        for key in [key for key in self._pools if key[0] == function]:
            self._retire(key)

    async def _drain(self, key: tuple[int, int], pool: Pool, template: Template | None) -> None:
        await pool.drained()
        if template is None and key not in self._pools:
            # It was being made.
            template = self._templates.take(key)
        if template is not None:
            await template.instance.stop()

    def _make_group(self) -> Group | None:
        return None if self._groups is None else self._groups.make(self._ids.hex(16))

    async def _start(self, launch: Launch) -> Instance:
        if launch.debug_port:
            await self._until_ended(launch.key[0])
        if not launch.snapshot:
            return await self._start_new(launch)
        template = await self._templates.find(launch)
        return template if isinstance(template, Instance) else await self._start_new(launch, template)

    async def _start_new(self, launch: Launch, template: Template | None = None) -> Instance:
        workspace = await self._workspace(launch)
        launch = launch._replace(environment={**launch.environment, **await launch.grant()})
        self._instances_root.mkdir(mode=0o711, exist_ok=True)
        contract = self._contracts[launch.contract]
        token = workspace.temporary.name
        instance = Instance(contract, launch, workspace, self._nursery, self._clock, token, self._log, template)
        await instance.start()
        debugged = self.debugging.find(launch.key[0])
        if debugged is not None:
            self._spawn(debugged.watch(instance.exited))
        return instance
