"""AWS Lambda's errors, worded as the service words them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.engines.functions.errors import (
    FunctionExistsError,
    FunctionNotFoundError,
    RevisionMismatchError,
    TriggerExistsError,
    TriggerNotFoundError,
)
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from fogbank.clouds.aws.api import ErrorTable
    from fogbank.wire.aws.errors import InputError


def invalid(message: str) -> AwsError:
    """A parameter's value isn't allowed."""
    return AwsError("InvalidParameterValueException", message)


def no_such_function(arn: str) -> AwsError:
    """The function, or the version or alias of it, doesn't exist."""
    return AwsError("ResourceNotFoundException", f"Function not found: {arn}", 404)


def unsupported(what: str) -> AwsError:
    """AWS has it, and Fogbank has not."""
    return invalid(f"Fogbank does not support {what}.")


def throttled() -> AwsError:
    """More invocations run at once than may."""
    return AwsError(
        "TooManyRequestsException",
        "Rate Exceeded.",
        429,
        fields={"Reason": "ConcurrentInvocationLimitExceeded"},
    )


def input_error(error: InputError) -> AwsError:
    """Word an input that doesn't fit the operation."""
    if error.kind == "constraint":
        return AwsError("ValidationException", error.detail)
    if error.kind == "unsupported":
        return unsupported(f"the parameter {error.path}")
    if error.kind == "unknown":
        return invalid(f"Unknown parameter {error.path}.")
    if error.kind == "missing":
        name = error.path[:1].lower() + error.path[1:]
        return AwsError(
            "ValidationException",
            f"1 validation error detected: Value null at '{name}' failed to satisfy constraint:"
            " Member must not be null",
        )
    where = f" {error.path}" if error.path else ""
    return AwsError("SerializationException", f"Could not parse request{where}: expected {error.detail}.")


ERRORS: Final[ErrorTable] = {
    FunctionNotFoundError: lambda error: no_such_function(error.name),
    FunctionExistsError: lambda error: AwsError(
        "ResourceConflictException", f"Function already exist: {error.name}", 409
    ),
    RevisionMismatchError: lambda _: AwsError(
        "PreconditionFailedException",
        "The RevisionId provided does not match the latest RevisionId. Call the GetFunction/GetAlias API to retrieve"
        " the latest RevisionId",
        412,
    ),
    TriggerNotFoundError: lambda _: AwsError(
        "ResourceNotFoundException", "The resource you requested does not exist.", 404
    ),
    TriggerExistsError: lambda error: AwsError(
        "ResourceConflictException",
        "The event source arn and function provided mapping already exists. Please update or delete the existing"
        f" mapping with UUID {error.name}",
        409,
    ),
}
