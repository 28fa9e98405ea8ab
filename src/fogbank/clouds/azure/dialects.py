"""How storage queues and Event Grid's topics take CloudEvents that other services send."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.clouds.azure.eventgrid.delivering import publication_of
from fogbank.clouds.azure.queues.messages import new_message_at
from fogbank.connectors.delivery.couriers import Dialect

if TYPE_CHECKING:
    from fogbank.connectors.delivery.couriers import Drawn
    from fogbank.engines.messaging.delivery_model import Delivery
    from fogbank.engines.messaging.model import Message
    from fogbank.engines.messaging.publishing import Publication


def _message(delivery: Delivery, drawn: Drawn) -> Message:
    """Return a message that has the event in base64, as Event Grid sends it, for as long as nobody deletes it."""
    return new_message_at(drawn.sequence, b64encode(delivery.content), drawn.now_us, 0)


def _publication(delivery: Delivery, drawn: Drawn) -> Publication:
    return publication_of(msgspec.json.decode(delivery.content), drawn.sequence, drawn.now_us)


STORAGE_QUEUE: Final = Dialect(message=_message)
EVENT_GRID: Final = Dialect(publication=_publication)
