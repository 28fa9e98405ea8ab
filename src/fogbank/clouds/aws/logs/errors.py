"""Amazon CloudWatch Logs' errors, worded as the service words them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.engines.telemetry.errors import LogGroupNotFoundError, LogGroupProtectedError, LogStreamNotFoundError
from fogbank.wire.aws.constraints import missing_member
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
    if error.kind == "constraint":
        return invalid(error.detail)
    if error.kind == "missing":
        return invalid(missing_member(error.path))
    if error.kind == "unknown":
        return invalid(f"Unknown parameter {error.path}.")
    if error.kind == "unsupported":
        return invalid(f"Fogbank does not support the parameter {error.path}.")
    where = f" {error.path}" if error.path else ""
    return AwsError("SerializationException", f"Failed to parse the request{where}: expected {error.detail}.")


ERRORS: Final[ErrorTable] = {
    LogGroupNotFoundError: lambda _: no_such_group(),
    LogStreamNotFoundError: lambda _: AwsError("ResourceNotFoundException", "The specified log stream does not exist."),
    LogGroupProtectedError: lambda _: AwsError(
        "ValidationException", "The log group can't be deleted because deletion protection is enabled."
    ),
}
