"""Transactions: what they have read, until they are committed.

At the commit whatever was read must be as it was (documents by their versions, queries by what they find), or the
transaction is aborted and clients run it again. A pessimistic transaction locks documents that it reads (`locks`),
so that others wait instead; which one is, the transaction's options say, or else its database's mode. What is open is
kept in this process alone: a transaction of another one is aborted, which clients answer in the same way.

Google Cloud, "Usage and limits" (https://cloud.google.com/firestore/quotas): 270 seconds for a transaction, 60 seconds
of doing nothing.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from fogbank.clouds.gcp.firestore.concurrency import OPTIMISTIC, PESSIMISTIC, mode_of
from fogbank.clouds.gcp.firestore.locks import Locks, aborted
from fogbank.clouds.gcp.firestore.service import find as find_database
from fogbank.clouds.gcp.firestore.service import invalid, time_of
from fogbank.kernel.clock import SECOND_US
from fogbank.kernel.ids import NODE_MAX
from fogbank.wire.grpc.status import Code, GrpcError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from fogbank.clouds.gcp.firestore.locks import Place, Turn
    from fogbank.clouds.gcp.firestore.names import Database, Named
    from fogbank.clouds.gcp.firestore.querying.plans import Query
    from fogbank.clouds.gcp.firestore.rules.callers import Caller
    from fogbank.engines.documents.model import Key
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store, Tx

IDLE_SECONDS: Final = 60
WHOLE_SECONDS: Final = 270
_STEM: Final = b"fogbank-"
_OVER: Final = "The referenced transaction has expired or is no longer valid."
_USERS_LOCK_NOTHING: Final = (
    "Users may begin no read-write transactions but those whose concurrency_mode is OPTIMISTIC."
)
OPEN_MAX: Final = 100_000


class Transaction:
    """What one transaction has read: versions of documents (0 for none), and what queries found.

    `mode` is how it meets others, 0 until that is known. `age` is the number of its first attempt, which this one is
    unless it is `retried`. `places` are the
    documents that it holds, until it is `released`; `turn` is that of its commit, once that waits. Where it is
    `committing` it ends by that alone.
    """

    def __init__(self, number: int, database: Database, begun_us: int, *, at_us: int | None, retried: bytes) -> None:
        self.age = _age(retried, number)
        self.retried = self.age != number
        self.id = b"%s%x-%x" % (_STEM, number, self.age) if self.retried else b"%s%x" % (_STEM, number)
        self.database = database
        self.at_us = at_us
        self.read_only = at_us is not None
        self.mode = 0
        self.begun_us = self.used_us = begun_us
        self.documents: dict[Key, int] = {}
        self.queries: list[tuple[Query, list[tuple[Key, int]]]] = []
        self.places: set[Place] = set()
        self.released = self.committing = False
        self.turn: Turn | None = None
        # Done when it comes to hold something, and when it is released, if anybody waits for that.
        self.joined: asyncio.Future[None] | None = None
        self.ended: asyncio.Future[None] | None = None

    @property
    def over_us(self) -> int:
        """When it is over, unless it is used before."""
        return min(self.used_us + IDLE_SECONDS * SECOND_US, self.begun_us + WHOLE_SECONDS * SECOND_US) + 1

    def end(self) -> asyncio.Future[None]:
        """Return what is done once it is released."""
        if self.ended is None:
            self.ended = asyncio.get_running_loop().create_future()
        return self.ended

    def is_over(self, now_us: int) -> bool:
        """Tell whether it has done nothing for too long, or goes on for too long."""
        return self.over_us <= now_us and not self.committing

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
        # What was begun before belongs to another process, or to what was there before.
        self._since = ids.sequence()
        self.locks = Locks(clock)

    def begin(self, database: Database, options: Any, caller: Caller | None) -> Transaction:
        """Begin one as `TransactionOptions` say; read-only ones see the state of one time."""
        mode = options.read_write.concurrency_mode
        if caller is not None and caller.auth and not options.HasField("read_only") and mode != OPTIMISTIC:
            # google/firestore/v1/common.proto, `TransactionOptions.ReadWrite.concurrency_mode`.
            raise GrpcError(Code.PERMISSION_DENIED, _USERS_LOCK_NOTHING)
        self._forget()
        if len(self._open) >= OPEN_MAX:
            raise GrpcError(Code.RESOURCE_EXHAUSTED, "Too many transactions are open.")
        now_us = self._clock.now()
        at_us = None
        if options.HasField("read_only"):
            at_us = time_of(options.read_only.read_time) if options.read_only.HasField("read_time") else now_us
        retried = options.read_write.retry_transaction
        made = Transaction(self._ids.sequence(), database, now_us, at_us=at_us, retried=retried)
        made.mode = mode
        self._open[made.id] = made
        return made

    def find(self, database: Database, key: bytes) -> Transaction:
        """Return an open one, which is in use from now on; raises `GrpcError`."""
        self._forget()
        found = self._open.get(key)
        now_us = self._clock.now()
        if found is None or found.is_over(now_us):
            self._drop(key)
            raise _over() if self._is_own(_number(key)) else aborted(_OVER)
        if found.database != database:
            raise invalid("The transaction belongs to another database.")
        found.used_us = now_us
        return found

    def take(self, database: Database, key: bytes) -> Transaction:
        """Return an open one that nobody finds any more; what it holds is released by whoever takes it."""
        found = self.find(database, key)
        del self._open[key]
        found.committing = True
        return found

    def end(self, key: bytes) -> None:
        """Forget one, which may be over already: clients roll back what was aborted, too."""
        if not key.startswith(_STEM):
            raise invalid("Invalid transaction.")
        self._drop(key)

    async def hold(self, transaction: Transaction, keys: Iterable[Key]) -> bool:
        """Have writers of documents wait until a transaction is over, if it is one that locks.

        Tells whether it waited, so that what was read of them before may be out of date.
        """
        if transaction.read_only:
            return False
        if not transaction.mode:
            transaction.mode = await self._store.read(_mode, transaction.database)
        return transaction.mode == PESSIMISTIC and await self.locks.share(transaction, keys)

    def forget(self) -> None:
        """Forget all: what they have read isn't there any more, also where something else has its version."""
        self._open.clear()
        self.locks.forget()
        self._generation = self._store.generation
        self._since = self._ids.sequence()

    def _is_own(self, number: int) -> bool:
        """Tell whether a transaction was begun here, and on what is there now."""
        return number > self._since and (number ^ self._since) & NODE_MAX == 0

    def _drop(self, key: bytes) -> None:
        dropped = self._open.pop(key, None)
        if dropped is not None:
            self.locks.release(dropped)

    def _forget(self) -> None:
        if self._generation != self._store.generation:
            self.forget()
        now_us = self._clock.now()
        for key, each in list(self._open.items())[:16]:
            if each.is_over(now_us):
                self._drop(key)


async def _mode(tx: Tx, now_us: int, database: Database) -> int:
    """Return a database's concurrency mode: a store operation."""
    return mode_of(await find_database(tx, now_us, database))


def _age(retried: bytes, number: int) -> int:
    """Return the number of the first attempt at a transaction, which is in the ids of all that follow it.

    So a transaction that was aborted is run again in its old place (`TransactionOptions.ReadWrite.retry_transaction`).
    """
    return min(number, _number(retried, first=True)) if retried else number


def _number(key: bytes, *, first: bool = False) -> int:
    """Return the number in an id of a transaction, or that of its first attempt; raises `GrpcError`."""
    own, _, age = key.removeprefix(_STEM).partition(b"-")
    try:
        if key.startswith(_STEM):
            return int(age if first and age else own, 16)
    except ValueError:
        pass
    raise invalid("Invalid transaction.")


def _over() -> GrpcError:
    # Google's code for it (https://github.com/googleapis/nodejs-firestore/pull/1347).
    return invalid(_OVER)
