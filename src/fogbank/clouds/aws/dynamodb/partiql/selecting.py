"""SELECT: a Query where the condition names one partition, else a Scan; one item in batches and transactions."""

from __future__ import annotations

from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.dynamodb.attributes import show_document, write_attributes
from fogbank.clouds.aws.dynamodb.errors import validation
from fogbank.clouds.aws.dynamodb.expressions import Expressions
from fogbank.clouds.aws.dynamodb.indexes import find_index
from fogbank.clouds.aws.dynamodb.items.writing import key_of_key
from fogbank.clouds.aws.dynamodb.partiql.statements import asked_by
from fogbank.clouds.aws.dynamodb.reading import Query, Scan, run_query, run_scan
from fogbank.clouds.aws.paging import InvalidTokenError, read_token, write_token
from fogbank.languages.dynamodb.errors import ExpressionError, MisuseError
from fogbank.languages.dynamodb.matching import compile_condition
from fogbank.languages.partiql.statements import Select

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.clouds.aws.api import Call
    from fogbank.clouds.aws.dynamodb.partiql.operations import ExecuteStatement
    from fogbank.clouds.aws.dynamodb.partiql.statements import Ready
    from fogbank.clouds.aws.dynamodb.service import Dynamo
    from fogbank.engines.documents.documents import Locate
    from fogbank.engines.documents.model import Collection, Document
    from fogbank.languages.dynamodb.key_conditions import KeyTerm
    from fogbank.languages.dynamodb.matching import Matcher
    from fogbank.languages.dynamodb.nodes import Path

_CHANGED: Final = "NextToken does not match request"
_PARAMETERS: Final = ("ProjectionExpression", "FilterExpression", "KeyConditionExpression")


class Page:
    """What a request says of the page it wants."""

    def __init__(self, request: ExecuteStatement) -> None:
        asked = [request.Statement, request.Parameters or []]
        self.digest = sha256(msgspec.json.encode(asked, order="deterministic")).hexdigest()
        self.start = None if request.NextToken is None else self._read(request.NextToken)
        self.limit = request.Limit
        self.consistent = request.ConsistentRead
        self.capacity = request.ReturnConsumedCapacity

    def token(self, last: dict[str, Any]) -> str:
        """Return the token of the page that follows an item."""
        return write_token([self.digest, last])

    def _read(self, token: str) -> dict[str, Any]:
        try:
            digest, start = read_token(token, tuple[str, dict[str, Any]])
        except InvalidTokenError:
            raise validation(_CHANGED) from None
        if digest != self.digest:
            raise validation(_CHANGED)
        return start


async def select(dynamo: Dynamo, call: Call, ready: Ready, page: Page) -> dict[str, Any]:
    """Return a page of the items that a SELECT asks for."""
    statement = ready.statement
    assert isinstance(statement, Select)
    names = _key_names(ready.collection, statement.index)
    asked = asked_by(ready, statement.where, names)
    term = asked.key.get(names[0])
    common: dict[str, Any] = {
        "TableName": ready.table,
        "IndexName": statement.index,
        "Limit": page.limit,
        "ExclusiveStartKey": page.start,
        "ConsistentRead": page.consistent,
        "ReturnConsumedCapacity": page.capacity,
    }
    if term is not None and term.operator == "=":
        query = Query(**common, ScanIndexForward=not _descends(statement, names, partition=True))
        terms = list(asked.key.values())
        reply = await run_query(dynamo, call, query, _expressions(statement, asked.rest, terms))
    else:
        _descends(statement, names, partition=False)
        reply = await run_scan(dynamo, call, Scan(**common), _expressions(statement, _whole(ready)))
    return _shown(reply, statement, page)


def key_of(ready: Ready, statement: Select, message: str) -> tuple[Locate, Matcher | None]:
    """Return the key that a SELECT of one item names, and what else it asks; refuses one that names none."""
    asked = asked_by(ready, statement.where, ready.collection.config.key_names)
    key = asked.values(ready.collection.config.key_names)
    if key is None:
        raise validation(message)
    return partial(key_of_key, key), asked.rest


def show(document: Document | None, statement: Select, rest: Matcher | None) -> dict[str, Any]:
    """Return the answer to a SELECT of one item."""
    if document is None or (rest is not None and not rest(document.fields)):
        return {}
    if statement.paths is None:
        return {"Item": show_document(document)}
    return {"Item": _parts(write_attributes(document.fields), statement.paths)}


def _expressions(statement: Select, condition: Matcher | None, terms: list[KeyTerm] | None = None) -> Expressions:
    """Return what is compiled already as a request's expressions; conditions may read keys here."""
    expressions = Expressions(None, None, **dict.fromkeys(_PARAMETERS))
    expressions.stand_in("FilterExpression", condition, ())
    if terms is not None:
        expressions.stand_in("KeyConditionExpression", terms, ())
    if statement.paths is not None:
        # Whole attributes, of which parts are cut out afterwards.
        names = [str(path.parts[0]) for path in statement.paths]
        expressions.stand_in("ProjectionExpression", {name: {} for name in names}, names)
    return expressions


def _whole(ready: Ready) -> Matcher | None:
    statement = ready.statement
    assert isinstance(statement, Select)
    if statement.where is None:
        return None
    try:
        return compile_condition(statement.where, ready.bound)
    except (ExpressionError, MisuseError) as error:
        raise validation(str(error)) from None


def _key_names(table: Collection, index: str | None) -> tuple[str, ...]:
    """Return the names of the attributes that make the key of a table or of one of its indexes."""
    if index is None:
        return table.config.key_names
    found = find_index(table.config, index)
    if found is None:
        raise validation(f"The table does not have the specified index: {index}")
    return found.key_names


def _descends(statement: Select, names: Sequence[str], *, partition: bool) -> bool:
    """Tell whether items are wanted from the last; refuses an order that isn't that of the key."""
    if not statement.order:
        return False
    if statement.where is None:
        raise validation("Must have WHERE clause in the statement when using ORDER BY clause.")
    if not partition:
        raise validation(
            "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause."
        )
    for name, _down in statement.order:
        if name not in names:
            raise validation(f"Variable reference {name} in ORDER BY clause must be part of the primary key")
    # Within a partition only the sort key makes an order.
    return any(down for name, down in statement.order if name == names[-1])


def _shown(reply: dict[str, Any], statement: Select, page: Page) -> dict[str, Any]:
    shown: dict[str, Any] = {"Items": [_parts(item, statement.paths) for item in reply["Items"]]}
    last = reply.get("LastEvaluatedKey")
    if last is not None:
        shown |= {"LastEvaluatedKey": last, "NextToken": page.token(last)}
    if "ConsumedCapacity" in reply:
        shown["ConsumedCapacity"] = reply["ConsumedCapacity"]
    return shown


def _parts(item: dict[str, Any], paths: tuple[Path, ...] | None) -> dict[str, Any]:
    """Return what paths lead to, each under the last name in it."""
    if paths is None:
        return item
    parts = {}
    for path in paths:
        value = _at(item, path.parts)
        if value is not None:
            parts[_last_name(path)] = value
    return parts


def _at(item: dict[str, Any], steps: tuple[str | int, ...]) -> Any:
    """Return the value at a path, as it is written on the wire; None if there is none."""
    value: Any = {"M": item}
    for step in steps:
        inside = value.get("M" if isinstance(step, str) else "L")
        if isinstance(step, str):
            value = None if inside is None else inside.get(step)
        else:
            value = inside[step] if inside is not None and step < len(inside) else None
        if value is None:
            return None
    return value


def _last_name(path: Path) -> str:
    """Return the last name in a path, with the indexes behind it."""
    at = max(number for number, part in enumerate(path.parts) if isinstance(part, str))
    return str(path.parts[at]) + "".join(f"[{part}]" for part in path.parts[at + 1 :])
