"""What Cloud Scheduler's methods stand on, and the names of jobs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.clouds.gcp.locations import check_project, check_region, scope_key
from fogbank.clouds.gcp.refusals import invalid
from fogbank.engines.schedules.errors import ScheduleExistsError, ScheduleNotFoundError
from fogbank.wire.grpc.status import Code, GrpcError

if TYPE_CHECKING:
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store
    from fogbank.wire.grpc.types import Types

PACKAGE: Final = "google.cloud.scheduler.v1"
DIALECT: Final = "cloudscheduler"
FOLDER: Final = "jobs/"
_PARENT: Final = re.compile(r"projects/([^/]+)/locations/([^/]+)")
_NAME: Final = re.compile(r"projects/([^/]+)/locations/([^/]+)/jobs/([^/]+)")
_ID: Final = re.compile(r"[a-zA-Z0-9_-]{1,500}")


class Scheduler(NamedTuple):
    """The parts of the server that Cloud Scheduler uses."""

    store: Store
    clock: Clock
    ids: Ids
    types: Types

    def message(self, name: str) -> type[Any]:
        """Return the class of one of Cloud Scheduler's messages."""
        return self.types.message(f"{PACKAGE}.{name}")


def read_parent(text: str) -> tuple[str, str]:
    """Return the project and region of a parent; raises `GrpcError`."""
    match = _PARENT.fullmatch(text)
    if match is None:
        raise invalid("parent", f"Invalid parent {text!r}; it must be projects/PROJECT/locations/LOCATION.")
    check_region(match[1], match[2])
    return match[1], match[2]


def read_name(text: str, field: str = "name") -> tuple[str, str]:
    """Return the name in the store of a job; raises `GrpcError`."""
    match = _NAME.fullmatch(text)
    if match is None or not _ID.fullmatch(match[3]):
        raise invalid(
            field,
            f"Job name must be formatted: projects/<PROJECT_ID>/locations/<LOCATION_ID>/jobs/<JOB_ID>, not {text!r}.",
        )
    check_project(match[1])
    check_region(match[1], match[2])
    return scope_key(match[1], match[2]), FOLDER + match[3]


def full_name(scope: str, name: str) -> str:
    """Return the full name of a job."""
    _realm, project, region = scope.split("/")
    return f"projects/{project}/locations/{region}/{name}"


def word(error: Exception) -> GrpcError | None:
    """Say in Cloud Scheduler's words what the engine refused."""
    if isinstance(error, ScheduleNotFoundError):
        return GrpcError(Code.NOT_FOUND, "Job not found.")
    if isinstance(error, ScheduleExistsError):
        return GrpcError(Code.ALREADY_EXISTS, "Job already exists.")
    return None
