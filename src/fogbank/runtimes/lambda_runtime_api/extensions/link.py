"""A link to an instance that has extensions beside its runtime, whichever way the runtime itself is spoken to."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from fogbank.kernel.clock import SECOND_US
from fogbank.runtimes.lambda_runtime_api.endpoint import RuntimeEndpoint
from fogbank.runtimes.lambda_runtime_api.extensions.registry import PREFIX, Extensions
from fogbank.runtimes.lambda_runtime_api.extensions.telemetry import LOGS_PATH
from fogbank.runtimes.lambda_runtime_api.extensions.telemetry import PATH as TELEMETRY_PATH
from fogbank.runtimes.lambda_runtime_api.own_callers import OwnCallers
from fogbank.runtimes.lambda_runtime_api.replies import error
from fogbank.wire.server import HttpServer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fogbank.kernel.clock import Clock
    from fogbank.runtimes.contract import IsOwn
    from fogbank.runtimes.lambda_runtime_api.extensions.telemetry import Telemetry
    from fogbank.runtimes.link import Delivered, Link
    from fogbank.runtimes.model import Invocation, Line, Outcome
    from fogbank.wire.http import Request, Response

# AWS Lambda Developer Guide, "Lambda execution environment lifecycle": two seconds with external extensions.
SHUTDOWN_SECONDS: Final = 2.0
_LOOK_SECONDS: Final = 0.01
_WATCH_SECONDS: Final = 0.05
# After so many looks, programs that have not registered have started, or never will.
_LOOKS: Final = 50
_ARN: Final = "Lambda-Runtime-Invoked-Function-Arn"
_TRACE: Final = "Lambda-Runtime-Trace-Id"
# What is the runtime's own ("Defined runtime environment variables").
NOT_FOR_EXTENSIONS: Final = (
    "AWS_EXECUTION_ENV", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_XRAY_CONTEXT_MISSING",
    "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT", "_HANDLER",
)  # fmt: skip


class Programs:
    """What is beside a runtime; `commands` are the programs to start, `environment` what everybody there sees."""

    def __init__(self, clock: Clock, extensions: Extensions, telemetry: Telemetry, commands: Sequence[str]) -> None:
        self._clock = clock
        self._extensions = extensions
        self._telemetry = telemetry
        self._server: HttpServer | None = None
        self._own: OwnCallers | None = None
        self._port = 0
        self.commands = commands
        self.left_out = NOT_FOR_EXTENSIONS
        self._link: Link | None = None
        self._programs: Callable[[], int] = lambda: 0
        self._tasks: set[asyncio.Task[None]] = set()
        self.initialised: asyncio.Future[Delivered | None] = asyncio.get_running_loop().create_future()

    async def open(self, link: Link | None, is_own: IsOwn) -> None:
        """Answer calls: through the runtime's own endpoint, or through one that is opened for it.

        `is_own` tells there who belongs to the instance.
        """
        if isinstance(link, RuntimeEndpoint):
            link.beside = self.handle
            self._port = link.port
        else:
            self._server = HttpServer(self.handle, self._clock)
            self._own = OwnCallers(self._server, is_own)
            self._port = await self._server.listen("127.0.0.1", 0)

    @property
    def environment(self) -> dict[str, str]:
        """Where the APIs are found."""
        return {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._port}"}

    @property
    def broken(self) -> bool:
        """Whether an extension has failed, so that the instance is good for nothing more."""
        return self._extensions.failed.done()

    @property
    def companions(self) -> Programs:
        """What is beside the runtime: this."""
        return self

    def around(self, link: Link, go: Callable[[], None], programs: Callable[[], int]) -> Programs:
        """Take over the link to the runtime, which is let go on (`go`) once all programs have registered."""
        self._link = link
        self._programs = programs
        self._spawn(self._initialise(link, go, programs))
        return self

    async def abandon(self) -> None:
        """Stop listening, for an instance that hasn't come to be."""
        await self._telemetry.close()
        if self._server is not None:
            await self._server.close(grace_seconds=0)

    def give(self, invocation: Invocation, context: Mapping[str, Any], deadline_ms: int) -> asyncio.Future[Delivered]:
        """Hand an invocation to the runtime, and tell the extensions of it."""
        event = {"deadlineMs": deadline_ms, "requestId": invocation.id, "invokedFunctionArn": context.get(_ARN, "")}
        event["tracing"] = {"type": "X-Amzn-Trace-Id", "value": context.get(_TRACE, "")}
        self._telemetry.started(invocation.id)
        self._extensions.invoke(event)
        assert self._link is not None
        result = self._link.give(invocation, context, deadline_ms)
        either: asyncio.Future[Delivered] = asyncio.get_running_loop().create_future()

        def take(done: asyncio.Future[Delivered]) -> None:
            if not either.done():
                either.set_result(done.result())

        failed = self._extensions.failed
        result.add_done_callback(take)
        failed.add_done_callback(take)
        either.add_done_callback(lambda _: failed.remove_done_callback(take))
        return either

    def unsettled(self) -> asyncio.Future[None] | None:
        """Return what is done when all extensions ask for their next event; None if they do."""
        idle = self._extensions.idle()
        if idle.done():
            return None
        self._spawn(self._watch(idle))
        return idle

    def printed(self, kind: str, line: Line) -> None:
        """Tell extensions what the "function" or an "extension" has printed."""
        self._telemetry.printed(kind, line)

    def observe(self, invocation: Invocation, outcome: Outcome, memory_mib: int) -> None:
        """Tell extensions what became of an invocation."""
        self._telemetry.ended(invocation.id, outcome, memory_mib)

    async def dismiss(self, reason: str, programs: Callable[[], int]) -> bool:
        """Tell the extensions of the end, and give those that asked for it the time that they have.

        `programs` counts those that run still. Returns whether there are any extensions: then, as in AWS, the runtime
        is told, too, by a signal.
        """
        if not self._extensions.everyone:
            return False
        await self._telemetry.flush()
        deadline_ms = (self._clock.wall() + int(SHUTDOWN_SECONDS * SECOND_US)) // 1_000
        left = programs() - self._extensions.shut_down(reason, deadline_ms)
        loop = asyncio.get_running_loop()
        ends = loop.time() + SHUTDOWN_SECONDS
        while programs() > left and loop.time() < ends:  # noqa: ASYNC110 - nobody tells when they have ended
            await asyncio.sleep(_LOOK_SECONDS)
        return True

    async def close(self) -> None:
        """Cut all of them off."""
        for task in self._tasks:
            task.cancel()
        if self._link is not None:
            await self._link.close()
        await self.abandon()

    async def handle(self, request: Request) -> Response:
        """Answer a call of one of the APIs for extensions."""
        if self._own is not None and not self._own.include(request):
            return error(403, "Forbidden", "These are the APIs of another function")
        if request.raw_path.startswith(PREFIX):
            return await self._extensions.handle(request)
        if request.raw_path == TELEMETRY_PATH and request.method == "PUT":
            return await self._telemetry.subscribe(request, self._extensions.find(request))
        if request.raw_path == LOGS_PATH:
            return error(400, "Logs.NotSupported", "Fogbank does not support the Logs API: use the Telemetry API")
        return error(404, "NotFound", f"There is nothing at {request.raw_path}")

    async def _initialise(self, link: Link, go: Callable[[], None], programs: Callable[[], int]) -> None:
        """See all through their start: programs first, then the runtime, then until all have nothing to do."""
        extensions = self._extensions
        failed, initialised = extensions.failed, link.initialised
        looks = 0
        while not extensions.registered.done():
            await asyncio.wait({extensions.registered}, timeout=_LOOK_SECONDS)
            looks += 1
            if looks > _LOOKS and programs() < len(extensions.missing):
                extensions.miss()
        if not failed.done():
            go()
            both: set[asyncio.Future[Any]] = {initialised, failed}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if initialised.done():
            self._telemetry.initialised(initialised.result())
        if not failed.done() and initialised.result() is None:
            await extensions.idle()
            self._telemetry.settled(extensions.everyone)
        if not self.initialised.done():
            self.initialised.set_result(failed.result() if failed.done() else initialised.result())

    async def _watch(self, idle: asyncio.Future[None]) -> None:
        """See whether a program ends that has something to do."""
        while not idle.done():
            await asyncio.wait({idle}, timeout=_WATCH_SECONDS)
            if not idle.done() and self._programs() < len(self.commands):
                self._extensions.miss()

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
