"""Google Cloud Pub/Sub."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.clouds.gcp.pubsub import publish, seeking, subscriptions, topics
from fogbank.clouds.gcp.pubsub.receiving import pulling, streaming
from fogbank.clouds.gcp.pubsub.schemas.service import schema_service
from fogbank.clouds.gcp.pubsub.service import make_pubsub, word
from fogbank.wire.grpc.service import Service

if TYPE_CHECKING:
    from fogbank.clouds.gcp.parts import Parts


# What waits for messages.
_WAITING: Final = frozenset({"Pull", "StreamingPull"})


def make_services(parts: Parts) -> list[Service]:
    """Return the services."""
    parts.types.load("fogbank.clouds.gcp.pubsub", "descriptors")
    pubsub = make_pubsub(parts)
    publisher = {
        "CreateTopic": topics.create_topic,
        "UpdateTopic": topics.update_topic,
        "Publish": publish.publish,
        "GetTopic": topics.get_topic,
        "ListTopics": topics.list_topics,
        "ListTopicSubscriptions": topics.list_topic_subscriptions,
        "ListTopicSnapshots": topics.list_topic_snapshots,
        "DeleteTopic": topics.delete_topic,
        "DetachSubscription": subscriptions.detach_subscription,
    }
    subscriber = {
        "CreateSubscription": subscriptions.create_subscription,
        "GetSubscription": subscriptions.get_subscription,
        "UpdateSubscription": subscriptions.update_subscription,
        "ListSubscriptions": subscriptions.list_subscriptions,
        "DeleteSubscription": subscriptions.delete_subscription,
        "ModifyAckDeadline": pulling.modify_ack_deadline,
        "Acknowledge": pulling.acknowledge,
        "Pull": pulling.pull,
        "StreamingPull": streaming.streaming_pull,
        "ModifyPushConfig": subscriptions.modify_push_config,
        "GetSnapshot": seeking.get_snapshot,
        "ListSnapshots": seeking.list_snapshots,
        "CreateSnapshot": seeking.create_snapshot,
        "UpdateSnapshot": seeking.update_snapshot,
        "DeleteSnapshot": seeking.delete_snapshot,
        "Seek": seeking.seek,
    }
    return [
        Service("google.pubsub.v1.Publisher", pubsub, publisher, word, frozenset(publisher)),
        Service("google.pubsub.v1.Subscriber", pubsub, subscriber, word, frozenset(subscriber) - _WAITING),
        schema_service(pubsub),
    ]
