"""Names of what the admin API has in a database: collection groups, indexes and fields; and operations on them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp import operations
from fogbank.clouds.gcp.firestore.field_paths import read_path
from fogbank.clouds.gcp.firestore.indexing.definitions import ANY_FIELD, DEFAULT_GROUP
from fogbank.clouds.gcp.firestore.names import Database, check_collection, read_database
from fogbank.clouds.gcp.firestore.service import set_time
from fogbank.clouds.gcp.refusals import invalid
from fogbank.engines.documents import collections
from fogbank.engines.documents.errors import CollectionNotFoundError
from fogbank.wire.grpc.status import Code, GrpcError

if TYPE_CHECKING:
    from fogbank.clouds.gcp.parts import Parts

PACKAGE: Final = "google.firestore.admin.v1"
DEFAULT: Final = "(default)"
# What stands for every collection group in lists.
EVERY: Final = "-"
_GROUP: Final = re.compile(r"(projects/[^/]+/databases/[^/]+)/collectionGroups/([^/]+)")
_INSIDE: Final = re.compile(
    r"(projects/[^/]+/databases/[^/]+)/collectionGroups/([^/]+)/(indexes|fields)/(.+)", re.DOTALL
)
_SUCCESSFUL: Final = 4


def read_group(name: str) -> tuple[Database, str]:
    """Read the name of a collection group, "" for that of all; raises `GrpcError`."""
    match = _GROUP.fullmatch(name)
    if match is None:
        raise invalid("parent", f"Invalid parent {name!r}; it must be projects/P/databases/D/collectionGroups/C.")
    return read_database(match[1]), "" if match[2] == EVERY else _checked(match[2])


def read_index(name: str) -> tuple[Database, str, str]:
    """Read the name of an index; raises `GrpcError`."""
    match = _INSIDE.fullmatch(name)
    if match is None or match[3] != "indexes" or "/" in match[4]:
        raise invalid("name", f"Invalid index name {name!r}.")
    return read_database(match[1]), _checked(match[2]), match[4]


def read_field(name: str) -> tuple[Database, str, str]:
    """Read the name of a field: the database, the collection group, the path; raises `GrpcError`."""
    match = _INSIDE.fullmatch(name)
    if match is None or match[3] != "fields":
        raise invalid("name", f"Invalid field name {name!r}.")
    if match[4] != ANY_FIELD:
        read_path(match[4])
    if (match[2] == DEFAULT_GROUP) is not (match[4] == ANY_FIELD):
        raise invalid(
            "name", f"The field {ANY_FIELD} is that of the collection group {DEFAULT_GROUP}, which has no other."
        )
    return read_database(match[1]), _checked(match[2]), match[4]


def _checked(group: str) -> str:
    return group if group == DEFAULT_GROUP else check_collection(group)


def missing(database: Database) -> GrpcError:
    """Return the error for a database that isn't there."""
    return GrpcError(Code.NOT_FOUND, f"The database {database.id} does not exist for project {database.project}.")


async def check_there(parts: Parts, database: Database) -> None:
    """Raise the error for a database that isn't there; `(default)` always is."""
    if database.id == DEFAULT:
        return
    try:
        await parts.store.read(collections.find, database)
    except CollectionNotFoundError:
        raise missing(database) from None


async def finish(parts: Parts, database: Database, metadata: Any, response: Any) -> Any:
    """Return an operation on a database that is over; times and outcome are set where its metadata have such."""
    name = f"{database.name}/operations/{parts.ids.hex(16)}"
    if "start_time" in metadata.DESCRIPTOR.fields_by_name:
        now_us = parts.clock.now()
        set_time(metadata.start_time, now_us)
        set_time(metadata.end_time, now_us)
        metadata.state = _SUCCESSFUL
    return await operations.finish(parts, name, metadata, response=response)
