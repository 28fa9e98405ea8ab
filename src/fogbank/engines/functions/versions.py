"""Versions of functions: published once, never changed, found by number or by alias. All are store operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.engines.functions import aliases, facts, functions
from fogbank.engines.functions.errors import AliasNotFoundError, FunctionNotFoundError, VersionInUseError
from fogbank.engines.functions.model import Function, Name, decode_function, encode
from fogbank.storage import blobs

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.engines.functions.model import Alias, FunctionConfig
    from fogbank.storage import Row, Tx

LATEST: Final = "$LATEST"
PROVISIONED: Final = "provisioned"
"""The kind of fact that says how many instances of a version or alias are kept ready: a number."""
# More of a function's versions and aliases than these aren't kept ready.
FACTS_MAX: Final = 1_000
_COLUMNS: Final = "number, id, config, published_us"


def _version(function: Function, row: Row) -> Function:
    number, own_id, config, published_us = row
    kept = decode_function(bytes(config))
    live = function.config
    if live.tags or live.concurrency_max is not None or live.loops:
        kept = msgspec.structs.replace(kept, tags=live.tags, concurrency_max=live.concurrency_max, loops=live.loops)
    return Function(
        function.scope,
        function.name,
        own_id,
        own_id,
        kept,
        function.created_us,
        published_us,
        str(number),
        function.id,
    )


def _holder(function: Function, number: int) -> str:
    return f"function/{function.id}/{number}"


async def publish(
    tx: Tx, now_us: int, name: Name, number: int, settle: Callable[[Function], FunctionConfig]
) -> Function:
    """Publish a function as it is; one that hasn't changed since the last version stays at that.

    `settle` returns what is to be published, and may refuse by raising. `number` is the version's own id.
    """
    function = await functions.lock(tx, now_us, name)
    config = msgspec.structs.replace(settle(function), tags={}, concurrency_max=None, loops=False)
    row = await tx.one("SELECT versions FROM function WHERE id = $1", function.id)
    assert row is not None
    last = row[0]
    row = await tx.one(
        f"SELECT {_COLUMNS} FROM function_version WHERE function = $1 AND number = $2 AND source = $3",
        function.id,
        last,
        function.revision,
    )
    if row is not None:
        return _version(function, row)
    await tx.run("UPDATE function SET versions = $1 WHERE id = $2", last + 1, function.id)
    await tx.run(
        "INSERT INTO function_version (function, number, id, source, config, published_us)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        function.id,
        last + 1,
        number,
        function.revision,
        encode(config),
        now_us,
    )
    await functions.hold_archives(tx, now_us, functions.archives(config), _holder(function, last + 1))
    return _version(function, (last + 1, number, encode(config), now_us))


async def find(tx: Tx, now_us: int, name: Name, qualifier: str, chance: float = 1.0) -> Function:
    """Return the function as it is, a version, or the version of an alias, or raise `FunctionNotFoundError`.

    `chance`, from 0 to 1, decides between the versions that share an alias; 1 is for the one that it names.
    """
    function = await functions.find(tx, now_us, name)
    if qualifier in ("", LATEST):
        return function
    if not qualifier.isdecimal():
        try:
            alias = await aliases.find(tx, now_us, function.id, qualifier)
        except AliasNotFoundError:
            raise FunctionNotFoundError(name[1]) from None
        qualifier = _choose(alias, chance)
        if qualifier == LATEST:
            return function
    row = await tx.one(
        f"SELECT {_COLUMNS} FROM function_version WHERE function = $1 AND number = $2", function.id, int(qualifier)
    )
    if row is None:
        raise FunctionNotFoundError(name[1])
    version = _version(function, row)
    return version._replace(instances_min=await _instances_min(tx, now_us, version))


async def list_versions(tx: Tx, _now_us: int, function: Function, after: int, limit: int) -> list[Function]:
    """Return a function's versions in the order of their numbers, those that follow `after`."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM function_version WHERE function = $1 AND number > $2 ORDER BY number LIMIT $3",
        function.id,
        after,
        limit,
    )
    return [_version(function, row) for row in rows]


async def ids(tx: Tx, now_us: int, name: Name) -> list[int]:
    """Return the ids that a function's instances are started for: its own, and those of its versions."""
    function = await functions.find(tx, now_us, name)
    rows = await tx.all("SELECT id FROM function_version WHERE function = $1 ORDER BY number", function.id)
    return [function.id, *(row[0] for row in rows)]


async def kept_ready(tx: Tx, now_us: int, name: Name) -> list[Function]:
    """Return the versions of a function that instances are kept ready of."""
    function = await functions.find(tx, now_us, name)
    found: dict[str, Function] = {}
    for fact in await facts.list_facts(tx, now_us, function.id, PROVISIONED, None, FACTS_MAX):
        shares = {fact.qualifier}
        if not fact.qualifier.isdecimal():
            config = (await aliases.find(tx, now_us, function.id, fact.qualifier)).config
            shares = {config.version, *config.weights}
        for number in shares - {LATEST} - found.keys():
            version = await find(tx, now_us, name, number)
            if version.instances_min:
                found[number] = version
    return [found[number] for number in sorted(found, key=int)]


async def all_kept_ready(tx: Tx, now_us: int) -> list[Function]:
    """Return every version that instances are kept ready of."""
    rows = await tx.all(
        "SELECT DISTINCT f.scope, f.name FROM function f JOIN function_fact t ON t.function = f.id WHERE t.kind = $1"
        " ORDER BY f.scope, f.name",
        PROVISIONED,
    )
    return [version for scope, name in rows for version in await kept_ready(tx, now_us, (scope, name))]


async def delete(tx: Tx, now_us: int, name: Name, number: int) -> Function:
    """Delete a version; raises `FunctionNotFoundError`, and `VersionInUseError` while aliases name it."""
    function = await functions.lock(tx, now_us, name)
    version = await find(tx, now_us, name, str(number))
    users = await aliases.aliases_of(tx, now_us, function.id, version.version)
    if users:
        raise VersionInUseError(users)
    await _remove(tx, now_us, function, version)
    await facts.forget(tx, now_us, function.id, version.version)
    return version


async def delete_all(tx: Tx, now_us: int, name: Name) -> list[int]:
    """Delete a function with its versions and aliases; returns the ids that instances may have been started for."""
    function = await functions.lock(tx, now_us, name)
    ids = [function.id]
    for row in await tx.all(f"SELECT {_COLUMNS} FROM function_version WHERE function = $1", function.id):
        version = _version(function, row)
        await _remove(tx, now_us, function, version)
        ids.append(version.id)
    await tx.run("DELETE FROM function_alias WHERE function = $1", function.id)
    await facts.forget(tx, now_us, function.id)
    await functions.delete(tx, now_us, name)
    return ids


async def _remove(tx: Tx, now_us: int, function: Function, version: Function) -> None:
    number = int(version.version)
    await tx.run("DELETE FROM function_version WHERE function = $1 AND number = $2", function.id, number)
    for digest in sorted(functions.archives(version.config)):
        await blobs.drop(tx, now_us, digest, _holder(function, number))


def _choose(alias: Alias, chance: float) -> str:
    """Return the version that an invocation of an alias goes to."""
    reached = 0.0
    for version, weight in alias.config.weights.items():
        reached += weight
        if chance < reached:
            return version
    return alias.config.version


async def _instances_min(tx: Tx, now_us: int, version: Function) -> int:
    """Return how many instances of a version are kept ready, for itself and for its share of aliases."""
    total = 0
    for fact in await facts.list_facts(tx, now_us, version.owner, PROVISIONED, None, FACTS_MAX):
        count = msgspec.msgpack.decode(fact.value, type=int)
        if fact.qualifier == version.version:
            total += count
        elif not fact.qualifier.isdecimal():
            config = (await aliases.find(tx, now_us, version.owner, fact.qualifier)).config
            share = config.weights.get(version.version, 0.0)
            if version.version == config.version:
                share = 1 - sum(config.weights.values())
            total += round(count * share)
    return total
