"""What jobs send, how it is tried again, and what is noted of each attempt.

Google Cloud, "Cloud Scheduler: HTTP target handlers", "Retry jobs".
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp.http_targets import METHODS, code_of, delays_of, headers_of, sign, token_facts
from fogbank.clouds.gcp.pubsub.couriers import FORM
from fogbank.clouds.gcp.pubsub.names import TOPICS
from fogbank.clouds.gcp.pubsub.names import read_name as read_topic
from fogbank.clouds.gcp.pubsub.shapes import pubsub_types
from fogbank.clouds.gcp.scheduler.configuration import seconds_of
from fogbank.clouds.gcp.scheduler.service import DIALECT, PACKAGE, full_name
from fogbank.connectors.delivery.couriers import Courier, Dialect
from fogbank.engines.messaging.delivery_model import HTTP, TOPIC, Delivery, Retry, endpoint_of
from fogbank.engines.schedules import schedules

if TYPE_CHECKING:
    from fogbank.connectors.delivery.couriers import Answer, Drawn
    from fogbank.connectors.signing import Signer
    from fogbank.engines.schedules.model import Schedule
    from fogbank.storage import Tx
    from fogbank.wire.grpc.types import Types

COURIER: Final = DIALECT
AGENT: Final = "Google-Cloud-Scheduler"


@cache
def _types() -> Types:
    types = pubsub_types()
    types.load("fogbank.clouds.gcp.scheduler", "descriptors")
    return types


def send(schedule: Schedule, occurrence_us: int, drawn: Drawn) -> Delivery:
    """Return what an occurrence of a job sends."""
    job = _types().message(f"{PACKAGE}.Job").FromString(schedule.config.body)
    facts = {"scope": schedule.scope, "job": schedule.name, "number": str(schedule.id)}
    retry = _retry(job.retry_config)
    if job.WhichOneof("target") == "pubsub_target":
        target = job.pubsub_target
        message = _types().message("google.pubsub.v1.PubsubMessage")(data=target.data)
        message.attributes.update(target.attributes)
        endpoint = endpoint_of(*read_topic(target.topic_name, TOPICS, "topic_name").key)
        content = message.SerializeToString()
        facts |= FORM
        return Delivery(TOPIC, endpoint, content, courier=COURIER, retry=retry, first_us=drawn.now_us, facts=facts)
    target = job.http_target
    headers = headers_of(target, AGENT) | {
        "X-CloudScheduler": "true",
        "X-CloudScheduler-JobName": full_name(schedule.scope, schedule.name).rpartition("/")[2],
        "X-CloudScheduler-ScheduleTime": _moment(occurrence_us),
    }
    return Delivery(
        HTTP,
        target.uri,
        target.body,
        headers=headers,
        courier=COURIER,
        retry=retry,
        first_us=drawn.now_us,
        facts=facts | token_facts(target, target.uri),
        method=METHODS[target.http_method],
        seconds_max=seconds_of(job.attempt_deadline),
    )


def _retry(retries: Any) -> Retry:
    """Return the retries of a job: none without a count or a duration; with both, until both are over."""
    duration = seconds_of(retries.max_retry_duration)
    if not retries.retry_count and not duration:
        return Retry()
    delays = delays_of(
        seconds_of(retries.min_backoff_duration), seconds_of(retries.max_backoff_duration), retries.max_doublings
    )
    attempts = retries.retry_count + 1 if retries.retry_count else 0
    return Retry(delays, attempts, duration, both_limits=True)


def _moment(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def note(tx: Tx, now_us: int, delivery: Delivery, answer: Answer) -> None:
    """Note when a job was last attempted, and what came of it."""
    facts = delivery.facts
    code = code_of(answer)
    told = "" if answer.ok else f"{answer.reason}"
    progress = {"attempt": str(now_us), "code": str(code.value), "message": told}
    await schedules.note(tx, now_us, (facts["scope"], facts["job"]), int(facts["number"]), progress)


def courier(signer: Signer) -> Courier:
    """Return the rules by which jobs are sent: any answer but success is tried again."""

    async def signed(delivery: Delivery, now_us: int) -> Delivery:
        return await sign(signer, delivery, now_us)

    return Courier(Retry(), final=lambda _: False, prepare=signed, note=note)


SCHEDULER: Final = Dialect(scheduled=send)
