"""Triggers: what may be said of them, what is filled in, and how they are shown.

Fields and defaults are those of google/cloud/eventarc/v1/trigger.proto
(https://cloud.google.com/eventarc/docs/reference/rest/v1/projects.locations.triggers).
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp.eventarc.names import TriggerName, shape
from fogbank.clouds.gcp.firestore.events.watches import JSON, PROTOBUF, is_document_event, read_filters
from fogbank.clouds.gcp.locations import check_region
from fogbank.clouds.gcp.pubsub.names import TOPICS
from fogbank.clouds.gcp.pubsub.names import read_name as read_topic
from fogbank.clouds.gcp.pubsub.topics import check_labels
from fogbank.clouds.gcp.refusals import invalid, refuse_unsupported, unsupported
from fogbank.connectors.delivery.posting import is_address
from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from fogbank.clouds.gcp.eventarc.transport import Stored

PUBSUB: Final = "google.cloud.pubsub.topic.v1.messagePublished"
CLOUD_RUN: Final = "cloud_run"
HTTP: Final = "http_endpoint"
FUNCTION: Final = "cloud_function"
_OUTPUT_ONLY: Final = ("uid", "create_time", "update_time", "conditions", "satisfies_pzs", "etag")
_PATH_CHARS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()%:@&=+$,;/")
_SUPPORTED: Final = {
    "name": None,
    "event_filters": None,
    "service_account": None,
    "destination": {CLOUD_RUN: None, FUNCTION: None, HTTP: None, "network_config": None},
    "transport": {"pubsub": {"topic": None, "subscription": None}},
    "labels": None,
    "event_data_content_type": None,
    "retry_policy": None,
}


def complete(trigger: Any, name: TriggerName) -> None:
    """Check a trigger as it is to be, and fill in what is left out; raises `GrpcError`."""
    drop_output(trigger)
    trigger.name = str(name)
    refuse_unsupported(trigger, _SUPPORTED)
    kind = _check_filters(trigger.event_filters, name)
    _check_destination(trigger, name)
    if trigger.transport.pubsub.topic:
        read_topic(trigger.transport.pubsub.topic, TOPICS, "trigger.transport.pubsub.topic")
    else:
        trigger.transport.pubsub.topic = str(name.topic)
    trigger.transport.pubsub.subscription = str(name.subscription)
    trigger.event_data_content_type = trigger.event_data_content_type or JSON
    allowed = (JSON, PROTOBUF) if is_document_event(kind) else (JSON,)
    if trigger.event_data_content_type not in allowed:
        given = trigger.event_data_content_type
        raise unsupported(f"trigger.event_data_content_type {given!r}; it may be {' or '.join(allowed)}")
    if trigger.service_account and "@" not in trigger.service_account:
        raise invalid("trigger.service_account", "The service account must be given by its e-mail address.")
    if trigger.HasField("retry_policy") and trigger.retry_policy.max_attempts != 1:
        raise invalid("trigger.retry_policy.max_attempts", "The only valid value of max_attempts is 1.")
    check_labels(trigger.labels)


def drop_output(trigger: Any) -> None:
    """Forget what only the service says."""
    for field in _OUTPUT_ONLY:
        trigger.ClearField(field)


def _check_filters(filters: Any, name: TriggerName) -> str:
    """Return the type of the events."""
    kinds = [each for each in filters if each.attribute == "type"]
    if len(kinds) != 1:
        raise invalid("trigger.event_filters", "A trigger must have exactly one filter for the attribute 'type'.")
    kind = str(kinds[0].value)
    if is_document_event(kind):
        read_filters(filters, name.project, "trigger.event_filters")
        return kind
    if kind != PUBSUB:
        raise unsupported(f"trigger.event_filters of the event type {kind!r}; it may be {PUBSUB}")
    for each in filters:
        if each.attribute != "type":
            raise invalid(
                "trigger.event_filters", f"Events of the type {kind} have no attribute {each.attribute!r} to filter by."
            )
        if each.operator:
            raise invalid("trigger.event_filters", f"The attribute 'type' takes no operator {each.operator!r}.")
    return kind


def _check_destination(trigger: Any, name: TriggerName) -> None:
    destination = trigger.destination
    kind = destination.WhichOneof("descriptor")
    if kind is None:
        raise invalid("trigger.destination", "A trigger must have a destination.")
    if kind == CLOUD_RUN:
        run = destination.cloud_run
        for field in ("service", "region"):
            if not getattr(run, field):
                raise invalid(f"trigger.destination.cloud_run.{field}", f"cloud_run.{field} is required.")
        check_region(name.project, run.region)
        if not _PATH_CHARS.issuperset(run.path):
            raise invalid("trigger.destination.cloud_run.path", f"Invalid path {run.path!r}.")
    elif kind == HTTP and not is_address(destination.http_endpoint.uri):
        raise invalid("trigger.destination.http_endpoint.uri", f"Invalid URI {destination.http_endpoint.uri[:100]!r}.")
    if kind != HTTP and destination.HasField("network_config"):
        raise invalid("trigger.destination.network_config", "Only an http_endpoint has a network_config.")
    if kind == HTTP and trigger.HasField("retry_policy"):
        raise invalid("trigger.retry_policy", "retry_policy can only be set with Cloud Run destinations.")


def show(stored: Stored) -> Any:
    """Return a trigger as the API shows it."""
    trigger = shape("Trigger").FromString(stored.kept.trigger)
    for field, at_us in ((trigger.create_time, stored.created_us), (trigger.update_time, stored.modified_us)):
        field.seconds, rest_us = divmod(at_us, SECOND_US)
        field.nanos = rest_us * 1_000
    trigger.etag = b64encode(sha256(trigger.SerializeToString(deterministic=True)).digest()[:12]).decode()
    for condition, (code, message) in stored.conditions.items():
        trigger.conditions[condition].code = code
        trigger.conditions[condition].message = message
    return trigger
