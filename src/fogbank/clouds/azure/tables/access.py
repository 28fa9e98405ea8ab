"""Stored access policies of a table ("Set Table ACL"), which shared access signatures may name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.clouds.azure.storage.policies import LABEL, policies_in, read_policies, show_policies
from fogbank.clouds.azure.tables.resources import name_of
from fogbank.engines.documents import collections
from fogbank.engines.documents.errors import CollectionNotFoundError
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from fogbank.clouds.azure.parts import Parts
    from fogbank.clouds.azure.storage.calls import StorageCall
    from fogbank.clouds.azure.storage.sas import Policy
    from fogbank.clouds.azure.tables.resources import Resource
    from fogbank.engines.documents.model import CollectionConfig

PERMISSIONS: Final = "raud"


async def policies_of(parts: Parts, call: StorageCall) -> dict[str, Policy]:
    """Return the policies of the table that a signature is for, none if there is no such table."""
    try:
        found = await parts.store.read(collections.find, name_of(call, call.query.get("tn", "")))
    except CollectionNotFoundError:
        return {}
    return policies_in(found.config.labels)


async def get_acl(parts: Parts, call: StorageCall, resource: Resource) -> Response:
    """Show a table's policies."""
    found = await parts.store.read(collections.find, name_of(call, resource.table))
    return show_policies(policies_in(found.config.labels))


async def set_acl(parts: Parts, call: StorageCall, resource: Resource) -> Response:
    """Replace a table's policies."""
    label = await read_policies(call, PERMISSIONS)

    def change(config: CollectionConfig) -> CollectionConfig:
        return msgspec.structs.replace(config, labels={**config.labels, LABEL: label})

    await parts.store.run(collections.update, name_of(call, resource.table), change)
    return Response(204, [])
