"""Archives that are put somewhere before a function is made of them. All are store operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.kernel.errors import NotFoundError
from fogbank.storage import blobs

if TYPE_CHECKING:
    from fogbank.storage import Tx

KEPT_US: Final = 24 * 3_600 * 1_000_000


class UploadNotFoundError(NotFoundError):
    """There is no such place, or nothing was put there."""


def _holder(scope: str, name: str) -> str:
    return f"upload/{scope}/{name}"


async def offer(tx: Tx, now_us: int, scope: str, name: str) -> None:
    """Make a place for an archive, and clear away those that are a day old."""
    old = await tx.all(
        "SELECT name, code FROM function_upload WHERE scope = $1 AND created_us < $2", scope, now_us - KEPT_US
    )
    for each, code in old:
        if code is not None:
            await blobs.drop(tx, now_us, bytes(code), _holder(scope, each))
        await tx.run("DELETE FROM function_upload WHERE scope = $1 AND name = $2", scope, each)
    await tx.run("INSERT INTO function_upload (scope, name, created_us) VALUES ($1, $2, $3)", scope, name, now_us)


async def put(tx: Tx, now_us: int, scope: str, name: str, data: bytes) -> None:
    """Put an archive into its place, over what is there; raises `UploadNotFoundError`."""
    row = await tx.one("SELECT code FROM function_upload WHERE scope = $1 AND name = $2 FOR UPDATE", scope, name)
    if row is None:
        raise UploadNotFoundError(name)
    digest = blobs.digest_of(data)
    if row[0] is not None and bytes(row[0]) != digest:
        await blobs.drop(tx, now_us, bytes(row[0]), _holder(scope, name))
    await blobs.hold(tx, now_us, digest, data, _holder(scope, name))
    await tx.run("UPDATE function_upload SET code = $1 WHERE scope = $2 AND name = $3", digest, scope, name)


async def fetch(tx: Tx, now_us: int, scope: str, name: str) -> bytes:
    """Return what was put into a place; raises `UploadNotFoundError`."""
    row = await tx.one("SELECT code FROM function_upload WHERE scope = $1 AND name = $2", scope, name)
    data = None if row is None or row[0] is None else await blobs.fetch(tx, now_us, bytes(row[0]))
    if data is None:
        raise UploadNotFoundError(name)
    return data
