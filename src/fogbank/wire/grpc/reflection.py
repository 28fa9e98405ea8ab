"""Server reflection, v1 and v1alpha: what tools like grpcurl ask (gRPC, "GRPC Server Reflection Protocol")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.wire.grpc.service import Call, Service
from fogbank.wire.grpc.status import Code
from fogbank.wire.grpc.types import FileDescriptorProto

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from fogbank.wire.grpc.types import FileDescriptor, Types

VERSIONS: Final = ("v1", "v1alpha")


class _Reflection(NamedTuple):
    types: Types
    response: type[Any]
    names: Sequence[str]


def reflection_services(types: Types, names: Sequence[str]) -> list[Service]:
    """Return the service in both versions; `names` are the services that it tells of, besides itself."""
    own = [f"grpc.reflection.{version}.ServerReflection" for version in VERSIONS]
    told = sorted({*names, *own})
    made = []
    for version, name in zip(VERSIONS, own, strict=True):
        response = types.message(f"grpc.reflection.{version}.ServerReflectionResponse")
        made.append(Service(name, _Reflection(types, response, told), {"ServerReflectionInfo": _info}))
    return made


async def _info(reflection: _Reflection, _call: Call, requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
    async for request in requests:
        response = reflection.response(valid_host=request.host, original_request=request)
        asked = request.WhichOneof("message_request")
        try:
            if asked is None:
                raise KeyError("Nothing was asked.")
            _ANSWERS[asked](reflection, request, response)
        except KeyError as error:
            code = Code.INVALID_ARGUMENT if asked is None else Code.NOT_FOUND
            response.error_response.error_code = code
            response.error_response.error_message = str(error.args[0])
        yield response


def _by_filename(reflection: _Reflection, request: Any, response: Any) -> None:
    _tell(reflection.types.pool.FindFileByName(request.file_by_filename), response)


def _by_symbol(reflection: _Reflection, request: Any, response: Any) -> None:
    pool, symbol = reflection.types.pool, request.file_containing_symbol
    try:
        file = pool.FindFileContainingSymbol(symbol)
    except KeyError:
        # The pool doesn't know methods, nor fields, by themselves.
        owner, _, member = symbol.rpartition(".")
        file = pool.FindFileContainingSymbol(owner)
        if member not in _members(pool, owner):
            raise
    _tell(file, response)


def _members(pool: Any, owner: str) -> list[str]:
    try:
        return [method.name for method in pool.FindServiceByName(owner).methods]
    except KeyError:
        return [field.name for field in pool.FindMessageTypeByName(owner).fields]


def _by_extension(reflection: _Reflection, request: Any, response: Any) -> None:
    asked = request.file_containing_extension
    extended = reflection.types.pool.FindMessageTypeByName(asked.containing_type)
    _tell(reflection.types.pool.FindExtensionByNumber(extended, asked.extension_number).file, response)


def _extensions_of(reflection: _Reflection, request: Any, response: Any) -> None:
    extended = reflection.types.pool.FindMessageTypeByName(request.all_extension_numbers_of_type)
    numbers = sorted(each.number for each in reflection.types.pool.FindAllExtensions(extended))
    response.all_extension_numbers_response.base_type_name = extended.full_name
    response.all_extension_numbers_response.extension_number.extend(numbers)


def _services(reflection: _Reflection, _request: Any, response: Any) -> None:
    # Also where there are none, the answer is of that kind.
    response.list_services_response.SetInParent()
    for name in reflection.names:
        response.list_services_response.service.add(name=name)


def _tell(file: FileDescriptor, response: Any) -> None:
    """Send a file and all that it needs."""
    sent: set[str] = set()
    waiting = [file]
    while waiting:
        each = waiting.pop()
        if each.name not in sent:
            sent.add(each.name)
            proto = FileDescriptorProto()
            each.CopyToProto(proto)
            response.file_descriptor_response.file_descriptor_proto.append(proto.SerializeToString())
            waiting.extend(each.dependencies)


_ANSWERS: Final = {
    "file_by_filename": _by_filename,
    "file_containing_symbol": _by_symbol,
    "file_containing_extension": _by_extension,
    "all_extension_numbers_of_type": _extensions_of,
    "list_services": _services,
}
