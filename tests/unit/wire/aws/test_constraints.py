"""The wording of constraints on lists, maps and structures, on DynamoDB's model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from fogbank.wire.aws.constraints import ERRORS_SHOWN_MAX, compile_constraints, violations
from fogbank.wire.aws.errors import InputError
from fogbank.wire.aws.models import load_model

if TYPE_CHECKING:
    from collections.abc import Collection


def refusal(service: str, operation: str, unchecked: Collection[str] = (), **members: Any) -> str | None:
    """What is said of an input, None if it is taken."""
    model = load_model(service)
    request = msgspec.defstruct("Request", [(name, Any) for name in members])(**members)
    check = compile_constraints(model, model.operation(operation), members, unchecked)
    if check is None:
        return None
    try:
        check(request)
    except InputError as error:
        return f"{error.kind}: {error.detail}".removeprefix("constraint: ")
    return None


class Tag(msgspec.Struct):
    Key: str
    Value: str | None = None


def test_members_of_a_list_are_demanded_of_the_list() -> None:
    assert refusal("dynamodb", "UntagResource", TagKeys=["a", "x" * 129]) == (
        f"1 validation error detected: Value '[a, {'x' * 129}]' at 'tagKeys' failed to satisfy constraint: Member must"
        " satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater than"
        " or equal to 1]"
    )
    assert refusal("dynamodb", "UntagResource", TagKeys=["a", "b"]) is None


def test_structures_in_a_list_are_looked_into() -> None:
    assert refusal("dynamodb", "TagResource", Tags=[Tag("a", "b"), Tag("", None)]) == (
        "2 validation errors detected: Value '' at 'tags.2.member.key' failed to satisfy constraint: Member must have"
        " length greater than or equal to 1; Value null at 'tags.2.member.value' failed to satisfy constraint: Member"
        " must not be null"
    )


def test_keys_and_values_of_a_map_are_demanded_of_the_map() -> None:
    assert refusal("dynamodb", "BatchWriteItem", RequestItems={"table": []}) == (
        "1 validation error detected: Value '{table=[]}' at 'requestItems' failed to satisfy constraint: Map value must"
        " satisfy constraint: [Member must have length less than or equal to 25, Member must have length greater than"
        " or equal to 1]"
    )
    assert refusal("dynamodb", "BatchWriteItem", RequestItems={"": [{"DeleteRequest": {"Key": {}}}]}) == (
        "1 validation error detected: Value '{=[{DeleteRequest={Key={}}}]}' at 'requestItems' failed to satisfy"
        " constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 1024, Member"
        " must have length greater than or equal to 1]"
    )


def test_the_pattern_comes_last() -> None:
    assert refusal("dynamodb", "ListTables", ExclusiveStartTableName="?") == (
        "2 validation errors detected: Value '?' at 'exclusiveStartTableName' failed to satisfy constraint: Member must"
        " have length greater than or equal to 3; Value '?' at 'exclusiveStartTableName' failed to satisfy constraint:"
        " Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
    )


def test_shapes_can_be_left_to_the_service() -> None:
    item = {"x" * 65_536: {"S": "y"}}
    assert "Map keys must satisfy constraint" in (refusal("dynamodb", "PutItem", Item=item) or "")
    assert refusal("dynamodb", "PutItem", ("AttributeName", "AttributeValue"), Item=item) is None
    assert refusal("dynamodb", "PutItem", ("AttributeName", "AttributeValue"), Item=None) == (
        "1 validation error detected: Value null at 'item' failed to satisfy constraint: Member must not be null"
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "null"),
        ("x", "'x'"),
        (True, "'true'"),
        ([1, "a"], "'[1, a]'"),
        ({"k": [False]}, "'{k=[false]}'"),
        (Tag("a", "b"), "'Tag(key=a, value=b)'"),
        ([Tag("a")], "'[Tag(key=a, value=null)]'"),
        (b"abc", "'java.nio.HeapByteBuffer[pos=0 lim=3 cap=3]'"),
    ],
)
def test_values_are_shown_as_java_shows_them(value: Any, shown: str) -> None:
    assert violations([(value, "place", "Nothing may")]) == (
        f"1 validation error detected: Value {shown} at 'place' failed to satisfy constraint: Nothing may"
    )


def test_several_errors_are_told_together_and_not_without_end() -> None:
    told = refusal("dynamodb", "TagResource", Tags=[Tag("a") for _ in range(30)]) or ""
    assert told.startswith("30 validation errors detected")
    assert told.count("; ") == ERRORS_SHOWN_MAX - 1


@pytest.mark.parametrize("value", [1, "x", [], {}, [1], {"a": 1}, 1.5, True, b"x", [[{}]], {"a": {}}, [None]])
def test_values_of_other_types_do_no_harm(value: Any) -> None:
    """An input may leave the type of a member open; its operation will refuse the value."""
    refusal("dynamodb", "BatchWriteItem", RequestItems=value)
    refusal("dynamodb", "BatchWriteItem", RequestItems={"table": value})
    refusal("dynamodb", "PutItem", Item=value, TableName=value, ReturnValues=value, ExpressionAttributeNames=value)
    refusal("dynamodb", "TagResource", Tags=[value], ResourceArn=value)
    refusal("dynamodb", "Query", Limit=value, Select=value, KeyConditions={"a": value})


@pytest.mark.parametrize("service", ["dynamodb", "events", "iam", "lambda", "logs", "s3", "sns", "sqs", "sts"])
def test_every_operation_of_the_real_models_compiles(service: str) -> None:
    model = load_model(service)
    for operation in model.operations.values():
        if operation.input is not None:
            compile_constraints(model, operation, model.shape(operation.input).members)
