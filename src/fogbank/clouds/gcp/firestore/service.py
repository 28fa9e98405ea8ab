"""What Firestore's methods have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.clouds.gcp.firestore.shape import configuration
from fogbank.engines.documents import collections
from fogbank.engines.documents.errors import CollectionExistsError, CollectionNotFoundError, HistoryGoneError
from fogbank.wire.grpc.status import Code, GrpcError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from fogbank.clouds.gcp.firestore.listening.watching import Watches
    from fogbank.clouds.gcp.firestore.names import Database
    from fogbank.clouds.gcp.firestore.transactions import Transactions
    from fogbank.engines.documents.model import Collection
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store, Tx
    from fogbank.wire.grpc.types import Types

PACKAGE: Final = "google.firestore.v1"


class Firestore(NamedTuple):
    """The parts of the server that Firestore uses."""

    store: Store
    clock: Clock
    ids: Ids
    types: Types
    transactions: Transactions
    watches: Watches
    checks_indexes: bool = False
    # What holds for databases for which no rules are released.
    default_rules: str = ""

    def message(self, name: str) -> type[Any]:
        """Return the class of one of Firestore's messages."""
        return self.types.message(f"{PACKAGE}.{name}")

    async def write(self, database: Database, op: Callable[..., Coroutine[Any, Any, Any]], *args: Any) -> Any:
        """Run an operation on a database, which is made if there isn't any: with the first write it is there."""
        try:
            return await self.store.run(op, database, *args)
        except CollectionNotFoundError:
            await create_database(self.store, self.ids, database)
            return await self.store.run(op, database, *args)


async def create_database(store: Store, ids: Ids, database: Database) -> None:
    """Make a database, if there isn't any by its name."""
    number, index = ids.sequences(2)
    try:
        await store.run(collections.create, database, number, configuration(database, index))
    except CollectionExistsError:
        return


async def find(tx: Tx, now_us: int, database: Database) -> Collection | None:
    """Return where a database's documents are; None for one that nothing has been written to."""
    try:
        return await collections.find(tx, now_us, database)
    except CollectionNotFoundError:
        return None


async def moment(tx: Tx, now_us: int, collection: Collection | None) -> int:
    """Return the time of a read: every write that it sees is at or before that, every other one behind."""
    return now_us if collection is None else await collections.latest(tx, now_us, collection)


def word(error: Exception) -> GrpcError | None:
    """Say in Firestore's words what the engine refused."""
    if isinstance(error, HistoryGoneError):
        # As the service words it: https://github.com/firebase/functions-samples/issues/890.
        return GrpcError(Code.FAILED_PRECONDITION, "The requested snapshot version is too old.")
    return None


def set_time(message: Any, time_us: int) -> None:
    """Set a `google.protobuf.Timestamp`."""
    message.seconds, micros = divmod(time_us, 1_000_000)
    message.nanos = micros * 1_000


def time_of(message: Any) -> int:
    """Return a `google.protobuf.Timestamp` in microseconds."""
    return int(message.seconds * 1_000_000 + message.nanos // 1_000)


def invalid(message: str) -> GrpcError:
    """Return INVALID_ARGUMENT."""
    return GrpcError(Code.INVALID_ARGUMENT, message)
