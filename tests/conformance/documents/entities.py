"""What Table Storage's entities do, said as plainly as can be, and Microsoft's own client doing it."""

from __future__ import annotations

import itertools
import os
from itertools import permutations
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError
from azure.data.tables import TableTransactionError, UpdateMode

from tests.conformance.azure.tables.conftest import service_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.testing.server import ThreadedServer

Kind = Literal["get", "query", "insert", "merge", "replace", "upsert_merge", "upsert_replace", "delete", "batch"]
PARTITIONS = ("a", "b")
ROWS = ("1", "2", "3")
TAGS = ("x", "y")
# What an answer's status is called here.
_REFUSALS = {404: "absent", 409: "there", 412: "other"}
_CODES = {"ResourceNotFound": "absent", "EntityAlreadyExists": "there", "UpdateConditionNotSatisfied": "other"}
_numbers = itertools.count(1)


class Key(NamedTuple):
    """An entity's keys."""

    partition: str
    row: str


class Entity(NamedTuple):
    """An entity's properties and its entity tag. What an operation of the model wrote has the tag ""."""

    properties: dict[str, Any]
    tag: str


class Operation(NamedTuple):
    """What a client does. With `tag` it wants the entity as it was with it; `n` is the least value that a query wants.

    The steps of a batch are of its key's partition, and each of another row.
    """

    kind: Kind
    key: Key
    properties: dict[str, Any] = {}  # noqa: RUF012 - nobody changes it
    tag: str = ""
    n: int = 0
    steps: tuple[Operation, ...] = ()


State = dict[Key, Entity]


def apply(state: State, operation: Operation) -> Any:
    """Change the state as the operation does, and return what its client must be told."""
    kind, key = operation.kind, operation.key
    there = state.get(key)
    if kind == "get":
        return None if there is None else there.properties
    if kind == "query":
        # In the order of keys.
        return [
            each.row
            for each, entity in sorted(state.items())
            if each.partition == key.partition and _fits(entity, operation)
        ]
    if kind == "batch":
        tried = dict(state)
        for index, step in enumerate(operation.steps):
            if (told := _write(tried, step)) != "done":
                return index, told
        state.update(tried)
        for gone in state.keys() - tried.keys():
            del state[gone]
        return "done"
    told = _write(state, operation)
    # The client takes it for no failure that there was nothing to delete.
    return "done" if kind == "delete" and told == "absent" else told


def _write(state: State, operation: Operation) -> str:
    kind, key, properties, tag, *_ = operation
    there = state.get(key)
    if kind == "insert":
        if there is not None:
            return "there"
        state[key] = Entity(properties, "")
        return "done"
    if kind in ("merge", "replace", "delete"):
        if there is None:
            return "absent"
        if tag and tag != there.tag:
            return "other"
    if kind == "delete":
        del state[key]
        return "done"
    before = there.properties if there is not None and kind in ("merge", "upsert_merge") else {}
    state[key] = Entity({**before, **properties}, "")
    return "done"


def _fits(entity: Entity, operation: Operation) -> bool:
    wanted = operation.properties.get("tag")
    return entity.properties.get("n", -1) >= operation.n or (
        wanted is not None and entity.properties.get("tag") == wanted
    )


def explain(before: State, operations: Sequence[Operation], told: Sequence[Any], after: State) -> bool:
    """Tell whether there is an order of the operations in which all of them say what was told, and leave `after`.

    What was not written has the tag that it had, and what was written has another one.
    """
    for order in permutations(range(len(operations))):
        state = dict(before)
        if all(apply(state, operations[i]) == told[i] for i in order) and _alike(before, state, after):
            return True
    return False


def _alike(before: State, state: State, after: State) -> bool:
    if {key: each.properties for key, each in state.items()} != {key: each.properties for key, each in after.items()}:
        return False
    return all(
        each.tag == after[key].tag if each.tag else key not in before or before[key].tag != after[key].tag
        for key, each in state.items()
    )


class Entities:
    """A table of its own. `do` may be called by several threads at once."""

    def __init__(self, server: ThreadedServer) -> None:
        self._service = service_of(server)
        self._table = self._service.create_table(f"Model{os.getpid()}x{next(_numbers)}")

    def do(self, operation: Operation) -> Any:
        """Do it and return what `apply` returns."""
        try:
            return self._do(operation)
        except TableTransactionError as error:
            # A member of an enumeration, or a text.
            return error.index, _CODES[getattr(error.error_code, "value", error.error_code)]
        except HttpResponseError as error:
            if operation.kind == "get" and error.status_code == 404:
                return None
            return _REFUSALS[error.status_code or 0]

    def _do(self, operation: Operation) -> Any:
        kind, key = operation.kind, operation.key
        if kind == "get":
            return _properties(self._table.get_entity(*key))
        if kind == "query":
            wanted = f"n ge {operation.n}"
            if "tag" in operation.properties:
                wanted = f"({wanted} or tag eq '{operation.properties['tag']}')"
            found = self._table.query_entities(f"PartitionKey eq '{key.partition}' and {wanted}", select=["RowKey"])
            return [each["RowKey"] for each in found]
        if kind == "batch":
            self._table.submit_transaction([_step(each) for each in operation.steps])
        else:
            name, entity, settings = _step(operation)
            getattr(self._table, f"{name}_entity")(entity, **settings)
        return "done"

    def all(self) -> State:
        """Return every entity."""
        return {
            Key(each["PartitionKey"], each["RowKey"]): Entity(_properties(each), each.metadata["etag"])
            for each in self._table.list_entities()
        }

    def close(self) -> None:
        """Let the client go."""
        self._service.close()


def _properties(entity: Any) -> dict[str, Any]:
    return {name: value for name, value in entity.items() if name not in ("PartitionKey", "RowKey")}


def _step(operation: Operation) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Return a write as the client has it in a batch."""
    kind, (partition, row), properties, tag, *_ = operation
    entity = {"PartitionKey": partition, "RowKey": row, **properties}
    settings: dict[str, Any] = {}
    if tag:
        settings |= {"etag": tag, "match_condition": MatchConditions.IfNotModified}
    if kind == "insert":
        return "create", entity, settings
    if kind == "delete":
        return "delete", entity, settings
    settings["mode"] = UpdateMode.MERGE if kind.endswith("merge") else UpdateMode.REPLACE
    return "upsert" if kind.startswith("upsert") else "update", entity, settings
