"""Errors as Cosmos DB words them: `{"code", "message"}`, with a sub-status in a header.

"HTTP status codes for Azure Cosmos DB" (https://learn.microsoft.com/rest/api/cosmos-db/http-status-codes-for-cosmosdb).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from fogbank.languages.cosmos_sql.errors import QueryError

CODES: Final = {
    400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 405: "MethodNotAllowed",
    408: "RequestTimeout", 409: "Conflict", 410: "Gone", 412: "PreconditionFailed", 413: "RequestEntityTooLarge",
    424: "FailedDependency", 429: "TooManyRequests", 449: "RetryWith", 500: "InternalServerError",
    503: "ServiceUnavailable",
}  # fmt: skip
PARTITION_KEY_MISMATCH: Final = 1001
OWNER_NOT_FOUND: Final = 1003
RID_MISMATCH: Final = 1024
THROTTLED: Final = 3200


class CosmosError(Exception):
    """A request is refused. `status` is that of HTTP; `details` take the message's place in the list of errors."""

    def __init__(self, status: int, message: str, substatus: int = 0, details: Any = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.substatus = substatus
        self.details = details

    @property
    def code(self) -> str:
        """The word for the status."""
        return CODES[self.status]


def bad_request(message: str, substatus: int = 0) -> CosmosError:
    """Something in the request isn't allowed."""
    return CosmosError(400, message, substatus)


def unsupported(what: str) -> CosmosError:
    """Cosmos DB has it, Fogbank doesn't."""
    return CosmosError(400, f"Fogbank does not support {what}.")


def not_found() -> CosmosError:
    """What the request is for isn't there."""
    return CosmosError(404, "Resource Not Found. Learn more: https://aka.ms/cosmosdb-tsg-not-found")


def owner_not_found() -> CosmosError:
    """The database or container that the request goes through isn't there."""
    return CosmosError(404, "Owner resource does not exist", OWNER_NOT_FOUND)


def conflict(message: str = "Resource with specified id or name already exists.") -> CosmosError:
    """There is one already."""
    return CosmosError(409, message)


def precondition_failed() -> CosmosError:
    """The resource isn't as the request demands."""
    return CosmosError(412, "Operation cannot be performed because one of the specified precondition is not met.")


def too_large() -> CosmosError:
    """A body is longer than it may be."""
    return CosmosError(413, "Request size is too large")


def too_many_requests() -> CosmosError:
    """There is too much to do; the client tries again."""
    message = "Request rate is large. No changes were made. Please retry this request later."
    return CosmosError(429, message, THROTTLED)


def query_refused(error: QueryError) -> CosmosError:
    """A query can't be run."""
    found: dict[str, Any] = {"severity": "Error"}
    if error.start >= 0:
        found["location"] = {"start": error.start, "end": error.end}
    return CosmosError(
        400, error.message, details={"errors": [{**found, "code": error.code, "message": error.message}]}
    )


def error_body(error: CosmosError, activity: str) -> bytes:
    """Return the body of a refusal."""
    details = error.details or {"Errors": [error.message]}
    message = f"Message: {msgspec.json.encode(details).decode()}\r\nActivityId: {activity}, Fogbank"
    return msgspec.json.encode({"code": error.code, "message": message})
