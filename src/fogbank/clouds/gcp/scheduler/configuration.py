"""Jobs as they are configured: checked, completed with defaults, made into schedules and shown.

Google Cloud, "Cloud Scheduler: projects.locations.jobs", "Cron job format and time zone".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp.http_targets import BACKOFF_SECONDS_MAX, check_target
from fogbank.clouds.gcp.pubsub.names import TOPICS
from fogbank.clouds.gcp.pubsub.names import read_name as read_topic
from fogbank.clouds.gcp.refusals import invalid, unsupported
from fogbank.clouds.gcp.scheduler.service import DIALECT, full_name
from fogbank.engines.schedules.model import (
    GROC,
    UNIX,
    CronError,
    ScheduleConfig,
    When,
    check_zone,
    read_calendar,
)

if TYPE_CHECKING:
    from fogbank.clouds.gcp.scheduler.service import Scheduler
    from fogbank.engines.schedules.model import Schedule

ENABLED: Final = 1
PAUSED: Final = 2
RETRY_COUNT_MAX: Final = 5
# In seconds: how long an attempt may take, backoffs, doublings.
DEADLINE: Final = (15, 1_800)
DEADLINE_DEFAULT: Final = 180
BACKOFF_MIN_DEFAULT: Final = 5
BACKOFF_MAX_DEFAULT: Final = 3_600
DOUBLINGS_DEFAULT: Final = 5
SCHEDULE_CHARS_MAX: Final = 500
BODY_BYTES_MAX: Final = 1_048_576
_OUTPUT_ONLY: Final = ("user_update_time", "state", "status", "schedule_time", "last_attempt_time")


def complete(job: Any) -> None:
    """Check a job and fill in what it leaves out; raises `GrpcError`."""
    target = job.WhichOneof("target")
    if target is None:
        raise invalid("job", "A job must have a target.")
    if target == "app_engine_http_target":
        raise unsupported("app_engine_http_target")
    if target == "http_target":
        check_target(job.http_target, job.http_target.uri, "job.http_target.uri")
        if not job.http_target.http_method:
            job.http_target.http_method = 1
        if len(job.http_target.body) > BODY_BYTES_MAX:
            raise invalid("job.http_target.body", f"The body is larger than {BODY_BYTES_MAX} bytes.")
        _complete_deadline(job)
    else:
        read_topic(job.pubsub_target.topic_name, TOPICS, "job.pubsub_target.topic_name")
        if not job.pubsub_target.data and not job.pubsub_target.attributes:
            raise invalid("job.pubsub_target", "A message must have data or attributes.")
        job.ClearField("attempt_deadline")
    if not job.time_zone:
        job.time_zone = "Etc/UTC"
    if not check_zone(job.time_zone):
        raise invalid("job.time_zone", f"The time zone is invalid: {job.time_zone!r}.")
    if not job.schedule:
        raise invalid("job.schedule", "A job must have a schedule.")
    notation_of(job.schedule)
    _complete_retries(job.retry_config)
    for field in _OUTPUT_ONLY:
        job.ClearField(field)


def _complete_deadline(job: Any) -> None:
    if not job.HasField("attempt_deadline"):
        job.attempt_deadline.seconds = DEADLINE_DEFAULT
    if not DEADLINE[0] <= seconds_of(job.attempt_deadline) <= DEADLINE[1]:
        raise invalid("job.attempt_deadline", "The attempt_deadline must be between 15 seconds and 30 minutes.")


def _complete_retries(retries: Any) -> None:
    if not 0 <= retries.retry_count <= RETRY_COUNT_MAX:
        raise invalid("job.retry_config.retry_count", f"retry_count must be between 0 and {RETRY_COUNT_MAX}.")
    if not retries.HasField("max_retry_duration"):
        retries.max_retry_duration.seconds = 0
    if not retries.HasField("min_backoff_duration"):
        retries.min_backoff_duration.seconds = BACKOFF_MIN_DEFAULT
    if not retries.HasField("max_backoff_duration"):
        retries.max_backoff_duration.seconds = BACKOFF_MAX_DEFAULT
    if not retries.max_doublings:
        retries.max_doublings = DOUBLINGS_DEFAULT
    if not 0 <= retries.max_doublings <= 16:
        raise invalid("job.retry_config.max_doublings", "max_doublings must be between 0 and 16.")
    least, most = seconds_of(retries.min_backoff_duration), seconds_of(retries.max_backoff_duration)
    if seconds_of(retries.max_retry_duration) < 0:
        raise invalid("job.retry_config.max_retry_duration", "max_retry_duration must not be negative.")
    if not 0 < least <= most <= BACKOFF_SECONDS_MAX:
        raise invalid(
            "job.retry_config",
            "min_backoff_duration must be positive, max_backoff_duration no less and 30 days at most.",
        )


def notation_of(text: str) -> str:
    """Return the notation that a schedule is written in; raises `GrpcError`."""
    if len(text) > SCHEDULE_CHARS_MAX:
        raise invalid("job.schedule", f"A schedule has at most {SCHEDULE_CHARS_MAX} characters.")
    reason = ""
    for notation in (UNIX, GROC):
        try:
            read_calendar(notation, text)
        except CronError as error:
            reason = str(error)
        else:
            return notation
    raise invalid("job.schedule", f"Schedule or time zone is invalid: {reason}")


def configuration(job: Any, anchor_us: int, *, enabled: bool = True) -> ScheduleConfig:
    """Return what the engine is told of a complete job."""
    when = When(notation_of(job.schedule), job.schedule, job.time_zone, anchor_us)
    return ScheduleConfig(when, DIALECT, job.SerializeToString(deterministic=True), enabled=enabled)


def recall(scheduler: Scheduler, config: ScheduleConfig) -> Any:
    """Return a job as it was configured."""
    return scheduler.message("Job").FromString(config.body)


def show(scheduler: Scheduler, schedule: Schedule, due_us: int | None) -> Any:
    """Return a job as the API shows it."""
    job = recall(scheduler, schedule.config)
    job.name = full_name(schedule.scope, schedule.name)
    job.state = ENABLED if schedule.config.enabled else PAUSED
    write_time(job.user_update_time, schedule.modified_us)
    if due_us is not None:
        write_time(job.schedule_time, due_us)
    progress = schedule.progress
    if "attempt" in progress:
        write_time(job.last_attempt_time, int(progress["attempt"]))
        job.status.code = int(progress["code"])
        job.status.message = progress["message"]
    return job


def write_time(field: Any, at_us: int) -> None:
    """Fill a timestamp."""
    field.seconds, micros = divmod(at_us, 1_000_000)
    field.nanos = micros * 1_000


def seconds_of(duration: Any) -> float:
    """Return a duration in seconds."""
    return float(duration.seconds + duration.nanos / 1e9)
