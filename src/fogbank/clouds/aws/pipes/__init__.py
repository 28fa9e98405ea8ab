"""Amazon EventBridge Pipes over the messaging engine: from queues to all that events go to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.clouds.aws.api import Service
from fogbank.clouds.aws.pipes import pipes, switching, tags
from fogbank.clouds.aws.pipes.errors import ERRORS, input_error
from fogbank.clouds.aws.pipes.service import PipesService

if TYPE_CHECKING:
    from fogbank.clouds.aws.parts import Parts


def make_service(parts: Parts) -> Service[PipesService]:
    """Put the service together."""
    deps = PipesService(parts.store, parts.clock, parts.ids)
    operations = (*pipes.OPERATIONS, *switching.OPERATIONS, *tags.OPERATIONS)
    return Service("pipes", deps, operations, ERRORS, input_error, constrained=True)
