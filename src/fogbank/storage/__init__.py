"""The only place that knows SQL drivers: stores, the leased queue, the change feed, timers, blobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.storage.store import Row, Store, StoreUnavailableError, Tx, Value

if TYPE_CHECKING:
    from pathlib import Path

    from fogbank.kernel.clock import Clock

__all__ = ["Row", "Store", "StoreUnavailableError", "Tx", "Value", "open_store"]

DATABASE_FILE = "fogbank.db"


async def open_store(clock: Clock, *, folder: Path | None = None, url: str | None = None) -> Store:
    """Open the store that is asked for: a PostgreSQL database, a folder, or (neither) memory."""
    if url is not None:
        from fogbank.storage.postgres import open_postgres  # noqa: PLC0415 - the driver is an optional extra

        return await open_postgres(clock, url)
    from fogbank.storage.sqlite.store import open_sqlite  # noqa: PLC0415 - not needed on PostgreSQL

    return await open_sqlite(clock, None if folder is None else folder / DATABASE_FILE)
