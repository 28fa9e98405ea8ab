"""Amazon EventBridge Scheduler's errors, worded as the service words them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.clouds.aws.validation import worded
from fogbank.engines.messaging.errors import RecordExistsError, RecordNotFoundError
from fogbank.engines.schedules.errors import ScheduleExistsError, ScheduleNotFoundError
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
    return worded(error, "ValidationException", "ValidationException")


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
