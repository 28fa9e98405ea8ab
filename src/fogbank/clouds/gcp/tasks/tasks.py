"""Tasks: google.cloud.tasks.v2.CloudTasks' methods on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp.http_targets import check_target
from fogbank.clouds.gcp.paging import read_page_size, read_page_token, write_page_token
from fogbank.clouds.gcp.refusals import invalid, unsupported
from fogbank.clouds.gcp.tasks.service import (
    REMEMBER_SECONDS,
    read_queue,
    read_task,
    read_time,
    task_name,
    write_time,
)
from fogbank.engines.messaging import paced
from fogbank.engines.messaging.paced import Task
from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from fogbank.clouds.gcp.tasks.service import Tasks
    from fogbank.engines.messaging.model import Name
    from fogbank.wire.grpc.service import Call

BASIC: Final = 1
FULL: Final = 2
# "Quotas and limits": how far ahead a task may be scheduled, how large one may be; how long a dispatch may take.
AHEAD_US: Final = 30 * 86_400 * SECOND_US
TASK_BYTES_MAX: Final = 1_048_576
DEADLINE: Final = (15, 1_800)
DEADLINE_DEFAULT: Final = 600
_PAGE_MAX: Final = 1_000


async def create_task(tasks: Tasks, call: Call, request: Any) -> Any:
    """Add a task to a queue; one without a name is given one that is never used again."""
    del call
    queue = read_queue(request.parent, "parent")
    number = tasks.ids.sequence()
    message = request.task
    name = str(number)
    if message.name:
        own, name = read_task(message.name, "task.name")
        if own != queue:
            raise invalid("task.name", "The queue name from request ('parent') must be the same as in the task's name.")
    now_us = tasks.clock.now()
    due_us = _complete(message, now_us)
    task = Task(number, due_us, message.SerializeToString(deterministic=True))
    await tasks.store.run(paced.add_task, queue, name, task)
    return show(tasks, queue, name, task, request.response_view)


def _complete(message: Any, now_us: int) -> int:
    """Check a task and fill in what it leaves out; returns when it is due."""
    kind = message.WhichOneof("message_type")
    if kind == "app_engine_http_request":
        raise unsupported("app_engine_http_request")
    if kind is None:
        raise invalid("task", "Task.message_type must be set: a task needs an http_request.")
    if message.HasField("retry_config"):
        raise unsupported("retry_config of tasks")
    sent = message.http_request
    check_target(sent, sent.url, "task.http_request.url")
    if not sent.http_method:
        sent.http_method = 1
    if not message.HasField("dispatch_deadline"):
        message.dispatch_deadline.seconds = DEADLINE_DEFAULT
    if not DEADLINE[0] <= message.dispatch_deadline.seconds <= DEADLINE[1]:
        raise invalid("task.dispatch_deadline", "Task.dispatch_deadline must be between [15s, 30m].")
    due_us = now_us
    if message.HasField("schedule_time"):
        due_us = max(now_us, read_time(message.schedule_time))
        if due_us > now_us + AHEAD_US:
            raise invalid(
                "task.schedule_time", "The Task.scheduleTime is too far in the future: it may be 30 days ahead."
            )
    if message.ByteSize() > TASK_BYTES_MAX:
        raise invalid("task", f"Task size too large: it may have {TASK_BYTES_MAX} bytes.")
    for field in ("dispatch_count", "response_count", "first_attempt", "last_attempt", "view", "name"):
        message.ClearField(field)
    write_time(message.schedule_time, due_us)
    write_time(message.create_time, now_us // SECOND_US * SECOND_US)
    return due_us


async def get_task(tasks: Tasks, call: Call, request: Any) -> Any:
    """Return a task."""
    del call
    queue, name = read_task(request.name)
    return show(tasks, queue, name, await tasks.store.read(paced.find_task, queue, name), request.response_view)


async def list_tasks(tasks: Tasks, call: Call, request: Any) -> Any:
    """List a queue's tasks in the order of their names."""
    del call
    queue = read_queue(request.parent, "parent")
    limit = read_page_size(request.page_size, _PAGE_MAX)
    after = read_page_token(request.page_token)
    found = await tasks.store.read(paced.list_tasks, queue, after, limit + 1)
    response = tasks.message("ListTasksResponse")()
    response.tasks.extend(show(tasks, queue, name, task, request.response_view) for name, task in found[:limit])
    if len(found) > limit:
        response.next_page_token = write_page_token(found[limit - 1][0])
    return response


async def delete_task(tasks: Tasks, call: Call, request: Any) -> Any:
    """Delete a task; its name can't be used for an hour."""
    del call
    await tasks.store.run(paced.delete_task, *read_task(request.name), REMEMBER_SECONDS)
    return tasks.types.message("google.protobuf.Empty")()


async def run_task(tasks: Tasks, call: Call, request: Any) -> Any:
    """Send a task now, even if its queue is paused."""
    del call
    queue, name = read_task(request.name)
    task = await tasks.store.run(paced.run_task, queue, name)
    return show(tasks, queue, name, task, request.response_view)


def show(tasks: Tasks, queue: Name, name: str, task: Task, view: int) -> Any:
    """Return a task as the API shows it: its body in the full view only."""
    message = tasks.message("Task").FromString(task.body)
    message.name = task_name(queue, name)
    message.view = view or BASIC
    write_time(message.schedule_time, task.due_us)
    if message.view != FULL:
        message.http_request.ClearField("body")
    return message
