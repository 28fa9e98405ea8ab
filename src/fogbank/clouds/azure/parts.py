"""What Azure's services are made of; each takes what it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from fogbank.connectors.delivery.posting import Poster
    from fogbank.connectors.invoker import Invoker
    from fogbank.connectors.signing import Signer
    from fogbank.engines.messaging.receiving import Receiver
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store


class Parts(NamedTuple):
    """The parts of the server that Azure's services share."""

    store: Store
    clock: Clock
    ids: Ids
    invoker: Invoker
    receiver: Receiver
    poster: Poster
    signer: Signer
