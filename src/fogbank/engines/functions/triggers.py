"""Triggers: what makes a function run. Changes are told in a feed that whoever runs triggers follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.engines.functions.errors import TriggerExistsError, TriggerNotFoundError
from fogbank.engines.functions.model import Trigger, TriggerConfig, decode_trigger, encode
from fogbank.storage import change_feed

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.storage import Row, Tx

FEED: Final = "triggers"
_COLUMNS: Final = "scope, id, function, source, config, modified_us, qualifier"


class TriggerChange(msgspec.Struct, frozen=True, array_like=True):
    """An entry of the feed: the trigger of that scope and id was made, changed or deleted."""

    scope: str
    id: str


def _trigger(row: Row) -> Trigger:
    scope, number, function, source, config, modified_us, qualifier = row
    return Trigger(scope, number, function, source, decode_trigger(bytes(config)), modified_us, qualifier)


async def create(
    tx: Tx, now_us: int, scope: str, number: str, function: str, source: str, config: TriggerConfig,
    qualifier: str = "", *, several: bool = False,
) -> Trigger:  # fmt: skip
    """Create a trigger; raises `TriggerExistsError` if the function, version or alias has one of that source.

    With `several` it may have more than one.
    """
    row = await tx.one(
        "SELECT id FROM function_trigger WHERE scope = $1 AND function = $2 AND source = $3 AND qualifier = $4",
        scope,
        function,
        source,
        qualifier,
    )
    if row is not None and not several:
        raise TriggerExistsError(row[0])
    await tx.run(
        f"INSERT INTO function_trigger ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        scope,
        number,
        function,
        source,
        encode(config),
        now_us,
        qualifier,
    )
    await _tell(tx, now_us, scope, number)
    return Trigger(scope, number, function, source, config, now_us, qualifier)


async def find(tx: Tx, _now_us: int, scope: str, number: str) -> Trigger:
    """Return a trigger, or raise `TriggerNotFoundError`."""
    row = await tx.one(f"SELECT {_COLUMNS} FROM function_trigger WHERE scope = $1 AND id = $2", scope, number)
    if row is None:
        raise TriggerNotFoundError(number)
    return _trigger(row)


async def list_triggers(tx: Tx, _now_us: int, scope: str, after: str, limit: int) -> list[Trigger]:
    """Return triggers of a scope in the order of their ids, those that follow `after`."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM function_trigger WHERE scope = $1 AND id > $2 ORDER BY id LIMIT $3",
        scope,
        after,
        limit,
    )
    return [_trigger(row) for row in rows]


async def all_triggers(tx: Tx, _now_us: int) -> list[Trigger]:
    """Return every trigger there is."""
    return [_trigger(row) for row in await tx.all(f"SELECT {_COLUMNS} FROM function_trigger")]


async def update(tx: Tx, now_us: int, scope: str, number: str, change: Callable[[Trigger], Trigger]) -> Trigger:
    """Change a trigger's function or configuration."""
    changed = change(await find(tx, now_us, scope, number))._replace(modified_us=now_us)
    await tx.run(
        "UPDATE function_trigger SET function = $1, qualifier = $2, config = $3, modified_us = $4"
        " WHERE scope = $5 AND id = $6",
        changed.function,
        changed.qualifier,
        encode(changed.config),
        now_us,
        scope,
        number,
    )
    await _tell(tx, now_us, scope, number)
    return changed


async def delete(tx: Tx, now_us: int, scope: str, number: str) -> Trigger:
    """Delete a trigger; returns what it was."""
    trigger = await find(tx, now_us, scope, number)
    await tx.run("DELETE FROM function_trigger WHERE scope = $1 AND id = $2", scope, number)
    await _tell(tx, now_us, scope, number)
    return trigger


async def _tell(tx: Tx, now_us: int, scope: str, number: str) -> None:
    await change_feed.append(tx, now_us, FEED, encode(TriggerChange(scope, number)))
