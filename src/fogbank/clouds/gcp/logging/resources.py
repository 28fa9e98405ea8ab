"""google.logging.v2.LoggingServiceV2/ListMonitoredResourceDescriptors: the resources that entries come with here.

Google Cloud, "Monitored resource types" (https://cloud.google.com/logging/docs/api/v2/resource-list). Clients may
write entries of any type; these are those that Fogbank itself writes and shows, and what clients take by default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp.paging import page

if TYPE_CHECKING:
    from fogbank.clouds.gcp.logging.service import Logging
    from fogbank.wire.grpc.service import Call

_PROJECT: Final = ("project_id", "The identifier of the GCP project associated with this resource.")
# By type: display name, description, labels.
_TYPES: Final[dict[str, tuple[str, str, tuple[tuple[str, str], ...]]]] = {
    "cloud_function": (
        "Cloud Function",
        "Function in Google Cloud Functions.",
        (_PROJECT, ("function_name", "The short function name."), ("region", "The region of the function.")),
    ),
    "cloud_run_revision": (
        "Cloud Run Revision",
        "A revision in Cloud Run.",
        (
            _PROJECT,
            ("service_name", "The name of the service."),
            ("revision_name", "The name of the revision."),
            ("location", "The region of the service."),
            ("configuration_name", "The name of the configuration that created the revision."),
        ),
    ),
    "generic_task": (
        "Generic Task",
        "A task for which there is no more specific resource.",
        (
            _PROJECT,
            ("location", "The cloud or region where the task runs."),
            ("namespace", "An identifier that makes jobs of different owners different."),
            ("job", "The name of what the task is part of."),
            ("task_id", "An identifier of the task within its job."),
        ),
    ),
    "global": ("Global", "What belongs to no more specific resource.", (_PROJECT,)),
}


async def list_monitored_resource_descriptors(logging: Logging, call: Call, request: Any) -> Any:
    """Return the types of resources."""
    del call
    found, token = page([(name, name) for name in sorted(_TYPES)], max(0, request.page_size), request.page_token)
    response = logging.message("ListMonitoredResourceDescriptorsResponse")(next_page_token=token)
    for name in found:
        shown, description, labels = _TYPES[name]
        descriptor = response.resource_descriptors.add(type=name, display_name=shown, description=description)
        for key, about in labels:
            descriptor.labels.add(key=key, description=about)
    return response
