"""Entries of logs between Google's messages and the store: what is kept of one, and how it is shown again.

Text and structured payloads, severity and time are the store's own; the rest of an entry stands behind them as
Google's message has it.
"""

from __future__ import annotations

from functools import cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from fogbank.engines.telemetry.model import LogEntry
from fogbank.wire.grpc.types import protobuf_types

if TYPE_CHECKING:
    from fogbank.engines.telemetry.model import Logged
    from fogbank.kernel.ids import Ids
    from fogbank.wire.grpc.types import Types

NS_PER_US: Final = 1_000
# In order, so that ids that are made one after another sort so.
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuv"
_ID_CHARS: Final = 13


@cache
def logging_types() -> Types:
    """Return the process's types, with Cloud Logging's among them."""
    types = protobuf_types()
    types.load("fogbank.clouds.gcp", "mixins")
    types.load("fogbank.clouds.gcp.logging", "descriptors")
    return types


@cache
def entry_class() -> type[Any]:
    """Return the class of entries."""
    return logging_types().message("google.logging.v2.LogEntry")


def keep(entry: Any, log_name: str, at_ns: int, ids: Ids) -> LogEntry:
    """Return what is kept of an entry of a log, which is used up by that.

    An id of the client's own decides which entry it is: the same one at the same time is the same entry.
    """
    number = _own_number(log_name, at_ns, entry.insert_id) if entry.insert_id else ids.sequence()
    text, fields = "", None
    payload = entry.WhichOneof("payload")
    if payload == "text_payload":
        text = entry.text_payload
        entry.ClearField("text_payload")
    elif payload == "json_payload":
        fields = plain_object(entry.json_payload)
        entry.ClearField("json_payload")
    severity = entry.severity
    for field in ("log_name", "severity", "receive_timestamp"):
        entry.ClearField(field)
    if at_ns % NS_PER_US == 0:
        entry.ClearField("timestamp")
    return LogEntry(number, at_ns // NS_PER_US, text, severity, fields, "", entry.SerializeToString())


def show(logged: Logged, log_name: str) -> Any:
    """Return an entry as the API shows it."""
    entry = entry_class().FromString(logged.body)
    entry.log_name = log_name
    entry.severity = logged.severity
    if not entry.HasField("timestamp"):
        write_time(entry.timestamp, logged.place.at_us)
    write_time(entry.receive_timestamp, logged.ingested_us)
    if not entry.insert_id:
        entry.insert_id = write_number(logged.place.id)
    if logged.fields is not None:
        entry.json_payload.update(logged.fields)
    elif entry.WhichOneof("payload") is None and logged.text:
        entry.text_payload = logged.text
    return entry


def write_time(field: Any, at_us: int) -> None:
    """Fill a timestamp."""
    field.seconds, micros = divmod(at_us, 1_000_000)
    field.nanos = micros * NS_PER_US


def time_ns(field: Any) -> int:
    """Return a timestamp, or a duration, in nanoseconds."""
    return int(field.seconds * 10**9 + field.nanos)


def write_number(number: int) -> str:
    """Return a number as an insert id; they sort as the numbers do."""
    return "".join(_DIGITS[number >> 5 * at & 31] for at in reversed(range(_ID_CHARS)))


def plain_object(struct: Any) -> dict[str, Any]:
    """Return a `google.protobuf.Struct` as a plain object."""
    return {name: _plain(value) for name, value in struct.fields.items()}


def _plain(value: Any) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return plain_object(value.struct_value)
    if kind == "list_value":
        return [_plain(each) for each in value.list_value.values]
    return None if kind in (None, "null_value") else getattr(value, kind)


def _own_number(log_name: str, at_ns: int, insert_id: str) -> int:
    digest = blake2b(f"{log_name}\0{at_ns}\0{insert_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
