"""Logs themselves: google.logging.v2.LoggingServiceV2's ListLogs and DeleteLog.

Google Cloud, "Method: logs.list", "Method: logs.delete"
(https://cloud.google.com/logging/docs/reference/v2/rest/v2/logs/delete): only logs that have entries are listed, and
a deleted log is there again once it receives entries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp.logging.names import REQUIRED_BUCKET, read_log_name, read_place
from fogbank.clouds.gcp.logging.service import CONFIGS
from fogbank.clouds.gcp.paging import read_page_token, write_page_token
from fogbank.clouds.gcp.refusals import invalid, not_found
from fogbank.engines.telemetry import streams
from fogbank.engines.telemetry.errors import LogGroupNotFoundError, LogStreamNotFoundError
from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from fogbank.clouds.gcp.logging.names import Holder
    from fogbank.clouds.gcp.logging.service import Logging
    from fogbank.engines.telemetry.model import Name
    from fogbank.storage import Tx
    from fogbank.wire.grpc.service import Call

PAGE_SIZE: Final = 50
PAGE_SIZE_MAX: Final = 1_000


async def list_logs(logging: Logging, call: Call, request: Any) -> Any:
    """Return the names of logs that have entries, holder by holder, each one's in the order of their ids."""
    del call
    places = [read_place(name, "resource_names") for name in request.resource_names]
    places.append(read_place(request.parent, "parent"))
    groups = sorted({(place.holder, bucket) for place in places for bucket in place.buckets})
    # Non-positive sizes are ignored, as documented.
    limit = min(request.page_size, PAGE_SIZE_MAX) if request.page_size > 0 else PAGE_SIZE
    found = await logging.store.scan(_collect, groups, _after(request.page_token, groups), limit + 1)
    response = logging.message("ListLogsResponse")()
    page = found[:limit]
    response.log_names.extend(groups[at][0].log_name(log_id) for at, log_id in page)
    if len(found) > limit:
        at, log_id = page[-1]
        response.next_page_token = write_page_token(f"{at}/{log_id}")
    return response


async def delete_log(logging: Logging, call: Call, request: Any) -> Any:
    """Delete a log with all entries that it has."""
    del call
    holder, log_id = read_log_name(request.log_name, "log_name")
    group = holder.group(log_id)
    if group[1] == REQUIRED_BUCKET:
        raise invalid("log_name", f"Entries in the bucket {REQUIRED_BUCKET} can't be deleted.")
    try:
        await logging.store.run(streams.delete, group, log_id)
    except (LogGroupNotFoundError, LogStreamNotFoundError):
        raise not_found(holder.log_name(log_id)) from None
    return logging.types.message("google.protobuf.Empty")()


async def _collect(
    tx: Tx, now_us: int, groups: list[tuple[Holder, str]], after: tuple[int, str], limit: int
) -> list[tuple[int, str]]:
    """Return logs as the number of their group and their id, those behind one."""
    found: list[tuple[int, str]] = []
    first, behind = after
    for at in range(first, len(groups)):
        holder, bucket = groups[at]
        oldest_us = now_us - CONFIGS[bucket].retention_seconds * SECOND_US
        last = behind if at == first else ""
        while len(found) < limit:
            listed = await _page(tx, now_us, (holder.scope, bucket), last, limit)
            found += [(at, stream.name) for stream in listed if stream.last_us >= oldest_us]
            if len(listed) < limit:
                break
            last = listed[-1].name
    return found[:limit]


async def _page(tx: Tx, now_us: int, group: Name, after: str, limit: int) -> list[Any]:
    try:
        return list(await streams.list_by_name(tx, now_us, group, "", after or None, limit))
    except LogGroupNotFoundError:
        return []


def _after(token: str, groups: list[tuple[Holder, str]]) -> tuple[int, str]:
    if not token:
        return 0, ""
    at, _, log_id = read_page_token(token).partition("/")
    if not at.isdecimal() or int(at) >= len(groups) or not log_id:
        raise invalid("page_token", "page_token doesn't match arguments from the request")
    return int(at), log_id
