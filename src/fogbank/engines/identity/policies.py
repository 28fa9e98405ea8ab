"""Policies by name, in numbered versions, one of which is the default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.engines.identity.errors import (
    DefaultVersionError,
    PolicyAttachedError,
    PolicyExistsError,
    PolicyNotFoundError,
    PolicyVersionNotFoundError,
    PolicyVersionsLeftError,
    TooManyError,
)
from fogbank.engines.identity.model import Name, Policy, PolicyConfig, PolicyVersion, decode_policy, encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.storage import Row, Tx

LISTED_AT_ONCE: Final = 1_000
_COLUMNS: Final = "scope, name, id, config, created_us, modified_us"
_FIND: Final = f"SELECT {_COLUMNS} FROM policy WHERE scope = $1 AND lower(name) = lower($2)"
_ADD_VERSION: Final = "INSERT INTO policy_version (policy, number, document, created_us) VALUES ($1, $2, $3, $4)"


def _policy(row: Row) -> Policy:
    scope, name, number, config, created_us, modified_us = row
    return Policy(scope, name, number, decode_policy(bytes(config)), created_us, modified_us)


async def create(
    tx: Tx, now_us: int, name: Name, number: int, config: PolicyConfig, document: str, count_max: int
) -> Policy:
    """Create a policy, of which a scope may have so many, with its first version.

    Raises `PolicyExistsError`, `TooManyError`.
    """
    made = await tx.run(
        "INSERT INTO policy (scope, name, id, config, created_us, modified_us) VALUES ($1, $2, $3, $4, $5, $5)"
        " ON CONFLICT DO NOTHING",
        *name,
        number,
        encode(config),
        now_us,
    )
    if not made:
        raise PolicyExistsError(name[1])
    row = await tx.one("SELECT COUNT(*) FROM policy WHERE scope = $1", name[0])
    assert row is not None
    if row[0] > count_max:
        raise TooManyError("policies", count_max)
    await tx.run(_ADD_VERSION, number, config.default, document.encode(), now_us)
    return Policy(*name, number, config, now_us, now_us)


async def find(tx: Tx, _now_us: int, name: Name) -> Policy:
    """Return a policy, or raise `PolicyNotFoundError`."""
    row = await tx.one(_FIND, *name)
    if row is None:
        raise PolicyNotFoundError(name[1])
    return _policy(row)


async def list_policies(tx: Tx, _now_us: int, scope: str, path: str, after: str, limit: int) -> list[Policy]:
    """Return policies of a scope whose paths begin with `path`, by name, those that follow `after`."""
    found: list[Policy] = []
    while len(found) < limit:
        rows = await tx.all(
            f"SELECT {_COLUMNS} FROM policy WHERE scope = $1 AND name > $2 ORDER BY name LIMIT $3",
            scope,
            after,
            LISTED_AT_ONCE,
        )
        found += [each for each in map(_policy, rows) if each.config.path.startswith(path)]
        if len(rows) < LISTED_AT_ONCE:
            break
        after = rows[-1][1]
    return found[:limit]


async def update(tx: Tx, now_us: int, name: Name, change: Callable[[PolicyConfig], PolicyConfig]) -> Policy:
    """Change what is said of a policy; `change` may refuse by raising."""
    policy = await lock(tx, now_us, name)
    return await _save(tx, policy._replace(config=change(policy.config)))


async def delete(tx: Tx, now_us: int, name: Name, reference: str) -> None:
    """Remove a policy, known to principals as `reference`, and its default version.

    Raises `PolicyAttachedError`, `PolicyVersionsLeftError`.
    """
    policy = await lock(tx, now_us, name)
    if await tx.one("SELECT 1 FROM attachment WHERE policy = $1 LIMIT 1", reference):
        raise PolicyAttachedError(reference)
    if await _count_versions(tx, policy) > 1:
        raise PolicyVersionsLeftError(reference)
    await tx.run("DELETE FROM policy_version WHERE policy = $1", policy.id)
    await tx.run("DELETE FROM policy WHERE id = $1", policy.id)


async def add_version(
    tx: Tx, now_us: int, name: Name, document: str, versions_max: int, *, default: bool
) -> tuple[Policy, PolicyVersion]:
    """Add a version, as the default one if asked to; raises `TooManyError`."""
    policy = await lock(tx, now_us, name)
    if await _count_versions(tx, policy) >= versions_max:
        raise TooManyError("versions", versions_max)
    number = policy.config.latest + 1
    await tx.run(_ADD_VERSION, policy.id, number, document.encode(), now_us)
    config = msgspec.structs.replace(policy.config, latest=number, default=number if default else policy.config.default)
    policy = await _save(tx, policy._replace(config=config, modified_us=now_us))
    return policy, PolicyVersion(number, document, now_us)


async def find_version(tx: Tx, now_us: int, name: Name, number: int) -> tuple[Policy, PolicyVersion]:
    """Return a policy and one version of it, or raise `PolicyVersionNotFoundError`."""
    policy = await find(tx, now_us, name)
    row = await tx.one(
        "SELECT number, document, created_us FROM policy_version WHERE policy = $1 AND number = $2", policy.id, number
    )
    if row is None:
        raise PolicyVersionNotFoundError(str(number))
    return policy, PolicyVersion(row[0], bytes(row[1]).decode(), row[2])


async def list_versions(tx: Tx, now_us: int, name: Name) -> tuple[Policy, list[PolicyVersion]]:
    """Return a policy and its versions, the newest first."""
    policy = await find(tx, now_us, name)
    rows = await tx.all(
        "SELECT number, document, created_us FROM policy_version WHERE policy = $1 ORDER BY number DESC", policy.id
    )
    return policy, [PolicyVersion(row[0], bytes(row[1]).decode(), row[2]) for row in rows]


async def set_default(tx: Tx, now_us: int, name: Name, number: int) -> None:
    """Make a version the default one, or raise `PolicyVersionNotFoundError`."""
    policy = await lock(tx, now_us, name)
    await find_version(tx, now_us, name, number)
    config = msgspec.structs.replace(policy.config, default=number)
    await _save(tx, policy._replace(config=config, modified_us=now_us))


async def delete_version(tx: Tx, now_us: int, name: Name, number: int) -> None:
    """Remove a version that isn't the default one; raises `DefaultVersionError`, `PolicyVersionNotFoundError`."""
    policy = await lock(tx, now_us, name)
    if number == policy.config.default:
        raise DefaultVersionError(str(number))
    if not await tx.run("DELETE FROM policy_version WHERE policy = $1 AND number = $2", policy.id, number):
        raise PolicyVersionNotFoundError(str(number))
    await _save(tx, policy._replace(modified_us=now_us))


async def lock(tx: Tx, _now_us: int, name: Name) -> Policy:
    """Return a policy that nobody else changes, attaches or deletes until the transaction ends."""
    row = await tx.one(f"{_FIND} FOR UPDATE", *name)
    if row is None:
        raise PolicyNotFoundError(name[1])
    return _policy(row)


async def _save(tx: Tx, policy: Policy) -> Policy:
    await tx.run(
        "UPDATE policy SET config = $1, modified_us = $2 WHERE id = $3",
        encode(policy.config),
        policy.modified_us,
        policy.id,
    )
    return policy


async def _count_versions(tx: Tx, policy: Policy) -> int:
    row = await tx.one("SELECT COUNT(*) FROM policy_version WHERE policy = $1", policy.id)
    assert row is not None
    return int(row[0])
