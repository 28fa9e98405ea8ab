"""Entries as queries see them: what a query doesn't ask for isn't read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp.logging.shapes import NS_PER_US, entry_class, logging_types, time_ns, write_number
from fogbank.languages.logging_query.schema import SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fogbank.engines.telemetry.model import Logged

_NAMES: Final = {number: name for name, number in SEVERITIES.items()}
# By the field's name in JSON, what it is called in the message.
_FLAT: Final = {"trace": "trace", "spanId": "span_id", "traceSampled": "trace_sampled"}
_INNER: Final = {
    "httpRequest": ("http_request", ("latency",)),
    "operation": ("operation", ()),
    "sourceLocation": ("source_location", ()),
    "split": ("split", ()),
}  # fmt: skip


class LogRecord:
    """A stored entry of a log, read as it is asked for."""

    __slots__ = ("_entry", "_log_name", "_logged")

    def __init__(self, logged: Logged, log_name: str) -> None:
        self._logged = logged
        self._log_name = log_name
        self._entry: Any = None

    def field(self, name: str) -> Any:
        """Return a field's value, None if it isn't set."""
        logged = self._logged
        if name == "severity":
            return logged.severity or None
        if name == "logName":
            return self._log_name
        if name == "jsonPayload":
            return logged.fields
        if name == "textPayload":
            return logged.text if logged.text and logged.fields is None else None
        if name == "receiveTimestamp":
            return logged.ingested_us * NS_PER_US
        return self._of_message(name)

    def searched(self) -> Iterator[Any]:
        """Yield what a text is looked for in when no field is named."""
        yield self.field("textPayload")
        yield self._logged.fields
        yield _NAMES.get(self._logged.severity)
        for name in ("logName", "labels", "resource", "insertId", "trace", "spanId", "protoPayload", *_INNER):
            yield self.field(name)

    def _of_message(self, name: str) -> Any:
        entry = self._entry
        if entry is None:
            entry = self._entry = entry_class().FromString(self._logged.body)
        if name == "timestamp":
            return time_ns(entry.timestamp) if entry.HasField("timestamp") else self._logged.place.at_us * NS_PER_US
        if name == "labels":
            return dict(entry.labels) or None
        if name == "resource":
            resource = entry.resource
            return {"type": resource.type, "labels": dict(resource.labels)} if resource.type else None
        if name == "insertId":
            return entry.insert_id or write_number(self._logged.place.id)
        if name == "protoPayload":
            return logging_types().to_json(entry.proto_payload) if entry.HasField("proto_payload") else None
        if name in _FLAT:
            return getattr(entry, _FLAT[name]) or None
        field, durations = _INNER[name]
        return _object(getattr(entry, field), durations) if entry.HasField(field) else None


def _object(message: Any, durations: tuple[str, ...]) -> dict[str, Any]:
    found = {}
    for field, value in message.ListFields():
        found[field.json_name] = time_ns(value) if field.name in durations else value
    return found
