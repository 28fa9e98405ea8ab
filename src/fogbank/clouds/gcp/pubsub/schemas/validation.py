"""Whether a schema is one, and whether a message follows it.

Google Cloud, "Schemas overview", "Associate a schema with a topic": type Avro or protocol buffer, encoding JSON or
binary.
"""

from __future__ import annotations

import io
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.gcp.pubsub.schemas.proto_source import ProtoSourceError, read_proto
from fogbank.wire.grpc.types import DecodeError, JsonParseError, Types

if TYPE_CHECKING:
    from collections.abc import Callable

PROTOCOL_BUFFER: Final = 1
AVRO: Final = 2
JSON: Final = 1
BINARY: Final = 2
ENCODINGS: Final = {JSON: "JSON", BINARY: "BINARY"}
DEFINITION_BYTES_MAX: Final = 307_200


class SchemaError(Exception):
    """A definition that is no schema, or a message that doesn't follow one."""


@lru_cache(maxsize=256)
def compile_schema(kind: int, definition: str) -> Callable[[bytes, int], None]:
    """Return what checks a message in an encoding, and raises `SchemaError`; raises that itself for no schema."""
    if len(definition.encode()) > DEFINITION_BYTES_MAX:
        msg = f"the definition is larger than {DEFINITION_BYTES_MAX} bytes"
        raise SchemaError(msg)
    if kind == AVRO:
        return _avro(definition)
    if kind == PROTOCOL_BUFFER:
        return _protobuf(definition)
    msg = "the type must be AVRO or PROTOCOL_BUFFER"
    raise SchemaError(msg)


def _avro(definition: str) -> Callable[[bytes, int], None]:
    import fastavro  # noqa: PLC0415 - only where there are schemas

    try:
        parsed = fastavro.parse_schema(msgspec.json.decode(definition))
    except Exception as error:  # noqa: BLE001 - whatever a schema of others' may raise in the library
        msg = f"Avro: {error}"
        raise SchemaError(msg) from None
    if not isinstance(parsed, dict) or parsed.get("type") != "record":
        msg = "Avro: the schema must be a record"
        raise SchemaError(msg)

    def check(data: bytes, encoding: int) -> None:
        try:
            if encoding == JSON:
                _check_avro_json(fastavro, parsed, data)
                return
            stream = io.BytesIO(data)
            fastavro.schemaless_reader(stream, parsed, None)
        except Exception as error:  # noqa: BLE001 - as above, of messages
            msg = str(error) or type(error).__name__
            raise SchemaError(msg) from None
        if stream.read(1):
            msg = "there is more than one record"
            raise SchemaError(msg)

    return check


def _check_avro_json(fastavro: Any, parsed: Any, data: bytes) -> None:
    value = msgspec.json.decode(data)
    fields = {field["name"] for field in parsed["fields"]}
    if not isinstance(value, dict) or not value.keys() <= fields:
        msg = "there are fields that the schema doesn't have"
        raise SchemaError(msg)
    records = list(fastavro.json_reader(io.StringIO(data.decode().replace("\n", " ")), parsed))
    if len(records) != 1:
        msg = "there isn't one record"
        raise SchemaError(msg)
    fastavro.validate(records[0], parsed)


def _protobuf(definition: str) -> Callable[[bytes, int], None]:
    types = Types()
    try:
        file = read_proto(definition)
        types.pool.Add(file)
        name = f"{file.package}.{file.message_type[0].name}".lstrip(".")
        shape = types.message(name)
    except (ProtoSourceError, TypeError, KeyError) as error:
        msg = f"protocol buffer: {error}"
        raise SchemaError(msg) from None

    def check(data: bytes, encoding: int) -> None:
        message = shape()
        try:
            if encoding == JSON:
                types.from_json(msgspec.json.decode(data), message)
            else:
                message.ParseFromString(data)
        except (DecodeError, JsonParseError, msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
            raise SchemaError(str(error)) from None
        if not message.IsInitialized():
            msg = "a required field is missing"
            raise SchemaError(msg)

    return check
