"""Amazon EventBridge Pipes' errors, worded as the service words them.

Amazon EventBridge Pipes API Reference, "CreatePipe", "Errors":
https://docs.aws.amazon.com/eventbridge/latest/pipes-reference/API_CreatePipe.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.clouds.aws.validation import worded
from fogbank.engines.messaging.errors import PipeExistsError, PipeNotFoundError
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from fogbank.clouds.aws.api import ErrorTable
    from fogbank.wire.aws.errors import InputError

_PIPE: Final = "AWS::Pipes::Pipe"


def invalid(message: str) -> AwsError:
    """A parameter isn't allowed."""
    return AwsError("ValidationException", message)


def unsupported(what: str) -> AwsError:
    """AWS has it, and Fogbank has not."""
    return invalid(f"Fogbank does not support {what}.")


def not_found(name: str) -> AwsError:
    """The pipe doesn't exist."""
    return AwsError("NotFoundException", f"Pipe {name} does not exist.")


def exists(name: str) -> AwsError:
    """There is a pipe of that name."""
    fields = {"resourceId": name, "resourceType": _PIPE}
    return AwsError("ConflictException", f"Pipe {name} already exists.", fields=fields)


def too_many(limit: int, account: str) -> AwsError:
    """The account may not have more pipes."""
    fields = {"resourceId": account, "resourceType": _PIPE, "serviceCode": "pipes"}
    message = f"The maximum number of pipes, {limit}, has been reached."
    return AwsError("ServiceQuotaExceededException", message, fields=fields)


def input_error(error: InputError) -> AwsError:
    """Word an input that doesn't fit the operation."""
    return worded(error, "ValidationException", "ValidationException")


ERRORS: Final[ErrorTable] = {
    PipeNotFoundError: lambda error: not_found(str(error)),
    PipeExistsError: lambda error: exists(str(error)),
}
