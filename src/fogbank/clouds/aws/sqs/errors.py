"""Amazon SQS's errors, worded as the service words them ("Common errors", Amazon SQS API Reference)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.engines.messaging.errors import (
    DedupIdMissingError,
    HandleInvalidError,
    LeaseNotHeldError,
    MessageGoneError,
    MessageTooLargeError,
    PurgeTooSoonError,
    QueueExistsError,
    QueueNotFoundError,
)
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from fogbank.clouds.aws.api import ErrorTable
    from fogbank.wire.aws.errors import InputError

_LEGACY: Final = "AWS.SimpleQueueService."


def no_such_queue() -> AwsError:
    """The queue doesn't exist."""
    return AwsError("QueueDoesNotExist", "The specified queue does not exist.", query_code=_LEGACY + "NonExistentQueue")


def invalid_value(value: object, parameter: str, reason: str) -> AwsError:
    """A parameter's value isn't allowed."""
    return AwsError("InvalidParameterValue", f"Value {value} for parameter {parameter} is invalid. Reason: {reason}")


def invalid(message: str) -> AwsError:
    """A parameter isn't allowed, in words of its own."""
    return AwsError("InvalidParameterValue", message)


def missing(parameter: str) -> AwsError:
    """A required parameter isn't there."""
    return AwsError("MissingParameter", f"The request must contain the parameter {parameter}.")


def invalid_attribute(name: str) -> AwsError:
    """A queue attribute's value isn't allowed."""
    return AwsError("InvalidAttributeValue", f"Invalid value for the parameter {name}.")


def unknown_attribute(name: str) -> AwsError:
    """There is no queue attribute of that name."""
    return AwsError("InvalidAttributeName", f"Unknown Attribute {name}.")


def invalid_receipt(handle: str) -> AwsError:
    """The receipt handle isn't one."""
    return AwsError("ReceiptHandleIsInvalid", f'The input receipt handle "{handle}" is not a valid receipt handle.')


def expired_receipt(handle: str) -> AwsError:
    """The lease of the receipt handle has run out."""
    return invalid_value(handle, "ReceiptHandle", "The receipt handle has expired.")


def batch_error(code: str, message: str) -> AwsError:
    """A batch can't be taken as a whole."""
    return AwsError(code, message, query_code=_LEGACY + code)


def input_error(error: InputError) -> AwsError:
    """Word an input that doesn't fit the operation."""
    if error.kind == "missing":
        return missing(error.path)
    if error.kind == "unknown":
        return invalid(f"Unknown parameter {error.path}.")
    if error.kind == "unsupported":
        return AwsError(
            "UnsupportedOperation",
            f"Fogbank does not support the parameter {error.path}.",
            query_code=_LEGACY + "UnsupportedOperation",
        )
    where = f" {error.path}" if error.path else ""
    return AwsError("SerializationException", f"Failed to parse the request{where}: expected {error.detail}.")


ERRORS: Final[ErrorTable] = {
    QueueNotFoundError: lambda _: no_such_queue(),
    QueueExistsError: lambda _: AwsError(
        "QueueAlreadyExists", "A queue already exists with the same name and different attributes."
    ),
    PurgeTooSoonError: lambda error: AwsError(
        "PurgeQueueInProgress",
        f"Only one PurgeQueue operation on {error} is allowed every 60 seconds.",
        403,
        query_code=_LEGACY + "PurgeQueueInProgress",
    ),
    LeaseNotHeldError: lambda _: AwsError(
        "MessageNotInflight",
        "Value for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for"
        " visibility timeout change.",
        query_code=_LEGACY + "MessageNotInflight",
    ),
    MessageGoneError: lambda _: invalid(
        "Value for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for"
        " visibility timeout change."
    ),
    MessageTooLargeError: lambda error: invalid(
        f"One or more parameters are invalid. Reason: Message must be shorter than {error.limit} bytes."
    ),
    DedupIdMissingError: lambda _: invalid(
        "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
    ),
    HandleInvalidError: lambda _: AwsError("ReceiptHandleIsInvalid", "The input receipt handle is invalid."),
}
