"""INSERT, UPDATE, DELETE and EXISTS as writes to one item."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from fogbank.clouds.aws.dynamodb.attributes import check_depth, document_of
from fogbank.clouds.aws.dynamodb.errors import condition_failed, validation
from fogbank.clouds.aws.dynamodb.items.writing import (
    guarded,
    key_of_item,
    key_of_key,
    key_to_update,
    unchanged,
    updated,
)
from fogbank.clouds.aws.dynamodb.partiql.statements import INCOMPLETE_KEY, asked_by
from fogbank.clouds.aws.dynamodb.sizes import check_size, size_of
from fogbank.engines.documents.documents import Write
from fogbank.languages.dynamodb.applying import compile_update
from fogbank.languages.dynamodb.errors import ExpressionError, MisuseError
from fogbank.languages.dynamodb.paths import project
from fogbank.languages.partiql.statements import Delete, Exists, Insert, Update
from fogbank.languages.partiql.values import evaluate
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from fogbank.clouds.aws.dynamodb.partiql.statements import Ready
    from fogbank.clouds.aws.dynamodb.service import Dynamo
    from fogbank.engines.documents.documents import Change, Written
    from fogbank.engines.documents.model import Document
    from fogbank.languages.dynamodb.matching import Matcher
    from fogbank.languages.dynamodb.nodes import Condition
    from fogbank.languages.dynamodb.paths import Tree
    from fogbank.languages.dynamodb.types import Item

_DUPLICATE: Final = "Duplicate primary key exists in table"


class Prepared(NamedTuple):
    """A write, and what its statement wants returned: `ALL_OLD`, `MODIFIED_NEW` …, of which paths."""

    write: Write
    returning: str = ""
    tree: Tree | None = None

    def returned(self, written: Written) -> Item | None:
        """Return the attributes that are wanted; None if none are."""
        if not self.returning:
            return None
        document = written.before if self.returning.endswith("OLD") else written.after
        if document is None:
            return None
        if self.tree is None or self.returning.startswith("ALL"):
            return document.fields
        return project(document.fields, self.tree) if self.tree else {}


def prepare(dynamo: Dynamo, ready: Ready, on_failure: str | None) -> Prepared:
    """Make a statement a write; `on_failure` is what ReturnValuesOnConditionCheckFailure says."""
    statement, number = ready.statement, dynamo.ids.sequence()
    match statement:
        case Insert():
            document = _item(ready, statement)
            return Prepared(
                Write(ready.name, number, partial(key_of_item, document.fields), partial(_insert, document))
            )
        case Update():
            key, rest = _key(ready, statement.where)
            try:
                update = compile_update(statement.actions, ready.bound)
            except (ExpressionError, MisuseError) as error:
                raise validation(str(error)) from None
            change = _of_existing(guarded(rest, on_failure, partial(updated, update, key)))
            write = Write(ready.name, number, partial(key_to_update, key, update), change)
            tree = update.tree_after() if statement.returning.endswith("NEW") else update.tree
            return Prepared(write, statement.returning, tree)
        case Delete():
            key, rest = _key(ready, statement.where)
            change = _if_existing(guarded(rest, on_failure, lambda _before: None))
            return Prepared(Write(ready.name, number, partial(key_of_key, key), change), statement.returning)
        case Exists():
            key, rest = _key(ready, statement.select.where)
            change = _of_existing(guarded(rest, on_failure, unchanged))
            return Prepared(Write(ready.name, number, partial(key_of_key, key), change))
        case _:
            raise AssertionError(statement)


def _item(ready: Ready, statement: Insert) -> Document:
    try:
        item = evaluate(statement.item, ready.bound.parameters)
    except MisuseError as error:
        raise validation(str(error)) from None
    if not isinstance(item, dict):
        raise validation("Statement wasn't well formed, can't be processed: Unexpected term")
    check_depth(item)
    size = size_of(item)
    check_size(item, size)
    return document_of(item, size)


def _insert(document: Document, before: Document | None) -> Document:
    if before is not None:
        raise AwsError("DuplicateItemException", _DUPLICATE)
    return document


def _key(ready: Ready, where: Condition | None) -> tuple[Item, Matcher | None]:
    """Return the key that a condition names, and what else it asks."""
    names = ready.collection.config.key_names
    asked = asked_by(ready, where, names)
    key = asked.values(names)
    if key is None:
        raise validation(INCOMPLETE_KEY)
    return key, asked.rest


def _of_existing(change: Change) -> Change:
    """Let a change happen only to an item that there is."""

    def of_existing(before: Document | None) -> Document | None:
        if before is None:
            raise condition_failed()
        return change(before)

    return of_existing


def _if_existing(change: Change) -> Change:
    """Leave alone what there isn't: it counts as deleted, whatever else was asked."""
    return lambda before: None if before is None else change(before)
