"""Invocations that a clock sets off, or somebody in its place: queued durably, run one after another in each lane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.storage.leasing.work_queue import WorkQueue

if TYPE_CHECKING:
    from fogbank.storage import Tx


class ScheduledInvocation(msgspec.Struct, frozen=True, array_like=True):
    """An invocation of a function. Those of one `lane` are run in the order of `due_us`, never two at once.

    Unless `always`, one that came due while the one before it still ran is left out.
    """

    scope: str
    function: str
    lane: str
    event: bytes
    context: dict[str, Any]
    due_us: int
    always: bool = False


QUEUE: Final = WorkQueue(3, ScheduledInvocation)


async def enqueue(tx: Tx, now_us: int, sequence: int, invocation: ScheduledInvocation) -> None:
    """Queue an invocation."""
    await QUEUE.put(tx, now_us, [(sequence, invocation)])
