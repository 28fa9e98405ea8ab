"""Google Cloud Eventarc: triggers that bring events to functions and HTTP addresses.

What Fogbank doesn't have of it (channels, message buses, enrollments, pipelines, Google API sources) is refused by the
names of its methods.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.clouds.gcp.eventarc import changes, providers, triggers
from fogbank.wire.grpc.service import Service

if TYPE_CHECKING:
    from fogbank.clouds.gcp.parts import Parts


def make_services(parts: Parts) -> list[Service]:
    """Return the services."""
    parts.types.load("fogbank.clouds.gcp.eventarc", "descriptors")
    methods = {
        "GetTrigger": triggers.get_trigger,
        "ListTriggers": triggers.list_triggers,
        "CreateTrigger": changes.create_trigger,
        "UpdateTrigger": changes.update_trigger,
        "DeleteTrigger": changes.delete_trigger,
        "GetProvider": providers.get_provider,
        "ListProviders": providers.list_providers,
    }
    return [Service("google.cloud.eventarc.v1.Eventarc", parts, methods)]
