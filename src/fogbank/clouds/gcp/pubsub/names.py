"""Names of Pub/Sub's resources, and where they are in the store.

Google Cloud, "Pub/Sub resource names": `projects/PROJECT/topics/ID`; an ID begins with a letter, has 3 to 255 of
letters, numbers, `-._~%+`, and doesn't begin with "goog".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from fogbank.clouds.gcp.locations import PROJECT_ID
from fogbank.clouds.gcp.refusals import invalid

if TYPE_CHECKING:
    from fogbank.engines.messaging.model import Name

TOPICS: Final = "topics"
SUBSCRIPTIONS: Final = "subscriptions"
SNAPSHOTS: Final = "snapshots"
SCHEMAS: Final = "schemas"
DELETED_TOPIC: Final = "_deleted-topic_"
DELETED_SCHEMA: Final = "_deleted-schema_"
_ID: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9._~%+-]{2,254}")
_PROJECT: Final = re.compile(r"projects/([^/]+)")


class ResourceName(NamedTuple):
    """A resource's name, in its parts; `kind` is the collection that it is in."""

    project: str
    kind: str
    id: str

    def __str__(self) -> str:
        return f"projects/{self.project}/{self.kind}/{self.id}"

    @property
    def key(self) -> Name:
        """The name in the store."""
        return scope_of(self.project), f"{self.kind}/{self.id}"


def scope_of(project: str) -> str:
    """Return the scope of a project's resources, which have no region."""
    return f"gcp/{project}/"


def read_name(name: str, kind: str, field: str) -> ResourceName:
    """Read a resource's full name; raises `GrpcError`."""
    parts = name.split("/")
    if len(parts) != 4 or parts[0] != "projects" or parts[2] != kind or not parts[3]:
        raise invalid(
            field, f"Invalid [{kind}] name: ({field}={name}); it must be of the form projects/PROJECT/{kind}/ID."
        )
    _check_project(parts[1], field)
    return ResourceName(parts[1], kind, parts[3])


def read_new_name(name: str, kind: str, field: str = "name") -> ResourceName:
    """Read the name of a resource that is to be made; raises `GrpcError`."""
    read = read_name(name, kind, field)
    if not _ID.fullmatch(read.id) or read.id.lower().startswith("goog"):
        raise invalid(
            field,
            f"Invalid resource name given ({field}={name}). Refer to"
            " https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names for more information.",
        )
    return read


def read_project(name: str) -> str:
    """Read a project's name; raises `GrpcError`."""
    match = _PROJECT.fullmatch(name)
    if match is None:
        raise invalid("project", f"Invalid project name: {name!r}; it must be of the form projects/PROJECT.")
    _check_project(match[1], "project")
    return match[1]


def full_name(name: Name) -> str:
    """Return the full name of what has this name in the store."""
    scope, short = name
    return f"projects/{scope.split('/')[1]}/{short}"


def _check_project(project: str, field: str) -> None:
    # Emulators take any name, and tests use such.
    if not PROJECT_ID.fullmatch(project) and not re.fullmatch(r"[A-Za-z0-9._:~-]{1,100}", project):
        raise invalid(field, f"Invalid project: {project!r}.")
