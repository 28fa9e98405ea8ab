"""Which of an account's services a request is for: queues or tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.clouds.azure.hosts import is_table
from fogbank.clouds.azure.storage import accounts, shared_key
from fogbank.clouds.azure.storage.errors import StorageError
from fogbank.engines.identity.keyed_resources import KeyedResourceNotFoundError

if TYPE_CHECKING:
    from fogbank.clouds.azure.parts import Parts
    from fogbank.wire.http import Request, Response


async def handle(parts: Parts, request: Request, host: str) -> Response:
    """Answer a request; each service is loaded when the first one for it comes."""
    known = is_table(request, host)
    if known or (known is None and await _is_signed_as_table(parts, request)):
        from fogbank.clouds.azure.tables import service as tables  # noqa: PLC0415 - loaded on first use

        return await tables.handle(parts, request, host)
    from fogbank.clouds.azure.queues import service as queues  # noqa: PLC0415 - loaded on first use

    return await queues.handle(parts, request, host)


async def _is_signed_as_table(parts: Parts, request: Request) -> bool:
    """Whether a request that could be for either has the signature that clients of tables make."""
    scheme, _, credential = request.header(b"authorization").partition(" ")
    name, _, signature = credential.partition(":")
    try:
        account = await accounts.find(parts.store, name)
        shared_key.check(request, account.name, account.keys, scheme, signature, table=True)
    except (KeyedResourceNotFoundError, StorageError):
        return False
    return True
