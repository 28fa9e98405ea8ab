"""What one state of the server has other than another: resources by service, and how much of what is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from fogbank.storage.images.model import reading_two

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import TypeAlias

    from fogbank.storage.images.model import Connection

    # A kind's name, a scope and a name in it.
    Resource: TypeAlias = tuple[str, str, str]

ADDED: Final = "added"
REMOVED: Final = "removed"
CHANGED: Final = "changed"
SAME: Final = "same"


class Difference(NamedTuple):
    """A resource that isn't as it was: `change` is what became of itself, `same` where only its contents differ.

    The numbers are of what is in it: `contents` says what that is, messages, documents or entries; "" for nothing.
    """

    service: str
    kind: str
    scope: str
    name: str
    change: str
    contents: str
    added: int
    removed: int
    changed: int


class _Kind(NamedTuple):
    """How resources of a kind are found: table, columns of the name, and what says that one has changed.

    `services` are those of realms where the configuration names no dialect, and what its contents are called.
    """

    table: str
    name: str
    state: str
    services: dict[str, str]
    contents: str = ""
    owner: str = "0"


_KINDS: Final = {
    "queue": _Kind("queue", "name", "config", {"aws": "sqs", "azure": "storage-queue"}, "messages", "store"),
    "topic": _Kind("topic", "name", "config", {"aws": "sns", "azure": "eventgrid"}),
    "subscription": _Kind(
        "subscription", "id", "config", {"aws": "sns", "gcp": "pubsub", "azure": "eventgrid"}
    ),
    "collection": _Kind(
        "collection", "name", "config", {"aws": "dynamodb", "azure": "tables"}, "documents", "id"
    ),
    "function": _Kind("function", "name", "config", {"aws": "lambda", "gcp": "functions", "azure": "functions"}),
    "trigger": _Kind("function_trigger", "id", "config", {"aws": "lambda", "gcp": "functions", "azure": "functions"}),
    "function URL": _Kind("function_url", "name || ' ' || qualifier", "config", {"aws": "lambda"}),
    "layer": _Kind("layer", "name", "versions", {"aws": "lambda"}),
    "schedule": _Kind("schedule", "name", "config", {}),
    "log group": _Kind("log_group", "name", "config", {"aws": "logs", "gcp": "logging"}, "entries", "id"),
    "principal": _Kind("principal", "name", "config", {"aws": "iam"}),
    "policy": _Kind("policy", "name", "config", {"aws": "iam"}),
    "schema": _Kind("message_schema", "name || '@' || revision", "definition", {"gcp": "pubsub"}),
    "record": _Kind("messaging_record", "kind || ' ' || name", "body", {}),
    "account": _Kind("keyed_resource", "kind || ' ' || name", "config", {}),
}  # fmt: skip
# What is in resources, by the number of its owner in the later state or the earlier one. Rows that stand under a number
# which nobody has any more are there for a while, and count as gone.
_MESSAGES: Final = {
    ADDED: (
        "SELECT m.queue, COUNT(*) FROM {this}.message m WHERE NOT EXISTS"
        " (SELECT 1 FROM {other}.message o WHERE o.id = m.id AND o.queue = m.queue"
        " AND o.queue IN (SELECT store FROM {other}.queue)) GROUP BY 1"
    ),
    CHANGED: (
        "SELECT m.queue, COUNT(*) FROM {this}.message m JOIN {other}.message o ON o.id = m.id AND o.queue = m.queue"
        " WHERE m.lease <> o.lease OR m.visible_us <> o.visible_us OR m.receives <> o.receives OR m.body <> o.body"
        " GROUP BY 1"
    ),
}
_SAME_COLLECTION: Final = (
    "FROM {this}.document d JOIN {this}.collection c ON c.id = d.collection"
    " LEFT JOIN {other}.collection oc ON oc.scope = c.scope AND oc.name = c.name"
)
_SAME_DOCUMENT: Final = "o.collection = oc.id AND o.partition = d.partition AND o.sort = d.sort"
_DOCUMENTS: Final = {
    ADDED: (
        f"SELECT c.id, COUNT(*) {_SAME_COLLECTION} WHERE NOT EXISTS"
        f" (SELECT 1 FROM {{other}}.document o WHERE {_SAME_DOCUMENT}) GROUP BY 1"
    ),
    CHANGED: (
        f"SELECT c.id, COUNT(*) {_SAME_COLLECTION} JOIN {{other}}.document o ON {_SAME_DOCUMENT}"
        " WHERE o.body <> d.body GROUP BY 1"
    ),
}
_ENTRIES: Final = {
    ADDED: (
        "SELECT e.log_group, COUNT(*) FROM {this}.log_entry e WHERE NOT EXISTS (SELECT 1 FROM {other}.log_entry o"
        " WHERE o.log_group = e.log_group AND o.at_us = e.at_us AND o.id = e.id"
        " AND o.log_group IN (SELECT id FROM {other}.log_group)) GROUP BY 1"
    ),
}
_CONTENTS: Final = {"messages": _MESSAGES, "documents": _DOCUMENTS, "entries": _ENTRIES}


class _Found(NamedTuple):
    """A resource as one state has it."""

    state: Any
    service: str
    owner: int


def compare(before: Path, after: Path) -> list[Difference]:
    """Return what differs between two images of this version, by service, kind, scope and name."""
    with reading_two(before, after) as connection:
        return sorted(difference for kind in _KINDS for difference in _compare(connection, kind))


def _compare(connection: Connection, name: str) -> Iterator[Difference]:
    kind = _KINDS[name]
    earlier, later = (_resources(connection, side, kind) for side in ("main", "later"))
    statements = _CONTENTS.get(kind.contents, {})
    added = _count(connection, statements.get(ADDED), "later", "main")
    removed = _count(connection, statements.get(ADDED), "main", "later")
    changed = _count(connection, statements.get(CHANGED), "later", "main")
    for key in earlier.keys() | later.keys():
        was, is_ = earlier.get(key), later.get(key)
        if was is None:
            change = ADDED
        elif is_ is None:
            change = REMOVED
        else:
            change = SAME if was.state == is_.state else CHANGED
        counts = (
            0 if is_ is None else added.get(is_.owner, 0),
            0 if was is None else removed.get(was.owner, 0),
            0 if is_ is None else changed.get(is_.owner, 0),
        )
        if change != SAME or any(counts):
            shown = is_ or was
            assert shown is not None
            yield Difference(shown.service, name, *key, change, kind.contents, *counts)


def _resources(connection: Connection, side: str, kind: _Kind) -> dict[tuple[str, str], _Found]:
    rows = connection.execute(f"SELECT scope, {kind.name}, {kind.state}, {kind.owner} FROM {side}.{kind.table}")
    return {(scope, name): _Found(state, _service(kind, scope, state), owner) for scope, name, state, owner in rows}


def _service(kind: _Kind, scope: str, state: Any) -> str:
    """Return the cloud and the service that a resource is of, as far as it says."""
    realm = scope.partition("/")[0]
    dialect = ""
    if isinstance(state, bytes):
        try:
            fields = msgspec.msgpack.decode(state)
        except (msgspec.DecodeError, ValueError):
            fields = None
        if isinstance(fields, dict):
            dialect = str(fields.get("dialect", ""))
    service = dialect.rpartition(".")[2] or kind.services.get(realm, "")
    return f"{realm} {service}".strip()


def _count(connection: Connection, statement: str | None, this: str, other: str) -> dict[int, int]:
    """Return numbers by owner."""
    if statement is None:
        return {}
    return dict(connection.execute(statement.format(this=this, other=other)).fetchall())
