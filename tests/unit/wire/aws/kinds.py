"""Input structs made from a service's model, as an operation's hand-written `Input` would be."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import msgspec

from fogbank.clouds.aws.api import Input

if TYPE_CHECKING:
    from fogbank.wire.aws.models import Ref, ServiceModel

SCALARS = {
    "string": "str",
    "character": "str",
    "integer": "int",
    "long": "int",
    "float": "float",
    "double": "float",
    "boolean": "bool",
    "timestamp": "float",
    "blob": "bytes",
}


class Kinds:
    """The structs of one service. They stand in a module of their own, where msgspec resolves their names."""

    def __init__(self, model: ServiceModel, service: str) -> None:
        self._model = model
        self._module = ModuleType(f"kinds_of_{service}")
        self._module.__dict__["Any"] = Any
        sys.modules[self._module.__name__] = self._module

    def of(self, ref: Ref | None) -> type[Input]:
        """Return the struct of an input or output."""
        if ref is None:
            return self._define("Nothing", [])
        return getattr(self._module, self._struct(ref.shape))

    def _annotation(self, ref: Ref) -> str:
        shape = self._model.shape(ref)
        if shape.document or ref.jsonvalue:
            return "Any"
        if shape.type == "structure":
            return self._struct(ref.shape)
        if shape.type == "list":
            assert shape.member is not None
            return f"list[{self._annotation(shape.member)}]"
        if shape.type == "map":
            assert shape.value is not None
            return f"dict[str, {self._annotation(shape.value)}]"
        return SCALARS[shape.type]

    def _struct(self, name: str) -> str:
        kind = f"Of{name}"
        if not hasattr(self._module, kind):
            # Taken before it is defined: a shape may contain itself.
            setattr(self._module, kind, None)
            shape = self._model.shapes[name]
            fields: list[Any] = []
            for member, ref in shape.members.items():
                annotation = self._annotation(ref)
                required = member in shape.required
                fields.append((member, annotation) if required else (member, f"{annotation} | None", None))
            self._define(kind, fields)
        return kind

    def _define(self, name: str, fields: list[Any]) -> type[Input]:
        kind = msgspec.defstruct(
            name, fields, bases=(Input,), module=self._module.__name__, kw_only=True, omit_defaults=True
        )
        setattr(self._module, name, kind)
        return kind


def plain(value: Any) -> Any:
    """Return a decoded input as dicts and lists, without the members that weren't sent."""
    if isinstance(value, msgspec.Struct):
        members = ((name, getattr(value, name)) for name in value.__struct_fields__)
        return {name: plain(item) for name, item in members if item is not None}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value
