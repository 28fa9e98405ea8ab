"""Stored access policies of a queue ("Set Queue ACL"), which shared access signatures may name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.clouds.azure.queues.queues import name_of
from fogbank.clouds.azure.storage.policies import LABEL, policies_in, read_policies, show_policies
from fogbank.engines.messaging import queues
from fogbank.engines.messaging.errors import QueueNotFoundError
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from fogbank.clouds.azure.parts import Parts
    from fogbank.clouds.azure.storage.calls import StorageCall
    from fogbank.clouds.azure.storage.sas import Policy
    from fogbank.engines.messaging.model import QueueConfig

PERMISSIONS: Final = "raup"


async def policies_of(parts: Parts, call: StorageCall) -> dict[str, Policy]:
    """Return the policies of the queue that a request is for, none if there is no such queue."""
    try:
        return policies_in((await parts.store.read(queues.find, name_of(call))).config.labels)
    except QueueNotFoundError:
        return {}


async def get_acl(parts: Parts, call: StorageCall) -> Response:
    """Show a queue's policies."""
    return show_policies(policies_in((await parts.store.read(queues.find, name_of(call))).config.labels))


async def set_acl(parts: Parts, call: StorageCall) -> Response:
    """Replace a queue's policies."""
    label = await read_policies(call, PERMISSIONS)

    def change(config: QueueConfig) -> QueueConfig:
        return msgspec.structs.replace(config, labels={**config.labels, LABEL: label})

    await parts.store.run(queues.update, name_of(call), change)
    return Response(204, [])
