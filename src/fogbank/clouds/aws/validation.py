"""How services of the Query protocol word an input that doesn't fit ("Common Errors", IAM and STS API References)."""

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
    if error.kind == "constraint":
        return invalid(error.detail)
    if error.kind == "missing":
        return invalid(missing_member(error.path))
    if error.kind == "unknown":
        return invalid(f"Unknown parameter {error.path}.")
    if error.kind == "unsupported":
        return invalid(f"Fogbank does not support the parameter {error.path}.")
    where = f" {error.path}" if error.path else ""
    return AwsError("MalformedInput", f"Failed to parse the request{where}: expected {error.detail}.")
