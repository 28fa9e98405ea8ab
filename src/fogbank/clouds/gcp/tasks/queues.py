"""Queues: google.cloud.tasks.v2.CloudTasks' methods on them.

Google Cloud, "Configure Cloud Tasks queues", "Cloud Tasks: REST resource projects.locations.queues". A deleted queue's
name can be used again at once, unlike Google's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.gcp.http_targets import BACKOFF_SECONDS_MAX
from fogbank.clouds.gcp.masks import merge
from fogbank.clouds.gcp.paging import read_page_size, read_page_token, write_page_token
from fogbank.clouds.gcp.refusals import invalid, unsupported
from fogbank.clouds.gcp.tasks.service import TIMER, queue_name, read_parent, read_queue, write_time
from fogbank.engines.messaging import paced
from fogbank.engines.messaging.errors import RecordNotFoundError
from fogbank.engines.messaging.paced import Pace, PacedQueue

if TYPE_CHECKING:
    from fogbank.clouds.gcp.tasks.service import Tasks
    from fogbank.engines.messaging.model import Name
    from fogbank.storage import Tx
    from fogbank.wire.grpc.service import Call

RUNNING: Final = 1
PAUSED: Final = 2
PER_SECOND_MAX: Final = 500
AT_ONCE_MAX: Final = 5_000
AT_ONCE_DEFAULT: Final = 1_000
ATTEMPTS_DEFAULT: Final = 100
DOUBLINGS_DEFAULT: Final = 16
BACKOFF_MAX_SECONDS: Final = 3_600
_MUTABLE: Final = ("rate_limits", "retry_config")
_REFUSED: Final = ("app_engine_routing_override", "http_target", "stackdriver_logging_config")


async def create_queue(tasks: Tasks, call: Call, request: Any) -> Any:
    """Create a queue."""
    del call
    scope = read_parent(request.parent)
    queue = read_queue(request.queue.name, "queue.name")
    if queue[0] != scope:
        raise invalid("queue.name", "The queue's name must begin with the parent's.")
    settings = _configure(request.queue)
    await tasks.store.run(paced.create_queue, queue, tasks.ids.sequence(), settings)
    return show(tasks, queue, settings)


async def get_queue(tasks: Tasks, call: Call, request: Any) -> Any:
    """Return a queue."""
    del call
    queue = read_queue(request.name)
    return show(tasks, queue, await tasks.store.read(paced.find_queue, queue))


async def list_queues(tasks: Tasks, call: Call, request: Any) -> Any:
    """List the queues of a project in a region."""
    del call
    if request.filter:
        raise unsupported("filter in ListQueues")
    scope = read_parent(request.parent)
    limit = read_page_size(request.page_size)
    after = read_page_token(request.page_token)
    found = await tasks.store.read(paced.list_queues, scope, after, limit + 1)
    response = tasks.message("ListQueuesResponse")()
    response.queues.extend(show(tasks, (scope, name), settings) for name, settings in found[:limit])
    if len(found) > limit:
        response.next_page_token = write_page_token(found[limit - 1][0])
    return response


async def update_queue(tasks: Tasks, call: Call, request: Any) -> Any:
    """Change what the mask names, or everything without one; a queue that isn't there is created."""
    del call
    queue = read_queue(request.queue.name, "queue.name")
    mask = request.update_mask
    if not mask.paths:
        mask.paths.extend(_MUTABLE)
    _refuse(request.queue)

    def change(settings: PacedQueue) -> PacedQueue:
        message = tasks.message("Queue").FromString(settings.body)
        merge(message, request.queue, mask, _MUTABLE)
        changed = _configure(message)
        return msgspec.structs.replace(settings, pace=changed.pace, body=changed.body)

    async def update(tx: Tx, now_us: int, number: int) -> PacedQueue:
        try:
            return await paced.change_queue(tx, now_us, queue, change)
        except RecordNotFoundError:
            settings = _configure(request.queue)
            await paced.create_queue(tx, now_us, queue, number, settings)
            return settings

    return show(tasks, queue, await tasks.store.run(update, tasks.ids.sequence()))


async def delete_queue(tasks: Tasks, call: Call, request: Any) -> Any:
    """Delete a queue with its tasks."""
    del call
    await tasks.store.run(paced.delete_queue, read_queue(request.name))
    return tasks.types.message("google.protobuf.Empty")()


async def purge_queue(tasks: Tasks, call: Call, request: Any) -> Any:
    """Delete all tasks of a queue."""
    del call
    queue = read_queue(request.name)

    def purged(settings: PacedQueue) -> PacedQueue:
        message = tasks.message("Queue").FromString(settings.body)
        write_time(message.purge_time, tasks.clock.now())
        return msgspec.structs.replace(settings, body=message.SerializeToString())

    async def purge(tx: Tx, now_us: int) -> PacedQueue:
        await paced.purge(tx, now_us, queue)
        return await paced.change_queue(tx, now_us, queue, purged)

    return show(tasks, queue, await tasks.store.run(purge))


async def pause_queue(tasks: Tasks, call: Call, request: Any) -> Any:
    """Let a queue send nothing until it is resumed."""
    del call
    return await _switch(tasks, request.name, paused=True)


async def resume_queue(tasks: Tasks, call: Call, request: Any) -> Any:
    """Let a queue go on."""
    del call
    return await _switch(tasks, request.name, paused=False)


async def _switch(tasks: Tasks, name: str, *, paused: bool) -> Any:
    queue = read_queue(name)
    settings = await tasks.store.run(
        paced.change_queue, queue, lambda settings: msgspec.structs.replace(settings, paused=paused)
    )
    return show(tasks, queue, settings)


def show(tasks: Tasks, queue: Name, settings: PacedQueue) -> Any:
    """Return a queue as the API shows it."""
    message = tasks.message("Queue").FromString(settings.body)
    message.name = queue_name(queue)
    message.state = PAUSED if settings.paused else RUNNING
    return message


def _refuse(message: Any) -> None:
    for field in _REFUSED:
        if message.HasField(field):
            raise unsupported(f"{field} of queues")


def _configure(message: Any) -> PacedQueue:
    """Check a queue's configuration, complete it and return what the engine is told of it."""
    _refuse(message)
    limits, retries = message.rate_limits, message.retry_config
    limits.max_dispatches_per_second = limits.max_dispatches_per_second or PER_SECOND_MAX
    limits.max_concurrent_dispatches = limits.max_concurrent_dispatches or AT_ONCE_DEFAULT
    if not 0 < limits.max_dispatches_per_second <= PER_SECOND_MAX:
        raise invalid(
            "queue.rate_limits", f"max_dispatches_per_second must be more than 0, and {PER_SECOND_MAX} at most."
        )
    if not 0 < limits.max_concurrent_dispatches <= AT_ONCE_MAX:
        raise invalid("queue.rate_limits", f"max_concurrent_dispatches must be between 1 and {AT_ONCE_MAX}.")
    # Chosen by the service: 100 for the default rate ("Rate limits": max_burst_size is output only).
    limits.max_burst_size = max(10, int(limits.max_dispatches_per_second / 5))
    retries.max_attempts = retries.max_attempts or ATTEMPTS_DEFAULT
    if retries.max_attempts < -1:
        raise invalid("queue.retry_config.max_attempts", "max_attempts must be -1, for no limit, or positive.")
    if not retries.HasField("min_backoff"):
        retries.min_backoff.nanos = 100_000_000
    if not retries.HasField("max_backoff"):
        retries.max_backoff.seconds = BACKOFF_MAX_SECONDS
    retries.max_doublings = retries.max_doublings or DOUBLINGS_DEFAULT
    least, most = _seconds(retries.min_backoff), _seconds(retries.max_backoff)
    if not 0 < least <= most <= BACKOFF_SECONDS_MAX or retries.max_doublings < 0:
        raise invalid("queue.retry_config", "min_backoff must be positive, max_backoff no less and 30 days at most.")
    if _seconds(retries.max_retry_duration) < 0:
        raise invalid("queue.retry_config", "max_retry_duration must not be negative.")
    pace = Pace(limits.max_dispatches_per_second, limits.max_burst_size, limits.max_concurrent_dispatches)
    message.ClearField("state")
    return PacedQueue(pace, TIMER, message.SerializeToString(deterministic=True))


def _seconds(duration: Any) -> float:
    return float(duration.seconds + duration.nanos / 1e9)
