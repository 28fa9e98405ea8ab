"""Providers of events: those whose events there are.

Google Cloud, "Event types supported by Eventarc"
(https://cloud.google.com/eventarc/docs/reference/supported-events).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp.eventarc.configuration import PUBSUB
from fogbank.clouds.gcp.eventarc.names import read_parent, shape
from fogbank.clouds.gcp.locations import REGIONS, check_region
from fogbank.clouds.gcp.paging import page
from fogbank.clouds.gcp.refusals import invalid, not_found, unsupported

if TYPE_CHECKING:
    from fogbank.clouds.gcp.parts import Parts
    from fogbank.wire.grpc.service import Call

PROVIDER: Final = "pubsub.googleapis.com"
_NAME: Final = re.compile(r"projects/([^/]+)/locations/([^/]+)/providers/([^/]+)")
_SCHEMA: Final = (
    "https://github.com/googleapis/google-cloudevents/blob/main/proto/google/events/cloud/pubsub/v1/events.proto"
)


async def get_provider(_parts: Parts, _call: Call, request: Any) -> Any:
    """Return a provider."""
    match = _NAME.fullmatch(request.name)
    if match is None:
        raise invalid("name", f"Invalid provider name {request.name!r}.")
    check_region(match[1], match[2])
    if match[3] != PROVIDER:
        raise not_found(request.name)
    return _provider(match[1], match[2])


async def list_providers(_parts: Parts, _call: Call, request: Any) -> Any:
    """List the providers of a region, or of all of them."""
    project, region = read_parent(request.parent, any_region=True)
    for field in ("order_by", "filter"):
        if getattr(request, field):
            raise unsupported(f"{field} in ListProviders")
    regions = REGIONS if region == "-" else (region,)
    shown, token = page([(each, each) for each in regions], request.page_size, request.page_token)
    response = shape("ListProvidersResponse")(next_page_token=token)
    response.providers.extend(_provider(project, each) for each in shown)
    return response


def _provider(project: str, region: str) -> Any:
    name = f"projects/{project}/locations/{region}/providers/{PROVIDER}"
    provider = shape("Provider")(name=name, display_name="Cloud Pub/Sub")
    kind = provider.event_types.add(
        type=PUBSUB, description="A message is published to the specified Pub/Sub topic.", event_schema_uri=_SCHEMA
    )
    kind.filtering_attributes.add(
        attribute="type", description="The type of the event, which is the only attribute to filter by.", required=True
    )
    return provider
