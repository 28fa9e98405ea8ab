"""Cosmos DB output bindings: items that a function hands over are created or replaced.

"Azure Cosmos DB output binding for Azure Functions" (https://learn.microsoft.com/azure/azure-functions/functions-bindings-
cosmosdb-v2-output): the connection is the name of a setting that has a connection string; an item without an id gets
one; with createIfNotExists database and container are made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from fogbank.clouds.azure.cosmos.calls import DATABASES, decode_json, scope_of
from fogbank.clouds.azure.cosmos.errors import CosmosError
from fogbank.clouds.azure.cosmos.items.keys import check_id, levels_of
from fogbank.clouds.azure.cosmos.items.writing import Conditions, ItemWrite, Target, read_item, write
from fogbank.clouds.azure.cosmos.resources import containers, databases
from fogbank.clouds.azure.cosmos.resources.definitions import Definition, layout_of, read_definition
from fogbank.clouds.azure.functions.cosmos.connections import account_of
from fogbank.clouds.azure.functions.storage.connections import ConnectionNameError
from fogbank.engines.documents import collections
from fogbank.engines.documents.errors import CollectionNotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fogbank.engines.documents.model import Document
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store, Tx


class _Saving(NamedTuple):
    """Items that go into one container; `made` is what the container is made as if it isn't there."""

    account: str
    database: str
    container: str
    items: list[Document]
    made: Definition | None
    numbers: list[int]


async def save(
    parts: tuple[Store, Ids], now_us: int, binding: Mapping[str, Any], settings: Mapping[str, str],
    contents: Sequence[bytes],
) -> str:  # fmt: skip
    """Create or replace what a function handed over, all or none; returns what was in the way, or nothing."""
    store, ids = parts
    try:
        account = account_of(str(binding.get("connection") or ""), settings)
    except ConnectionNameError as error:
        return str(error)
    try:
        items = [_item(each, ids) for each in contents]
        made = None
        if binding.get("createIfNotExists") in (True, "true", "True"):
            path = binding.get("partitionKey")
            body = {"partitionKey": {"paths": [path], "kind": "Hash", "version": 2}} if path else {}
            made = read_definition(body, now_us)
        database, container = check_id(binding.get("databaseName")), check_id(binding.get("containerName"))
        numbers = ids.sequences(len(items) + 5)
        await store.run(_save, _Saving(account, database, container, items, made, numbers))
    except CosmosError as error:
        return error.message
    except CollectionNotFoundError:
        return f"there is no container {binding.get('containerName')} in the database {binding.get('databaseName')}"
    return ""


def _item(data: bytes, ids: Ids) -> Document:
    fields = decode_json(data)
    if isinstance(fields, dict) and "id" not in fields:
        fields = {"id": ids.uuid(), **fields}
    return read_item(fields, len(msgspec.json.encode(fields)))


async def _save(tx: Tx, now_us: int, saving: _Saving) -> None:
    scope = scope_of(saving.account)
    name = (scope, f"{saving.database}/{saving.container}")
    if saving.made is not None:
        await _make(tx, now_us, saving, saving.made)
    layout = layout_of((await collections.find(tx, now_us, name)).config)
    for item, number in zip(saving.items, saving.numbers[5:], strict=True):
        target = Target(str(item.fields["id"]), levels_of(item.fields, layout.levels), fields=item.fields)
        await write(tx, now_us, name, number, ItemWrite("upsert", target, Conditions(), item))


async def _make(tx: Tx, now_us: int, saving: _Saving, definition: Definition) -> None:
    """Make database and container, those that aren't there."""
    account = (scope_of(saving.account), DATABASES)
    first, second, *numbers = saving.numbers[:5]
    if await databases.find(tx, now_us, account, saving.database) is None:
        await databases.create(tx, now_us, account, saving.database, (first, second), None)
    name = (account[0], f"{saving.database}/{saving.container}")
    try:
        await collections.find(tx, now_us, name)
    except CollectionNotFoundError:
        await containers.create(tx, now_us, account, name, numbers, definition, None)
