"""Google at either end of routes between clouds: names of topics and functions, and CloudEvents for functions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp.locations import scope_key
from fogbank.connectors.delivery.couriers import Dialect
from fogbank.connectors.delivery.targets import Target
from fogbank.engines.messaging.delivery_model import FUNCTION, TOPIC, endpoint_of

if TYPE_CHECKING:
    from fogbank.connectors.delivery.couriers import Drawn
    from fogbank.engines.messaging.delivery_model import Delivery

_NAME: Final = re.compile(r"projects/([^/]+)/(?:(topics/[^/]+)|locations/([^/]+)/functions/([^/]+))")


def read_address(text: str) -> Target | None:
    """Return what a resource name names, None if it is no topic's and no function's."""
    match = _NAME.fullmatch(text)
    if match is None:
        return None
    project, topic, region, function = match.groups()
    if topic:
        return Target(TOPIC, endpoint_of(f"gcp/{project}/", topic))
    return Target(FUNCTION, endpoint_of(scope_key(project, region), function))


def functions() -> Dialect:
    """Return how functions take what other services send: as a request with a CloudEvent in structured mode."""

    def event(delivery: Delivery, _drawn: Drawn) -> tuple[bytes, dict[str, Any]]:
        headers = [
            ["host", "functions.localhost"],
            ["content-type", "application/cloudevents+json"],
            ["content-length", str(len(delivery.content))],
        ]
        return delivery.content, {"method": "POST", "path": "/", "query": "", "headers": headers}

    return Dialect(event=event)
