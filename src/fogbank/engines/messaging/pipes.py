"""Pipes: what takes a queue's messages and hands them on, batch by batch. All are store operations.

A pipe is a record; changes are told in a feed that whoever runs pipes follows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from fogbank.engines.messaging import records
from fogbank.engines.messaging.errors import (
    PipeExistsError,
    PipeNotFoundError,
    RecordExistsError,
    RecordNotFoundError,
)
from fogbank.storage import change_feed

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.engines.messaging.model import Name
    from fogbank.engines.messaging.records import Record
    from fogbank.storage import Tx

FEED: Final = "pipes"
KIND: Final = "pipe"


class PipeConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a pipe takes events from its source: the endpoint of a queue, or with `is_feed` the name of a change feed.

    Up to `batch_size` events are handed on together, after waiting for more up to `window_seconds`. What is made of
    them, and who gets it, stands in `body`, in the words of the dialect.

    Of a change feed, entries are taken from the oldest on, or `from_latest`; in `lanes` at once, in order in each. A
    batch that fails is tried again up to `retries_max` times and until it is `age_seconds_max` old, None being for
    ever; with `bisect` it is halved.
    """

    dialect: str
    source: str
    body: bytes
    enabled: bool = True
    batch_size: int = 10
    window_seconds: int = 0
    is_feed: bool = False
    from_latest: bool = False
    lanes: int = 1
    retries_max: int | None = None
    age_seconds_max: int | None = None
    bisect: bool = False


class Pipe(NamedTuple):
    """A pipe as stored."""

    scope: str
    name: str
    config: PipeConfig
    created_us: int
    modified_us: int


_CONFIG: Final = msgspec.msgpack.Decoder(PipeConfig)


def _pipe(record: Record) -> Pipe:
    return Pipe(record.scope, record.name, _CONFIG.decode(record.body), record.created_us, record.modified_us)


async def create(tx: Tx, now_us: int, name: Name, number: int, config: PipeConfig) -> Pipe:
    """Create a pipe; raises `PipeExistsError`."""
    scope, short = name
    try:
        record = await records.add(tx, now_us, scope, KIND, short, number, msgspec.msgpack.encode(config))
    except RecordExistsError:
        raise PipeExistsError(short) from None
    await _tell(tx, now_us, name)
    return _pipe(record)


async def find(tx: Tx, now_us: int, name: Name) -> Pipe:
    """Return a pipe, or raise `PipeNotFoundError`."""
    scope, short = name
    try:
        return _pipe(await records.find(tx, now_us, scope, KIND, short))
    except RecordNotFoundError:
        raise PipeNotFoundError(short) from None


async def list_pipes(tx: Tx, now_us: int, scope: str, prefix: str = "", after: str = "") -> list[Pipe]:
    """Return pipes of a scope in the order of their names, those that follow `after`."""
    return [_pipe(record) for record in await records.list_records(tx, now_us, scope, KIND, prefix, after)]


async def count(tx: Tx, now_us: int, scope: str) -> int:
    """Count the pipes of a scope."""
    return await records.count(tx, now_us, scope, KIND)


async def all_pipes(tx: Tx, now_us: int) -> list[Pipe]:
    """Return every pipe there is."""
    return [_pipe(record) for record in await records.every_record(tx, now_us, KIND)]


async def update(tx: Tx, now_us: int, name: Name, change: Callable[[PipeConfig], PipeConfig]) -> Pipe:
    """Change a pipe; raises `PipeNotFoundError`, and `change` may refuse by raising."""
    scope, short = name

    def changed(record: Record) -> bytes:
        return msgspec.msgpack.encode(change(_pipe(record).config))

    try:
        record = await records.update(tx, now_us, scope, KIND, short, changed)
    except RecordNotFoundError:
        raise PipeNotFoundError(short) from None
    await _tell(tx, now_us, name)
    return _pipe(record)


async def delete(tx: Tx, now_us: int, name: Name) -> Pipe:
    """Delete a pipe; returns what it was. A batch that is being handed on is finished."""
    pipe = await find(tx, now_us, name)
    await records.delete(tx, now_us, pipe.scope, KIND, pipe.name)
    await _tell(tx, now_us, name)
    return pipe


def read(payload: bytes) -> Name:
    """Return the pipe that an entry of the feed is of."""
    return msgspec.msgpack.decode(payload, type=tuple[str, str])


async def _tell(tx: Tx, now_us: int, name: Name) -> None:
    await change_feed.append(tx, now_us, FEED, msgspec.msgpack.encode(name))
