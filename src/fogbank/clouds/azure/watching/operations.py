"""What Azure's operations are called, by their methods and paths.

"Queue service operations" (https://learn.microsoft.com/rest/api/storageservices/operations-on-queues and
operations-on-messages), "Table service operations"
(https://learn.microsoft.com/rest/api/storageservices/table-service-rest-api),
"Azure Cosmos DB REST API" (https://learn.microsoft.com/rest/api/cosmos-db/): without spaces. Resource Manager's are
named as in role definitions: provider, types, and read, write, delete or action
(https://learn.microsoft.com/azure/role-based-access-control/resource-provider-operations).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_QUEUES: Final = {
    ("GET", "service", "list"): "ListQueues",
    ("GET", "service", "properties"): "GetQueueServiceProperties",
    ("PUT", "service", "properties"): "SetQueueServiceProperties",
    ("GET", "service", "stats"): "GetQueueServiceStats",
    ("PUT", "queue", ""): "CreateQueue",
    ("DELETE", "queue", ""): "DeleteQueue",
    ("GET", "queue", "metadata"): "GetQueueMetadata",
    ("HEAD", "queue", "metadata"): "GetQueueMetadata",
    ("PUT", "queue", "metadata"): "SetQueueMetadata",
    ("GET", "queue", "acl"): "GetQueueACL",
    ("HEAD", "queue", "acl"): "GetQueueACL",
    ("PUT", "queue", "acl"): "SetQueueACL",
    ("POST", "messages", ""): "PutMessage",
    ("GET", "messages", ""): "GetMessages",
    ("GET", "messages", "peek"): "PeekMessages",
    ("DELETE", "messages", ""): "ClearMessages",
    ("PUT", "message", ""): "UpdateMessage",
    ("DELETE", "message", ""): "DeleteMessage",
}
_TABLES: Final = {
    ("GET", "service", "properties"): "GetTableServiceProperties",
    ("PUT", "service", "properties"): "SetTableServiceProperties",
    ("GET", "service", "stats"): "GetTableServiceStats",
    ("POST", "batch", ""): "EntityGroupTransaction",
    ("GET", "tables", ""): "QueryTables",
    ("POST", "tables", ""): "CreateTable",
    ("GET", "table", ""): "QueryTables",
    ("DELETE", "table", ""): "DeleteTable",
    ("GET", "entities", ""): "QueryEntities",
    ("POST", "entities", ""): "InsertEntity",
    ("GET", "entities", "acl"): "GetTableACL",
    ("PUT", "entities", "acl"): "SetTableACL",
    ("GET", "entity", ""): "QueryEntities",
    ("DELETE", "entity", ""): "DeleteEntity",
}
_KINDS: Final = {
    "dbs": "Database",
    "colls": "Collection",
    "docs": "Document",
    "users": "User",
    "permissions": "Permission",
    "sprocs": "StoredProcedure",
    "triggers": "Trigger",
    "udfs": "UserDefinedFunction",
    "conflicts": "Conflict",
    "offers": "Offer",
    "pkranges": "PartitionKeyRange",
}
_OF_ONE: Final = {"GET": "Get", "PUT": "Replace", "PATCH": "Patch", "DELETE": "Delete", "POST": "Execute"}
_OF_ARM: Final = {"GET": "read", "HEAD": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete", "POST": "action"}


def queue_operation(method: str, path: Sequence[str], query: Mapping[str, str]) -> str:
    """Return the name of an operation of Queue Storage; empty if it has none."""
    what = ("service", "queue", "messages", "message")[min(len(path), 3)]
    comp = query.get("comp", "")
    if what == "messages" and query.get("peekonly", "").lower() == "true":
        comp = "peek"
    return _QUEUES.get((method, what, comp), "")


def table_operation(method: str, kind: str, comp: str, *, conditional: bool) -> str:
    """Return the name of an operation of Table Storage on a kind of resource; empty if it has none."""
    if kind == "entity" and method in ("PUT", "PATCH", "MERGE"):
        verb = "Update" if method == "PUT" else "Merge"
        return f"{verb}Entity" if conditional else f"InsertOr{verb.replace('Update', 'Replace')}Entity"
    return _TABLES.get(("GET" if method == "HEAD" else method, kind, comp), "")


def cosmos_operation(method: str, path: Sequence[str], *, query: bool, batch: bool) -> str:
    """Return the name of an operation of Cosmos DB; empty if it has none."""
    if not path:
        return "GetDatabaseAccount"
    of_one = len(path) % 2 == 0
    kind = _KINDS.get(path[-2 if of_one else -1].lower(), "")
    if not kind:
        return "DeletePartition" if path[-1].lower() == "partitionkeydelete" else ""
    if of_one:
        return f"{_OF_ONE.get(method, method)}{kind}"
    if batch:
        return "TransactionalBatch"
    if method == "POST":
        return f"Query{kind}s" if query else f"Create{kind}"
    return f"List{kind}s"


def arm_operation(method: str, segments: Sequence[str]) -> tuple[str, str]:
    """Return provider and operation of a request to Resource Manager, by the segments of its path."""
    lowered = [segment.lower() for segment in segments]
    if "providers" not in lowered:
        return "Microsoft.Resources", f"{'/'.join(segments[::2])}/{_OF_ARM.get(method, method)}"
    # Of a resource that is below another provider's, it is the last provider that answers.
    at = len(lowered) - 1 - lowered[::-1].index("providers")
    provider, below = (segments[at + 1] if len(segments) > at + 1 else ""), segments[at + 2 :]
    kinds = "/".join(below[::2])
    return provider, f"{kinds}/{_OF_ARM.get(method, method)}"
