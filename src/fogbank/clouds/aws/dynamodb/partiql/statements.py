"""Statements made ready: parsed, with their parameters, and with the tables that they name.

Amazon DynamoDB Developer Guide, "PartiQL - a SQL-compatible query language for Amazon DynamoDB".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.clouds.aws.dynamodb.attributes import read_value
from fogbank.clouds.aws.dynamodb.errors import validation
from fogbank.clouds.aws.dynamodb.service import Dynamo, table_of
from fogbank.engines.documents import collections
from fogbank.languages.dynamodb.errors import ExpressionError, MisuseError
from fogbank.languages.partiql.binding import Asked, Bound, ask
from fogbank.languages.partiql.statements import Exists, Select, parse_statement
from fogbank.languages.partiql.syntax import StatementError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.clouds.aws.api import Call
    from fogbank.engines.documents.model import Collection, Name
    from fogbank.languages.dynamodb.nodes import Condition
    from fogbank.languages.partiql.statements import Statement

INCOMPLETE_KEY: Final = "Where clause does not contain a mandatory equality on all key attributes"


class Ready(NamedTuple):
    """A statement with its values and its table; `table` is what the statement calls it."""

    statement: Statement
    bound: Bound
    table: str
    name: Name
    collection: Collection


def read_statement(text: str, parameters: list[Any] | None) -> tuple[Statement, Bound]:
    """Parse a statement and give it its parameters; raises `AwsError`."""
    try:
        parsed = parse_statement(text)
        return parsed.statement, Bound(parsed, [read_value(each) for each in parameters or ()])
    except StatementError as error:
        raise validation(f"Statement wasn't well formed, can't be processed: {error}") from None
    except MisuseError as error:
        raise validation(str(error)) from None


async def make_ready(dynamo: Dynamo, call: Call, statement: Statement, bound: Bound) -> Ready:
    """Find a statement's table."""
    table = table_in(statement)
    name = table_of(call, table)
    return Ready(statement, bound, table, name, await dynamo.store.read(collections.find, name))


def table_in(statement: Statement) -> str:
    """Return what a statement calls its table."""
    return statement.select.table if isinstance(statement, Exists) else statement.table


def reads(statement: Statement) -> bool:
    """Tell whether a statement only reads."""
    return isinstance(statement, Select)


def asked_by(ready: Ready, where: Condition | None, key_names: Sequence[str]) -> Asked:
    """Split a statement's condition into what it asks of the key and of the rest."""
    try:
        return ask(where, key_names, ready.bound)
    except (ExpressionError, MisuseError) as error:
        raise validation(str(error)) from None
