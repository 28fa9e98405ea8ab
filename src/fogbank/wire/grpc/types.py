"""Protobuf types from derived descriptor sets, in a pool of our own.

Not the default pool: programs in the same process, our tests among them, have Google's own packages fill that one,
and it takes no name twice.
"""

from __future__ import annotations

import zlib
from functools import cache
from importlib.resources import files
from typing import Any, Final, TypeAlias

from google.protobuf import (  # type: ignore[import-untyped] # it has no stubs; nothing else of ours imports it
    descriptor_pb2,
    descriptor_pool,
    json_format,
    message,
    message_factory,
)

DecodeError: Final = message.DecodeError
FileDescriptorProto: Final = descriptor_pb2.FileDescriptorProto
MethodDescriptorProto: Final = descriptor_pb2.MethodDescriptorProto
JsonParseError: Final = json_format.ParseError
# What the missing stubs would have told apart.
Message: TypeAlias = Any
FieldDescriptor: TypeAlias = Any
FileDescriptor: TypeAlias = Any
MessageDescriptor: TypeAlias = Any
ServiceDescriptor: TypeAlias = Any
SUFFIX: Final = ".binpb.zlib"


class Types:
    """Messages and services by their full names."""

    def __init__(self) -> None:
        self.pool = descriptor_pool.DescriptorPool()
        self._classes: dict[str, type[Any]] = {}
        self._files: dict[str, FileDescriptor] = {}

    def load(self, package: str, name: str) -> None:
        """Add the files of a set; those that are there already stay."""
        packed = files(package).joinpath(name + SUFFIX).read_bytes()
        for file in descriptor_pb2.FileDescriptorSet.FromString(zlib.decompress(packed)).file:
            if file.name not in self._files:
                self.pool.Add(file)
                self._files[file.name] = self.pool.FindFileByName(file.name)

    def message(self, name: str) -> type[Any]:
        """Return a message's class."""
        found = self._classes.get(name)
        if found is None:
            found = self._classes[name] = message_factory.GetMessageClass(self.pool.FindMessageTypeByName(name))
        return found

    def service(self, name: str) -> ServiceDescriptor:
        """Return a service; raises `KeyError`."""
        return self.pool.FindServiceByName(name)

    def extension(self, name: str) -> FieldDescriptor:
        """Return an extension; raises `KeyError`."""
        return self.pool.FindExtensionByName(name)

    def to_json(self, message: Message, *, enums_as_ints: bool = False) -> Any:
        """Return a message as JSON has it (ProtoJSON)."""
        return json_format.MessageToDict(message, use_integers_for_enums=enums_as_ints, descriptor_pool=self.pool)

    def from_json(self, value: Any, message: Message) -> None:
        """Fill a message from JSON; raises `JsonParseError`."""
        json_format.ParseDict(value, message, descriptor_pool=self.pool)

    def pack(self, message: Message) -> Any:
        """Return a `google.protobuf.Any` that holds a message."""
        holder = self.message("google.protobuf.Any")()
        holder.type_url = f"type.googleapis.com/{message.DESCRIPTOR.full_name}"
        holder.value = message.SerializeToString()
        return holder


@cache
def protobuf_types() -> Types:
    """Return the process's types: at first what gRPC itself needs; clouds load theirs."""
    types = Types()
    types.load("fogbank.wire.grpc", "protocols")
    return types
