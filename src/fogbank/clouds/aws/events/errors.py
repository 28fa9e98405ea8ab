"""Amazon EventBridge's errors, worded as the service words them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.clouds.aws.validation import worded
from fogbank.engines.messaging.errors import RecordExistsError, RecordNotFoundError, TopicNotFoundError
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from fogbank.clouds.aws.api import ErrorTable
    from fogbank.wire.aws.errors import InputError

# What records are called, by the last part of their kind.
_WORDS: Final = {
    "archive": "Archive",
    "replay": "Replay",
    "connection": "Connection",
    "api-destination": "Api Destination",
    "rule": "Rule",
}


def invalid(message: str) -> AwsError:
    """A parameter isn't allowed."""
    return AwsError("ValidationException", message)


def unsupported(what: str) -> AwsError:
    """AWS has it, and Fogbank has not."""
    return invalid(f"Fogbank does not support {what}.")


def invalid_pattern(reason: str) -> AwsError:
    """The event pattern can't be."""
    return AwsError("InvalidEventPatternException", f"Event pattern is not valid. Reason: {reason}")


def not_found(message: str) -> AwsError:
    """What was named doesn't exist."""
    return AwsError("ResourceNotFoundException", message)


def no_such_bus(name: str) -> AwsError:
    """The event bus doesn't exist."""
    return not_found(f"Event bus {name} does not exist.")


def no_such_rule(name: str, bus: str) -> AwsError:
    """The rule doesn't exist."""
    return not_found(f"Rule {name} does not exist on EventBus {bus}.")


def too_many() -> AwsError:
    """There may not be more."""
    return AwsError("LimitExceededException", "The requested resource exceeds the maximum number allowed.")


def input_error(error: InputError) -> AwsError:
    """Word an input that doesn't fit the operation."""
    return worded(error, "ValidationException", "SerializationException")


def _word(kind: str) -> str:
    return _WORDS.get(kind.split("/")[1], kind)


ERRORS: Final[ErrorTable] = {
    TopicNotFoundError: lambda error: no_such_bus(error.name.removeprefix("bus/")),
    RecordNotFoundError: lambda error: not_found(f"{_word(error.kind)} {error.name} does not exist."),
    RecordExistsError: lambda error: AwsError(
        "ResourceAlreadyExistsException", f"{_word(error.kind)} {error.name} already exists."
    ),
}
