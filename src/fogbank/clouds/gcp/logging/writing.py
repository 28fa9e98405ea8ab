"""google.logging.v2.LoggingServiceV2/WriteLogEntries.

Google Cloud, "Method: entries.write" (https://cloud.google.com/logging/docs/reference/v2/rest/v2/entries/write),
"Quotas and limits" (https://cloud.google.com/logging/quotas): 256 KB an entry, 10 MB a request. Entries that are too
old for their bucket, or more than a day ahead, are taken and not kept, as documented.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.clouds.gcp.logging import elsewhere
from fogbank.clouds.gcp.logging.names import PROJECTS, read_log_name
from fogbank.clouds.gcp.logging.service import CONFIGS, DAY_SECONDS
from fogbank.clouds.gcp.logging.shapes import NS_PER_US, keep, time_ns, write_time
from fogbank.clouds.gcp.refusals import invalid
from fogbank.engines.telemetry import entries
from fogbank.kernel.clock import SECOND_US
from fogbank.wire.grpc.status import GrpcError
from fogbank.wire.grpc.types import DecodeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.clouds.gcp.logging.names import Holder
    from fogbank.clouds.gcp.logging.service import Logging
    from fogbank.engines.telemetry.model import LogEntry, Name
    from fogbank.storage import Tx
    from fogbank.wire.grpc.service import Call

ENTRY_BYTES_MAX: Final = 262_144
REQUEST_BYTES_MAX: Final = 10_485_760
LABEL_KEY_BYTES_MAX: Final = 512
LABEL_VALUE_BYTES_MAX: Final = 65_536
AHEAD_SECONDS_MAX: Final = DAY_SECONDS
# google/logging/v2/log_entry.proto, proto_payload: user-defined types are not supported.
PAYLOADS: Final = ("google.cloud.audit.AuditLog", "google.appengine.logging.v1.RequestLog")
_ELLIPSIS: Final = "..."
_KIB: Final = 1_024


class Stream(NamedTuple):
    """Where entries go: those with ids of their own apart, since they may be there already."""

    group: Name
    log_id: str
    own_ids: bool


async def write_log_entries(logging: Logging, call: Call, request: Any) -> Any:
    """Write entries of any number of logs; they are durable, and all there at once, when it returns."""
    del call
    if request.ByteSize() > REQUEST_BYTES_MAX:
        raise invalid("entries", f"Request payload size exceeds the limit: {REQUEST_BYTES_MAX} bytes.")
    if not request.entries:
        raise invalid("entries", "At least one log entry must be specified.")
    writing = _Writing(logging, request)
    failed: dict[int, GrpcError] = {}
    for index, entry in enumerate(request.entries):
        try:
            writing.add(index, entry)
        except GrpcError as error:
            failed[index] = error
            if not request.partial_success:
                raise
    if writing.streams and not request.dry_run:
        await logging.store.run(_append, sorted(writing.streams.items()))
    if failed:
        raise _partly(logging, failed, none=len(failed) == len(request.entries))
    return logging.message("WriteLogEntriesResponse")()


async def _append(tx: Tx, now_us: int, streams: Sequence[tuple[Stream, list[LogEntry]]]) -> None:
    """Add entries to streams, in an order that all who do so at the same time have."""
    for (group, log_id, own_ids), kept in streams:
        await entries.append(tx, now_us, group, log_id, kept, create=True, config=CONFIGS[group[1]], once=own_ids)


def _partly(logging: Logging, failed: dict[int, GrpcError], *, none: bool) -> GrpcError:
    """Return the error of one of the entries, with those of all where others were written."""
    first = next(iter(failed.values()))
    if none:
        return first
    errors = logging.message("WriteLogEntriesPartialErrors")()
    for index, error in failed.items():
        status = errors.log_entry_errors[index]
        status.code, status.message = int(error.code), error.message
    return GrpcError(first.code, first.message, (errors,))


class _Writing:
    """The entries of one request on their way into streams."""

    def __init__(self, logging: Logging, request: Any) -> None:
        self._logging = logging
        self._request = request
        self._now_us = logging.clock.now()
        self._oldest_ns = {
            bucket: (self._now_us - config.retention_seconds * SECOND_US) * NS_PER_US
            for bucket, config in CONFIGS.items()
        }
        self._latest_ns = (self._now_us + AHEAD_SECONDS_MAX * SECOND_US) * NS_PER_US
        self._holders: dict[str, tuple[Holder, str]] = {}
        self.streams: defaultdict[Stream, list[LogEntry]] = defaultdict(list)

    def add(self, index: int, entry: Any) -> None:
        """Check an entry, complete it, and add what is kept of it; raises `GrpcError`."""
        request = self._request
        name = entry.log_name or request.log_name
        found = self._holders.get(name)
        if found is None:
            field = f"entries[{index}].log_name" if entry.log_name else "log_name"
            found = self._holders[name] = read_log_name(name, field)
            if elsewhere.group_of(found[1]) is not None:
                raise invalid(field, f"The log {name} belongs to another cloud's service, and is only read here.")
        holder, log_id = found
        if entry.ByteSize() > ENTRY_BYTES_MAX:
            raise invalid(
                f"entries[{index}]",
                f"Log entry with size {_sized(entry.ByteSize())} exceeds maximum size of {_sized(ENTRY_BYTES_MAX)}",
            )
        if entry.HasField("proto_payload"):
            self._check_payload(index, entry.proto_payload)
        if not entry.HasField("resource"):
            entry.resource.CopyFrom(request.resource)
        if not entry.resource.type:
            raise invalid(f"entries[{index}].resource", "A monitored resource type must be specified.")
        if holder.kind == PROJECTS and not entry.resource.labels.get("project_id"):
            entry.resource.labels["project_id"] = holder.id
        for key, value in request.labels.items():
            if key not in entry.labels:
                entry.labels[key] = value
        _shorten(entry.labels)
        if not entry.HasField("timestamp"):
            write_time(entry.timestamp, self._now_us)
        at_ns = time_ns(entry.timestamp)
        group = holder.group(log_id)
        if self._oldest_ns[group[1]] <= at_ns <= self._latest_ns:
            stream = Stream(group, log_id, bool(entry.insert_id))
            self.streams[stream].append(keep(entry, holder.log_name(log_id), at_ns, self._logging.ids))

    def _check_payload(self, index: int, payload: Any) -> None:
        kind = payload.type_url.rpartition("/")[2]
        if kind not in PAYLOADS:
            raise invalid(
                f"entries[{index}].proto_payload",
                f"The type {payload.type_url!r} of proto_payload is not supported; it must be one of"
                f" {', '.join(f'type.googleapis.com/{each}' for each in PAYLOADS)}.",
            )
        try:
            self._logging.types.message(kind).FromString(payload.value)
        except DecodeError:
            raise invalid(f"entries[{index}].proto_payload", f"The proto_payload is not a {kind}.") from None


def _sized(count: int) -> str:
    """Return a number of bytes as the service words it: 555.6K, 6.23M."""
    if count < _KIB * _KIB:
        return f"{count / _KIB:.1f}K"
    return f"{count / (_KIB * _KIB):.2f}M"


def _shorten(labels: Any) -> None:
    """Cut off what is too long of keys and values, which an ellipsis then shows."""
    for key, value in list(labels.items()):
        if len(key) + len(value) > LABEL_KEY_BYTES_MAX // 4:
            short = _cut(key, LABEL_KEY_BYTES_MAX), _cut(value, LABEL_VALUE_BYTES_MAX)
            if short != (key, value):
                del labels[key]
                labels[short[0]] = short[1]


def _cut(text: str, bytes_max: int) -> str:
    encoded = text.encode()
    if len(encoded) <= bytes_max:
        return text
    return encoded[: bytes_max - len(_ELLIPSIS)].decode(errors="ignore") + _ELLIPSIS
