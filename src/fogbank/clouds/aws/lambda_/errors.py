"""AWS Lambda's errors, worded as the service words them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.engines.functions.errors import (
    AliasExistsError,
    AliasNotFoundError,
    FunctionExistsError,
    FunctionNotFoundError,
    LayerNotFoundError,
    RevisionMismatchError,
    TriggerExistsError,
    TriggerNotFoundError,
    UrlExistsError,
    UrlNotFoundError,
    VersionInUseError,
)
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from fogbank.clouds.aws.api import ErrorTable
    from fogbank.wire.aws.errors import InputError


def invalid(message: str) -> AwsError:
    """A parameter's value isn't allowed."""
    return AwsError("InvalidParameterValueException", message)


def not_found(message: str) -> AwsError:
    """Something that was named doesn't exist."""
    return AwsError("ResourceNotFoundException", message, 404)


def looping() -> AwsError:
    """The function is being invoked over and over by what it causes itself."""
    message = "Recursive invocation detected: the function was invoked by what it caused itself, and is stopped."
    return AwsError("RecursiveInvocationException", message)


def no_such_function(arn: str) -> AwsError:
    """The function, or the version or alias of it, doesn't exist."""
    return not_found(f"Function not found: {arn}")


def no_such_resource() -> AwsError:
    """What was asked for doesn't exist, whatever it is."""
    return not_found("The resource you requested does not exist.")


def conflict(message: str) -> AwsError:
    """What was asked for can't be together with what is there."""
    return AwsError("ResourceConflictException", message, 409)


def outdated(operation: str) -> AwsError:
    """It was changed since the caller looked; `operation` says how it is now."""
    return AwsError(
        "PreconditionFailedException",
        f"The RevisionId provided does not match the latest RevisionId. Call the {operation} API to retrieve the"
        " latest RevisionId",
        412,
    )


def unsupported(what: str) -> AwsError:
    """AWS has it, and Fogbank has not."""
    return invalid(f"Fogbank does not support {what}.")


def throttled(*, reserved: bool) -> AwsError:
    """More invocations run at once than may: of the function, where there is a limit for it, or of all."""
    reason = "ReservedFunctionConcurrentInvocationLimitExceeded" if reserved else "ConcurrentInvocationLimitExceeded"
    return AwsError("TooManyRequestsException", "Rate Exceeded.", 429, fields={"Reason": reason})


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
    RevisionMismatchError: lambda _: outdated("GetFunction/GetAlias"),
    TriggerNotFoundError: lambda _: no_such_resource(),
    UrlNotFoundError: lambda _: no_such_resource(),
    UrlExistsError: lambda error: conflict(
        f"Failed to create function url config for [functionArn = {error.name}]. Error message: "
        f" FunctionUrlConfig exists for this Lambda function"
    ),
    AliasNotFoundError: lambda error: not_found(f"Cannot find alias arn: {error.name}"),
    AliasExistsError: lambda error: conflict(f"Alias already exists: {error.name}"),
    VersionInUseError: lambda error: conflict(
        f"Unable to delete version because the following aliases reference it: [{', '.join(error.names)}]"
    ),
    LayerNotFoundError: lambda _: not_found("The resource you requested does not exist."),
    TriggerExistsError: lambda error: AwsError(
        "ResourceConflictException",
        "The event source arn and function provided mapping already exists. Please update or delete the existing"
        f" mapping with UUID {error.name}",
        409,
    ),
}
