"""What a request is for, by its path: the tables, a table, its entities or one of them, a batch.

"Addressing Table service resources"
(https://learn.microsoft.com/rest/api/storageservices/addressing-table-service-resources).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote

from fogbank.clouds.azure.storage import accounts
from fogbank.clouds.azure.storage.errors import StorageError
from fogbank.clouds.azure.tables.edm import PARTITION_KEY, ROW_KEY, check_key
from fogbank.clouds.azure.tables.errors import INVALID_URI, invalid_input, refusal
from fogbank.clouds.azure.tables.limits import limits_of
from fogbank.engines.documents.keys import encode_scalar
from fogbank.engines.documents.model import Key
from fogbank.kernel.scope import Scope

if TYPE_CHECKING:
    from fogbank.clouds.azure.storage.calls import StorageCall
    from fogbank.clouds.azure.tables.limits import Limits
    from fogbank.engines.documents.model import Name

TABLES: Final = "Tables"
BATCH: Final = "$batch"
COSMOS_NAME_CHARACTERS_MAX: Final = 254
_NOT_IN_COSMOS: Final = re.compile(r"[/\\#?()]")
_SEGMENT: Final = re.compile(r"([^()]*)(?:\((.*)\))?", re.DOTALL)
_TABLE: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_QUOTED: Final = re.compile(r"'((?:[^']|'')*)'", re.DOTALL)
_KEY: Final = re.compile(r"\s*(PartitionKey|RowKey)\s*=\s*'((?:[^']|'')*)'\s*(?:,|$)", re.DOTALL)


class Resource(NamedTuple):
    """`kind` is service, batch, tables, table (one of the list), entities or entity."""

    kind: str
    table: str = ""
    partition: str = ""
    row: str = ""


def read_resource(call: StorageCall) -> Resource:
    """Return what a request is for, or raise the error for what is nothing."""
    if not call.path:
        return Resource("service")
    match = _SEGMENT.fullmatch(call.path[0])
    if match is None or len(call.path) > 1:
        raise refusal(INVALID_URI)
    name, inner = match.groups()
    if name == BATCH:
        return Resource("batch")
    if name.lower() == TABLES.lower():
        if not inner:
            return Resource("tables")
        quoted = _QUOTED.fullmatch(inner.strip().removeprefix("TableName="))
        if quoted is None:
            raise refusal(INVALID_URI)
        return Resource("table", quoted[1].replace("''", "'"))
    if not inner or not inner.strip():
        return Resource("entities", name)
    return Resource("entity", name, *_read_keys(inner, limits_of(call)))


def _read_keys(inner: str, limits: Limits) -> tuple[str, str]:
    keys: dict[str, str] = {}
    at = 0
    while at < len(inner):
        match = _KEY.match(inner, at)
        if match is None or match[1] in keys:
            raise invalid_input("The key of an entity is (PartitionKey='…',RowKey='…').")
        keys[match[1]] = match[2].replace("''", "'")
        at = match.end()
    if len(keys) != 2:
        raise invalid_input("The key of an entity is (PartitionKey='…',RowKey='…').")
    return check_key(PARTITION_KEY, keys[PARTITION_KEY], limits), check_key(ROW_KEY, keys[ROW_KEY], limits)


def check_table(name: str) -> None:
    """Raise the error for what is no name of a table ("Understanding the Table service data model")."""
    if not 3 <= len(name) <= 63:
        raise StorageError(
            400, "OutOfRangeInput", "The specified resource name length is not within the permissible limits."
        )
    if not _TABLE.fullmatch(name) or name.lower() == TABLES.lower():
        raise StorageError(400, "InvalidResourceName", "The specified resource name contains invalid characters.")


def check_cosmos_table(name: str) -> None:
    """Raise the error for what is no name of a table in Cosmos DB.

    What may be a container's name may be a table's ("Azure Cosmos DB service quotas", "Per-container limits").
    """
    if len(name) > COSMOS_NAME_CHARACTERS_MAX:
        raise StorageError(400, "BadRequest", "The input name is invalid.")
    if not name or _NOT_IN_COSMOS.search(name):
        raise StorageError(400, "InvalidInput", "The table name contains an invalid character.")
    if name.endswith(" "):
        raise StorageError(400, "InvalidInput", "Table name cannot end with a space.")
    if name.lower() == TABLES.lower():
        raise StorageError(400, "BadRequest", "The input name is invalid.")


def name_of(call: StorageCall, table: str) -> Name:
    """Return the engine's name of a table of the account that a request is for."""
    if call.cosmos:
        check_cosmos_table(table)
        return cosmos_scope(call.account), table
    return storage_name(call.account, table)


def storage_name(account: str, table: str) -> Name:
    """Return the engine's name of a storage account's table; in what letters it is written doesn't count."""
    check_table(table)
    return accounts.scope_of(account), table.lower()


def cosmos_scope(account: str) -> str:
    """Return the scope of the tables of an account of Cosmos DB, whose containers have another."""
    return Scope("azure", "cosmos-tables", account).key


def place_of(partition: str, row: str) -> Key:
    """Return where an entity stands: tables are in the order of partition keys, then of row keys."""
    return Key(encode_scalar(partition), encode_scalar(row))


def root_of(call: StorageCall) -> str:
    """Return the address of the account's tables as the client has it."""
    return f"{call.request.origin}{call.root}"


def link_of(table: str, partition: str, row: str) -> str:
    """Return an entity's address below that of the account's tables."""
    keys = (quote(key.replace("'", "''"), safe="") for key in (partition, row))
    return "{}(PartitionKey='{}',RowKey='{}')".format(quote(table, safe=""), *keys)
