"""Sending tasks: the request for each, and what its outcome does.

Google Cloud, "Create HTTP target tasks": headers; any answer of 200 to 299 is a success, any other is tried again by
the queue's retry configuration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.gcp.http_targets import METHODS, code_of, delays_of, headers_of, sign, token_facts
from fogbank.clouds.gcp.tasks.service import (
    COURIER,
    PACKAGE,
    REMEMBER_SECONDS,
    read_time,
    tasks_types,
    write_time,
)
from fogbank.connectors.delivery.couriers import Courier
from fogbank.engines.messaging import paced
from fogbank.engines.messaging.delivery_model import DELIVERIES, HTTP, Delivery, Retry
from fogbank.engines.messaging.errors import RecordNotFoundError
from fogbank.engines.messaging.paced import Due
from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from fogbank.connectors.delivery.couriers import Answer
    from fogbank.connectors.signing import Signer
    from fogbank.engines.messaging.paced import Task
    from fogbank.storage import Tx
    from fogbank.storage.timers import Timer

AGENT: Final = "Google-Cloud-Tasks"
# How often a task was answered, but for server errors.
EXECUTIONS: Final = "executions"


async def fire(tx: Tx, now_us: int, timer: Timer, sequence: int) -> int | None:
    """Send the task that is due: what tasks' timers do; returns when the timer is due again."""
    due = await paced.come_due(tx, now_us, timer, sequence)
    if not isinstance(due, Due):
        return due
    message = _read(due.task)
    message.dispatch_count += 1
    write_time(message.last_attempt.schedule_time, due.task.due_us)
    write_time(message.last_attempt.dispatch_time, now_us)
    if message.dispatch_count == 1:
        write_time(message.first_attempt.dispatch_time, now_us)
    task = msgspec.structs.replace(due.task, body=message.SerializeToString(deterministic=True))
    await paced.update_task(tx, now_us, due.queue, due.name, task)
    await DELIVERIES.put(tx, now_us, [(sequence, _delivery(due, message, now_us))])
    return None


def _read(task: Task) -> Any:
    return tasks_types().message(f"{PACKAGE}.Task").FromString(task.body)


def _delivery(due: Due, message: Any, now_us: int) -> Delivery:
    sent = message.http_request
    headers = headers_of(sent, AGENT) | {
        "X-CloudTasks-QueueName": due.queue[1],
        "X-CloudTasks-TaskName": due.name,
        "X-CloudTasks-TaskRetryCount": str(message.dispatch_count - 1),
        "X-CloudTasks-TaskExecutionCount": due.task.facts.get(EXECUTIONS, "0"),
        "X-CloudTasks-TaskETA": f"{due.task.due_us / SECOND_US:.6f}",
    }
    if message.last_attempt.HasField("response_status"):
        previous = message.last_attempt.response_status.message.removeprefix("HTTP ")
        if previous.isdecimal():
            headers["X-CloudTasks-TaskPreviousResponse"] = previous
    facts = {"scope": due.queue[0], "queue": due.queue[1], "task": due.name, "number": str(due.task.number)}
    return Delivery(
        HTTP,
        sent.url,
        sent.body,
        headers=headers,
        courier=COURIER,
        first_us=now_us,
        facts=facts | token_facts(sent, sent.url),
        method=METHODS[sent.http_method],
        seconds_max=float(message.dispatch_deadline.seconds),
    )


async def note(tx: Tx, now_us: int, delivery: Delivery, answer: Answer) -> None:
    """Take a task that succeeded from its queue, or have it tried again."""
    sent = delivery.facts
    queue = (sent["scope"], sent["queue"])
    try:
        settings = await paced.find_queue(tx, now_us, queue)
    except RecordNotFoundError:
        return
    retries = tasks_types().message(f"{PACKAGE}.Queue").FromString(settings.body).retry_config

    def again(task: Task) -> Task | None:
        if answer.ok:
            return None
        message = _read(task)
        age_seconds = (now_us - read_time(message.first_attempt.dispatch_time)) / SECOND_US
        delay = _retry(retries).after(message.dispatch_count, age_seconds)
        if delay is None:
            return None
        executions = int(task.facts.get(EXECUTIONS, "0"))
        if answer.status:
            message.response_count += 1
            # Server errors don't count as executions.
            executions += answer.status < 500
        message.last_attempt.response_status.code = code_of(answer).value
        message.last_attempt.response_status.message = answer.reason
        write_time(message.last_attempt.response_time, now_us)
        body = message.SerializeToString(deterministic=True)
        facts = {EXECUTIONS: str(executions)}
        return msgspec.structs.replace(task, body=body, facts=facts, due_us=now_us + int(delay * SECOND_US))

    await paced.settle(tx, now_us, queue, sent["task"], int(sent["number"]), again, REMEMBER_SECONDS)


def _retry(retries: Any) -> Retry:
    """Return the retries of a queue: with both limits, until both are over."""
    least = retries.min_backoff.seconds + retries.min_backoff.nanos / 1e9
    most = retries.max_backoff.seconds + retries.max_backoff.nanos / 1e9
    duration = retries.max_retry_duration.seconds + retries.max_retry_duration.nanos / 1e9
    delays = delays_of(least, most, retries.max_doublings)
    return Retry(delays, max(0, retries.max_attempts), duration, both_limits=True)


def courier(signer: Signer) -> Courier:
    """Return the rules by which tasks are sent: one attempt each, after which the queue decides."""

    async def signed(delivery: Delivery, now_us: int) -> Delivery:
        return await sign(signer, delivery, now_us)

    return Courier(Retry(), prepare=signed, note=note)
