"""Logs themselves: google.logging.v2.LoggingServiceV2's ListLogs and DeleteLog.

Google Cloud, "Method: logs.list", "Method: logs.delete"
(https://cloud.google.com/logging/docs/reference/v2/rest/v2/logs/delete): only logs that have entries are listed, and
a deleted log is there again once it receives entries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp.logging.names import DEFAULT_BUCKET, read_holder, read_log_name, read_place
from fogbank.clouds.gcp.logging.service import BUCKET
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
    if "/locations/" in request.parent:
        places.append(read_place(request.parent, "parent"))
        holders = [place.holder for place in places if place.bucket == DEFAULT_BUCKET]
    else:
        own = read_holder(request.parent, "parent")
        holders = [own, *(place.holder for place in places if place.bucket == DEFAULT_BUCKET)]
    holders = sorted(set(holders))
    # Non-positive sizes are ignored, as documented.
    limit = min(request.page_size, PAGE_SIZE_MAX) if request.page_size > 0 else PAGE_SIZE
    found = await logging.store.scan(_collect, holders, _after(request.page_token, holders), limit + 1)
    response = logging.message("ListLogsResponse")()
    page = found[:limit]
    response.log_names.extend(holders[at].log_name(log_id) for at, log_id in page)
    if len(found) > limit:
        at, log_id = page[-1]
        response.next_page_token = write_page_token(f"{at}/{log_id}")
    return response


async def delete_log(logging: Logging, call: Call, request: Any) -> Any:
    """Delete a log with all entries that it has."""
    del call
    holder, log_id = read_log_name(request.log_name, "log_name")
    try:
        await logging.store.run(streams.delete, holder.group, log_id)
    except (LogGroupNotFoundError, LogStreamNotFoundError):
        raise not_found(holder.log_name(log_id)) from None
    return logging.types.message("google.protobuf.Empty")()


async def _collect(
    tx: Tx, now_us: int, holders: list[Holder], after: tuple[int, str], limit: int
) -> list[tuple[int, str]]:
    """Return logs as the number of their holder and their id, those behind one."""
    found: list[tuple[int, str]] = []
    first, behind = after
    oldest_us = now_us - BUCKET.retention_seconds * SECOND_US
    for at in range(first, len(holders)):
        last = behind if at == first else ""
        while len(found) < limit:
            listed = await _page(tx, now_us, holders[at].group, last, limit)
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


def _after(token: str, holders: list[Holder]) -> tuple[int, str]:
    if not token:
        return 0, ""
    at, _, log_id = read_page_token(token).partition("/")
    if not at.isdecimal() or int(at) >= len(holders) or not log_id:
        raise invalid("page_token", "page_token doesn't match arguments from the request")
    return int(at), log_id
