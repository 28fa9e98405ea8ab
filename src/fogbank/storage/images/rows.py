"""Images of a PostgreSQL database: its rows, a page at a time, into tables of SQLite's and back."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from functools import partial
from typing import TYPE_CHECKING, Final

from fogbank.storage.images.model import build, columns, reading, seal
from fogbank.storage.migrations import migrations, tables

if TYPE_CHECKING:
    from pathlib import Path

    from fogbank.storage.images.model import Facts
    from fogbank.storage.postgres import PostgresTx

ROWS_MAX: Final = 1_000


async def read_out(tx: PostgresTx, path: Path, taken_us: int) -> Facts:
    """Write every row into a new image, in a transaction that sees one state of the database."""
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, partial(path.unlink, missing_ok=True))
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as image:
        image.execute("PRAGMA synchronous = OFF").close()
        image.execute("BEGIN")
        build(image, {step.number for step in migrations()})
        for table in tables():
            names = columns(image, table)
            insert = f"INSERT INTO {table} VALUES ({', '.join('?' * len(names))})"
            async for page in tx.pages(f"SELECT {', '.join(names)} FROM {table}", ROWS_MAX):
                await loop.run_in_executor(None, image.executemany, insert, [tuple(row) for row in page])
        image.execute("COMMIT")
        return await loop.run_in_executor(None, seal, image, taken_us)


async def put_in(tx: PostgresTx, path: Path) -> None:
    """Replace every row by those of an image; whoever else writes waits, and who reads sees what was there before."""
    await tx.run(f"LOCK TABLE {', '.join(tables())} IN EXCLUSIVE MODE")
    with reading(path) as image:
        for table in tables():
            await tx.run(f"DELETE FROM {table}")
            names = columns(image, table)
            rows = image.execute(f"SELECT {', '.join(names)} FROM {table}")
            while page := rows.fetchmany(ROWS_MAX):
                await tx.copy(table, names, page)
