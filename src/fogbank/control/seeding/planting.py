"""Has what a seed declares made, by the clouds' own operations: what they refuse, it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.control.seeding import SeedError, aws, azure, gcp

if TYPE_CHECKING:
    from fogbank.control.seeding.model import Resource, Seed
    from fogbank.wire.http import Handler

_CLOUDS: Final[dict[str, Any]] = {"aws": aws, "azure": azure, "gcp": gcp}


async def plant(handle: Handler, seed: Seed) -> list[str]:
    """Make what isn't there yet; returns what is declared. Raises `SeedError` for the first that is refused."""
    declared = []
    for kind, resource in seed.resources:
        name = f"{resource.cloud} {kind} {_name(resource)}"
        try:
            await getattr(_CLOUDS[resource.cloud], kind)(handle, resource, seed.folder)
        except SeedError as error:
            raise SeedError(f"The seed's {name} can't be made: {error}") from None
        declared.append(name)
    return declared


def _name(resource: Resource) -> str:
    return getattr(resource, "path", "") if not hasattr(resource, "name") else resource.name
