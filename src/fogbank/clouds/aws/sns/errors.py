"""Amazon SNS's errors, worded as the service words them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.engines.messaging.errors import (
    DedupIdMissingError,
    SubscriptionNotFoundError,
    TopicNotFoundError,
)
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from fogbank.clouds.aws.api import ErrorTable
    from fogbank.wire.aws.errors import InputError


def invalid(message: str) -> AwsError:
    """A parameter's value isn't allowed."""
    return AwsError("InvalidParameter", f"Invalid parameter: {message}")


def unsupported(what: str) -> AwsError:
    """AWS has it, and Fogbank has not."""
    return AwsError("InvalidParameter", f"Invalid parameter: Fogbank does not support {what}")


def no_such_topic() -> AwsError:
    """The topic doesn't exist."""
    return AwsError("NotFound", "Topic does not exist", 404)


def no_such_subscription() -> AwsError:
    """The subscription doesn't exist."""
    return AwsError("NotFound", "Subscription does not exist", 404)


def not_authorized(message: str) -> AwsError:
    """The caller may not do this."""
    return AwsError("AuthorizationError", message, 403)


def batch_error(code: str, message: str) -> AwsError:
    """A batch can't be taken as a whole."""
    return AwsError(code, message)


def input_error(error: InputError) -> AwsError:
    """Word an input that doesn't fit the operation."""
    if error.kind == "missing":
        return invalid(error.path)
    if error.kind == "unsupported":
        return unsupported(f"the parameter {error.path}")
    if error.kind == "unknown":
        return invalid(f"unknown parameter {error.path}")
    return AwsError("MalformedInput", f"{error.path}: expected {error.detail}" if error.path else error.detail)


ERRORS: Final[ErrorTable] = {
    TopicNotFoundError: lambda _: no_such_topic(),
    SubscriptionNotFoundError: lambda _: no_such_subscription(),
    DedupIdMissingError: lambda _: invalid(
        "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
    ),
}
