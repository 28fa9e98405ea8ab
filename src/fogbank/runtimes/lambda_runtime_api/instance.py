"""One instance of a function under AWS Lambda's contract: a process and its Runtime API.

AWS Lambda Developer Guide, "Understanding the Lambda execution environment lifecycle": initialisation may take
ten seconds, or the function's own timeout where that is longer.
"""

from __future__ import annotations

import asyncio
import shutil
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from fogbank.kernel.clock import SECOND_US, wake
from fogbank.runtimes.lambda_runtime_api.endpoint import RuntimeEndpoint
from fogbank.runtimes.lambda_runtime_api.python import python_command
from fogbank.runtimes.lambda_runtime_api.report import report
from fogbank.runtimes.model import Ended, Line, Outcome
from fogbank.runtimes.output import Output
from fogbank.runtimes.process import Process

if TYPE_CHECKING:
    from fogbank.kernel.clock import Clock
    from fogbank.runtimes.lambda_runtime_api.endpoint import Delivered
    from fogbank.runtimes.model import Invocation, Launch, LogSink, Workspace

INIT_SECONDS_MAX: Final = 10.0
# How often a busy instance's memory is looked at: the limit is held to within what it can grow in this time.
MEMORY_CHECK_SECONDS: Final = 0.025
MIB: Final = 1_048_576


class LambdaInstance:
    """A process that runs one invocation after another; what it prints goes to `log`."""

    def __init__(self, launch: Launch, workspace: Workspace, clock: Clock, token: str, log: LogSink) -> None:
        self.launch = launch
        self._workspace = workspace
        self._clock = clock
        self._token = token
        self._log = log
        day = datetime.fromtimestamp(clock.now() / SECOND_US, UTC)
        self._stream = f"{day:%Y/%m/%d}/[{launch.version}]{token}"
        self._endpoint = RuntimeEndpoint(clock)
        self._process: Process
        self._output: Output
        self._began = 0.0
        self._init_seconds: float | None = None
        self._lines: list[Line] = []
        self._spent = False

    @property
    def usable(self) -> bool:
        """Whether it can run another invocation."""
        return not self._spent and self._process.running

    @property
    def exited(self) -> asyncio.Future[int]:
        """Done when its process has ended."""
        return self._process.exited

    async def start(self) -> None:
        """Start the process; its initialisation goes on meanwhile. Raises `OSError`."""
        await self._endpoint.open()
        self._workspace.temporary.mkdir(parents=True, exist_ok=True)
        self._output = Output(self._clock)
        self._began = self._clock.monotonic()
        command, note = python_command(self.launch.runtime)
        self._lines.append(Line(self._clock.now(), f"INIT_START Runtime Version: {note}"))
        try:
            self._process = Process.start(
                command, self._environment(), self._workspace.code, self._output.writer, self._token
            )
        except BaseException:
            self._output.close()
            await self._endpoint.close()
            raise
        self._output.started()

    async def stop(self) -> None:
        """End the process and everything that it started."""
        self._spent = True
        self._process.kill()
        await self._endpoint.close()
        rest = self._lines + self._output.close()
        if rest:
            self._log(self.launch.log, self._stream, rest)
        shutil.rmtree(self._workspace.temporary, ignore_errors=True)

    async def invoke(self, invocation: Invocation) -> Outcome:
        """Run one invocation to its end."""
        outcome = await self._await_initialised()
        began_us = self._clock.now()
        if outcome is None:
            init_seconds, self._init_seconds = self._init_seconds, None
            began = self._clock.monotonic()
            delivery = self._endpoint.give(invocation.id, self._headers(invocation), invocation.event)
            outcome = await self._watch(delivery, began)
            outcome = outcome._replace(init_seconds=init_seconds)
        # A runtime that was told its response is too large ends.
        self._spent = outcome.ended not in (Ended.OK, Ended.ERROR)
        printed = self._lines + self._output.take()
        self._lines = []
        lines = report(self.launch, invocation, outcome._replace(lines=printed), began_us, self._clock.now())
        self._log(self.launch.log, self._stream, lines)
        return outcome._replace(lines=lines, stream=self._stream)

    async def _await_initialised(self) -> Outcome | None:
        """Wait until the runtime asks for work; an outcome if it never will."""
        initialised = self._endpoint.initialised
        if initialised.done() and initialised.result() is None:
            return None
        limit_s = max(INIT_SECONDS_MAX, self.launch.timeout_seconds)
        outcome = await self._watch(initialised, self._began, limit_s)
        self._init_seconds = self._clock.monotonic() - self._began
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
        limit_s = limit_s or self.launch.timeout_seconds
        late: asyncio.Future[None] = loop.create_future()
        deadline = self._clock.call_at(self._clock.now() + int(limit_s * SECOND_US), partial(wake, late))
        memory = loop.create_task(self._watch_memory())
        try:
            await asyncio.wait({result, self._process.exited, late, memory}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            deadline.cancel()
            memory.cancel()
        seconds = self._clock.monotonic() - began
        peak = self._process.peak_bytes()
        if result.done():
            return _delivered(result.result(), seconds, peak)
        if self._process.exited.done():
            ended = Outcome(Ended.EXIT, b"", seconds, status=self._process.exited.result(), peak_bytes=peak)
        elif late.done():
            ended = Outcome(Ended.TIMEOUT, b"", limit_s, peak_bytes=peak)
        else:
            ended = Outcome(Ended.MEMORY, b"", seconds, status=-9, peak_bytes=self.launch.memory_mib * MIB)
        self._process.kill()
        return ended

    async def _watch_memory(self) -> None:
        """Return when the process tree holds more than the function may."""
        limit = self.launch.memory_mib * MIB
        while True:
            await asyncio.sleep(MEMORY_CHECK_SECONDS)
            if self._process.resident_bytes() > limit:
                return

    def _headers(self, invocation: Invocation) -> dict[str, str]:
        # The function compares the deadline with its own clock, which is the machine's.
        deadline_ms = (self._clock.wall() + int(self.launch.timeout_seconds * SECOND_US)) // 1_000
        return {
            "Lambda-Runtime-Aws-Request-Id": invocation.id,
            "Lambda-Runtime-Deadline-Ms": str(deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": self.launch.identity,
            **invocation.context,
        }

    def _environment(self) -> dict[str, str]:
        launch = self.launch
        return {
            **launch.environment,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{launch.runtime}",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(launch.memory_mib),
            "AWS_LAMBDA_FUNCTION_NAME": launch.name,
            "AWS_LAMBDA_FUNCTION_VERSION": launch.version,
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": launch.log[1],
            "AWS_LAMBDA_LOG_STREAM_NAME": self._stream,
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._endpoint.port}",
            "LAMBDA_RUNTIME_DIR": str(self._workspace.code),
            "LAMBDA_TASK_ROOT": str(self._workspace.code),
            "TMPDIR": str(self._workspace.temporary),
            "_HANDLER": launch.handler,
            "_LAMBDA_TELEMETRY_LOG_FD": "1",
        }


def _delivered(delivered: Delivered | None, seconds: float, peak: int) -> Outcome:
    if delivered is None:
        return Outcome(Ended.OK, b"", seconds, peak_bytes=peak)
    if delivered.too_large:
        return Outcome(Ended.TOO_LARGE, b"", seconds, status=delivered.too_large, peak_bytes=peak)
    if delivered.error_type is not None:
        return Outcome(Ended.ERROR, delivered.payload, seconds, error_type=delivered.error_type, peak_bytes=peak)
    return Outcome(Ended.OK, delivered.payload, seconds, peak_bytes=peak)
