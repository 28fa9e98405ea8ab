"""Invocations that nobody waits for: queued durably, run later, tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.engines.functions.model import QueuedInvocation
from fogbank.storage.leasing.work_queue import WorkQueue

if TYPE_CHECKING:
    from fogbank.storage import Tx

QUEUE: Final = WorkQueue(1, QueuedInvocation)


async def enqueue(tx: Tx, now_us: int, sequence: int, invocation: QueuedInvocation, delay_us: int = 0) -> None:
    """Queue an invocation."""
    await QUEUE.put(tx, now_us, [(sequence, invocation)], delay_us)
