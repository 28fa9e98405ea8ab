"""Errors that all Google services word alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fogbank.wire.grpc.status import Code, GrpcError
from fogbank.wire.grpc.types import protobuf_types

if TYPE_CHECKING:
    from collections.abc import Mapping


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


def refuse_unsupported(message: Any, supported: Mapping[str, Any], where: str = "") -> None:
    """Refuse fields that are set and aren't supported, by their names.

    `supported` has a name for each field: with None if whatever it holds is fine, with the same again for a message.
    """
    for field, value in message.ListFields():
        path = f"{where}.{field.name}" if where else field.name
        if field.name not in supported:
            raise unsupported(path)
        inner = supported[field.name]
        if inner is not None:
            refuse_unsupported(value, inner, path)
