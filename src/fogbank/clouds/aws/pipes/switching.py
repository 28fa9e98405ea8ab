"""Starting and stopping pipes.

Amazon EventBridge User Guide, "Starting or stopping a pipe":
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-start-stop.html.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.pipes.pipes import begin, configured
from fogbank.clouds.aws.pipes.service import PipesService, told
from fogbank.clouds.aws.pipes.settings import RUNNING, STOPPED, read_kept
from fogbank.engines.messaging import pipes

if TYPE_CHECKING:
    from fogbank.engines.messaging.model import Name
    from fogbank.engines.messaging.pipes import Pipe
    from fogbank.storage import Tx


class StartPipe(Input):
    """Input of StartPipe."""

    Name: str


@operation(StartPipe)
async def start_pipe(service: PipesService, call: Call, request: StartPipe) -> Reply:
    """Let a pipe take messages; one that does so already goes on."""
    return await _switch(service, (call.scope, request.Name), RUNNING, ("STARTING", "START_FAILED"))


class StopPipe(Input):
    """Input of StopPipe."""

    Name: str


@operation(StopPipe)
async def stop_pipe(service: PipesService, call: Call, request: StopPipe) -> Reply:
    """Have a pipe take no more messages; those that it has taken are handed on."""
    return await _switch(service, (call.scope, request.Name), STOPPED, ("STOPPING", "STOP_FAILED"))


async def _switch(service: PipesService, name: Name, desired: str, states: tuple[str, str]) -> Reply:
    doing, failing = states

    async def switch(tx: Tx, now_us: int, number: int) -> tuple[Pipe, bool]:
        pipe = await pipes.find(tx, now_us, name)
        before = read_kept(pipe.config.body)
        if before.current == desired:
            return pipe, False
        wanted = msgspec.structs.replace(before, desired=desired, failed="", reason="")
        kept = await begin(tx, now_us, wanted, name[0], failing, number) if desired == RUNNING else wanted
        return await pipes.update(tx, now_us, name, lambda _: configured(kept, name[0])), True

    pipe, switched = await service.store.run(switch, service.ids.sequence())
    return told(pipe, doing if switched else "")


OPERATIONS: Final = (start_pipe, stop_pipe)
