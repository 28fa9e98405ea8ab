"""Azure at either end of routes between clouds: names of Event Grid's topics and of Storage queues."""

from __future__ import annotations

import re
from typing import Final

from fogbank.connectors.delivery.targets import Target
from fogbank.engines.messaging.delivery_model import QUEUE, TOPIC, endpoint_of

_TOPIC: Final = re.compile(
    r"/subscriptions/([0-9a-f-]{36})/resourceGroups/([^/]+)/providers/Microsoft\.EventGrid/topics/([A-Za-z0-9-]{3,50})",
    re.IGNORECASE,
)
_QUEUE: Final = re.compile(r"https?://([a-z0-9]{3,24})\.queue\.core\.windows\.net/([a-z0-9-]{3,63})/?")


def read_address(text: str) -> Target | None:
    """Return what a resource id or a queue's address names, None if it is neither."""
    if match := _TOPIC.fullmatch(text):
        subscription, group, name = match.groups()
        return Target(TOPIC, endpoint_of(f"azure/{subscription}/{group}".lower(), f"eventgrid/topics/{name.lower()}"))
    if match := _QUEUE.fullmatch(text):
        return Target(QUEUE, endpoint_of(f"azure/storage/{match[1]}", match[2]))
    return None
