"""Transactions: what they have read, until they are committed.

Optimistic: nothing is locked; at the commit whatever was read must be as it was (documents by their versions, queries
by what they find), or the transaction is aborted and clients run it again. What is open is kept in this process alone:
a transaction that nobody knows any more is aborted, which clients answer in the same way.

Google Cloud, "Usage and limits" (https://cloud.google.com/firestore/quotas): 270 seconds for a transaction, 60 seconds
of doing nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.clouds.gcp.firestore.service import invalid, time_of
from fogbank.kernel.clock import SECOND_US
from fogbank.wire.grpc.status import Code, GrpcError

if TYPE_CHECKING:
    from typing import Any

    from fogbank.clouds.gcp.firestore.names import Database, Named
    from fogbank.clouds.gcp.firestore.querying.plans import Query
    from fogbank.engines.documents.model import Key
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store

IDLE_SECONDS: Final = 60
WHOLE_SECONDS: Final = 270
_STEM: Final = b"fogbank-"
OPEN_MAX: Final = 100_000


class Transaction:
    """What one transaction has read: versions of documents (0 for none), and what queries found."""

    def __init__(self, number: int, database: Database, begun_us: int, *, read_only: bool, at_us: int | None) -> None:
        self.id = _STEM + b"%x" % number
        self.database = database
        self.read_only = read_only
        self.at_us = at_us
        self.begun_us = self.used_us = begun_us
        self.documents: dict[Key, int] = {}
        self.queries: list[tuple[Query, list[tuple[Key, int]]]] = []

    def note(self, wanted: Named, version: int) -> None:
        """Take note of a document that was read; what was seen first counts."""
        if not self.read_only:
            self.documents.setdefault(wanted.key, version)

    def note_query(self, query: Query, found: list[tuple[Key, int]]) -> None:
        """Take note of what a query found."""
        if not self.read_only:
            self.queries.append((query, found))


class Transactions:
    """Those that are open in this process."""

    def __init__(self, store: Store, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        # In the order of their beginnings.
        self._open: dict[bytes, Transaction] = {}
        self._generation = store.generation

    def begin(self, database: Database, options: Any) -> Transaction:
        """Begin one as `TransactionOptions` say; read-only ones see the state of one time."""
        self._forget()
        if len(self._open) >= OPEN_MAX:
            raise GrpcError(Code.RESOURCE_EXHAUSTED, "Too many transactions are open.")
        read_only = options.HasField("read_only")
        now_us = self._clock.now()
        at_us = None
        if read_only:
            at_us = time_of(options.read_only.read_time) if options.read_only.HasField("read_time") else now_us
        made = Transaction(self._ids.sequence(), database, now_us, read_only=read_only, at_us=at_us)
        self._open[made.id] = made
        return made

    def find(self, database: Database, key: bytes) -> Transaction:
        """Return an open one, which is in use from now on; raises `GrpcError`."""
        self._forget()
        found = self._open.get(key)
        now_us = self._clock.now()
        if found is None or self._is_over(found, now_us):
            self._open.pop(key, None)
            if not key.startswith(_STEM):
                raise invalid("Invalid transaction.")
            raise aborted("The referenced transaction has expired or is no longer valid.")
        if found.database != database:
            raise invalid("The transaction belongs to another database.")
        found.used_us = now_us
        return found

    def end(self, key: bytes) -> None:
        """Forget one, which may be over already: clients roll back what was aborted, too."""
        if not key.startswith(_STEM):
            raise invalid("Invalid transaction.")
        self._open.pop(key, None)

    def _forget(self) -> None:
        if self._generation != self._store.generation:
            # What they have read isn't there any more, also where something else has its version.
            self._open.clear()
            self._generation = self._store.generation
        now_us = self._clock.now()
        for key, each in list(self._open.items())[:16]:
            if self._is_over(each, now_us):
                del self._open[key]

    def _is_over(self, transaction: Transaction, now_us: int) -> bool:
        return (
            now_us - transaction.used_us > IDLE_SECONDS * SECOND_US
            or now_us - transaction.begun_us > WHOLE_SECONDS * SECOND_US
        )


def aborted(message: str = "Too much contention on these documents. Please try again.") -> GrpcError:
    """Return the error that has clients run a transaction again."""
    return GrpcError(Code.ABORTED, message)
