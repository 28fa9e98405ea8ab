"""What writes do: from a request's keys to documents' keys, from an item as it is to the item as it shall be.

All of it is pure; what is refused is raised as the error that is answered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.clouds.aws.dynamodb.attributes import check_depth, document_of, show_document
from fogbank.clouds.aws.dynamodb.errors import condition_failed, invalid_values, validation
from fogbank.clouds.aws.dynamodb.expressions import expressions_of
from fogbank.clouds.aws.dynamodb.indexes import check_given
from fogbank.clouds.aws.dynamodb.schemas import key_alone, key_in_item
from fogbank.clouds.aws.dynamodb.sizes import check_size, size_of
from fogbank.languages.dynamodb.applying import apply_update
from fogbank.languages.dynamodb.errors import MisuseError

if TYPE_CHECKING:
    from fogbank.clouds.aws.api import Input
    from fogbank.engines.documents.documents import Change
    from fogbank.engines.documents.model import Collection, Document, Key
    from fogbank.languages.dynamodb.applying import Update
    from fogbank.languages.dynamodb.matching import Matcher
    from fogbank.languages.dynamodb.types import Item

# Values of parameters by which nothing is asked for.
NOTHING: Final = (None, "NONE")
_OF_CONDITIONS: Final = (
    "ConditionExpression",
    "ExpressionAttributeNames",
    "ExpressionAttributeValues",
    "Expected",
    "ConditionalOperator",
)


def key_of_item(item: Item, table: Collection) -> Key:
    """Return the key of an item that is to be put."""
    return key_in_item(table.config, item)


def key_of_key(key: Item, table: Collection) -> Key:
    """Return the key that a request's Key names."""
    return key_alone(table.config, key)


def key_to_update(key: Item, update: Update | None, table: Collection) -> Key:
    """Return the key that a request's Key names; refuses an update of the key itself, and empty keys of indexes."""
    located = key_alone(table.config, key)
    if update is not None:
        for name in table.config.key_names:
            if name in update.tree:
                raise invalid_values(f"Cannot update attribute {name}. This attribute is part of the key")
        if table.config.indexes:
            check_given(table.config, update.given)
    return located


def updated(update: Update | None, key: Item, before: Document | None) -> Document | None:
    """Return an item after an update; one that doesn't exist isn't created only to have something removed."""
    there = key if before is None else before.fields
    size = size_of(key) if before is None else before.size
    if update is None:
        return document_of(there, size) if before is None else before
    if before is None and not update.creates:
        return None
    try:
        fields = apply_update(update, there)
    except MisuseError as error:
        raise validation(str(error)) from None
    # Only what is changed is looked at.
    names = list(map(str, update.tree))
    new = {name: fields[name] for name in names if name in fields}
    check_depth(new)
    size += size_of(new) - size_of({name: there[name] for name in names if name in there})
    check_size(fields, size, updated=True)
    return document_of(fields, size)


def condition_of(request: Input) -> Matcher | None:
    """Return what tells whether an item fulfils a request's condition; None if there is none."""
    if all(getattr(request, parameter, None) is None for parameter in _OF_CONDITIONS):
        return None
    expressions = expressions_of(request, "ConditionExpression")
    condition = expressions.condition()
    expressions.done()
    return condition


def guarded(condition: Matcher | None, on_failure: str | None, change: Change) -> Change:
    """Let a change happen only where the condition is fulfilled.

    `on_failure` is what ReturnValuesOnConditionCheckFailure says.
    """
    if condition is None:
        return change

    def guarded_change(before: Document | None) -> Document | None:
        if not condition({} if before is None else before.fields):
            if on_failure == "ALL_OLD" and before is not None:
                raise condition_failed({"Item": show_document(before)})
            raise condition_failed()
        return change(before)

    return guarded_change


def unchanged(before: Document | None) -> Document | None:
    """Leave an item as it is."""
    return before
