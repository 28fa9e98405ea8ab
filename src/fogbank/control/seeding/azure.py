"""Seeds of Azure. What is there stays as it is. Tokens of Microsoft Entra, which nobody verifies, take keys' place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.control.seeding.asking import Answer, ask
from fogbank.control.seeding.model import AzureDatabase

if TYPE_CHECKING:
    from pathlib import Path

    from fogbank.control.seeding.model import AzureContainer, AzureQueue, AzureTable
    from fogbank.wire.http import Handler

_STORAGE_VERSION: Final = "2024-11-04"
_COSMOS_VERSION: Final = "2020-07-15"
_COSMOS_TOKEN: Final = "type%3Daad%26ver%3D1.0%26sig%3Dseed"  # noqa: S105 - it is nobody's
_STORAGE: Final = {"Authorization": "Bearer seed", "x-ms-version": _STORAGE_VERSION}


async def queue(handle: Handler, seed: AzureQueue, _folder: Path) -> None:
    """Make a queue."""
    headers = {**_STORAGE, "Host": f"{seed.account}.queue.core.windows.net"}
    _made(await ask(handle, "PUT", f"/{seed.name}", headers))


async def table(handle: Handler, seed: AzureTable, _folder: Path) -> None:
    """Make a table."""
    headers = {
        **_STORAGE,
        "Host": f"{seed.account}.table.core.windows.net",
        "Content-Type": "application/json",
        "Accept": "application/json;odata=nometadata",
    }
    _made(await ask(handle, "POST", "/Tables", headers, msgspec.json.encode({"TableName": seed.name})))


async def database(handle: Handler, seed: AzureDatabase, _folder: Path) -> None:
    """Make a database."""
    _made(await _cosmos(handle, seed.account, "/dbs", {"id": seed.name}))


async def container(handle: Handler, seed: AzureContainer, folder: Path) -> None:
    """Make a container, and its database first."""
    await database(handle, AzureDatabase(cloud="azure", name=seed.database, account=seed.account), folder)
    key = {"paths": [seed.partition_key], "kind": "Hash", "version": 2}
    body = {"id": seed.name, "partitionKey": key}
    _made(await _cosmos(handle, seed.account, f"/dbs/{seed.database}/colls", body))


async def _cosmos(handle: Handler, account: str, path: str, body: dict[str, Any]) -> Answer:
    headers = {
        "Host": f"{account}.documents.azure.com",
        "Authorization": _COSMOS_TOKEN,
        "x-ms-version": _COSMOS_VERSION,
        "Content-Type": "application/json",
    }
    return await ask(handle, "POST", path, headers, msgspec.json.encode(body))


def _made(answer: Answer) -> None:
    if answer.status != 409:
        answer.check()
