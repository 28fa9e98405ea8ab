"""Log groups, streams and entries, in neutral words."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

Name: TypeAlias = "tuple[str, str]"
"""A resource's scope key and its name within that scope."""


class LogGroupConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a group treats its entries: `retention_seconds` 0 keeps them for good, `protected` forbids deletion."""

    retention_seconds: int = 0
    protected: bool = False
    tags: dict[str, str] = {}


DEFAULT: Final = LogGroupConfig()


class LogGroup(NamedTuple):
    """A log group as stored."""

    scope: str
    name: str
    id: int
    config: LogGroupConfig
    created_us: int


class LogStream(NamedTuple):
    """A stream of a log group; its times are 0 while it holds no entries."""

    name: str
    id: int
    created_us: int
    first_us: int
    last_us: int
    ingested_us: int


class LogEntry(NamedTuple):
    """An entry on its way in.

    `id` (from `Ids.sequence`) is its place among entries of the same time, `at_us` when it happened. What some
    clouds have beside the text is a severity, higher is worse, named fields, the invocation of a function that it is
    from, and a `body` with whatever else its cloud's dialect keeps.
    """

    id: int
    at_us: int
    text: str
    severity: int = 0
    fields: Mapping[str, Any] | None = None
    invocation: str = ""
    body: bytes = b""


class Place(NamedTuple):
    """Where an entry stands in the order of a group and of its stream."""

    at_us: int
    id: int


class Logged(NamedTuple):
    """An entry as stored, with the names of its stream and its group."""

    stream: str
    place: Place
    ingested_us: int
    text: str
    severity: int
    fields: dict[str, Any] | None
    invocation: str
    body: bytes
    group: Name


class LogContent(msgspec.Struct, frozen=True, array_like=True):
    """The part of an entry that is stored as one value."""

    text: str
    severity: int = 0
    fields: dict[str, Any] | None = None
    invocation: str = ""
    body: bytes = b""


_CONFIG: Final = msgspec.msgpack.Decoder(LogGroupConfig)
_CONTENT: Final = msgspec.msgpack.Decoder(LogContent)
_ENCODER: Final = msgspec.msgpack.Encoder()


@lru_cache(maxsize=4096)
def decode_config(data: bytes) -> LogGroupConfig:
    """Read a stored configuration; the same bytes give the same (immutable) object."""
    return _CONFIG.decode(data)


def encode_config(config: LogGroupConfig) -> bytes:
    """Write a configuration for storing."""
    return _ENCODER.encode(config)


def decode_content(data: bytes) -> LogContent:
    """Read a stored entry's content."""
    return _CONTENT.decode(data)


def encode_content(entry: LogEntry) -> bytes:
    """Write an entry's content for storing."""
    return _ENCODER.encode(entry[2:] if entry.body or entry.invocation else entry[2:5])
