"""What the AWS services are made of; each service takes what it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from fogbank.clouds.aws.sessions import Sessions
    from fogbank.connectors.invoker import Invoker
    from fogbank.engines.messaging.receiving import Receiver
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store


class Parts(NamedTuple):
    """The parts of the server that its AWS services share."""

    store: Store
    clock: Clock
    ids: Ids
    sessions: Sessions
    receiver: Receiver
    invoker: Invoker
    strict: bool = False
    queue_urls: str = "dynamic"
