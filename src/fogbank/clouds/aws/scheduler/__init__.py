"""Amazon EventBridge Scheduler over the schedules engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.clouds.aws.api import Service
from fogbank.clouds.aws.scheduler import groups, schedules
from fogbank.clouds.aws.scheduler.errors import ERRORS, input_error
from fogbank.clouds.aws.scheduler.service import Scheduler

if TYPE_CHECKING:
    from fogbank.clouds.aws.parts import Parts


def make_service(parts: Parts) -> Service[Scheduler]:
    """Put the service together."""
    deps = Scheduler(parts.store, parts.clock, parts.ids)
    operations = (*groups.OPERATIONS, *schedules.OPERATIONS)
    return Service("scheduler", deps, operations, ERRORS, input_error, constrained=True)
