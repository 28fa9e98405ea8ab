"""Which policies principals have: those that grant, and the one that bounds.

A policy is attached by its reference, the text by which its cloud knows it everywhere; one that is stored here is
named as well, so that it can't go away meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from fogbank.engines.identity import policies, principals
from fogbank.engines.identity.errors import NotAttachedError, TooManyError

if TYPE_CHECKING:
    from fogbank.engines.identity.model import Name
    from fogbank.storage import Tx

GRANTS: Final = 0
BOUNDS: Final = 1


class Uses(NamedTuple):
    """How many principals a policy grants something to, and how many it bounds."""

    grants: int
    bounds: int


class Holder(NamedTuple):
    """A principal that has a policy."""

    name: str
    id: int
    path: str


async def attach(
    tx: Tx, now_us: int, name: Name, reference: str, attached_max: int, *, stored: Name | None = None
) -> None:
    """Attach a policy to a principal; one that is attached already stays so. Raises `TooManyError`."""
    principal = await principals.lock(tx, now_us, name)
    if stored is not None:
        await policies.lock(tx, now_us, stored)
    rows = await tx.all("SELECT policy FROM attachment WHERE principal = $1 AND role = $2", principal.id, GRANTS)
    held = {row[0] for row in rows}
    if reference in held:
        return
    if len(held) >= attached_max:
        raise TooManyError("attached policies", attached_max)
    await _add(tx, principal.id, GRANTS, reference)


async def detach(tx: Tx, now_us: int, name: Name, reference: str) -> None:
    """Take a policy from a principal, or raise `NotAttachedError`."""
    principal = await principals.lock(tx, now_us, name)
    if not await tx.run(
        "DELETE FROM attachment WHERE principal = $1 AND role = $2 AND policy = $3", principal.id, GRANTS, reference
    ):
        raise NotAttachedError(reference)


async def bound(tx: Tx, now_us: int, name: Name, reference: str | None, *, stored: Name | None = None) -> None:
    """Let a policy bound what the others grant a principal, in place of the one before; None for none."""
    principal = await principals.lock(tx, now_us, name)
    if stored is not None:
        await policies.lock(tx, now_us, stored)
    await tx.run("DELETE FROM attachment WHERE principal = $1 AND role = $2", principal.id, BOUNDS)
    if reference is not None:
        await _add(tx, principal.id, BOUNDS, reference)


async def list_attached(tx: Tx, now_us: int, name: Name) -> list[str]:
    """Return the references of the policies that are attached to a principal, in order."""
    principal = await principals.find(tx, now_us, name)
    rows = await tx.all(
        "SELECT policy FROM attachment WHERE principal = $1 AND role = $2 ORDER BY policy", principal.id, GRANTS
    )
    return [row[0] for row in rows]


async def holders(tx: Tx, now_us: int, scope: str, reference: str, roles: tuple[int, ...]) -> list[Holder]:
    """Return the principals of a scope that have a policy in one of the roles, by name."""
    found = {}
    for role in roles:
        rows = await tx.all(
            "SELECT name FROM principal JOIN attachment ON principal = id"
            " WHERE policy = $1 AND role = $2 AND scope = $3",
            reference,
            role,
            scope,
        )
        for (name,) in rows:
            principal = await principals.find(tx, now_us, (scope, name))
            found[name] = Holder(name, principal.id, principal.config.path)
    return [found[name] for name in sorted(found)]


async def count_uses(tx: Tx, _now_us: int, scope: str, references: list[str]) -> dict[str, Uses]:
    """Return for each policy how many principals of a scope have it."""
    found = {}
    for reference in references:
        rows = await tx.all(
            "SELECT role, COUNT(*) FROM attachment JOIN principal ON principal = id"
            " WHERE policy = $1 AND scope = $2 GROUP BY role",
            reference,
            scope,
        )
        counts = {role: int(count) for role, count in rows}
        found[reference] = Uses(counts.get(GRANTS, 0), counts.get(BOUNDS, 0))
    return found


async def _add(tx: Tx, principal: int, role: int, reference: str) -> None:
    await tx.run("INSERT INTO attachment (principal, role, policy) VALUES ($1, $2, $3)", principal, role, reference)
