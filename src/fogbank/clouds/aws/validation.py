"""How services word an input that doesn't fit (API References, "Common Errors"; first those of IAM and STS)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.wire.aws.constraints import missing_member
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from fogbank.wire.aws.errors import InputError


def invalid(message: str) -> AwsError:
    """The input fails to satisfy a constraint."""
    return AwsError("ValidationError", message)


def input_error(error: InputError) -> AwsError:
    """Word an input that doesn't fit the operation."""
    return worded(error, "ValidationError", "MalformedInput")


def worded(error: InputError, invalid_code: str, malformed_code: str) -> AwsError:
    """Word an input that doesn't fit, for services that have one code for all that isn't valid."""
    if error.kind == "constraint":
        return AwsError(invalid_code, error.detail)
    if error.kind == "missing":
        return AwsError(invalid_code, missing_member(error.path))
    if error.kind == "unknown":
        return AwsError(invalid_code, f"Unknown parameter {error.path}.")
    if error.kind == "unsupported":
        return AwsError(invalid_code, f"Fogbank does not support the parameter {error.path}.")
    where = f" {error.path}" if error.path else ""
    return AwsError(malformed_code, f"Failed to parse the request{where}: expected {error.detail}.")
