"""Routes between services: subscriptions of a topic that belong to no service. All are store operations.

They stand among the topic's subscriptions, so that publishing finds them there, in a scope of their own, so that no
service lists them as its subscriptions. They go with their topic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.engines.messaging import topics
from fogbank.engines.messaging.delivery_model import endpoint_of

if TYPE_CHECKING:
    from fogbank.engines.messaging.model import Name
    from fogbank.engines.messaging.topic_model import Subscription, SubscriptionConfig
    from fogbank.storage import Tx

SCOPE: Final = "fogbank/routes/"


async def add(
    tx: Tx, now_us: int, source: Name, number: str, kind: str, endpoint: str, config: SubscriptionConfig
) -> tuple[Subscription, bool]:
    """Route a topic to a target, or return the route that there is; the flag says whether it is new.

    Raises `TopicNotFoundError`.
    """
    assert config.route
    topic = await topics.find(tx, now_us, source)
    return await topics.add_subscription(tx, topic, (SCOPE, endpoint_of(*source)), number, kind, endpoint, config)


async def following(tx: Tx, now_us: int, after: str, limit: int) -> list[Subscription]:
    """Return routes in the order of their ids, those that follow `after`."""
    return await topics.list_subscriptions(tx, now_us, SCOPE, after, limit)


async def remove(tx: Tx, now_us: int, number: str) -> bool:
    """Remove a route; False if there is none of that id."""
    return await topics.unsubscribe(tx, now_us, SCOPE, number)
