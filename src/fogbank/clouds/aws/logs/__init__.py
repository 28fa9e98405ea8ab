"""Amazon CloudWatch Logs over the telemetry engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.clouds.aws.api import Service
from fogbank.clouds.aws.logs import events, groups, search, streams, tags
from fogbank.clouds.aws.logs.errors import ERRORS, input_error
from fogbank.clouds.aws.logs.service import Logs

if TYPE_CHECKING:
    from fogbank.clouds.aws.parts import Parts


def make_service(parts: Parts) -> Service[Logs]:
    """Put the service together."""
    operations = (
        *groups.OPERATIONS,
        *streams.OPERATIONS,
        *events.OPERATIONS,
        *search.OPERATIONS,
        *tags.OPERATIONS,
    )
    return Service("logs", Logs(parts.store, parts.clock, parts.ids), operations, ERRORS, input_error, constrained=True)
