"""The store on PostgreSQL, or what speaks its protocol: each operation in a transaction of its own.

Rows are locked by the statements that say so (`FOR UPDATE`, `SKIP LOCKED`, `ON CONFLICT DO UPDATE`); the
isolation level is READ COMMITTED. A transaction that the database gives up (serialisation failure, deadlock)
is run again. Any number of processes may share one database.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, TypeVar, cast

import asyncpg

from fogbank.storage.migrations import empty, migrate
from fogbank.storage.signals import Signals
from fogbank.storage.store import StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Hashable, Iterable, Sequence
    from pathlib import Path

    from asyncpg.pool import PoolConnectionProxy

    from fogbank.kernel.clock import Clock
    from fogbank.storage.images.model import Facts
    from fogbank.storage.store import Row, Tx, Value

    Connection = PoolConnectionProxy[asyncpg.Record]

P = ParamSpec("P")
T = TypeVar("T")

CONNECTIONS_MAX: Final = 16
ATTEMPTS_MAX: Final = 20
RETRY_SECONDS: Final = 0.002
RETRY_SECONDS_MAX: Final = 0.1
# Commits of other processes aren't signalled here; whoever waits looks again this often.
POLL_SECONDS: Final = 0.2
# Any number that no other program's advisory lock uses: "fogbank" in hexadecimal digits' neighbourhood.
_MIGRATION_LOCK: Final = 0x_F06_BA4C
_RETRIED: Final = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
_LOST: Final = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.DiskFullError, OSError)
_log = logging.getLogger(__name__)


class PostgresTx:
    """The `Tx` that an operation gets."""

    __slots__ = ("_connection", "signals", "witnessed")

    def __init__(self, connection: Connection, *, witnessed: bool = False) -> None:
        self._connection = connection
        self.witnessed = witnessed
        self.signals: list[tuple[Hashable, int]] = []

    async def one(self, sql: str, *args: Value) -> Row | None:
        """Return the first row, or None."""
        return cast("Row | None", await self._connection.fetchrow(sql, *args))

    async def all(self, sql: str, *args: Value) -> list[Row]:
        """Return every row."""
        return cast("list[Row]", await self._connection.fetch(sql, *args))

    async def known(self, sql: str, *args: Value) -> Sequence[Row]:
        """Return every row; others write here, too, so that nothing is remembered."""
        return await self.all(sql, *args)

    async def run(self, sql: str, *args: Value) -> int:
        """Execute a statement and return how many rows it touched."""
        status = await self._connection.execute(sql, *args)
        words = status.split()
        return int(words[-1]) if words[-1].isdigit() else 0

    async def many(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        """Execute a statement once for each row of arguments."""
        await self._connection.executemany(sql, rows)

    async def pages(self, sql: str, rows_max: int) -> AsyncIterator[list[Row]]:
        """Yield every row, so many at a time."""
        cursor = await self._connection.cursor(sql)
        while page := await cursor.fetch(rows_max):
            yield cast("list[Row]", page)

    async def copy(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Value]]) -> None:
        """Insert many rows, as fast as can be."""
        await self._connection.copy_records_to_table(table, columns=columns, records=rows)

    def signal(self, topic: Hashable, count: int = 1) -> None:
        """Wake up to `count` listeners of the topic once the transaction is committed."""
        self.signals.append((topic, count))


class PostgresStore:
    """A store in one PostgreSQL database. Use `open_postgres` to make one."""

    def __init__(self, clock: Clock, pool: asyncpg.Pool[asyncpg.Record], where: str) -> None:
        self.signals = Signals(clock, poll_seconds=POLL_SECONDS)
        self._clock = clock
        self._pool = pool
        self._where = where
        self._running = 0
        self.generation = 0
        self._idle = asyncio.Event()

    @property
    def description(self) -> str:
        """Where the data is and what a reply promises."""
        return f"{self._where}, every answered write is committed"

    async def run(
        self, op: Callable[Concatenate[Tx, int, P], Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run an operation in a transaction, again if the database asks for it."""
        now_us = self._clock.now()
        self._running += 1
        try:
            return await self._retry(lambda tx: op(tx, now_us, *args, **kwargs), read_only=False)
        finally:
            self._running -= 1
            self._idle.set()

    async def read(
        self, op: Callable[Concatenate[Tx, int, P], Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a reading operation on one snapshot."""
        now_us = self._clock.now()
        return await self._retry(lambda tx: op(tx, now_us, *args, **kwargs), read_only=True)

    scan = read

    @property
    def exclusive(self) -> bool:
        """False: other servers may work on the same database."""
        return False

    @property
    def idle(self) -> bool:
        """Whether no operation is waiting for its commit."""
        return not self._running

    async def drain(self) -> None:
        """Wait until every operation that was started has ended."""
        while self._running:
            self._idle.clear()
            await self._idle.wait()

    async def reset(self) -> None:
        """Delete every row of every table."""
        await self.run(empty)
        self.generation += 1

    async def save_image(self, path: Path) -> Facts:
        """Write what is committed into a new file, as one snapshot of the database has it."""
        from fogbank.storage.images.rows import read_out  # noqa: PLC0415 - loaded on first use

        return await self._retry(partial(read_out, path=path, taken_us=self._clock.now()), read_only=True)

    async def load_image(self, path: Path, then: Callable[[Tx, int], Coroutine[Any, Any, None]]) -> None:
        """Replace everything by what is in an image, and run an operation, in one transaction."""
        from fogbank.storage.images.model import ImageError  # noqa: PLC0415 - loaded on first use
        from fogbank.storage.images.rows import put_in  # noqa: PLC0415 - loaded on first use

        now_us = self._clock.now()

        async def replace(tx: PostgresTx) -> None:
            await put_in(tx, path)
            await then(tx, now_us)

        try:
            await self._retry(replace, read_only=False)
        except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
            raise ImageError(f"PostgreSQL can't hold what the file has: {error}") from None
        except asyncpg.PostgresError as error:
            raise StoreUnavailableError(str(error)) from error
        self.generation += 1
        self.signals.send_everywhere()

    async def close(self) -> None:
        """Give the connections back."""
        await self._pool.close()

    async def _retry(self, work: Callable[[PostgresTx], Coroutine[Any, Any, T]], *, read_only: bool) -> T:
        pause_s = RETRY_SECONDS
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                # In a task of its own: the driver's timeouts need one, and requests are answered without.
                return await asyncio.get_running_loop().create_task(self._attempt(work, read_only=read_only))
            except _RETRIED as error:
                if attempt == ATTEMPTS_MAX:
                    raise StoreUnavailableError(str(error)) from error
                _log.debug("transaction run again: %s", error)
                await asyncio.sleep(pause_s)
                pause_s = min(RETRY_SECONDS_MAX, pause_s * 2)
            except _LOST as error:
                raise StoreUnavailableError(str(error)) from error
        raise AssertionError

    async def _attempt(self, work: Callable[[PostgresTx], Coroutine[Any, Any, T]], *, read_only: bool) -> T:
        async with self._pool.acquire() as connection:
            tx = PostgresTx(connection, witnessed=self.signals.witnessed)
            if read_only:
                transaction = connection.transaction(isolation="repeatable_read", readonly=True)
            else:
                transaction = connection.transaction(isolation="read_committed")
            async with transaction:
                result = await work(tx)
        for topic, count in tx.signals:
            self.signals.send(topic, count)
        return result


async def open_postgres(clock: Clock, url: str) -> PostgresStore:
    """Connect to a database by its `postgresql://` URL and bring it up to this version."""
    try:
        pool = await asyncpg.create_pool(
            url, min_size=1, max_size=CONNECTIONS_MAX, reset=_no_reset, command_timeout=None
        )
    except (*_LOST, asyncpg.PostgresError) as error:
        msg = f"No connection to the database: {error}"
        raise StoreUnavailableError(msg) from error
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _MIGRATION_LOCK)
        await migrate(PostgresTx(connection), clock.now())
        place = await connection.fetchval("SELECT current_database()")
    return PostgresStore(clock, pool, f"PostgreSQL database {place}")


async def _no_reset(_connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """Leave a connection as it is: operations set nothing on it that would have to be undone."""
