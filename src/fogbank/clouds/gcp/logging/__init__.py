"""Google Cloud Logging, over the telemetry engine: the same store that has what functions of all clouds print."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.clouds.gcp.logging import configuration, logs, reading, resources, tailing, writing
from fogbank.clouds.gcp.logging.service import PACKAGE, Logging
from fogbank.wire.grpc.service import Service

if TYPE_CHECKING:
    from fogbank.clouds.gcp.parts import Parts


def make_services(parts: Parts) -> list[Service]:
    """Return the services."""
    parts.types.load("fogbank.clouds.gcp.logging", "descriptors")
    logging = Logging(parts.store, parts.clock, parts.ids, parts.types)
    methods = {
        "DeleteLog": logs.delete_log,
        "ListLogEntries": reading.list_log_entries,
        "ListLogs": logs.list_logs,
        "ListMonitoredResourceDescriptors": resources.list_monitored_resource_descriptors,
        "TailLogEntries": tailing.tail_log_entries,
        "WriteLogEntries": writing.write_log_entries,
    }
    quick = frozenset(("DeleteLog", "WriteLogEntries"))
    return [
        Service(f"{PACKAGE}.LoggingServiceV2", logging, methods, quick=quick),
        Service(f"{PACKAGE}.ConfigServiceV2", logging, configuration.METHODS),
        # They are there, so that their methods are refused by name.
        Service(f"{PACKAGE}.MetricsServiceV2", logging, {}),
    ]
