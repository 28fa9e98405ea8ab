"""Every hand-written input agrees with its service's model: names, types, what is required."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from msgspec.inspect import (
    AnyType,
    BoolType,
    BytesType,
    DictType,
    EnumType,
    FloatType,
    IntType,
    ListType,
    LiteralType,
    NoneType,
    RawType,
    StrType,
    StructType,
    Type,
    UnionType,
    type_info,
)

from fogbank.wire.aws.models import load_model
from tests.unit.clouds.aws.registered import OPERATIONS, SERVICES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fogbank.clouds.aws.api import Input
    from fogbank.wire.aws.models import Ref, ServiceModel, Shape

# Members that the model lets be left out, and without which what they are in says nothing.
STRICTER = frozenset({"AssumeRole.PolicyArns[].arn", "GetFederationToken.PolicyArns[].arn"})
SCALARS: dict[str, tuple[type[Type], ...]] = {
    "integer": (IntType,),
    "long": (IntType,),
    "float": (FloatType,),
    "double": (FloatType,),
    "boolean": (BoolType,),
    "timestamp": (FloatType,),
    "blob": (BytesType,),
}


def disagreements(model: ServiceModel, ref: Ref, kind: Type, place: str, *, checked: bool) -> Iterator[str]:
    """Yield what is wrong with the type of one place; `checked` if required members are checked later."""
    shape = model.shape(ref)
    if isinstance(kind, UnionType):
        (kind,) = (each for each in kind.types if not isinstance(each, NoneType))
    if isinstance(kind, AnyType | RawType):
        if shape.type not in ("structure", "map", "list"):
            yield f"{place}: anything, where the model has a {shape.type}"
    elif isinstance(kind, StructType):
        if shape.type != "structure":
            yield f"{place}: a structure, where the model has a {shape.type}"
        else:
            yield from struct_disagreements(model, shape, kind, place, checked=checked)
    elif isinstance(kind, ListType):
        if shape.member is None:
            yield f"{place}: a list, where the model has a {shape.type}"
        else:
            yield from disagreements(model, shape.member, kind.item_type, f"{place}[]", checked=checked)
    elif isinstance(kind, DictType):
        if shape.type == "map" and shape.value is not None:
            yield from disagreements(model, shape.value, kind.value_type, f"{place}{{}}", checked=checked)
        elif shape.type != "structure" or not isinstance(kind.value_type, AnyType | RawType):
            yield f"{place}: a map, where the model has a {shape.type}"
    elif isinstance(kind, LiteralType | EnumType):
        values = kind.values if isinstance(kind, LiteralType) else [each.value for each in kind.cls]
        if shape.type != "string" or not set(values) <= set(shape.enum):
            yield f"{place}: one of {values}, where the model has one of {shape.enum}"
    elif shape.type == "string":
        if not isinstance(kind, StrType):
            yield f"{place}: {kind}, where the model has a string"
    elif not isinstance(kind, SCALARS.get(shape.type, ())):
        yield f"{place}: {kind}, where the model has a {shape.type}"


def struct_disagreements(
    model: ServiceModel, shape: Shape, kind: StructType, place: str, *, checked: bool
) -> Iterator[str]:
    if not kind.forbid_unknown_fields:
        yield f"{place}: {kind.cls.__name__} passes over what it doesn't know; make it an Input"
    fields = {field.encode_name: field for field in kind.fields}
    for name, field in fields.items():
        if name not in shape.members:
            yield f"{place}.{name}: not in the model"
            continue
        if field.required and name not in shape.required and f"{place}.{name}" not in STRICTER:
            yield f"{place}.{name}: required, where the model lets it be left out"
        yield from disagreements(model, shape.members[name], field.type, f"{place}.{name}", checked=checked)
    for name in shape.required:
        if name not in fields:
            yield f"{place}.{name}: required by the model, and not there"
        elif not fields[name].required and not checked:
            yield f"{place}.{name}: required by the model, and nobody checks that it is there"


@pytest.mark.parametrize(("name", "operation"), OPERATIONS)
def test_an_input_agrees_with_the_model(name: str, operation: str) -> None:
    service = SERVICES[name]
    model = load_model(service.model)
    kind: type[Input] = service.operations[operation].input
    assert operation in model.operations, "AWS has no such operation"
    ref = model.operation(operation).input
    if ref is None:
        assert not kind.__struct_fields__
        return
    assert list(disagreements(model, ref, type_info(kind), operation, checked=service.constrained)) == []


class Inner(msgspec.Struct):
    DataType: int


class Wrong(msgspec.Struct, forbid_unknown_fields=True):
    QueueUrl: str | None = None
    DelaySeconds: str | None = None
    MessageAttributes: dict[str, Inner] | None = None
    Nonsense: str = ""


@pytest.mark.parametrize("checked", [True, False])
def test_disagreements_are_found(checked: bool) -> None:
    model = load_model("sqs")
    ref = model.operation("SendMessage").input
    assert ref is not None
    found = list(disagreements(model, ref, type_info(Wrong), "SendMessage", checked=checked))
    places = {each.partition(":")[0].removeprefix("SendMessage.") for each in found}
    wrong = {"DelaySeconds", "MessageAttributes{}", "MessageAttributes{}.DataType", "Nonsense", "MessageBody"}
    assert places == (wrong if checked else wrong | {"QueueUrl"})
