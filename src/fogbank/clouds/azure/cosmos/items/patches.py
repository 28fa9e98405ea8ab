"""Partial updates: up to ten operations on an item, and a condition.

"Partial document update in Azure Cosmos DB" (https://learn.microsoft.com/azure/cosmos-db/partial-document-update).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from fogbank.clouds.azure.cosmos.errors import CosmosError, bad_request, precondition_failed, query_refused, unsupported
from fogbank.clouds.azure.cosmos.items.writing import read_item
from fogbank.languages.cosmos_sql.errors import QueryError
from fogbank.languages.cosmos_sql.queries import parse_filter
from fogbank.languages.cosmos_sql.running import Program, base_row
from fogbank.languages.cosmos_sql.values import finite, is_number

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.engines.documents.model import Document

OPERATIONS_MAX: Final = 10
_KINDS: Final = frozenset({"add", "set", "replace", "remove", "incr", "increment", "move"})
_MEMBERS: Final = frozenset({"op", "path", "value", "from"})
_SYSTEM: Final = frozenset({"id", "_rid", "_self", "_etag", "_ts", "_attachments"})


class Step(NamedTuple):
    """One operation; `path` and `source` are the parts of JSON pointers."""

    kind: str
    path: tuple[str, ...]
    value: Any
    source: tuple[str, ...]


def read_patch(body: Any, now_us: int) -> Callable[[Document], Document]:
    """Return what a patch makes of an item; what that can't be done to is refused when it is called.

    Clients that have no condition may send the operations as they are.
    """
    body = {"operations": body} if isinstance(body, list) else body
    given = body.get("operations") if isinstance(body, dict) else None
    if not isinstance(given, list) or not given:
        raise bad_request("The patch request must have operations.")
    if len(given) > OPERATIONS_MAX:
        raise bad_request(f"The number of patch operations can't exceed '{OPERATIONS_MAX}'.")
    for name in body:
        if name not in ("operations", "condition"):
            raise bad_request(f"The patch request has an unknown member {name}.")
    steps = [_read_step(each) for each in given]
    condition = _read_condition(body.get("condition"))

    def change(before: Document) -> Document:
        if condition is not None and not condition.matches(before.fields, base_row({}, now_us)):
            raise precondition_failed()
        # A copy, since nothing that others see may change.
        fields: Any = msgspec.msgpack.decode(msgspec.msgpack.encode(before.fields))
        for number, step in enumerate(steps, 1):
            try:
                _apply(fields, step)
            except CosmosError as error:
                raise bad_request(f"For Operation({number}): {error.message}") from None
        return read_item(fields, len(msgspec.json.encode(fields)))

    return change


def _read_condition(given: Any) -> Program | None:
    if given is None:
        return None
    if not isinstance(given, str):
        raise bad_request("The condition of a patch must be text.")
    try:
        program = Program(parse_filter(given))
    except QueryError as error:
        raise query_refused(error) from None
    if program.functions:
        raise unsupported("user-defined functions in the condition of a patch")
    return program


def _read_step(given: Any) -> Step:
    if not isinstance(given, dict):
        raise bad_request("A patch operation must be an object.")
    for name in given:
        if name not in _MEMBERS:
            raise bad_request(f"A patch operation has an unknown member {name}.")
    kind = given.get("op")
    if not isinstance(kind, str) or kind.lower() not in _KINDS:
        raise bad_request(f"The patch operation '{kind}' is invalid.")
    kind = kind.lower()
    source = _pointer(given.get("from"), "from") if kind == "move" else ()
    if kind not in ("remove", "move") and "value" not in given:
        raise bad_request(f"The patch operation '{kind}' requires a value.")
    path = _pointer(given.get("path"), "path")
    if path[0] in _SYSTEM or (source and source[0] in _SYSTEM):
        raise bad_request(f"The system property '{path[0]}' can't be changed by a patch.")
    value = given.get("value")
    if kind in ("incr", "increment") and not is_number(value):
        raise bad_request("The value of an increment must be a number.")
    return Step("incr" if kind == "increment" else kind, path, value, source)


def _pointer(given: Any, name: str) -> tuple[str, ...]:
    if not isinstance(given, str) or not given.startswith("/") or len(given) < 2:
        raise bad_request(f"The {name} '{given}' of a patch operation is invalid.")
    return tuple([part.replace("~1", "/").replace("~0", "~") for part in given[1:].split("/")])


def _apply(fields: dict[str, Any], step: Step) -> None:
    if step.kind == "move":
        value = _take(fields, step.source)
        _put(fields, step.path, value, insert=True)
    elif step.kind == "remove":
        _take(fields, step.path)
    elif step.kind == "incr":
        parent = _parent(fields, step.path)
        old = _find(parent, step.path[-1])
        if old is not _NOTHING and not is_number(old):
            raise bad_request(f"the value at '{_shown(step.path)}' is no number and can't be incremented.")
        new = finite(step.value if old is _NOTHING else old + step.value)
        _put(fields, step.path, new, insert=False)
    elif step.kind == "replace":
        if _find(_parent(fields, step.path), step.path[-1]) is _NOTHING:
            raise _missing(step.path)
        _put(fields, step.path, step.value, insert=False)
    else:
        _put(fields, step.path, step.value, insert=step.kind == "add")


_NOTHING: Final = object()
_NO_PARENT: Final = (
    "Given Operation can only create a child object of an existing node(array or object) and cannot create path"
    " recursively, no path found beyond: '{}'. Learn more: https://aka.ms/cosmosdbpatchdocs"
)


def _parent(fields: dict[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = fields
    for name in path[:-1]:
        value = _find(value, name)
        if value is _NOTHING:
            raise bad_request(_NO_PARENT.format(name))
    return value


def _find(parent: Any, name: str) -> Any:
    if type(parent) is dict:
        return parent.get(name, _NOTHING)
    if type(parent) is list and name.isdecimal() and int(name[:10]) < len(parent):
        return parent[int(name[:10])]
    return _NOTHING


def _put(fields: dict[str, Any], path: tuple[str, ...], value: Any, *, insert: bool) -> None:
    parent, name = _parent(fields, path), path[-1]
    if type(parent) is dict:
        parent[name] = value
    elif type(parent) is list and name == "-":
        parent.append(value)
    elif type(parent) is list and name.isdecimal() and int(name[:10]) <= len(parent):
        at = int(name[:10])
        if insert or at == len(parent):
            parent.insert(at, value)
        else:
            parent[at] = value
    else:
        raise _missing(path)


def _take(fields: dict[str, Any], path: tuple[str, ...]) -> Any:
    parent = _parent(fields, path)
    found = _find(parent, path[-1])
    if found is _NOTHING:
        raise _missing(path)
    del parent[path[-1] if type(parent) is dict else int(path[-1])]
    return found


def _shown(path: tuple[str, ...]) -> str:
    return "/" + "/".join(path)


def _missing(path: tuple[str, ...]) -> CosmosError:
    return bad_request(f"the path '{_shown(path)}' is not there, or is of no kind that the operation can change.")
