"""Errors as Table Storage words them ("Table service error codes"), and how it writes them: OData's JSON.

https://learn.microsoft.com/rest/api/storageservices/table-service-error-codes
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from fogbank.clouds.azure.storage.answering import refusal_headers, refuse_in_xml
from fogbank.clouds.azure.storage.errors import StorageError
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from fogbank.wire.http import Request


class Refusal(NamedTuple):
    """An error that is always worded alike; `refusal` makes one to be raised."""

    status: int
    code: str
    message: str


ODATA_JSON: Final = b"application/json;odata=minimalmetadata;streaming=true;charset=utf-8"
TABLE_NOT_FOUND: Final = Refusal(404, "TableNotFound", "The table specified does not exist.")
TABLE_EXISTS: Final = Refusal(409, "TableAlreadyExists", "The table specified already exists.")
NOT_FOUND: Final = Refusal(404, "ResourceNotFound", "The specified resource does not exist.")
ENTITY_EXISTS: Final = Refusal(409, "EntityAlreadyExists", "The specified entity already exists.")
NOT_AS_IT_MUST_BE: Final = Refusal(
    412, "UpdateConditionNotSatisfied", "The update condition specified in the request was not satisfied."
)
NEED_VALUE: Final = Refusal(
    400, "PropertiesNeedValue", "The values are not specified for all properties in the entity."
)
TOO_LARGE: Final = Refusal(
    400, "EntityTooLarge", "The entity is larger than the maximum allowed size (1MB)."
)  # fmt: skip
TOO_MANY_PROPERTIES: Final = Refusal(
    400,
    "TooManyProperties",
    "The entity contains more properties than allowed. Each entity can include up to 252 properties to store data. Each"
    " entity also has 3 system properties.",
)
VALUE_TOO_LARGE: Final = Refusal(
    400,
    "PropertyValueTooLarge",
    "The property value exceeds the maximum allowed size (64KB). If the property value is a string, it is UTF-16"
    " encoded and the maximum number of characters should be 32K or less.",
)
KEY_TOO_LARGE: Final = Refusal(
    400, "PropertyValueTooLarge", "The property value exceeds the maximum allowed size (1KB)."
)
NAME_INVALID: Final = Refusal(400, "PropertyNameInvalid", "The property name is invalid.")
NAME_TOO_LONG: Final = Refusal(
    400, "PropertyNameTooLong", "The property name exceeds the maximum allowed length (255)."
)
# Those of Cosmos DB, where it has others.
COSMOS_TOO_LARGE: Final = Refusal(
    413, "RequestBodyTooLarge", "The request body is too large and exceeds the maximum permissible limit."
)
COSMOS_PARTITION_TOO_LARGE: Final = Refusal(
    400, "PropertyValueTooLarge", "The property value exceeds the maximum allowed size (2KB)."
)
COSMOS_ROW_TOO_LARGE: Final = Refusal(
    400, "PropertyValueTooLarge", "The property value exceeds the maximum allowed size (255 bytes)."
)
OTHER_PARTITIONS: Final = Refusal(
    400, "CommandsInBatchActOnDifferentPartitions", "All commands in a batch must operate on same entity group."
)
INVALID_URI: Final = Refusal(400, "InvalidUri", "The requested URI does not represent any resource on the server.")
FORBIDDEN: Final = Refusal(403, "AuthorizationFailure", "This request is not authorized to perform this operation.")
NO_ATOM: Final = Refusal(415, "AtomFormatNotSupported", "Atom format is not supported.")
NO_SUCH_MEDIA: Final = Refusal(415, "MediaTypeNotSupported", "None of the provided media types are supported")


def refusal(wording: Refusal) -> StorageError:
    """Return an error to be raised."""
    return StorageError(*wording)


def invalid_input(reason: str = "") -> StorageError:
    """Something in the request isn't as it must be."""
    return StorageError(400, "InvalidInput", "One of the request inputs is not valid." + (f" {reason}" * bool(reason)))


def out_of_range(name: str, value: str) -> StorageError:
    """A key has characters that none may have."""
    return StorageError(400, "OutOfRangeInput", f"The '{name}' parameter of value '{value}' is out of range.")


def not_implemented(what: str) -> StorageError:
    """OData has it, tables have not."""
    message = f"The requested operation is not implemented on the specified resource. ({what})"
    return StorageError(501, "NotImplemented", message)


def missing_header(name: str) -> StorageError:
    """A header must be there."""
    message = f"An HTTP header that's mandatory for this request is not specified. ({name})"
    return StorageError(400, "MissingRequiredHeader", message, {"HeaderName": name})


def refuse_as_cosmos(_request: Request, error: StorageError, number: str, time: str) -> Response:
    """Return an error's response as Cosmos DB writes it."""
    return Response(error.status, refusal_headers(error, ODATA_JSON), error_json(error, number, time, cosmos=True))


def refuse(request: Request, error: StorageError, number: str, time: str) -> Response:
    """Return an error's response: in JSON, unless the client takes nothing but XML."""
    accept = request.headers.get(b"accept", b"")
    if b"xml" in accept and b"json" not in accept and b"comp=" in request.raw_query.encode("latin-1"):
        return refuse_in_xml(request, error, number, time)
    return Response(error.status, refusal_headers(error, ODATA_JSON), error_json(error, number, time))


def error_json(error: StorageError, number: str, time: str, prefix: str = "", *, cosmos: bool = False) -> bytes:
    """Return an error's body; `prefix` stands before its message. That of Cosmos DB doesn't tell the time."""
    told = f"\nRequestID:{number}\n" if cosmos else f"\nRequestId:{number}\nTime:{time}"
    message = {"lang": "en-us" if cosmos else "en-US", "value": f"{prefix}{error.message}{told}"}
    return msgspec.json.encode({"odata.error": {"code": error.code, "message": message}})
