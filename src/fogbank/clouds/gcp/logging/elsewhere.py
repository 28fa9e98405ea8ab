"""Logs of other clouds' services, which lie in the same store, by names that no log of Google's has.

`projects/ANY/logs/aws%2FACCOUNT%2FREGION%2F` and the encoded name of a group of Amazon CloudWatch Logs, such as
`%2Faws%2Flambda%2FNAME`; `projects/ANY/logs/azure%2FSUBSCRIPTION%2FSCOPE%2F` and `%2Fazure%2Ffunctions%2FNAME`. They
are read when a query names them (`logName=`, `log_id()`), by any project, and written by nobody here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from fogbank.clouds.gcp.logging.shapes import entry_class

if TYPE_CHECKING:
    from fogbank.clouds.gcp.logging.names import Holder
    from fogbank.engines.telemetry.model import Logged, Name

# Google Cloud, "Monitored resource types": what has no type of its own.
RESOURCE: Final = "generic_task"
_LOG_ID: Final = re.compile(r"((?:aws|azure)/[^/]*/[^/]*)/(.+)")


def group_of(log_id: str) -> Name | None:
    """Return the group that a log's id names, None for a log of Google's own."""
    match = _LOG_ID.fullmatch(log_id)
    return (match[1], match[2]) if match else None


def log_id_of(group: Name) -> str:
    """Return the id of the log that a group is shown as."""
    return f"{group[0]}/{group[1]}"


def dress(logged: Logged, holder: Holder) -> Logged:
    """Return an entry with the resource that it is shown with."""
    cloud, account, place = logged.group[0].split("/")
    entry = entry_class()()
    entry.resource.type = RESOURCE
    labels = {"location": place, "namespace": f"{cloud}/{account}", "job": logged.group[1], "task_id": logged.stream}
    entry.resource.labels.update({"project_id": holder.id, **labels})
    if logged.invocation:
        entry.labels["execution_id"] = logged.invocation
    return logged._replace(body=entry.SerializeToString())
