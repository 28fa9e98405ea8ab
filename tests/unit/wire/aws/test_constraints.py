"""Inputs against the constraints of a service's model, in AWS's words."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from fogbank.wire.aws.constraints import ERRORS_SHOWN_MAX, compile_constraints
from fogbank.wire.aws.errors import InputError
from fogbank.wire.aws.models import ServiceModel, load_model

MODEL = msgspec.convert(
    {
        "metadata": {"apiVersion": "1", "endpointPrefix": "x", "protocol": "json"},
        "operations": {"Do": {"name": "Do", "input": {"shape": "DoInput"}}},
        "shapes": {
            "DoInput": {
                "type": "structure",
                "required": ["Name"],
                "members": {
                    "Name": {"shape": "Name"},
                    "Count": {"shape": "Count"},
                    "Kind": {"shape": "Kind"},
                    "Parts": {"shape": "Parts"},
                    "Tags": {"shape": "Tags"},
                    "Free": {"shape": "Free"},
                    "Any": {"shape": "Free"},
                },
            },
            "Name": {"type": "string", "min": 3, "max": 5, "pattern": "[a-z]+"},
            "Count": {"type": "integer", "min": 1, "max": 9},
            "Kind": {"type": "string", "enum": ["one", "two"]},
            "Parts": {"type": "list", "member": {"shape": "Part"}, "min": 1},
            "Part": {
                "type": "structure",
                "required": ["Id"],
                "members": {"Id": {"shape": "Name"}, "Parts": {"shape": "Parts"}},
            },
            "Tags": {"type": "map", "key": {"shape": "Name"}, "value": {"shape": "Kind"}, "max": 1},
            "Free": {"type": "blob", "min": 0},
        },
    },
    ServiceModel,
)


class Part(msgspec.Struct):
    Id: str | None = None
    Parts: Any = None


class Do(msgspec.Struct):
    Name: str | None = "name"
    Count: Any = None
    Kind: Any = None
    Parts: Any = None
    Tags: Any = None
    Any: Any = None


def check(**members: Any) -> str:
    """Return what is wrong with an input."""
    run = compile_constraints(MODEL, MODEL.operation("Do"), Do.__struct_fields__)
    assert run is not None
    try:
        run(Do(**members))
    except InputError as error:
        return f"{error.kind}: {error.detail}"
    return ""


def test_what_is_fine_passes() -> None:
    assert check() == ""
    assert check(Count=9, Kind="two", Parts=[Part("abc", [Part("abc")])], Tags={"abc": "one"}) == ""


@pytest.mark.parametrize(
    ("members", "value", "must"),
    [
        ({"Name": None}, "null at 'name'", "not be null"),
        ({"Name": "ab"}, "'ab' at 'name'", "have length greater than or equal to 3"),
        ({"Name": "abcdef"}, "'abcdef' at 'name'", "have length less than or equal to 5"),
        ({"Name": "ABC"}, "'ABC' at 'name'", "satisfy regular expression pattern: [a-z]+"),
        ({"Count": 0}, "'0' at 'count'", "have value greater than or equal to 1"),
        ({"Count": 10}, "'10' at 'count'", "have value less than or equal to 9"),
        ({"Kind": "three"}, "'three' at 'kind'", "satisfy enum value set: [one, two]"),
        ({"Parts": []}, "'[]' at 'parts'", "have length greater than or equal to 1"),
        ({"Parts": [Part()]}, "null at 'parts.1.member.id'", "not be null"),
        ({"Tags": {"x": "one"}}, "'x' at 'tags.x.member'", "have length greater than or equal to 3"),
        ({"Tags": {"a_b": "one"}}, "'a_b' at 'tags.a_b.member'", "satisfy regular expression pattern: [a-z]+"),
        (
            {"Tags": {"abc": "one", "abd": "two"}},
            "'{abc=one, abd=two}' at 'tags'",
            "have length less than or equal to 1",
        ),
    ],
)
def test_what_is_not_is_told(members: dict[str, Any], value: str, must: str) -> None:
    told = f"Value {value} failed to satisfy constraint: Member must {must}"
    assert check(**members) == f"constraint: 1 validation error detected: {told}"


def test_several_errors_are_told_together_and_not_without_end() -> None:
    assert check(Name="A").startswith("constraint: 2 validation errors detected: Value 'A' at 'name'")
    many = check(Parts=[Part() for _ in range(30)])
    assert many.startswith("constraint: 30 validation errors detected")
    assert many.count("; ") == ERRORS_SHOWN_MAX - 1


@pytest.mark.parametrize("value", [1, "x", [], {}, [1], {"a": 1}, 1.5, True, b"x", [[{}]]])
def test_values_of_other_types_do_no_harm(value: Any) -> None:
    """An input may leave the type of a member open; its operation will refuse the value."""
    for name in ("Count", "Kind", "Parts", "Tags", "Any"):
        check(**{name: value})
        check(Parts=[{"Id": "abc", "Parts": value}], Tags={"abc": value})


@pytest.mark.parametrize("service", ["dynamodb", "events", "iam", "lambda", "logs", "s3", "sns", "sqs", "sts"])
def test_every_operation_of_the_real_models_compiles(service: str) -> None:
    model = load_model(service)
    for operation in model.operations.values():
        if operation.input is not None:
            compile_constraints(model, operation, model.shape(operation.input).members)
