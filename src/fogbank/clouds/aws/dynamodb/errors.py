"""Amazon DynamoDB's errors, worded as the service words them (Developer Guide, "Error handling with DynamoDB")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.engines.documents.errors import (
    CollectionBusyError,
    CollectionExistsError,
    CollectionNotFoundError,
    CollectionProtectedError,
    OtherRequestError,
    SameDocumentError,
    TooLargeTogetherError,
)
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from typing import Any

    from fogbank.clouds.aws.api import ErrorTable
    from fogbank.wire.aws.errors import InputError

# What a value of a JSON type is called, and what a type of a parameter is called, in SerializationException.
_FOUND: Final = {"str": "STRING_VALUE", "int": "NUMBER_VALUE", "float": "NUMBER_VALUE", "bool": "TRUE_VALUE"}
_WANTED: Final = {"str": "String", "int": "Integer", "bool": "Boolean", "bytes": "Blob"}


def validation(message: str) -> AwsError:
    """A request that isn't allowed."""
    return AwsError("ValidationException", message)


def invalid_values(message: str) -> AwsError:
    """A parameter's value that isn't allowed."""
    return validation(f"One or more parameter values were invalid: {message}")


class EmptyKeyError(AwsError):
    """A key's value that is empty: told from the request, so that a transaction with it isn't even begun."""

    def __init__(self, message: str) -> None:
        super().__init__("ValidationException", f"One or more parameter values are not valid. {message}")


def unsupported(what: str) -> AwsError:
    """Something that DynamoDB has and Fogbank has not."""
    return validation(f"Fogbank does not support {what}.")


def serialization(message: str) -> AwsError:
    """A body whose JSON isn't of the right types."""
    return AwsError("SerializationException", message)


def wrong_type(value: Any, wanted: str) -> AwsError:
    """A JSON value that isn't of the type that is wanted (`String`, `List`, `Map` …)."""
    if isinstance(value, dict):
        return serialization("Start of structure or map found where not expected.")
    if isinstance(value, list):
        return serialization("Start of list found where not expected")
    if wanted in ("List", "Map"):
        return serialization("Unexpected field type")
    if wanted == "Structure":
        return serialization("Unexpected value type in payload")
    if value is False:
        return serialization(f"FALSE_VALUE cannot be converted to {wanted}")
    return serialization(f"{_FOUND[type(value).__name__]} cannot be converted to {wanted}")


def table_not_found(name: str) -> AwsError:
    """There is no such table, as operations on tables say it; those on items don't name it."""
    return AwsError("ResourceNotFoundException", f"Requested resource not found: Table: {name} not found")


def condition_failed(fields: dict[str, Any] | None = None) -> AwsError:
    """The condition isn't fulfilled."""
    return AwsError("ConditionalCheckFailedException", "The conditional request failed", fields=fields)


def input_error(error: InputError) -> AwsError:
    """Word an input that doesn't fit the operation."""
    if error.kind == "constraint":
        return validation(error.detail)
    if error.kind == "missing":
        path = ".".join(step[:1].lower() + step[1:] for step in error.path.split("."))
        return validation(
            f"1 validation error detected: Value null at '{path}' failed to satisfy constraint: Member must not be null"
        )
    if error.kind == "unknown":
        return validation(f"Unknown parameter {error.path}.")
    if error.kind == "unsupported":
        return unsupported(f"the parameter {error.path}")
    if error.kind == "malformed":
        return serialization("Unexpected token received from parser")
    return _type_error(error.detail)


def _type_error(detail: str) -> AwsError:
    """Word what the decoder says: `str, got int`."""
    wanted, _, found = detail.partition(", got ")
    wanted = wanted.partition(" | ")[0]
    if found == "object":
        return wrong_type({}, "")
    if found == "array":
        return wrong_type([], "")
    if wanted in ("object", "array"):
        return wrong_type(0, "Structure" if wanted == "object" else "List")
    return serialization(f"{_FOUND.get(found, found)} cannot be converted to {_WANTED.get(wanted, wanted)}")


ERRORS: Final[ErrorTable] = {
    CollectionNotFoundError: lambda _: AwsError("ResourceNotFoundException", "Requested resource not found"),
    CollectionBusyError: lambda error: AwsError(
        "ResourceInUseException",
        f"Attempt to change a resource which is still in use: Table is being created or backed up: {error.name}",
    ),
    CollectionExistsError: lambda error: AwsError("ResourceInUseException", f"Table already exists: {error.name}"),
    CollectionProtectedError: lambda _: validation(
        "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first."
    ),
    OtherRequestError: lambda _: AwsError(
        "IdempotentParameterMismatchException",
        "DynamoDB rejected the request because you retried a request with a different payload but with an idempotent"
        " token that was already used.",
    ),
    SameDocumentError: lambda _: validation("Transaction request cannot include multiple operations on one item"),
    TooLargeTogetherError: lambda _: validation("The aggregate size of the items in the transaction exceeds 4 MB"),
}
