"""Amazon SQS: what its operations stand on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fogbank.clouds.aws.sqs.names import name_from_url

if TYPE_CHECKING:
    from fogbank.clouds.aws.api import Call
    from fogbank.clouds.aws.sqs.quotas import InFlight
    from fogbank.engines.messaging.model import Name
    from fogbank.engines.messaging.receiving import Receiver
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store


class Sqs(NamedTuple):
    """The parts of the server that SQS uses."""

    store: Store
    clock: Clock
    ids: Ids
    receiver: Receiver
    in_flight: InFlight
    strict: bool = False
    queue_urls: str = "dynamic"


def queue_of(call: Call, url: str) -> Name:
    """Return the queue that a request's QueueUrl names."""
    return name_from_url(url, call.region)
