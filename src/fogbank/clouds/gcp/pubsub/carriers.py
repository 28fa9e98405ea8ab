"""Subscriptions that a service makes to have events brought: Eventarc's, and those of the first generation's functions.

They look like any push subscription; what is posted, or called, is an event instead of Pub/Sub's wrapper.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from fogbank.clouds.gcp.pubsub.configuration import complete, configuration
from fogbank.clouds.gcp.pubsub.shapes import pubsub_types
from fogbank.engines.messaging.delivery_model import endpoint_of
from fogbank.engines.messaging.model import DeadLetterPolicy, PushPolicy

if TYPE_CHECKING:
    from fogbank.clouds.gcp.pubsub.names import ResourceName
    from fogbank.engines.messaging.model import Name, QueueConfig

# A push endpoint that begins so is a function that is called, not an address.
FUNCTION: Final = "function:"
# Labels of such a subscription: the form of its events, and the path at which a function is called.
FORM: Final = "form"
PATH: Final = "path"
CLOUD_EVENT: Final = "cloudevent"
BACKGROUND: Final = "event"
# An attribute of messages that are CloudEvents of another service, in binary mode.
CLOUD_EVENT_TYPE: Final = "ce-type"
# Google Cloud, "Retry events" (https://cloud.google.com/eventarc/docs/retry-events).
_RETENTION_SECONDS: Final = 86_400
_BACKOFF_SECONDS: Final = (10, 600)


class Carrier(NamedTuple):
    """What is to be brought where.

    `address` is what the subscription shows; if `function`, by scope and name, is called instead, at `path`. Without
    `retries` a message is dropped after its first attempt. `account` is whose identity token is sent, if any.
    """

    name: ResourceName
    topic: ResourceName
    address: str
    form: str
    function: Name | None = None
    path: str = "/"
    retries: bool = True
    ack_seconds: int = 10
    account: str = ""


def carrying(carrier: Carrier) -> QueueConfig:
    """Return what the engine is told of such a subscription."""
    message = pubsub_types().message("google.pubsub.v1.Subscription")(
        name=str(carrier.name), topic=str(carrier.topic), ack_deadline_seconds=carrier.ack_seconds
    )
    message.push_config.push_endpoint = carrier.address
    if carrier.account:
        message.push_config.oidc_token.service_account_email = carrier.account
    message.message_retention_duration.seconds = _RETENTION_SECONDS
    message.expiration_policy.SetInParent()
    if carrier.retries:
        message.retry_policy.minimum_backoff.seconds, message.retry_policy.maximum_backoff.seconds = _BACKOFF_SECONDS
    complete(message)
    config = configuration(message)
    endpoint = FUNCTION + endpoint_of(*carrier.function) if carrier.function else carrier.address
    return msgspec.structs.replace(
        config,
        push=PushPolicy(endpoint, carrier.ack_seconds),
        labels={**config.labels, FORM: carrier.form, PATH: carrier.path},
        # Nowhere: dropped after the first attempt.
        dead_letter=None if carrier.retries else DeadLetterPolicy("", "", 1),
    )


def still_carrying(before: QueueConfig, after: QueueConfig, *, pushes_elsewhere: bool) -> QueueConfig:
    """Return a changed subscription that brings what it brought before, unless it was told to push elsewhere."""
    if FORM not in before.labels or after.push is None or pushes_elsewhere:
        return after
    assert before.push is not None
    kept = {label: before.labels[label] for label in (FORM, PATH) if label in before.labels}
    drops = before.dead_letter is not None and not before.dead_letter.name
    return msgspec.structs.replace(
        after,
        push=PushPolicy(before.push.endpoint, after.lease_seconds),
        labels={**after.labels, **kept},
        dead_letter=before.dead_letter if drops and after.dead_letter is None else after.dead_letter,
    )
