"""Topic types: what kinds of sources there are, and the types of events that each emits.

Event types are those of Microsoft Learn, "Azure Event Grid event schema for resource groups"
(https://learn.microsoft.com/azure/event-grid/event-schema-resource-groups) and "Azure App Service as an Event Grid
source" (https://learn.microsoft.com/azure/event-grid/event-schema-app-service), as far as they happen here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.clouds.azure.errors import AzureError, json_response
from fogbank.clouds.azure.eventgrid.system.sources import GROUP_TYPE, SITE_TYPE, SUBSCRIPTION_TYPE

if TYPE_CHECKING:
    from fogbank.clouds.azure.arm.calls import ArmCall
    from fogbank.clouds.azure.parts import Parts
    from fogbank.wire.http import Response

WRITTEN: Final = "Microsoft.Resources.ResourceWriteSuccess"
DELETED: Final = "Microsoft.Resources.ResourceDeleteSuccess"
ACTED: Final = "Microsoft.Resources.ResourceActionSuccess"
APP_UPDATED: Final = "Microsoft.Web.AppUpdated"
_TYPE: Final = "Microsoft.EventGrid/topicTypes"
_RESOURCE_EVENTS: Final = (
    (WRITTEN, "Resource Write Success", "Raised when a resource create or update operation succeeds."),
    (DELETED, "Resource Delete Success", "Raised when a resource delete operation succeeds."),
    (ACTED, "Resource Action Success", "Raised when a resource action operation succeeds."),
)


class TopicType(NamedTuple):
    """A kind of sources; `events` are types of events, how they are called and when they are raised."""

    name: str
    provider: str
    title: str
    description: str
    scope: str
    source: str
    events: tuple[tuple[str, str, str], ...]

    @property
    def is_global(self) -> bool:
        """Whether its sources are in no region."""
        return self.scope != "Resource"


TOPIC_TYPES: Final = (
    TopicType(
        GROUP_TYPE, "Microsoft.Resources", "Resource Groups", "Resource management events in a resource group.",
        "ResourceGroup", "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}", _RESOURCE_EVENTS,
    ),
    TopicType(
        SUBSCRIPTION_TYPE, "Microsoft.Resources", "Azure Subscriptions",
        "Resource management events in an Azure subscription.", "AzureSubscription",
        "/subscriptions/{subscriptionId}", _RESOURCE_EVENTS,
    ),
    TopicType(
        SITE_TYPE, "Microsoft.Web", "App Service", "Events of App Service apps.", "Resource",
        "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Web/sites/{siteName}",
        ((APP_UPDATED, "App Updated", "Raised when an app is restarted, stopped or started, or its settings change."),),
    ),
)  # fmt: skip


async def list_all(_parts: Parts, _call: ArmCall) -> Response:
    """List the topic types."""
    return json_response(200, {"value": [_show(each) for each in TOPIC_TYPES]})


async def get(_parts: Parts, call: ArmCall) -> Response:
    """Show a topic type."""
    return json_response(200, _show(_find(call)))


async def list_event_types(_parts: Parts, call: ArmCall) -> Response:
    """List the types of events that a topic type has."""
    found = _find(call)
    return json_response(200, {"value": [_show_event(found, *each) for each in found.events]})


def _find(call: ArmCall) -> TopicType:
    for each in TOPIC_TYPES:
        if each.name.lower() == call.path[1].lower():
            return each
    raise AzureError(404, "ResourceNotFound", f"The topic type {call.path[1]} was not found.")


def _show(found: TopicType) -> dict[str, Any]:
    return {
        "id": f"providers/{_TYPE}/{found.name}",
        "name": found.name,
        "type": _TYPE,
        "properties": {
            "provider": found.provider,
            "displayName": found.title,
            "description": found.description,
            "resourceRegionType": "GlobalResource" if found.is_global else "RegionalResource",
            "provisioningState": "Succeeded",
            "sourceResourceFormat": found.source,
            "supportedScopesForSource": [found.scope],
        },
    }


def _show_event(found: TopicType, name: str, title: str, description: str) -> dict[str, Any]:
    kind = f"{_TYPE}/eventTypes"
    return {
        "id": f"providers/{_TYPE}/{found.name}/eventTypes/{name}",
        "name": name,
        "type": kind,
        "properties": {"displayName": title, "description": description, "isInDefaultSet": True},
    }
