"""What Cloud Tasks' methods stand on, and the names of queues and tasks."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.clouds.gcp.locations import check_region, scope_key
from fogbank.clouds.gcp.refusals import invalid
from fogbank.engines.messaging.errors import RecordExistsError, RecordNotFoundError
from fogbank.engines.messaging.paced import QUEUES, TaskExistedError
from fogbank.wire.grpc.status import Code, GrpcError
from fogbank.wire.grpc.types import protobuf_types

if TYPE_CHECKING:
    from fogbank.engines.messaging.model import Name
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store
    from fogbank.wire.grpc.types import Types

PACKAGE: Final = "google.cloud.tasks.v2"
COURIER: Final = "cloudtasks"
TIMER: Final = "gcp.tasks.task"
# Google Cloud, "Cloud Tasks: method projects.locations.queues.tasks.create", "Task De-duplication".
REMEMBER_SECONDS: Final = 3_600
_PARENT: Final = re.compile(r"projects/([^/]+)/locations/([^/]+)")
_QUEUE: Final = re.compile(r"projects/([^/]+)/locations/([^/]+)/queues/([a-zA-Z0-9-]{1,100})")
_TASK: Final = re.compile(r"(projects/[^/]+/locations/[^/]+/queues/[^/]+)/tasks/([a-zA-Z0-9_-]{1,500})")


class Tasks(NamedTuple):
    """The parts of the server that Cloud Tasks uses."""

    store: Store
    clock: Clock
    ids: Ids
    types: Types

    def message(self, name: str) -> type[Any]:
        """Return the class of one of Cloud Tasks' messages."""
        return self.types.message(f"{PACKAGE}.{name}")


@cache
def tasks_types() -> Types:
    """Return the process's types, with Cloud Tasks' among them."""
    types = protobuf_types()
    types.load("fogbank.clouds.gcp", "mixins")
    types.load("fogbank.clouds.gcp.tasks", "descriptors")
    return types


def read_parent(text: str) -> str:
    """Return the scope of a parent; raises `GrpcError`."""
    match = _PARENT.fullmatch(text)
    if match is None:
        raise invalid("parent", f"Invalid parent {text!r}; it must be projects/PROJECT/locations/LOCATION.")
    check_region(match[1], match[2])
    return scope_key(match[1], match[2])


def read_queue(text: str, field: str = "name") -> Name:
    """Return the name in the store of a queue; raises `GrpcError`."""
    match = _QUEUE.fullmatch(text)
    if match is None:
        raise invalid(
            field,
            "Queue name must be formatted: projects/<PROJECT_ID>/locations/<LOCATION_ID>/queues/<QUEUE_ID>,"
            f" not {text!r}.",
        )
    check_region(match[1], match[2])
    return scope_key(match[1], match[2]), match[3]


def read_task(text: str, field: str = "name") -> tuple[Name, str]:
    """Return the names of a task's queue and of the task; raises `GrpcError`."""
    match = _TASK.fullmatch(text)
    if match is None:
        raise invalid(
            field,
            "Task name must be formatted: projects/<PROJECT_ID>/locations/<LOCATION_ID>/queues/<QUEUE_ID>/tasks/"
            f"<TASK_ID>, not {text!r}.",
        )
    return read_queue(match[1], field), match[2]


def queue_name(queue: Name) -> str:
    """Return the full name of a queue."""
    _realm, project, region = queue[0].split("/")
    return f"projects/{project}/locations/{region}/queues/{queue[1]}"


def task_name(queue: Name, task: str) -> str:
    """Return the full name of a task."""
    return f"{queue_name(queue)}/tasks/{task}"


def write_time(field: Any, at_us: int) -> None:
    """Fill a timestamp."""
    field.seconds, micros = divmod(at_us, 1_000_000)
    field.nanos = micros * 1_000


def read_time(field: Any) -> int:
    """Return a timestamp in microseconds."""
    return int(field.seconds * 1_000_000 + field.nanos // 1_000)


def word(error: Exception) -> GrpcError | None:
    """Say in Cloud Tasks' words what the engine refused."""
    if isinstance(error, RecordNotFoundError):
        text = "Queue does not exist." if error.kind == QUEUES else "The task does not exist, or it is over."
        return GrpcError(Code.NOT_FOUND, text)
    if isinstance(error, TaskExistedError):
        text = "The task cannot be created because a task with this name existed too recently."
        return GrpcError(Code.ALREADY_EXISTS, text)
    if isinstance(error, RecordExistsError):
        return GrpcError(
            Code.ALREADY_EXISTS, "Queue already exists" if error.kind == QUEUES else "Requested entity already exists"
        )
    return None
