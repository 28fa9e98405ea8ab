"""Amazon SQS over the messaging engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.clouds.aws.api import Service
from fogbank.clouds.aws.sqs import batches, messages, moves, permissions, queues
from fogbank.clouds.aws.sqs.errors import ERRORS, input_error
from fogbank.clouds.aws.sqs.quotas import InFlight
from fogbank.clouds.aws.sqs.service import Sqs

if TYPE_CHECKING:
    from fogbank.clouds.aws.parts import Parts


def make_service(parts: Parts) -> Service[Sqs]:
    """Put the service together."""
    operations = (
        *queues.OPERATIONS,
        *messages.OPERATIONS,
        *batches.OPERATIONS,
        *moves.OPERATIONS,
        *permissions.OPERATIONS,
    )
    sqs = Sqs(
        parts.store, parts.clock, parts.ids, parts.receiver, InFlight(parts.store), parts.strict, parts.queue_urls
    )
    return Service("sqs", sqs, operations, ERRORS, input_error)
