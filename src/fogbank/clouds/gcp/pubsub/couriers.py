"""How Pub/Sub delivers what its subscriptions gave up, and what topics take from elsewhere.

Google Cloud, "Handle message failures": a dead letter is published with what it was, and with attributes that say
where it comes from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.gcp.pubsub.publish import publication
from fogbank.clouds.gcp.pubsub.service import DIALECT, PACKAGE
from fogbank.clouds.gcp.pubsub.shapes import pubsub_types
from fogbank.connectors.delivery.couriers import Courier, Dialect
from fogbank.engines.messaging.delivery_model import DEAD_LETTER, Retry, split_endpoint
from fogbank.engines.messaging.model import decode_message

if TYPE_CHECKING:
    from fogbank.connectors.delivery.couriers import Answer, Drawn
    from fogbank.engines.messaging.delivery_model import Delivery
    from fogbank.engines.messaging.publishing import Publication

# A topic that isn't there may come back: the dead letter waits for it as long as messages are kept.
_RETRY: Final = Retry((10, 30, 60, 300, 600), age_seconds_max=7 * 86_400)
_PREFIX: Final = "CloudPubSubDeadLetterSource"


# What a delivery says whose content is a PubsubMessage already.
FORM: Final = {"form": DIALECT}


def _never(_answer: Answer) -> bool:
    return False


COURIERS: Final = {f"{DIALECT}.{DEAD_LETTER}": Courier(_RETRY, final=_never)}


def _message() -> Any:
    return pubsub_types().message(f"{PACKAGE}.PubsubMessage")()


def to_topic(delivery: Delivery, drawn: Drawn) -> Publication:
    """Return what a topic publishes of a delivery: a dead letter, or another service's event as data."""
    message = _message()
    if delivery.courier == f"{DIALECT}.{DEAD_LETTER}":
        message.MergeFromString(decode_message(delivery.content).body)
        scope, name = split_endpoint(delivery.facts["queue"])
        message.attributes[f"{_PREFIX}DeliveryCount"] = delivery.facts["receives"]
        message.attributes[f"{_PREFIX}Subscription"] = name.partition("/")[2]
        message.attributes[f"{_PREFIX}SubscriptionProject"] = scope.split("/")[1]
        message.attributes[f"{_PREFIX}TopicPublishTime"] = message.publish_time.ToJsonString()
    elif delivery.facts.get("form") == DIALECT:
        message.MergeFromString(delivery.content)
    else:
        message.data = delivery.content
        event = msgspec.json.decode(delivery.content)
        for key in ("id", "source", "type", "subject"):
            if isinstance(event.get(key), str):
                message.attributes[f"ce-{key}"] = event[key]
        message.attributes["content-type"] = "application/cloudevents+json"
    return publication(message, drawn.sequence, drawn.now_us, delivery.hops)


PUBSUB: Final = Dialect(publication=to_topic)
