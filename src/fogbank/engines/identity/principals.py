"""Principals by name, and the policies that are theirs alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.engines.identity.errors import (
    InlinePolicyNotFoundError,
    PrincipalExistsError,
    PrincipalInUseError,
    PrincipalNotFoundError,
    TooManyError,
)
from fogbank.engines.identity.model import Name, Principal, PrincipalConfig, decode_principal, encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.storage import Row, Tx

LISTED_AT_ONCE: Final = 1_000
_COLUMNS: Final = (
    "scope, name, id, config, created_us,"
    " (SELECT policy FROM attachment WHERE attachment.principal = principal.id AND role = 1)"
)
_FIND: Final = f"SELECT {_COLUMNS} FROM principal WHERE scope = $1 AND lower(name) = lower($2)"


def _principal(row: Row) -> Principal:
    scope, name, number, config, created_us, bound = row
    return Principal(scope, name, number, decode_principal(bytes(config)), created_us, bound)


async def create(tx: Tx, now_us: int, name: Name, number: int, config: PrincipalConfig, count_max: int) -> Principal:
    """Create a principal, of which a scope may have so many; raises `PrincipalExistsError`, `TooManyError`."""
    made = await tx.run(
        "INSERT INTO principal (scope, name, id, config, created_us) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT DO NOTHING",
        *name,
        number,
        encode(config),
        now_us,
    )
    if not made:
        raise PrincipalExistsError(name[1])
    row = await tx.one("SELECT COUNT(*) FROM principal WHERE scope = $1", name[0])
    assert row is not None
    if row[0] > count_max:
        raise TooManyError("principals", count_max)
    return Principal(*name, number, config, now_us)


async def find(tx: Tx, _now_us: int, name: Name) -> Principal:
    """Return a principal, or raise `PrincipalNotFoundError`."""
    row = await tx.one(_FIND, *name)
    if row is None:
        raise PrincipalNotFoundError(name[1])
    return _principal(row)


async def list_principals(tx: Tx, _now_us: int, scope: str, path: str, after: str, limit: int) -> list[Principal]:
    """Return principals of a scope whose paths begin with `path`, by name, those that follow `after`."""
    found: list[Principal] = []
    while len(found) < limit:
        rows = await tx.all(
            f"SELECT {_COLUMNS} FROM principal WHERE scope = $1 AND name > $2 ORDER BY name LIMIT $3",
            scope,
            after,
            LISTED_AT_ONCE,
        )
        found += [each for each in map(_principal, rows) if each.config.path.startswith(path)]
        if len(rows) < LISTED_AT_ONCE:
            break
        after = rows[-1][1]
    return found[:limit]


async def update(tx: Tx, now_us: int, name: Name, change: Callable[[PrincipalConfig], PrincipalConfig]) -> Principal:
    """Change a principal; `change` may refuse by raising."""
    principal = await lock(tx, now_us, name)
    config = change(principal.config)
    await tx.run("UPDATE principal SET config = $1 WHERE id = $2", encode(config), principal.id)
    return principal._replace(config=config)


async def delete(tx: Tx, now_us: int, name: Name) -> None:
    """Remove a principal that has no policies any more; raises `PrincipalInUseError`."""
    principal = await lock(tx, now_us, name)
    if await tx.one("SELECT 1 FROM attachment WHERE principal = $1 AND role = 0 LIMIT 1", principal.id):
        raise PrincipalInUseError(inline=False)
    if await tx.one("SELECT 1 FROM inline_policy WHERE principal = $1 LIMIT 1", principal.id):
        raise PrincipalInUseError(inline=True)
    await tx.run("DELETE FROM attachment WHERE principal = $1", principal.id)
    await tx.run("DELETE FROM principal WHERE id = $1", principal.id)


async def put_inline(
    tx: Tx, now_us: int, name: Name, policy: str, document: str, size: Callable[[str], int], size_max: int
) -> None:
    """Give a principal a policy of its own, or replace it.

    `size` measures documents; together they may not exceed `size_max`, else `TooManyError`.
    """
    principal = await lock(tx, now_us, name)
    rows = await tx.all("SELECT document FROM inline_policy WHERE principal = $1 AND name <> $2", principal.id, policy)
    if size(document) + sum(size(bytes(row[0]).decode()) for row in rows) > size_max:
        raise TooManyError("inline bytes", size_max)
    await tx.run(
        "INSERT INTO inline_policy (principal, name, document) VALUES ($1, $2, $3)"
        " ON CONFLICT (principal, name) DO UPDATE SET document = $3",
        principal.id,
        policy,
        document.encode(),
    )


async def find_inline(tx: Tx, now_us: int, name: Name, policy: str) -> str:
    """Return the document of a principal's own policy, or raise `InlinePolicyNotFoundError`."""
    principal = await find(tx, now_us, name)
    row = await tx.one("SELECT document FROM inline_policy WHERE principal = $1 AND name = $2", principal.id, policy)
    if row is None:
        raise InlinePolicyNotFoundError(policy)
    return bytes(row[0]).decode()


async def list_inline(tx: Tx, now_us: int, name: Name, after: str, limit: int) -> list[str]:
    """Return the names of a principal's own policies, in order, those that follow `after`."""
    principal = await find(tx, now_us, name)
    rows = await tx.all(
        "SELECT name FROM inline_policy WHERE principal = $1 AND name > $2 ORDER BY name LIMIT $3",
        principal.id,
        after,
        limit,
    )
    return [row[0] for row in rows]


async def delete_inline(tx: Tx, now_us: int, name: Name, policy: str) -> None:
    """Remove a principal's own policy, or raise `InlinePolicyNotFoundError`."""
    principal = await find(tx, now_us, name)
    if not await tx.run("DELETE FROM inline_policy WHERE principal = $1 AND name = $2", principal.id, policy):
        raise InlinePolicyNotFoundError(policy)


async def lock(tx: Tx, _now_us: int, name: Name) -> Principal:
    """Return a principal that nobody else changes until the transaction ends."""
    row = await tx.one(f"{_FIND} FOR UPDATE", *name)
    if row is None:
        raise PrincipalNotFoundError(name[1])
    return _principal(row)
