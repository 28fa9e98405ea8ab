"""What the Google services are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from fogbank.clouds.gcp.firestore.transactions import Transactions
    from fogbank.connectors.invoker import Invoker
    from fogbank.connectors.waiting_room import WaitingRoom
    from fogbank.engines.messaging.receiving import Receiver
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store
    from fogbank.wire.grpc.types import Types


class Parts(NamedTuple):
    """The parts of the server that its Google services share.

    `transactions` are those of Firestore. With `checks_indexes` it refuses queries for which no index is defined.
    `firestore_rules` are the security rules of databases that have none of their own.
    """

    store: Store
    clock: Clock
    ids: Ids
    invoker: Invoker
    types: Types
    waiting_room: WaitingRoom
    receiver: Receiver
    transactions: Transactions
    checks_indexes: bool = False
    firestore_rules: str = ""
