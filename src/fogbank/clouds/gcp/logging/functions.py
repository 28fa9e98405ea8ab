"""What Google's functions print, as entries of logs.

Google Cloud, "Write and view function logs" (https://cloud.google.com/functions/docs/monitoring/logging), "Structured
logging" (https://cloud.google.com/logging/docs/structured-logging): the second generation's lines are in
`run.googleapis.com/stdout` of a `cloud_run_revision`, the first generation's in
`cloudfunctions.googleapis.com/cloud-functions` of a `cloud_function`; a line that is a JSON object says more of itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp.log_lines import read_line
from fogbank.clouds.gcp.logging.names import PROJECTS, Holder
from fogbank.clouds.gcp.logging.service import BUCKET
from fogbank.clouds.gcp.logging.shapes import NS_PER_US, entry_class, keep, logging_types, time_ns
from fogbank.connectors.function_logs import Kept
from fogbank.wire.grpc.types import JsonParseError

if TYPE_CHECKING:
    from fogbank.engines.telemetry.model import LogEntry
    from fogbank.kernel.ids import Ids
    from fogbank.runtimes.model import Printed

RUN: Final = "run.googleapis.com"
STDOUT: Final = f"{RUN}/stdout"
FIRST_GENERATION: Final = "cloudfunctions.googleapis.com/cloud-functions"
_PREFIX: Final = "logging.googleapis.com/"
# Fields of a line that become the entry's own, by the entry's name in JSON.
_FIELDS: Final = {
    "httpRequest": "httpRequest",
    "time": "timestamp",
    "timestamp": "timestamp",
    f"{_PREFIX}insertId": "insertId",
    f"{_PREFIX}labels": "labels",
    f"{_PREFIX}operation": "operation",
    f"{_PREFIX}sourceLocation": "sourceLocation",
    f"{_PREFIX}spanId": "spanId",
    f"{_PREFIX}trace": "trace",
    f"{_PREFIX}trace_sampled": "traceSampled",
}


def keep_printed(printed: Printed, ids: Ids) -> Kept:
    """Return what is kept of lines; their group says project, region, service, function and revision."""
    scope, name = printed.group
    _, project, region = scope.split("/")
    service, function, revision = name.split("/")
    holder = Holder(PROJECTS, project)
    log_id = STDOUT if service == RUN else FIRST_GENERATION
    template = entry_class()()
    if service == RUN:
        template.resource.type = "cloud_run_revision"
        template.resource.labels.update(
            project_id=project,
            location=region,
            service_name=function,
            configuration_name=function,
            revision_name=revision,
        )
        template.labels.update({"instanceId": printed.stream, "goog-managed-by": "cloudfunctions"})
    else:
        template.resource.type = "cloud_function"
        template.resource.labels.update(project_id=project, region=region, function_name=function)
        template.labels["instance_id"] = printed.stream
    if printed.invocation:
        template.labels["execution_id"] = printed.invocation
    log_name = holder.log_name(log_id)
    kept = [_keep(template, line.at_us, line.text, log_name, ids) for line in printed.lines]
    found = [entry._replace(invocation=printed.invocation) for entry in kept]
    return Kept(holder.group(log_id), log_id, found, BUCKET)


def _keep(template: Any, at_us: int, text: str, log_name: str, ids: Ids) -> LogEntry:
    entry = entry_class()()
    entry.CopyFrom(template)
    severity, fields = read_line(text)
    if fields is not None:
        text, fields = _read_fields(entry, fields)
    at_ns = time_ns(entry.timestamp) if entry.HasField("timestamp") else at_us * NS_PER_US
    # A line's own id is shown, but doesn't make it the same as another line.
    own_id, entry.insert_id = entry.insert_id, ""
    kept = keep(entry, log_name, at_ns, ids)
    if own_id:
        entry.insert_id = own_id
        kept = kept._replace(body=entry.SerializeToString())
    return kept._replace(text=text, severity=severity, fields=fields)


def _read_fields(entry: Any, fields: dict[str, Any]) -> tuple[str, dict[str, Any] | None]:
    """Move what a line says of its entry there; returns the text or the fields that are its payload."""
    fields.pop("severity", None)
    for name, field in _FIELDS.items():
        if name in fields and _move(entry, field, fields[name]):
            del fields[name]
    if list(fields) == ["message"] and isinstance(fields["message"], str):
        return fields["message"], None
    return "", fields


def _move(entry: Any, field: str, value: Any) -> bool:
    """Fill a field of the entry; what it can't hold stays in the payload."""
    if field == "timestamp" and isinstance(value, dict):
        seconds, nanos = value.get("seconds"), value.get("nanos", 0)
        if not isinstance(seconds, int) or not isinstance(nanos, int) or not 0 <= nanos < 10**9:
            return False
        if not 0 <= seconds < 2**33:
            return False
        entry.timestamp.seconds, entry.timestamp.nanos = seconds, nanos
        return True
    added = entry_class()()
    try:
        logging_types().from_json({field: value}, added)
    except JsonParseError:
        return False
    entry.MergeFrom(added)
    return True
