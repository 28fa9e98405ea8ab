"""Regions, and google.cloud.location.Locations, which lists them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp.paging import page
from fogbank.clouds.gcp.refusals import invalid
from fogbank.wire.grpc.service import Service
from fogbank.wire.grpc.status import Code, GrpcError

if TYPE_CHECKING:
    from fogbank.clouds.gcp.parts import Parts
    from fogbank.wire.grpc.service import Call

# Google Cloud, "Cloud Run functions locations".
REGIONS: Final = (
    "africa-south1", "asia-east1", "asia-east2", "asia-northeast1", "asia-northeast2", "asia-northeast3",
    "asia-south1", "asia-south2", "asia-southeast1", "asia-southeast2", "australia-southeast1",
    "australia-southeast2", "europe-central2", "europe-north1", "europe-southwest1", "europe-west1",
    "europe-west10", "europe-west12", "europe-west2", "europe-west3", "europe-west4", "europe-west6",
    "europe-west8", "europe-west9", "me-central1", "me-central2", "me-west1", "northamerica-northeast1",
    "northamerica-northeast2", "southamerica-east1", "southamerica-west1", "us-central1", "us-east1", "us-east4",
    "us-east5", "us-south1", "us-west1", "us-west2", "us-west3", "us-west4",
)  # fmt: skip
_KNOWN: Final = frozenset(REGIONS)
_PROJECT: Final = re.compile(r"projects/([^/]+)")
_LOCATION: Final = re.compile(r"projects/([^/]+)/locations/([^/]+)")
# Google Cloud, "Creating and managing projects": an id, or a number.
PROJECT_ID: Final = re.compile(r"(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]|[0-9]+")


def check_project(project: str) -> None:
    """Raise the error for what is no project's id."""
    if not PROJECT_ID.fullmatch(project):
        raise invalid("name", f"Invalid project resource name projects/{project}")


def check_region(project: str, region: str) -> None:
    """Raise the error for a region that there isn't."""
    check_project(project)
    if region not in _KNOWN:
        raise GrpcError(
            Code.PERMISSION_DENIED,
            f"Permission denied on 'locations/{region}' (or it may not exist).",
        )


def scope_key(project: str, region: str) -> str:
    """Return the key of a project's scope in a region."""
    return f"gcp/{project}/{region}"


def locations_service(parts: Parts) -> Service:
    """Return the service."""
    return Service("google.cloud.location.Locations", parts, {"ListLocations": _list, "GetLocation": _get})


async def _list(parts: Parts, _call: Call, request: Any) -> Any:
    match = _PROJECT.fullmatch(request.name)
    if match is None:
        raise invalid("name", f"Invalid project resource name {request.name}")
    check_project(match[1])
    if request.filter:
        raise GrpcError(Code.UNIMPLEMENTED, "Fogbank doesn't support filter in ListLocations.")
    regions, token = page([(region, region) for region in REGIONS], request.page_size, request.page_token)
    response = parts.types.message("google.cloud.location.ListLocationsResponse")(next_page_token=token)
    response.locations.extend(_location(parts, match[1], region) for region in regions)
    return response


async def _get(parts: Parts, _call: Call, request: Any) -> Any:
    match = _LOCATION.fullmatch(request.name)
    if match is None:
        raise invalid("name", f"Invalid location resource name {request.name}")
    check_region(match[1], match[2])
    return _location(parts, match[1], match[2])


def _location(parts: Parts, project: str, region: str) -> Any:
    location = parts.types.message("google.cloud.location.Location")(
        name=f"projects/{project}/locations/{region}", location_id=region
    )
    location.labels["cloud.googleapis.com/region"] = region
    metadata = parts.types.message("google.cloud.functions.v2.LocationMetadata")(environments=[1, 2])
    location.metadata.CopyFrom(parts.types.pack(metadata))
    return location
