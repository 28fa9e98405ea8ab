"""The messages of Firebase's rules API."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from fogbank.wire.grpc.types import protobuf_types

if TYPE_CHECKING:
    from fogbank.wire.grpc.types import Types

PACKAGE: Final = "google.firebase.rules.v1"


@cache
def rules_types() -> Types:
    """Return the process's types, with those of the rules API among them."""
    types = protobuf_types()
    types.load("fogbank.clouds.gcp.firebaserules", "descriptors")
    return types


def message(kind: str, /, **fields: Any) -> Any:
    """Make a message."""
    return rules_types().message(f"{PACKAGE}.{kind}")(**fields)
