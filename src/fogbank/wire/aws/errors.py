"""What an AWS service refuses, before any protocol words it."""

from __future__ import annotations

from typing import Any


class AwsError(Exception):
    """An error as AWS words it: a code, a message, an HTTP status.

    A `status` of None is the one that the service's model gives the error, or else 400 (500 for a fault).
    `query_code` is the older code that services which moved from Query to JSON send along for older SDKs;
    `fields` are further members of the error's shape; `server` marks a fault of the service, not the caller.
    """

    def __init__(
        self,
        code: str,
        message: str = "",
        status: int | None = None,
        *,
        query_code: str | None = None,
        fields: dict[str, Any] | None = None,
        server: bool = False,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.query_code = query_code
        self.fields = fields or {}
        self.server = server


class InputError(Exception):
    """A request's input that doesn't fit the operation; each service words it in its own way.

    `kind` is `malformed` (not of the protocol's form at all), `type` (a value of the wrong type), `missing`,
    `unknown` (a parameter that AWS doesn't have), `unsupported` (one that AWS has and Fogbank has not) or
    `constraint` (values against the model's constraints; `detail` is all of AWS's wording).
    `path` names the parameter in dotted form; `detail` says what was expected.
    """

    def __init__(self, kind: str, path: str, detail: str = "") -> None:
        super().__init__(f"{kind} {path}: {detail}")
        self.kind = kind
        self.path = path
        self.detail = detail
