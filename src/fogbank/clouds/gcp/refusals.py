"""Errors that all Google services word alike."""

from __future__ import annotations

from fogbank.wire.grpc.status import Code, GrpcError
from fogbank.wire.grpc.types import protobuf_types


def invalid(field: str, description: str) -> GrpcError:
    """Return INVALID_ARGUMENT, with the field in its details."""
    bad = protobuf_types().message("google.rpc.BadRequest")()
    bad.field_violations.add(field=field, description=description)
    return GrpcError(Code.INVALID_ARGUMENT, description, (bad,))


def unsupported(what: str) -> GrpcError:
    """Return the refusal of what Google has and Fogbank hasn't."""
    return GrpcError(Code.UNIMPLEMENTED, f"Fogbank doesn't support {what}.")


def not_found(resource: str) -> GrpcError:
    """Return NOT_FOUND for a resource by its full name."""
    return GrpcError(Code.NOT_FOUND, f"Resource '{resource}' was not found")


def already_exists(resource: str) -> GrpcError:
    """Return ALREADY_EXISTS for a resource by its full name."""
    return GrpcError(Code.ALREADY_EXISTS, f"Resource '{resource}' already exists")
