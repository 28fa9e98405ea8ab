"""Names of triggers, and the shapes of Eventarc's messages."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.clouds.gcp.locations import check_project, check_region, scope_key
from fogbank.clouds.gcp.pubsub.names import SUBSCRIPTIONS, TOPICS, ResourceName
from fogbank.clouds.gcp.pubsub.shapes import pubsub_types
from fogbank.clouds.gcp.refusals import invalid

if TYPE_CHECKING:
    from fogbank.wire.grpc.types import Types

PACKAGE: Final = "google.cloud.eventarc.v1"
_PARENT: Final = re.compile(r"projects/([^/]+)/locations/([^/]+)")
_NAME: Final = re.compile(r"projects/([^/]+)/locations/([^/]+)/triggers/([^/]+)")
_ID: Final = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")


class TriggerName(NamedTuple):
    """A trigger's name, in its parts."""

    project: str
    region: str
    id: str

    @property
    def scope(self) -> str:
        """The scope that it is kept in, by its id."""
        return scope_key(self.project, self.region)

    @property
    def topic(self) -> ResourceName:
        """The topic that a trigger has for itself if it is told of none."""
        return ResourceName(self.project, TOPICS, f"eventarc-{self.region}-{self.id}-000")

    @property
    def subscription(self) -> ResourceName:
        """The subscription that brings its events.

        Google Cloud, "Retry events" (https://cloud.google.com/eventarc/docs/retry-events): its id is
        eventarc-REGION-TRIGGER_ID-sub-SUBSCRIPTION_ID.
        """
        return ResourceName(self.project, SUBSCRIPTIONS, f"eventarc-{self.region}-{self.id}-sub-000")

    def __str__(self) -> str:
        return f"projects/{self.project}/locations/{self.region}/triggers/{self.id}"


def read_name(text: str, field: str = "name") -> TriggerName:
    """Read a trigger's full name; raises `GrpcError`."""
    match = _NAME.fullmatch(text)
    if match is None or not _ID.fullmatch(match[3]):
        raise invalid(
            field,
            f"Invalid trigger name {text!r}: it must be projects/PROJECT/locations/LOCATION/triggers/TRIGGER, and the"
            " trigger's id have 1 to 63 lower-case letters, digits and hyphens, beginning with a letter.",
        )
    check_region(match[1], match[2])
    return TriggerName(match[1], match[2], match[3])


def read_parent(text: str, *, any_region: bool = False) -> tuple[str, str]:
    """Read project and region of a location's name; raises `GrpcError`."""
    match = _PARENT.fullmatch(text)
    if match is None:
        raise invalid("parent", f"Invalid parent {text!r}; it must be projects/PROJECT/locations/LOCATION.")
    if any_region and match[2] == "-":
        check_project(match[1])
    else:
        check_region(match[1], match[2])
    return match[1], match[2]


@cache
def _types() -> Types:
    types = pubsub_types()
    types.load("fogbank.clouds.gcp.eventarc", "descriptors")
    return types


def shape(name: str) -> type[Any]:
    """Return the class of one of Eventarc's messages."""
    return _types().message(f"{PACKAGE}.{name}")
