"""What there is of google.logging.v2.ConfigServiceV2: the two buckets that everybody has, their views and sinks.

Google Cloud, "Configure log buckets" (https://cloud.google.com/logging/docs/buckets), "Routing and storage overview".
They can be read; nothing of them can be changed here, and no others made.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp.logging.names import (
    BUCKETS,
    DATA_ACCESS,
    DEFAULT_BUCKET,
    DISCREET,
    LOCATION,
    REQUIRED_BUCKET,
    REQUIRED_LOGS,
    VIEWS,
    Holder,
    read_holder,
)
from fogbank.clouds.gcp.logging.service import CONFIGS, DAY_SECONDS
from fogbank.clouds.gcp.paging import page
from fogbank.clouds.gcp.refusals import invalid, not_found

if TYPE_CHECKING:
    from fogbank.clouds.gcp.logging.service import Logging
    from fogbank.wire.grpc.service import Call

_ACTIVE: Final = 1
_BUCKET: Final = re.compile(r"([^/]+/[^/]+)/locations/([^/]+)/buckets/([^/]+)")
_DESCRIPTIONS: Final = {DEFAULT_BUCKET: "Default bucket", REQUIRED_BUCKET: "Audit bucket"}
_FILTERS: Final = {
    DEFAULT_BUCKET: " AND ".join(f'NOT LOG_ID("{log_id}")' for log_id in REQUIRED_LOGS),
    REQUIRED_BUCKET: " OR ".join(f'LOG_ID("{log_id}")' for log_id in REQUIRED_LOGS),
}
_VIEW_FILTERS: Final = {"_AllLogs": "", DISCREET: f'NOT LOG_ID("{DATA_ACCESS}")'}


async def list_buckets(logging: Logging, call: Call, request: Any) -> Any:
    """Return the buckets of a location; `-` is any."""
    del call
    parent, _, location = request.parent.partition("/locations/")
    if not location or "/" in location:
        raise invalid("parent", f'Name "{request.parent}" is missing the location component.')
    holder = read_holder(parent, "parent")
    there = BUCKETS if location in (LOCATION, "-") else ()
    found, token = page([(bucket, bucket) for bucket in there], max(0, request.page_size), request.page_token)
    response = logging.message("ListBucketsResponse")(next_page_token=token)
    response.buckets.extend(_bucket(logging, holder, bucket) for bucket in found)
    return response


async def get_bucket(logging: Logging, call: Call, request: Any) -> Any:
    """Return one bucket."""
    del call
    return _bucket(logging, *_read(request.name, request.name))


async def list_views(logging: Logging, call: Call, request: Any) -> Any:
    """Return the views of a bucket."""
    del call
    holder, bucket = _read(request.parent, request.parent)
    found, token = page([(view, view) for view in VIEWS[bucket]], max(0, request.page_size), request.page_token)
    response = logging.message("ListViewsResponse")(next_page_token=token)
    response.views.extend(_view(logging, holder, bucket, view) for view in found)
    return response


async def get_view(logging: Logging, call: Call, request: Any) -> Any:
    """Return one view."""
    del call
    parent, _, view = request.name.partition("/views/")
    holder, bucket = _read(parent, request.name)
    if view not in VIEWS[bucket]:
        raise not_found(request.name)
    return _view(logging, holder, bucket, view)


async def list_sinks(logging: Logging, call: Call, request: Any) -> Any:
    """Return the sinks that lead into the two buckets."""
    del call
    holder = read_holder(request.parent, "parent")
    found, token = page([(bucket, bucket) for bucket in BUCKETS], max(0, request.page_size), request.page_token)
    response = logging.message("ListSinksResponse")(next_page_token=token)
    response.sinks.extend(_sink(logging, holder, bucket) for bucket in found)
    return response


async def get_sink(logging: Logging, call: Call, request: Any) -> Any:
    """Return one sink."""
    del call
    parent, _, name = request.sink_name.partition("/sinks/")
    holder = read_holder(parent, "sink_name")
    if name not in BUCKETS:
        raise not_found(request.sink_name)
    return _sink(logging, holder, name)


async def list_exclusions(logging: Logging, call: Call, request: Any) -> Any:
    """Return that nothing is excluded."""
    del call
    read_holder(request.parent, "parent")
    return logging.message("ListExclusionsResponse")()


async def get_exclusion(logging: Logging, call: Call, request: Any) -> Any:
    """Say that there is no such exclusion."""
    del logging, call
    raise not_found(request.name)


async def list_links(logging: Logging, call: Call, request: Any) -> Any:
    """Return that a bucket has no linked datasets."""
    del call
    _read(request.parent, request.parent)
    return logging.message("ListLinksResponse")()


async def get_link(logging: Logging, call: Call, request: Any) -> Any:
    """Say that there is no such link."""
    del logging, call
    raise not_found(request.name)


METHODS: Final = {
    "GetBucket": get_bucket,
    "GetExclusion": get_exclusion,
    "GetLink": get_link,
    "GetSink": get_sink,
    "GetView": get_view,
    "ListBuckets": list_buckets,
    "ListExclusions": list_exclusions,
    "ListLinks": list_links,
    "ListSinks": list_sinks,
    "ListViews": list_views,
}


def _read(name: str, asked: str) -> tuple[Holder, str]:
    match = _BUCKET.fullmatch(name)
    if match is None:
        raise invalid("name", f'Name "{asked}" is not the name of a bucket.')
    holder = read_holder(match[1], "name")
    if match[2] != LOCATION or match[3] not in BUCKETS:
        raise not_found(asked)
    return holder, match[3]


def _name(holder: Holder, bucket: str) -> str:
    return f"{holder}/locations/{LOCATION}/buckets/{bucket}"


def _bucket(logging: Logging, holder: Holder, bucket: str) -> Any:
    return logging.message("LogBucket")(
        name=_name(holder, bucket),
        description=_DESCRIPTIONS[bucket],
        retention_days=CONFIGS[bucket].retention_seconds // DAY_SECONDS,
        locked=bucket == REQUIRED_BUCKET,
        lifecycle_state=_ACTIVE,
    )


def _view(logging: Logging, holder: Holder, bucket: str, view: str) -> Any:
    name = f"{_name(holder, bucket)}/views/{view}"
    return logging.message("LogView")(name=name, filter=_VIEW_FILTERS[view])


def _sink(logging: Logging, holder: Holder, bucket: str) -> Any:
    destination = f"logging.googleapis.com/{_name(holder, bucket)}"
    return logging.message("LogSink")(name=bucket, destination=destination, filter=_FILTERS[bucket])
