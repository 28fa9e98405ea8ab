"""Functions by name: create, find, list, change, delete. All are store operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.engines.functions.errors import (
    FunctionExistsError,
    FunctionNotFoundError,
    LayerNotFoundError,
    RevisionMismatchError,
)
from fogbank.engines.functions.model import Function, FunctionConfig, Name, decode_function, encode
from fogbank.storage import blobs

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.storage import Row, Tx

_COLUMNS: Final = "scope, name, id, revision, config, created_us, modified_us"


def _function(row: Row) -> Function:
    scope, name, number, revision, config, created_us, modified_us = row
    return Function(scope, name, number, revision, decode_function(bytes(config)), created_us, modified_us)


def _holder(function_id: int) -> str:
    return f"function/{function_id}"


def archives(config: FunctionConfig) -> set[bytes]:
    """Return the digests of all that a function is unpacked from."""
    own = set() if config.folder else {config.code}
    return own | {layer.code for layer in config.layers}


async def hold_archives(tx: Tx, now_us: int, digests: set[bytes], holder: str) -> None:
    """Keep archives that are stored already; raises `LayerNotFoundError`."""
    for digest in sorted(digests):
        if await tx.one("SELECT part FROM blob_part WHERE digest = $1 LIMIT 1", digest) is None:
            raise LayerNotFoundError(digest.hex())
        await blobs.hold(tx, now_us, digest, b"", holder)


async def create(tx: Tx, now_us: int, name: Name, number: int, config: FunctionConfig, code: bytes) -> Function:
    """Create a function from its code's bytes, none where a folder has it; raises `FunctionExistsError`."""
    made = await tx.run(
        "INSERT INTO function (scope, name, id, revision, config, created_us, modified_us)"
        " VALUES ($1, $2, $3, $3, $4, $5, $5) ON CONFLICT (scope, name) DO NOTHING",
        *name,
        number,
        encode(config),
        now_us,
    )
    if not made:
        raise FunctionExistsError(name[1])
    if not config.folder:
        await blobs.hold(tx, now_us, config.code, code, _holder(number))
    await hold_archives(tx, now_us, archives(config), _holder(number))
    return Function(*name, number, number, config, now_us, now_us)


async def find(tx: Tx, _now_us: int, name: Name) -> Function:
    """Return a function, or raise `FunctionNotFoundError`."""
    row = await tx.one(f"SELECT {_COLUMNS} FROM function WHERE scope = $1 AND name = $2", *name)
    if row is None:
        raise FunctionNotFoundError(name[1])
    return _function(row)


async def find_some(tx: Tx, _now_us: int, scope: str, name: str) -> list[Function]:
    """Return the function of that name in a list, or an empty list."""
    rows = await tx.all(f"SELECT {_COLUMNS} FROM function WHERE scope = $1 AND name = $2", scope, name)
    return [_function(row) for row in rows]


async def lock(tx: Tx, _now_us: int, name: Name) -> Function:
    """Return a function that nobody else changes until the transaction ends, or raise `FunctionNotFoundError`."""
    row = await tx.one(f"SELECT {_COLUMNS} FROM function WHERE scope = $1 AND name = $2 FOR UPDATE", *name)
    if row is None:
        raise FunctionNotFoundError(name[1])
    return _function(row)


async def list_functions(tx: Tx, _now_us: int, scope: str, after: str, limit: int) -> list[Function]:
    """Return functions of a scope in the order of their names, those that follow `after`."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM function WHERE scope = $1 AND name > $2 ORDER BY name LIMIT $3", scope, after, limit
    )
    return [_function(row) for row in rows]


async def update(
    tx: Tx,
    now_us: int,
    name: Name,
    revision: int,
    change: Callable[[Function], FunctionConfig],
    code: bytes | None = None,
) -> Function:
    """Change a function, and its code where `code` is given.

    `revision` is the new one, greater than all before. `change` may refuse by raising.
    """
    function = await lock(tx, now_us, name)
    config = change(function)
    before, after = archives(function.config), archives(config)
    if code and config.code not in before:
        await blobs.hold(tx, now_us, config.code, code, _holder(function.id))
    await hold_archives(tx, now_us, after - before, _holder(function.id))
    for digest in sorted(before - after):
        await blobs.drop(tx, now_us, digest, _holder(function.id))
    await tx.run(
        "UPDATE function SET config = $1, revision = $2, modified_us = $3 WHERE scope = $4 AND name = $5",
        encode(config),
        revision,
        now_us,
        *name,
    )
    return function._replace(config=config, revision=revision, modified_us=now_us)


async def set_facts(tx: Tx, now_us: int, name: Name, change: Callable[[FunctionConfig], FunctionConfig]) -> None:
    """Change what instances don't depend on, so that they go on as they are."""
    function = await lock(tx, now_us, name)
    await tx.run(
        "UPDATE function SET config = $1 WHERE scope = $2 AND name = $3", encode(change(function.config)), *name
    )


async def delete(tx: Tx, now_us: int, name: Name) -> None:
    """Delete a function and its code."""
    function = await find(tx, now_us, name)
    await tx.run("DELETE FROM function WHERE scope = $1 AND name = $2", *name)
    for digest in sorted(archives(function.config)):
        await blobs.drop(tx, now_us, digest, _holder(function.id))


def check_revision(function: Function, expected: int) -> None:
    """Raise `RevisionMismatchError` if the function isn't at that revision."""
    if function.revision != expected:
        raise RevisionMismatchError


async def names_everywhere(tx: Tx, _now_us: int, limit: int) -> list[Name]:
    """Return scopes and names of functions of all scopes, in their order."""
    rows = await tx.all("SELECT scope, name FROM function ORDER BY scope, name LIMIT $1", limit)
    return [(row[0], row[1]) for row in rows]


async def list_everywhere(tx: Tx, _now_us: int, after: Name, limit: int) -> list[Function]:
    """Return functions of all scopes in the order of scope and name, those that follow `after`."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM function WHERE (scope, name) > ($1, $2) ORDER BY scope, name LIMIT $3", *after, limit
    )
    return [_function(row) for row in rows]


async def scopes_below(tx: Tx, _now_us: int, prefix: str) -> list[str]:
    """Return the scopes that begin with a text and have functions, in no order."""
    rows = await tx.all("SELECT DISTINCT scope FROM function WHERE substr(scope, 1, $1) = $2", len(prefix), prefix)
    return [row[0] for row in rows]
