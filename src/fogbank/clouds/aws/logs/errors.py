"""Amazon CloudWatch Logs' errors, worded as the service words them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.clouds.aws.validation import worded
from fogbank.engines.telemetry.errors import LogGroupNotFoundError, LogGroupProtectedError, LogStreamNotFoundError
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from fogbank.clouds.aws.api import ErrorTable
    from fogbank.wire.aws.errors import InputError


def invalid(message: str) -> AwsError:
    """A parameter isn't allowed."""
    return AwsError("InvalidParameterException", message)


def invalid_token() -> AwsError:
    """A pagination token isn't one."""
    return invalid("The specified nextToken is invalid.")


def no_such_group() -> AwsError:
    """The log group doesn't exist."""
    return AwsError("ResourceNotFoundException", "The specified log group does not exist.")


def group_exists() -> AwsError:
    """There is a log group of that name."""
    return AwsError("ResourceAlreadyExistsException", "The specified log group already exists")


def stream_exists() -> AwsError:
    """There is a log stream of that name."""
    return AwsError("ResourceAlreadyExistsException", "The specified log stream already exists")


def input_error(error: InputError) -> AwsError:
    """Word an input that doesn't fit the operation."""
    return worded(error, "InvalidParameterException", "SerializationException")


ERRORS: Final[ErrorTable] = {
    LogGroupNotFoundError: lambda _: no_such_group(),
    LogStreamNotFoundError: lambda _: AwsError("ResourceNotFoundException", "The specified log stream does not exist."),
    LogGroupProtectedError: lambda _: AwsError(
        "ValidationException", "The log group can't be deleted because deletion protection is enabled."
    ),
}
