"""Pub/Sub's protobuf messages, for those who need them before the first call."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING

from fogbank.wire.grpc.encoded import varint
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


@lru_cache(maxsize=64)
def publish_time(now_us: int) -> bytes:
    """Return a time as field 4 of a PubsubMessage."""
    seconds, micros = divmod(now_us, 1_000_000)
    inner = b"\x08" + varint(seconds) + (b"\x10" + varint(micros * 1_000) if micros else b"")
    return b"\x22" + varint(len(inner)) + inner
