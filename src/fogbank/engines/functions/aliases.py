"""Aliases: names for versions of a function. All are store operations; a function is given by its id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.engines.functions import facts
from fogbank.engines.functions.errors import AliasExistsError, AliasNotFoundError
from fogbank.engines.functions.model import Alias, AliasConfig, encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.storage import Row, Tx

_COLUMNS: Final = "function, name, revision, config"
_DECODER: Final = msgspec.msgpack.Decoder(AliasConfig)


def _alias(row: Row) -> Alias:
    function, name, revision, config = row
    return Alias(function, name, revision, _DECODER.decode(bytes(config)))


async def create(tx: Tx, _now_us: int, function: int, name: str, revision: int, config: AliasConfig) -> Alias:
    """Create an alias; raises `AliasExistsError`."""
    made = await tx.run(
        f"INSERT INTO function_alias ({_COLUMNS}) VALUES ($1, $2, $3, $4) ON CONFLICT (function, name) DO NOTHING",
        function,
        name,
        revision,
        encode(config),
    )
    if not made:
        raise AliasExistsError(name)
    return Alias(function, name, revision, config)


async def find(tx: Tx, _now_us: int, function: int, name: str) -> Alias:
    """Return an alias, or raise `AliasNotFoundError`."""
    row = await tx.one(f"SELECT {_COLUMNS} FROM function_alias WHERE function = $1 AND name = $2", function, name)
    if row is None:
        raise AliasNotFoundError(name)
    return _alias(row)


async def list_aliases(tx: Tx, _now_us: int, function: int, after: str, limit: int) -> list[Alias]:
    """Return a function's aliases in the order of their names, those that follow `after`."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM function_alias WHERE function = $1 AND name > $2 ORDER BY name LIMIT $3",
        function,
        after,
        limit,
    )
    return [_alias(row) for row in rows]


async def aliases_of(tx: Tx, _now_us: int, function: int, version: str) -> list[str]:
    """Return the names of the aliases that a version has a share in."""
    rows = await tx.all(f"SELECT {_COLUMNS} FROM function_alias WHERE function = $1 ORDER BY name", function)
    found = map(_alias, rows)
    return [each.name for each in found if version == each.config.version or version in each.config.weights]


async def update(
    tx: Tx, now_us: int, function: int, name: str, revision: int, change: Callable[[Alias], AliasConfig]
) -> Alias:
    """Change an alias; `change` may refuse by raising."""
    await tx.one("SELECT id FROM function WHERE id = $1 FOR UPDATE", function)
    alias = await find(tx, now_us, function, name)
    config = change(alias)
    await tx.run(
        "UPDATE function_alias SET revision = $1, config = $2 WHERE function = $3 AND name = $4",
        revision,
        encode(config),
        function,
        name,
    )
    return alias._replace(revision=revision, config=config)


async def delete(tx: Tx, now_us: int, function: int, name: str) -> bool:
    """Delete an alias and all that is said of it; False if there is none."""
    await facts.forget(tx, now_us, function, name)
    return bool(await tx.run("DELETE FROM function_alias WHERE function = $1 AND name = $2", function, name))
