"""An instance of a function app in a plain process: a stand-in for the server's own way of running one."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from fogbank.runtimes.inside.channel import Channel, ClosedError
from fogbank.runtimes.model import Ended, Line, Outcome
from tests.azure_worker import MAIN

if TYPE_CHECKING:
    from fogbank.kernel.clock import Clock
    from fogbank.runtimes.model import Invocation, Launch, LogSink, Workspace


class ProcessInstance:
    def __init__(self, launch: Launch, workspace: Workspace, clock: Clock, token: str, log: LogSink) -> None:
        self.launch, self.workspace, self.clock, self.token, self.log = launch, workspace, clock, token, log
        self.exited: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.failed: Outcome | None = None

    @property
    def usable(self) -> bool:
        return self.process.poll() is None and self.failed is None

    async def start(self) -> None:
        ours, theirs = socket.socketpair()
        self.socket, self.channel = ours, Channel(ours)
        code = self.launch.folder or str(self.workspace.code)
        settings = {"code": code, "handler": "", "concurrency": 1}
        environment = {**self.launch.environment, "PYTHONPATH": os.pathsep.join(sys.path)}
        self.process = subprocess.Popen(  # noqa: ASYNC220 - it returns at once
            [sys.executable, "-c", MAIN, "worker", json.dumps(settings)],
            pass_fds=[theirs.fileno()],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**environment, "TEST_CHANNEL": str(theirs.fileno())},
        )
        theirs.close()
        self.ready = asyncio.ensure_future(asyncio.to_thread(self.channel.receive))
        self.printing = asyncio.ensure_future(asyncio.to_thread(self._print))

    def _print(self) -> None:
        assert self.process.stdout is not None
        loop = self.exited.get_loop()
        for line in self.process.stdout:
            text = Line(self.clock.now(), line.decode().rstrip("\n"))
            loop.call_soon_threadsafe(self.log, self.launch.log, self.token, [text])
        status = self.process.wait()
        loop.call_soon_threadsafe(lambda: None if self.exited.done() else self.exited.set_result(status))

    async def invoke(self, invocation: Invocation) -> Outcome:
        try:
            first = await asyncio.shield(self.ready)
            if first.head["kind"] == "init_error":
                self.failed = Outcome(Ended.INIT_ERROR, first.body, error_type=first.head["error_type"])
                return self.failed
            head: dict[str, Any] = {"id": invocation.id, "deadline_ms": 0, "context": dict(invocation.context)}
            self.channel.send("invoke", invocation.event, **head)
            receive = asyncio.to_thread(self.channel.receive)
            answer = await asyncio.wait_for(receive, self.launch.timeout_seconds)
        except ClosedError:
            return Outcome(Ended.EXIT, b"", status=await asyncio.to_thread(self.process.wait))
        except TimeoutError:
            self.failed = Outcome(Ended.TIMEOUT, b"")
            return self.failed
        if answer.head["kind"] == "error":
            return Outcome(Ended.ERROR, answer.body, error_type=answer.head["error_type"])
        return Outcome(Ended.OK, answer.body, head=answer.head["head"])

    async def stop(self) -> None:
        self.socket.close()
        self.process.kill()
        await asyncio.to_thread(self.process.wait)
