"""From an HTTP request to a request message: path, query and body by the names that ProtoJSON gives to fields.

What the message has no field for is refused by name, in Google's own words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

import msgspec

from fogbank.wire.grpc.status import Code, GrpcError
from fogbank.wire.grpc.types import JsonParseError

if TYPE_CHECKING:
    from fogbank.wire.google.bindings import Found
    from fogbank.wire.grpc.types import FieldDescriptor, Message, MessageDescriptor, Types

# Google Cloud, "System parameters": what may be sent to every method. Only these change an answer of ours.
_SYSTEM: Final = frozenset(
    {"alt", "prettyPrint", "key", "access_token", "oauth_token", "quotaUser", "userProject", "uploadType"}
    | {"upload_protocol", ".xgafv", "apiVersion", "callback", "fields"}
)
_REFUSED: Final = frozenset({"callback", "fields"})
_BOOLEANS: Final = {"true": True, "false": False, "1": True, "0": False}
# Messages that stand as a single text in JSON, so that a query can hold them.
_TEXTS: Final = frozenset(
    f"google.protobuf.{name}"
    for name in (
        "Timestamp", "Duration", "FieldMask", "StringValue", "BytesValue", "Int32Value", "Int64Value", "UInt32Value",
        "UInt64Value", "FloatValue", "DoubleValue", "BoolValue",
    )
)  # fmt: skip
# Messages whose JSON isn't an object of their fields.
_OPAQUE: Final = _TEXTS | {f"google.protobuf.{name}" for name in ("Any", "Struct", "Value", "ListValue")}


class Presentation:
    """How the answer is to look: `$alt=json;enum-encoding=int`, `prettyPrint=false`."""

    __slots__ = ("enums_as_ints", "pretty")

    def __init__(self) -> None:
        self.enums_as_ints = False
        self.pretty = True


def read_system(pairs: list[tuple[str, str]]) -> Presentation:
    """Read the system parameters; raises `GrpcError` for what isn't supported."""
    shown = Presentation()
    for name, value in pairs:
        bare = name.removeprefix("$")
        if bare in _REFUSED:
            raise violation(name, f"Fogbank doesn't support the system parameter {name}.")
        if bare == "alt":
            kind, _, option = value.partition(";")
            if kind != "json" or option not in ("", "enum-encoding=int"):
                raise violation(name, f"Fogbank doesn't support {name}={value}; use json.")
            shown.enums_as_ints = bool(option)
        elif bare == "prettyPrint":
            shown.pretty = value.lower() not in ("false", "0")
    return shown


def read_query(raw_query: str) -> list[tuple[str, str]]:
    """Return the parameters of a query, in their order."""
    return parse_qsl(raw_query, keep_blank_values=True)


def read_request(types: Types, request: Message, found: Found, pairs: list[tuple[str, str]], body: bytes) -> None:
    """Fill a request message; raises `GrpcError`."""
    binding = found.binding
    descriptor = request.DESCRIPTOR
    value: dict[str, Any] = {}
    if binding.body == "*":
        value = _object(_json(body), "")
    elif binding.body:
        field = _field(descriptor, binding.body)
        assert field is not None, binding
        value = {field.json_name: _json(body)}
    elif body.strip() not in (b"", b"{}"):
        raise violation("", "Invalid JSON payload received. This method takes no request body.")
    unknown = list(_unknown(descriptor, value, ""))
    if unknown:
        raise _unknown_names(unknown)
    for name, text in pairs:
        if name.removeprefix("$") not in _SYSTEM:
            if binding.body == "*" or name.startswith("$"):
                raise _cannot_bind(name)
            _place(descriptor, value, name, text)
    for path, text in found.values.items():
        _place(descriptor, value, path, text, replace=True)
    try:
        types.from_json(value, request)
    except JsonParseError as error:
        raise violation("", f"Invalid JSON payload received. {error}") from None


def violation(field: str, description: str, types: Types | None = None) -> GrpcError:
    """Return INVALID_ARGUMENT that names a field in its details."""
    from fogbank.wire.grpc.types import protobuf_types  # noqa: PLC0415 - it is there by now

    bad = (types or protobuf_types()).message("google.rpc.BadRequest")()
    bad.field_violations.add(field=field, description=description)
    return GrpcError(Code.INVALID_ARGUMENT, description, (bad,))


def _json(body: bytes) -> Any:
    if not body.strip():
        return {}
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise violation("", f"Invalid JSON payload received. {error}") from None


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise violation(where, f"Invalid JSON payload received. Unknown name {msgspec.json.encode(where).decode()}:"
                        " Root element must be a message.")  # fmt: skip
    return value


def _field(descriptor: MessageDescriptor, name: str) -> FieldDescriptor | None:
    """Return the field of a name in either spelling."""
    found = descriptor.fields_by_name.get(name)
    return descriptor.fields_by_camelcase_name.get(name) if found is None else found


def _is_map(field: FieldDescriptor) -> bool:
    return bool(field.message_type is not None and field.message_type.GetOptions().map_entry)


def _unknown(descriptor: MessageDescriptor, value: Any, where: str) -> Any:
    """Yield name and place of everything that has no field."""
    if descriptor.full_name in _OPAQUE or not isinstance(value, dict):
        return
    for name, inner in value.items():
        field = _field(descriptor, name)
        if field is None:
            yield name, where
            continue
        if field.message_type is None:
            continue
        place = f"{where}.{field.name}" if where else field.name
        kind, inners = field.message_type, {place: inner}
        if _is_map(field):
            kind = kind.fields_by_name["value"].message_type
            inners = {f"{place}[{key}]": each for key, each in inner.items()} if isinstance(inner, dict) else {}
        elif field.is_repeated:
            inners = {f"{place}[{at}]": each for at, each in enumerate(inner)} if isinstance(inner, list) else {}
        if kind is not None:
            for there, each in inners.items():
                yield from _unknown(kind, each, there)


def _unknown_names(unknown: list[tuple[str, str]]) -> GrpcError:
    from fogbank.wire.grpc.types import protobuf_types  # noqa: PLC0415 - it is there by now

    bad = protobuf_types().message("google.rpc.BadRequest")()
    for name, where in unknown:
        place = f" at '{where}'" if where else ""
        description = f'Invalid JSON payload received. Unknown name "{name}"{place}: Cannot find field.'
        bad.field_violations.add(field=where, description=description)
    message = "\n".join(each.description for each in bad.field_violations)
    return GrpcError(Code.INVALID_ARGUMENT, message, (bad,))


def _cannot_bind(name: str) -> GrpcError:
    description = (
        f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query parameter.'
        f" Field '{name}' could not be found in request message."
    )
    return violation("", description)


def _place(
    descriptor: MessageDescriptor, value: dict[str, Any], path: str, text: str, *, replace: bool = False
) -> None:
    """Put a parameter's text where its path leads."""
    *outer, last = path.split(".")
    for name in outer:
        field = _field(descriptor, name)
        if field is None or field.message_type is None or field.is_repeated or field.message_type.full_name in _OPAQUE:
            raise _cannot_bind(path)
        inner = value.setdefault(_spelling(value, field), {})
        if not isinstance(inner, dict):
            raise _cannot_bind(path)
        value, descriptor = inner, field.message_type
    field = _field(descriptor, last)
    if field is None or (field.message_type is not None and field.message_type.full_name not in _TEXTS):
        raise _cannot_bind(path)
    key = _spelling(value, field)
    converted: Any = text
    if field.type == field.TYPE_BOOL:
        if text.lower() not in _BOOLEANS:
            raise violation(field.name, f"Invalid value at '{field.name}' (TYPE_BOOL), \"{text}\"")
        converted = _BOOLEANS[text.lower()]
    if field.is_repeated:
        value.setdefault(key, []).append(converted)
    elif key in value and not replace:
        raise violation(field.name, f"Invalid JSON payload received. '{path}' is given more than once.")
    else:
        value[key] = converted


def _spelling(value: dict[str, Any], field: FieldDescriptor) -> str:
    """Return the spelling of a field that is in use in an object, so that it isn't there in both."""
    return str(field.name if field.name in value else field.json_name)
