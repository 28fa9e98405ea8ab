"""Amazon SQS over the messaging engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.clouds.aws.api import Service
from fogbank.clouds.aws.sqs import batches, messages, queues
from fogbank.clouds.aws.sqs.errors import ERRORS, input_error
from fogbank.clouds.aws.sqs.service import Sqs

if TYPE_CHECKING:
    from fogbank.engines.messaging.receiving import Receiver
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store


def sqs_service(store: Store, clock: Clock, ids: Ids, receiver: Receiver) -> Service[Sqs]:
    """Put the service together."""
    operations = (*queues.OPERATIONS, *messages.OPERATIONS, *batches.OPERATIONS)
    return Service("sqs", Sqs(store, clock, ids, receiver), operations, ERRORS, input_error)
