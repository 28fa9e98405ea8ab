"""One instance of a function, under any contract: a process in its sandbox and the link to it."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from fogbank.kernel.clock import SECOND_US, wake
from fogbank.runtimes import debugging
from fogbank.runtimes.callers import has_socket
from fogbank.runtimes.inside.channel import encode
from fogbank.runtimes.link import ChannelLink, encode_launch
from fogbank.runtimes.model import MIB, Ended, Line, Outcome, Printed, limits_of
from fogbank.runtimes.output import Output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.kernel.clock import Clock
    from fogbank.runtimes.contract import Beside, Contract, Start
    from fogbank.runtimes.link import Delivered, Link
    from fogbank.runtimes.model import Invocation, Launch, LogSink, Places, Workspace
    from fogbank.runtimes.nursery import Nursery, Stem
    from fogbank.runtimes.process import Process
    from fogbank.runtimes.snapshots.template import Template

# Where no control group holds the limit: how often a busy instance's memory is looked at.
MEMORY_CHECK_SECONDS: Final = 0.025
STEMS_TRIED_MAX: Final = 3
# What a function that has companions gets to come to its own end, once they have.
TERMINATION_SECONDS: Final = 0.3


class Instance:
    """A process that runs invocations, as many at a time as the launch says; what it prints goes to `log`."""

    def __init__(
        self,
        contract: Contract,
        launch: Launch,
        workspace: Workspace,
        nursery: Nursery,
        clock: Clock,
        token: str,
        log: LogSink,
        template: Template | None = None,
    ) -> None:
        self._template = template
        self.launch = launch
        self._contract = contract
        self._workspace = workspace
        self._nursery = nursery
        self._clock = clock
        self._log = log
        day = datetime.fromtimestamp(clock.now() / SECOND_US, UTC)
        self._stream = f"{day:%Y/%m/%d}/[{launch.version}]{token}"
        self._process: Process
        self._link: Link
        self._output: Output
        self._began = 0.0
        self._memory_bytes_max = launch.memory_mib * MIB
        # How long the initialisation took, until an invocation has reported it.
        self._init_seconds: float | None = None
        self._noted = False
        self._lines: list[Line] = []
        self._spent = False
        # What its companions are told of its end, once it is clear.
        self._reason = "spindown"
        self._dismissed = False
        self._held: socket.socket | None = None
        # What they print.
        self._others: Output | None = None
        self.unsettled: asyncio.Task[None] | None = None

    @property
    def usable(self) -> bool:
        """Whether it can run another invocation."""
        companions = self._link.companions
        return not self._spent and self._process.running and not (companions is not None and companions.broken)

    @property
    def initialised(self) -> bool:
        """Whether its function was loaded, so that an invocation needn't wait for that."""
        loaded = self._link.initialised
        return loaded.done() and loaded.result() is None

    @property
    def exited(self) -> asyncio.Future[int]:
        """Done when its process has ended."""
        return self._process.exited

    async def start(self) -> None:
        """Start the process; its initialisation goes on meanwhile. Raises `OSError`."""
        start = self._contract.start(self.launch, self._workspace)
        if start.prepare is not None:
            await start.prepare()
        self._began = self._clock.monotonic()
        debugger_mib = debugging.MEMORY_MIB if self.launch.debug_port else 0
        self._memory_bytes_max = (self.launch.memory_mib + start.reserve_mib + debugger_mib) * MIB
        if self._template is None:
            self._lines += [Line(self._clock.now(), line) for line in start.lines]
        for left in reversed(range(STEMS_TRIED_MAX)):
            try:
                if self._template is None:
                    await self._grow(start)
                else:
                    await self._grow_from(self._template)
            except (ConnectionError, FileNotFoundError):
                # The stem has ended since it was made, and its control groups with it.
                if not left:
                    raise
            else:
                break
        self._link.initialised.add_done_callback(self._note_initialised)

    async def _grow(self, start: Start) -> None:
        """Make a stem this function's instance."""
        stem = await self._nursery.take(start.kind)
        beside = opened = None
        self._process = stem.process
        self._output = Output(self._clock, stem.reader)
        try:
            if stem.process.group is not None:
                stem.process.group.limit(self._memory_bytes_max)
            is_own = partial(has_socket, stem.process.keeper)
            opened = None if start.endpoint is None else await start.endpoint(is_own)
            beside = None if start.beside is None else await start.beside(opened, self._places, is_own)
            outputs = [self._output.writer]
            if beside is not None:
                self._output.listener = partial(beside.printed, "function")
            if self.launch.snapshot:
                self._held = stem.connection.dup()
            if beside is not None and beside.commands:
                self._held = stem.connection.dup()
                self._others = Output(self._clock)
                self._others.listener = partial(beside.printed, "extension")
                outputs.append(self._others.writer)
            stem.launch(encode_launch(self._describe(start, stem, opened, beside)), *outputs)
            if opened is None:
                opened = await ChannelLink.open(stem.connection, self._contract.result_bytes_max)
            else:
                stem.connection.close()
            self._link = opened if beside is None else beside.around(opened, self._go, stem.process.companions)
        except BaseException:
            self._let_go()
            self._close_others()
            if beside is not None:
                await beside.abandon()
            if opened is not None:
                await opened.close()
            self._output.close()
            stem.connection.close()
            await stem.process.end()
            raise
        self._output.started()
        if self._others is not None:
            self._others.started()

    async def _grow_from(self, template: Template) -> None:
        """Fork this instance from one that is initialised; it gets an environment of its own."""
        self._output = Output(self._clock)
        try:
            stem = await template.fork(self._output.writer)
            self._process = stem.process
            if stem.process.group is not None:
                stem.process.group.limit(self._memory_bytes_max)
            environment = self._contract.environment(self.launch, self._places, self._stream, None)
            # Its temporary folder is the template's.
            environment["TMPDIR"] = template.instance.temporary
            link = await ChannelLink.open(stem.connection, self._contract.result_bytes_max)
            link.restore(environment)
            self._link = link
        except BaseException:
            self._output.close()
            raise
        self._output.started()

    @property
    def temporary(self) -> str:
        """Where the function finds its temporary folder."""
        return self._places.temporary

    @property
    def _seconds_max(self) -> float:
        """How long an invocation may take."""
        return debugging.SECONDS if self.launch.debug_port else self.launch.timeout_seconds

    @property
    def _places(self) -> Places:
        return self._workspace.places(self._contract.mounts, enclosed=self._nursery.tier.name == "B")

    async def become_template(self) -> bool:
        """Wait until it is initialised, and can be forked; False if it never will be."""
        if await self._await_initialised() is not None:
            return False
        self._log(Printed(self.launch.log, self._stream, self._lines + self._output.take()))
        self._lines = []
        return True

    def order(self, kind: str, descriptors: Sequence[int]) -> None:
        """Send a message with descriptors to a template; raises `OSError`."""
        if self._held is None:
            raise ConnectionError
        socket.send_fds(self._held, [encode({"kind": kind}, b"")], descriptors)

    def _close_others(self) -> list[Line]:
        others, self._others = self._others, None
        return [] if others is None else others.close()

    def _go(self) -> None:
        """Let the function start, which has waited for the programs beside it."""
        if self._held is not None:
            with contextlib.suppress(OSError):
                self._held.send(encode({"kind": "go"}, b""))
            self._let_go()

    def _let_go(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            held.close()

    def _note_initialised(self, _: object = None) -> None:
        if not self._noted:
            self._noted = True
            self._init_seconds = self._clock.monotonic() - self._began

    def _describe(self, start: Start, stem: Stem, link: Link | None, beside: Beside | None) -> dict[str, Any]:
        """Return all that the instance is told of its function (see `inside/zygote.py`)."""
        launch, contract, places = self.launch, self._contract, self._places
        stem.hand_over(self._workspace.temporary)
        environment = contract.environment(launch, places, self._stream, link)
        if beside is not None:
            environment |= beside.environment
        return {
            "worker": start.kind.worker,
            "command": [] if start.command is None or stem.running_program else start.command(places),
            "channel": link is None,
            # A program that is executed is told by its own command.
            "debug_port": 0 if start.command is not None else launch.debug_port,
            "handler": launch.handler,
            "concurrency": launch.concurrency,
            "user": stem.user or self._nursery.tier.user_of(launch.key[0]),
            "code": places.code,
            "path": contract.path(places),
            "environment": environment,
            "companions": [] if beside is None else list(beside.commands),
            "companions_lack": [] if beside is None else list(beside.left_out),
            "mounts": [*places.mounts, *((folder, folder, "read") for folder in start.folders)],
            **limits_of(launch.ephemeral_mib),
        }

    async def stop(self) -> None:
        """End the process and everything that it started."""
        self._spent = True
        companions = self._link.companions
        if companions is not None and not self._process.gone.done() and not self._dismissed:
            self._dismissed = True
            if not self._process.running:
                self._reason = "failure"
            if await companions.dismiss(self._reason, self._process.companions):
                await self._process.terminate(TERMINATION_SECONDS)
        self._let_go()
        await self._process.end()
        await self._link.close()
        rest = self._lines + self._output.close() + self._close_others()
        if rest:
            self._log(Printed(self.launch.log, self._stream, rest))
        shutil.rmtree(self._workspace.temporary, ignore_errors=True)

    async def invoke(self, invocation: Invocation) -> Outcome:
        """Run one invocation to its end."""
        self.unsettled = None
        outcome = await self._await_initialised()
        began_us = self._clock.now()
        if outcome is None:
            init_seconds, self._init_seconds = self._init_seconds, None
            began = self._clock.monotonic()
            # The function compares the deadline with its own clock, which is the machine's.
            deadline_ms = (self._clock.wall() + int(self._seconds_max * SECOND_US)) // 1_000
            context = self._contract.context(self.launch, invocation)
            result = self._link.give(invocation, context, deadline_ms)
            outcome = await self._watch(result, began)
            self._spent |= result.done() and result.result().last
            outcome = outcome._replace(init_seconds=init_seconds)
            if invocation.reply is not None:
                outcome = outcome._replace(streamed=invocation.reply.streamed)
        # An instance whose result was too large ends, as one ends that couldn't be initialised.
        self._spent |= outcome.ended not in (Ended.OK, Ended.ERROR)
        if self._spent:
            self._reason = "timeout" if outcome.ended is Ended.TIMEOUT else "failure"
        elif (companions := self._link.companions) is not None and (rest := companions.unsettled()) is not None:
            self.unsettled = asyncio.get_running_loop().create_task(self._settle(rest, outcome.seconds))
        printed = self._lines + self._output.take()
        self._lines = []
        outcome = outcome._replace(lines=printed)
        if self._link.companions is not None:
            others = [] if self._others is None else self._others.take()
            self._link.companions.observe(invocation, outcome, self.launch.memory_mib)
            outcome = outcome._replace(lines=sorted(printed + others, key=lambda line: line.at_us))
        lines = self._contract.report(self.launch, invocation, outcome, began_us, self._clock.now())
        told = invocation.context.get("execution", invocation.id)
        self._log(Printed(self.launch.log, self._stream, lines, told))
        return outcome._replace(lines=lines, stream=self._stream)

    async def _settle(self, rest: asyncio.Future[None], spent_seconds: float) -> None:
        """Wait for those beside the function, which have as long as the invocation might have taken."""
        late: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        left_us = int((self._seconds_max - spent_seconds) * SECOND_US)
        deadline = self._clock.call_at(self._clock.now() + left_us, partial(wake, late))
        waited: set[asyncio.Future[Any]] = {rest, late, self._process.exited}
        try:
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            deadline.cancel()
        if not rest.done():
            self._spent = True
            self._reason = "timeout"

    async def _await_initialised(self) -> Outcome | None:
        """Wait until the worker is ready; an outcome if it never will be."""
        initialised = self._link.initialised
        if initialised.done() and initialised.result() is None:
            self._note_initialised()
            return None
        limit_s = max(self._contract.init_seconds_max, self.launch.timeout_seconds)
        outcome = await self._watch(initialised, self._began, limit_s)
        self._note_initialised()
        if outcome.ended is Ended.OK:
            return None
        if outcome.ended is Ended.ERROR:
            outcome = outcome._replace(ended=Ended.INIT_ERROR)
        elif outcome.ended is Ended.TIMEOUT:
            outcome = outcome._replace(seconds=self.launch.timeout_seconds)
        return outcome._replace(init_seconds=self._init_seconds)

    async def _watch(
        self,
        result: asyncio.Future[Delivered] | asyncio.Future[Delivered | None],
        began: float,
        limit_s: float | None = None,
    ) -> Outcome:
        """Wait for a result, the end of the process, the deadline or too much memory, whichever is first."""
        loop = asyncio.get_running_loop()
        process = self._process
        limit_s = limit_s or self.launch.timeout_seconds
        late: asyncio.Future[None] = loop.create_future()
        deadline = self._clock.call_at(self._clock.now() + int(limit_s * SECOND_US), partial(wake, late))
        if self.launch.debug_port:
            deadline.cancel()
        waited: set[asyncio.Future[object]] = {result, process.exited, late}  # type: ignore[arg-type]
        memory = None
        if process.group is None:
            memory = loop.create_task(self._watch_memory())
            waited.add(memory)  # type: ignore[arg-type]
        try:
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            deadline.cancel()
            if memory is not None:
                memory.cancel()
        seconds = self._clock.monotonic() - began
        peak = process.peak_bytes()
        if result.done():
            return _delivered(result.result(), seconds, peak)
        if process.exited.done() and not (process.group is not None and process.group.ended_by_memory()):
            ended = Outcome(Ended.EXIT, b"", seconds, status=process.exited.result(), peak_bytes=peak)
        elif late.done():
            ended = Outcome(Ended.TIMEOUT, b"", limit_s, peak_bytes=peak)
        else:
            ended = Outcome(Ended.MEMORY, b"", seconds, status=-9, peak_bytes=self.launch.memory_mib * MIB)
        if self._link.companions is None or ended.ended is Ended.MEMORY:
            process.kill()
        return ended

    async def _watch_memory(self) -> None:
        """Return when the process tree holds more than the function may."""
        while True:
            await asyncio.sleep(MEMORY_CHECK_SECONDS)
            if self._process.resident_bytes() > self._memory_bytes_max:
                return


def _delivered(delivered: Delivered | None, seconds: float, peak: int) -> Outcome:
    if delivered is None:
        return Outcome(Ended.OK, b"", seconds, peak_bytes=peak)
    if delivered.too_large:
        ended = Outcome(Ended.TOO_LARGE, b"", seconds, status=delivered.too_large, peak_bytes=peak)
    elif delivered.error_type is not None:
        ended = Outcome(Ended.ERROR, delivered.payload, seconds, error_type=delivered.error_type, peak_bytes=peak)
    else:
        ended = Outcome(Ended.OK, delivered.payload, seconds, peak_bytes=peak, head=delivered.head)
    return ended
