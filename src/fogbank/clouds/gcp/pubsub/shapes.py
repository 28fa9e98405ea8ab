"""Pub/Sub's protobuf messages, for those who need them before the first call."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from fogbank.wire.grpc.types import protobuf_types

if TYPE_CHECKING:
    from fogbank.wire.grpc.types import Types


@cache
def pubsub_types() -> Types:
    """Return the process's types, with Pub/Sub's among them."""
    types = protobuf_types()
    types.load("fogbank.clouds.gcp", "mixins")
    types.load("fogbank.clouds.gcp.pubsub", "descriptors")
    return types
