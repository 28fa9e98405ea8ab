"""Amazon EventBridge Scheduler's errors, worded as the service words them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.engines.messaging.errors import RecordExistsError, RecordNotFoundError
from fogbank.engines.schedules.errors import ScheduleExistsError, ScheduleNotFoundError
from fogbank.wire.aws.constraints import missing_member
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from fogbank.clouds.aws.api import ErrorTable
    from fogbank.wire.aws.errors import InputError


def invalid(message: str) -> AwsError:
    """A parameter isn't allowed."""
    return AwsError("ValidationException", message)


def unsupported(what: str) -> AwsError:
    """AWS has it, and Fogbank has not."""
    return invalid(f"Fogbank does not support {what}.")


def no_such_group(name: str) -> AwsError:
    """The schedule group doesn't exist."""
    return AwsError("ResourceNotFoundException", f"Schedule group {name} does not exist.")


def input_error(error: InputError) -> AwsError:
    """Word an input that doesn't fit the operation."""
    if error.kind == "constraint":
        return invalid(error.detail)
    if error.kind == "missing":
        return invalid(missing_member(error.path))
    if error.kind == "unknown":
        return invalid(f"Unknown parameter {error.path}.")
    if error.kind == "unsupported":
        return unsupported(f"the parameter {error.path}")
    where = f" {error.path}" if error.path else ""
    return invalid(f"Failed to parse the request{where}: expected {error.detail}.")


ERRORS: Final[ErrorTable] = {
    RecordNotFoundError: lambda error: no_such_group(error.name),
    RecordExistsError: lambda error: AwsError("ConflictException", f"Schedule group {error.name} already exists."),
    ScheduleNotFoundError: lambda error: AwsError(
        "ResourceNotFoundException", f"Schedule {error.name.rpartition('/')[2]} does not exist."
    ),
    ScheduleExistsError: lambda error: AwsError(
        "ConflictException", f"Schedule {error.name.rpartition('/')[2]} already exists."
    ),
}
