"""Paced queues: tasks by name, each of which is sent when its time has come and its queue's pace lets it.

Nothing is received from such a queue: the server works it off. A task is a record with a durable timer; what the
timer does asks `come_due`, and tells `settle` of the outcome. The pace is a bucket of tokens, kept as the time at
which it is full again (GCRA, ITU-T I.371): a task that must wait is given its place, and its timer is set for it. What
is one too many at once, or belongs to a paused queue, waits in line until another task is settled or the queue goes
on. All are store operations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from fogbank.engines.messaging import records
from fogbank.engines.messaging.errors import RecordExistsError, RecordNotFoundError
from fogbank.kernel.clock import SECOND_US
from fogbank.storage import timers
from fogbank.storage.timers import Timer

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.engines.messaging.model import Name
    from fogbank.storage import Tx

QUEUES: Final = "paced/queue"
FORGET: Final = "paced.forget"
"""The kind of the timers that free the names of tasks that are over."""
# No pace is slower than one task in so many seconds.
GAP_SECONDS_MAX: Final = 30 * 86_400
TIMED: Final = "timed"
WAITING: Final = "waiting"
SENT: Final = "sent"


class Pace(msgspec.Struct, frozen=True, array_like=True):
    """How many tasks a second, how many of them at a time after a pause, and how many may be under way at once."""

    per_second: float
    burst: int
    at_once: int


class PacedQueue(msgspec.Struct, frozen=True):
    """A queue; `body` is in its service's words, `timer` the kind of its tasks' timers, `full_us` the bucket."""

    pace: Pace
    timer: str
    body: bytes = b""
    paused: bool = False
    full_us: int = 0


class Task(msgspec.Struct, frozen=True):
    """A task; `body` and `facts` are in its service's words.

    One with a `place` has been counted in, one that is `forced` isn't.
    """

    number: int
    due_us: int
    body: bytes
    state: str = TIMED
    place: bool = False
    forced: bool = False
    facts: dict[str, str] = {}


class Due(NamedTuple):
    """A task that is to be sent now."""

    queue: Name
    name: str
    task: Task
    settings: PacedQueue


class _Place(msgspec.Struct, frozen=True, array_like=True):
    """What a task's timer says."""

    scope: str
    queue: str
    name: str
    number: int


class TaskExistedError(RecordExistsError):
    """There was a task of that name a short while ago."""


_QUEUE: Final = msgspec.msgpack.Decoder(PacedQueue)
_TASK: Final = msgspec.msgpack.Decoder(Task)
_PLACE: Final = msgspec.msgpack.Decoder(_Place)
_encode: Final = msgspec.msgpack.Encoder().encode


def _kind(what: str, queue: Name) -> str:
    return f"paced/{what}/{queue[1]}"


async def create_queue(tx: Tx, now_us: int, queue: Name, number: int, settings: PacedQueue) -> None:
    """Create a queue; raises `RecordExistsError`."""
    await records.add(tx, now_us, queue[0], QUEUES, queue[1], number, _encode(settings))


async def find_queue(tx: Tx, now_us: int, queue: Name) -> PacedQueue:
    """Return a queue, or raise `RecordNotFoundError`."""
    return _QUEUE.decode((await records.find(tx, now_us, queue[0], QUEUES, queue[1])).body)


async def list_queues(tx: Tx, now_us: int, scope: str, after: str, limit: int) -> list[tuple[str, PacedQueue]]:
    """Return queues of a scope in the order of their names, those that follow `after`."""
    found = await records.list_records(tx, now_us, scope, QUEUES, "", after, limit)
    return [(each.name, _QUEUE.decode(each.body)) for each in found]


async def change_queue(tx: Tx, now_us: int, queue: Name, change: Callable[[PacedQueue], PacedQueue]) -> PacedQueue:
    """Change a queue; one that isn't paused any more goes on with what waits."""
    before: list[PacedQueue] = []

    def rewritten(record: records.Record) -> bytes:
        before.append(_QUEUE.decode(record.body))
        return _encode(change(before[0]))

    record = await records.update(tx, now_us, queue[0], QUEUES, queue[1], rewritten)
    settings = _QUEUE.decode(record.body)
    if not settings.paused:
        grown = before[0].paused or settings.pace.at_once > before[0].pace.at_once
        await _wake(tx, now_us, queue, records.EVERY if grown else 0)
    return settings


async def delete_queue(tx: Tx, now_us: int, queue: Name) -> None:
    """Delete a queue with its tasks; raises `RecordNotFoundError`."""
    await find_queue(tx, now_us, queue)
    await purge(tx, now_us, queue)
    await records.delete(tx, now_us, queue[0], QUEUES, queue[1])
    await records.delete_all(tx, now_us, queue[0], _kind("gone", queue))


async def purge(tx: Tx, now_us: int, queue: Name) -> None:
    """Delete all tasks of a queue; what is under way settles nothing any more."""
    for record in await records.list_records(tx, now_us, queue[0], _kind("task", queue)):
        await timers.disarm(tx, now_us, _timer_name(_TASK.decode(record.body)))
    for what in ("task", "waiting", "sent"):
        await records.delete_all(tx, now_us, queue[0], _kind(what, queue))


async def add_task(tx: Tx, now_us: int, queue: Name, name: str, task: Task) -> Task:
    """Add a task; raises `RecordNotFoundError` for the queue, `RecordExistsError`, `TaskExistedError`."""
    settings = await find_queue(tx, now_us, queue)
    gone = _kind("gone", queue)
    try:
        await records.find(tx, now_us, queue[0], gone, name)
    except RecordNotFoundError:
        await records.add(tx, now_us, queue[0], _kind("task", queue), name, task.number, _encode(task))
    else:
        raise TaskExistedError(gone, name)
    await _arm(tx, now_us, queue, name, task, settings, task.due_us)
    return task


async def find_task(tx: Tx, now_us: int, queue: Name, name: str) -> Task:
    """Return a task, or raise `RecordNotFoundError`."""
    return _TASK.decode((await records.find(tx, now_us, queue[0], _kind("task", queue), name)).body)


async def list_tasks(tx: Tx, now_us: int, queue: Name, after: str, limit: int) -> list[tuple[str, Task]]:
    """Return tasks of a queue in the order of their names, those that follow `after`."""
    await find_queue(tx, now_us, queue)
    found = await records.list_records(tx, now_us, queue[0], _kind("task", queue), "", after, limit)
    return [(each.name, _TASK.decode(each.body)) for each in found]


async def delete_task(tx: Tx, now_us: int, queue: Name, name: str, remember_seconds: float) -> None:
    """Delete a task; its name can't be used again for a while. Raises `RecordNotFoundError`."""
    task = await find_task(tx, now_us, queue, name)
    await timers.disarm(tx, now_us, _timer_name(task))
    await _remove(tx, now_us, queue, name, task, remember_seconds)


async def run_task(tx: Tx, now_us: int, queue: Name, name: str) -> Task:
    """Have a task sent now, whatever its time and its queue's pace; one that is under way goes on."""
    settings = await find_queue(tx, now_us, queue)
    task = await find_task(tx, now_us, queue, name)
    if task.state == SENT:
        return task
    forced = msgspec.structs.replace(task, state=TIMED, forced=True, due_us=min(task.due_us, now_us))
    await _save(tx, now_us, queue, name, forced)
    await _arm(tx, now_us, queue, name, forced, settings, now_us)
    return forced


async def come_due(tx: Tx, now_us: int, timer: Timer, sequence: int) -> Due | int | None:
    """Return the task of a timer, to be sent; or when the timer is due again, None for never."""
    place = _PLACE.decode(timer.payload)
    queue, name = (place.scope, place.queue), place.name
    try:
        task = await find_task(tx, now_us, queue, name)
        settings = await find_queue(tx, now_us, queue)
    except RecordNotFoundError:
        return None
    if task.number != place.number or task.state == SENT:
        return None
    if not task.forced:
        if settings.paused:
            await _line_up(tx, now_us, queue, name, task, sequence)
            return None
        if not task.place:
            slot_us = await _take_place(tx, now_us, queue)
            task = msgspec.structs.replace(task, place=True)
            if slot_us > now_us:
                await _save(tx, now_us, queue, name, task)
                return slot_us
        else:
            # Whoever counts holds the queue's row, so that no two servers count at once.
            await records.update(tx, now_us, queue[0], QUEUES, queue[1], lambda record: record.body)
        if await records.count(tx, now_us, queue[0], _kind("sent", queue)) >= settings.pace.at_once:
            await _line_up(tx, now_us, queue, name, task, sequence)
            return None
    task = msgspec.structs.replace(task, state=SENT)
    await _save(tx, now_us, queue, name, task)
    await records.add(tx, now_us, queue[0], _kind("sent", queue), name, task.number, b"")
    return Due(queue, name, task, settings)


async def settle(
    tx: Tx, now_us: int, queue: Name, name: str, number: int, again: Callable[[Task], Task | None], remember: float
) -> None:
    """Take note of what became of a task that was sent.

    `again` returns it as it is to be sent once more, None if it is over; then its name can't be used for `remember`
    seconds. Nothing happens if the task was deleted meanwhile.
    """
    try:
        task = await find_task(tx, now_us, queue, name)
        settings = await find_queue(tx, now_us, queue)
    except RecordNotFoundError:
        return
    if task.number != number or task.state != SENT:
        return
    following = again(task)
    if following is None:
        await _remove(tx, now_us, queue, name, task, remember)
        return
    following = msgspec.structs.replace(following, state=TIMED, place=False, forced=False)
    await records.delete(tx, now_us, queue[0], _kind("sent", queue), name)
    await _save(tx, now_us, queue, name, following)
    await _arm(tx, now_us, queue, name, following, settings, following.due_us)
    await _wake(tx, now_us, queue, 1)


async def update_task(tx: Tx, now_us: int, queue: Name, name: str, task: Task) -> None:
    """Keep another body of a task."""
    await _save(tx, now_us, queue, name, task)


async def forget(tx: Tx, now_us: int, timer: Timer) -> None:
    """Free the name of a task that is over: what the timers of kind `FORGET` do."""
    scope, kind, name = msgspec.msgpack.decode(timer.payload, type=tuple[str, str, str])
    await records.delete(tx, now_us, scope, kind, name)


async def _take_place(tx: Tx, now_us: int, queue: Name) -> int:
    """Count a task in; returns when its turn is."""
    slot_us = now_us

    def counted(record: records.Record) -> bytes:
        nonlocal slot_us
        settings = _QUEUE.decode(record.body)
        gap_us = int(min(GAP_SECONDS_MAX, 1 / settings.pace.per_second) * SECOND_US)
        full_us = max(settings.full_us, now_us)
        slot_us = max(now_us, full_us - (settings.pace.burst - 1) * gap_us)
        return _encode(msgspec.structs.replace(settings, full_us=full_us + gap_us))

    await records.update(tx, now_us, queue[0], QUEUES, queue[1], counted)
    return slot_us


async def _line_up(tx: Tx, now_us: int, queue: Name, name: str, task: Task, sequence: int) -> None:
    """Let a task wait for another to be settled, or for its queue to go on."""
    await _save(tx, now_us, queue, name, msgspec.structs.replace(task, state=WAITING))
    await records.add(tx, now_us, queue[0], _kind("waiting", queue), f"{sequence:020d}", sequence, name.encode())


async def _wake(tx: Tx, now_us: int, queue: Name, count: int) -> None:
    """Have tasks that wait looked at again, the first ones in line."""
    settings = await find_queue(tx, now_us, queue)
    kind = _kind("waiting", queue)
    woken = 0
    while woken < count:
        line = await records.list_records(tx, now_us, queue[0], kind, limit=min(count - woken, 100))
        if not line:
            return
        for each in line:
            await records.delete(tx, now_us, queue[0], kind, each.name)
            name = each.body.decode()
            try:
                task = await find_task(tx, now_us, queue, name)
            except RecordNotFoundError:
                continue
            if task.state == WAITING:
                task = msgspec.structs.replace(task, state=TIMED)
                await _save(tx, now_us, queue, name, task)
                await _arm(tx, now_us, queue, name, task, settings, now_us)
                woken += 1


async def _remove(tx: Tx, now_us: int, queue: Name, name: str, task: Task, remember_seconds: float) -> None:
    await records.delete(tx, now_us, queue[0], _kind("task", queue), name)
    await records.delete(tx, now_us, queue[0], _kind("sent", queue), name)
    if remember_seconds:
        kind = _kind("gone", queue)
        await records.add(tx, now_us, queue[0], kind, name, task.number, b"")
        due_us = now_us + int(remember_seconds * SECOND_US)
        payload = _encode((queue[0], kind, name))
        await timers.arm(tx, now_us, Timer(f"{FORGET}/{task.number}", due_us, FORGET, payload))
    await _wake(tx, now_us, queue, 1)


async def _save(tx: Tx, now_us: int, queue: Name, name: str, task: Task) -> None:
    await records.update(tx, now_us, queue[0], _kind("task", queue), name, lambda _: _encode(task))


async def _arm(tx: Tx, now_us: int, queue: Name, name: str, task: Task, settings: PacedQueue, due_us: int) -> None:
    payload = _encode(_Place(*queue, name, task.number))
    await timers.arm(tx, now_us, Timer(_timer_name(task), due_us, settings.timer, payload))


def _timer_name(task: Task) -> str:
    return f"paced/{task.number}"
