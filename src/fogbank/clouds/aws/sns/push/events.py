"""Events of applications: endpoints that are made, changed and deleted, deliveries that fail for good.

Amazon SNS Developer Guide, "Amazon SNS application event notifications for mobile applications"
(docs.aws.amazon.com/sns/latest/dg/application-event-notifications.html): each goes to the topic that the application
names for it. An event is queued in the transaction that causes it, and published from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.sns.content import timestamp
from fogbank.clouds.aws.sns.couriers import AWS_COURIER
from fogbank.clouds.aws.sns.errors import invalid
from fogbank.clouds.aws.sns.push.records import find_application
from fogbank.clouds.aws.sns.service import FIFO_SUFFIX, read_topic
from fogbank.engines.messaging import publishing, topics
from fogbank.engines.messaging.delivery_model import TOPIC, Delivery, endpoint_of
from fogbank.engines.messaging.errors import TopicNotFoundError
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.clouds.aws.sns.push.records import Application, Place
    from fogbank.storage import Tx

CREATED: Final = "EndpointCreated"
UPDATED: Final = "EndpointUpdated"
DELETED: Final = "EndpointDeleted"
FAILURE: Final = "DeliveryFailure"
# The attribute of an application that names the topic of an event.
ATTRIBUTES: Final = tuple(f"Event{event}" for event in (CREATED, UPDATED, DELETED, FAILURE))


async def check_topics(tx: Tx, now_us: int, attributes: Mapping[str, str]) -> None:
    """Refuse attributes of an application that name no topic which can take events: part of an operation."""
    for attribute in ATTRIBUTES:
        arn = attributes.get(attribute)
        if not arn:
            continue
        try:
            name = read_topic(arn)
        except AwsError:
            raise invalid(f"Attributes Reason: {attribute} has invalid ARN format") from None
        if name[1].endswith(FIFO_SUFFIX):
            raise invalid(f"Attributes Reason: {attribute} must be a standard topic")
        try:
            await topics.find(tx, now_us, name)
        except TopicNotFoundError:
            raise invalid(f"Attributes Reason: {attribute} is not an existing Topic") from None


async def tell(
    tx: Tx, now_us: int, place: Place, event: str, endpoint: str, sequence: int, told: Mapping[str, Any] = {}
) -> None:
    """Queue an event, if its application names a topic for it: part of an operation. `endpoint` is an ARN."""
    application = await find_application(tx, now_us, place)
    topic = "" if application is None else application.attributes.get(f"Event{event}", "")
    if not topic:
        return
    content = {
        "EndpointArn": endpoint,
        "EventType": event,
        "Resource": place.arn,
        "Service": "SNS",
        "Time": timestamp(now_us),
        **told,
    }
    delivery = Delivery(
        TOPIC,
        endpoint_of(*read_topic(topic)),
        msgspec.json.encode(dict(sorted(content.items()))),
        courier=AWS_COURIER,
        first_us=now_us,
        facts={"subject": f"{event} event for app {place.name} ({place.platform})"},
    )
    await publishing.enqueue(tx, now_us, sequence, delivery)


def shown(application: Application) -> dict[str, str]:
    """Return the topics that an application names."""
    return {name: value for name, value in application.attributes.items() if name in ATTRIBUTES}
