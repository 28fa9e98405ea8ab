"""Subscriptions: what the engine is told of them, and what may be said.

Google Cloud, "google.pubsub.v1", message Subscription; "Quotas and limits".
"""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp.pubsub.names import DELETED_TOPIC, TOPICS, read_name
from fogbank.clouds.gcp.pubsub.service import DIALECT, FACTS, PACKAGE
from fogbank.clouds.gcp.pubsub.shapes import pubsub_types
from fogbank.clouds.gcp.pubsub.topics import check_duration, check_labels, keep
from fogbank.clouds.gcp.refusals import invalid, unsupported
from fogbank.engines.messaging.model import DeadLetterPolicy, PushPolicy, QueueConfig
from fogbank.languages.pubsub_filter import FilterError, compile_filter

if TYPE_CHECKING:
    from fogbank.engines.messaging.model import Queue

ACK_SECONDS: Final = (10, 600)
ACK_SECONDS_DEFAULT: Final = 10
RETENTION_SECONDS: Final = (600, 31 * 86_400)
RETENTION_SECONDS_DEFAULT: Final = 7 * 86_400
EXPIRATION_SECONDS_DEFAULT: Final = 31 * 86_400
EXPIRATION_SECONDS_MIN: Final = 86_400
BACKOFF_SECONDS: Final = (0, 600)
BACKOFF_DEFAULT: Final = (10, 600)
# "Push backoff": how long a push subscription without a retry policy waits after failures.
PUSH_BACKOFF: Final = (0.1, 60)
ATTEMPTS: Final = (5, 100)
FILTER_BYTES_MAX: Final = 256
# What a message may weigh is checked when it is published.
_MESSAGE_BYTES_MAX: Final = 1 << 30
_UNSUPPORTED: Final = ("bigquery_config", "cloud_storage_config", "bigtable_config", "analytics_hub_subscription_info")


def complete(message: Any) -> None:
    """Check a subscription as it is to be, and fill in what was left out; raises `GrpcError`."""
    for field in _UNSUPPORTED:
        if message.HasField(field):
            raise unsupported(f"{field} of subscriptions")
    for field in ("message_transforms", "tags"):
        if getattr(message, field):
            raise unsupported(f"{field} of subscriptions")
    message.ack_deadline_seconds = message.ack_deadline_seconds or ACK_SECONDS_DEFAULT
    if not ACK_SECONDS[0] <= message.ack_deadline_seconds <= ACK_SECONDS[1]:
        raise invalid(
            "ack_deadline_seconds",
            f"Invalid ack deadline given: {message.ack_deadline_seconds}. Must be between 10 and 600 seconds.",
        )
    if message.HasField("message_retention_duration"):
        check_duration("message_retention_duration", message.message_retention_duration, *RETENTION_SECONDS)
    else:
        message.message_retention_duration.seconds = RETENTION_SECONDS_DEFAULT
    if not message.HasField("expiration_policy"):
        message.expiration_policy.ttl.seconds = EXPIRATION_SECONDS_DEFAULT
    elif message.expiration_policy.HasField("ttl") and message.expiration_policy.ttl.seconds < EXPIRATION_SECONDS_MIN:
        raise invalid("expiration_policy.ttl", "The expiration policy's ttl must be at least 1 day.")
    check_labels(message.labels)
    _complete_retries(message)
    if message.filter:
        _check_filter(message.filter)
    _check_push(message.push_config)
    message.ClearField("state")
    message.ClearField("topic_message_retention_duration")


def _complete_retries(message: Any) -> None:
    if message.HasField("dead_letter_policy"):
        policy = message.dead_letter_policy
        read_name(policy.dead_letter_topic, TOPICS, "dead_letter_policy.dead_letter_topic")
        policy.max_delivery_attempts = policy.max_delivery_attempts or ATTEMPTS[0]
        if not ATTEMPTS[0] <= policy.max_delivery_attempts <= ATTEMPTS[1]:
            raise invalid(
                "dead_letter_policy.max_delivery_attempts",
                f"The value for max_delivery_attempts must be between 5 and 100, not {policy.max_delivery_attempts}.",
            )
    if message.HasField("retry_policy"):
        policy = message.retry_policy
        for field, default in zip(("minimum_backoff", "maximum_backoff"), BACKOFF_DEFAULT, strict=True):
            if policy.HasField(field):
                check_duration(f"retry_policy.{field}", getattr(policy, field), *BACKOFF_SECONDS)
            else:
                getattr(policy, field).seconds = default
        if _seconds(policy.minimum_backoff) > _seconds(policy.maximum_backoff):
            raise invalid("retry_policy", "minimum_backoff must not be greater than maximum_backoff.")


def _check_filter(text: str) -> None:
    if len(text.encode()) > FILTER_BYTES_MAX:
        raise invalid("filter", f"The filter must not be longer than {FILTER_BYTES_MAX} bytes.")
    try:
        compile_filter(text)
    except FilterError as error:
        raise invalid("filter", f"Invalid filter: {error}") from None


def _check_push(push: Any) -> None:
    endpoint = push.push_endpoint
    if not endpoint:
        return
    if not endpoint.startswith(("http://", "https://")):
        raise invalid("push_config.push_endpoint", f"Invalid push endpoint given (endpoint={endpoint}).")
    version = push.attributes.get("x-goog-version", "v1")
    if version not in ("v1", "v1beta1", "v1beta2"):
        raise invalid("push_config.attributes", f"Invalid x-goog-version {version!r}.")
    if push.HasField("oidc_token") and not push.oidc_token.service_account_email:
        raise invalid("push_config.oidc_token.service_account_email", "A service account is required.")


def configuration(message: Any, *, retains: bool = False) -> QueueConfig:
    """Return what the engine is told of a subscription; `retains`: for a snapshot or a topic's retention."""
    dead_letter = None
    if message.HasField("dead_letter_policy"):
        policy = message.dead_letter_policy
        topic = read_name(policy.dead_letter_topic, TOPICS, "dead_letter_policy.dead_letter_topic")
        dead_letter = DeadLetterPolicy(*topic.key, policy.max_delivery_attempts, to_topic=True)
    push = None
    backoff: tuple[float, float] = (0, 0)
    if message.push_config.push_endpoint:
        push = PushPolicy(message.push_config.push_endpoint, message.ack_deadline_seconds)
        backoff = PUSH_BACKOFF
    if message.HasField("retry_policy"):
        policy = message.retry_policy
        backoff = (_seconds(policy.minimum_backoff), _seconds(policy.maximum_backoff))
    labels = keep(message)
    if message.filter:
        labels["filter"] = message.filter
    if message.expiration_policy.HasField("ttl"):
        labels["ttl_seconds"] = str(message.expiration_policy.ttl.seconds)
    return QueueConfig(
        lease_seconds=message.ack_deadline_seconds,
        retention_seconds=message.message_retention_duration.seconds,
        message_bytes_max=_MESSAGE_BYTES_MAX,
        ordered=message.enable_message_ordering,
        dedup_window_seconds=0,
        dead_letter=dead_letter,
        labels=labels,
        keyless=True,
        redeliver_suffix=message.enable_message_ordering and not message.enable_exactly_once_delivery,
        exactly_once=message.enable_exactly_once_delivery,
        retain_acked=message.retain_acked_messages or retains,
        backoff_min_seconds=backoff[0],
        backoff_max_seconds=backoff[1],
        dialect=DIALECT,
        push=push,
        fair_by_key=False,
    )


def recall(config: QueueConfig) -> Any:
    """Return a subscription as the API has it."""
    return pubsub_types().message(f"{PACKAGE}.Subscription").FromString(b64decode(config.labels[FACTS]))


def show(queue: Queue, topic_retention_seconds: int = 0) -> Any:
    """Return a subscription as the API shows it."""
    message = recall(queue.config)
    message.state = 1
    if topic_retention_seconds and message.topic != DELETED_TOPIC:
        message.topic_message_retention_duration.seconds = topic_retention_seconds
    return message


def _seconds(duration: Any) -> float:
    return float(duration.seconds + duration.nanos / 1e9)
