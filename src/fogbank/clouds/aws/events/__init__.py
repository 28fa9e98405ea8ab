"""Amazon EventBridge over the messaging and schedules engines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.clouds.aws.api import Service
from fogbank.clouds.aws.events import archives, buses, patterns, putting, replays, rules, tags, targets
from fogbank.clouds.aws.events.destinations import api_destinations, connections
from fogbank.clouds.aws.events.errors import ERRORS, input_error
from fogbank.clouds.aws.events.service import Events

if TYPE_CHECKING:
    from fogbank.clouds.aws.parts import Parts


def make_service(parts: Parts) -> Service[Events]:
    """Put the service together."""
    operations = (
        *buses.OPERATIONS,
        *rules.OPERATIONS,
        *targets.OPERATIONS,
        *putting.OPERATIONS,
        *patterns.OPERATIONS,
        *archives.OPERATIONS,
        *replays.OPERATIONS,
        *tags.OPERATIONS,
        *connections.OPERATIONS,
        *api_destinations.OPERATIONS,
    )
    deps = Events(parts.store, parts.clock, parts.ids)
    return Service("events", deps, operations, ERRORS, input_error, constrained=True)
