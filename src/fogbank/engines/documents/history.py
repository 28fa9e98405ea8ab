"""Earlier states of a collection, from its change feed: what was there at a version, what has changed since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from fogbank.engines.documents import collections
from fogbank.engines.documents.errors import HistoryGoneError
from fogbank.engines.documents.model import Change, Document, Key
from fogbank.engines.documents.values import decode_fields
from fogbank.kernel.clock import SECOND_US
from fogbank.storage import change_feed

if TYPE_CHECKING:
    from fogbank.engines.documents.model import Collection
    from fogbank.storage import Tx

# The cause of an entry that tells that all documents are gone at once; it has no key.
CLEARED: Final = "cleared"
CHANGES_MAX: Final = 100_000
_READ_AT_ONCE: Final = 500
_decode: Final = msgspec.msgpack.Decoder(Change).decode
_encode: Final = msgspec.msgpack.Encoder().encode


class Told(NamedTuple):
    """An entry of a change feed: its number there, and the change."""

    seq: int
    change: Change


async def follow(tx: Tx, now_us: int, feed: str, after: int, limit: int) -> list[Told]:
    """Return changes behind an entry of the feed, oldest first."""
    return [Told(each.seq, _decode(each.payload)) for each in await change_feed.read(tx, now_us, feed, after, limit)]


async def tell_cleared(tx: Tx, now_us: int, feed: str, version: int) -> None:
    """Add to a feed that all documents are gone."""
    await change_feed.append(tx, now_us, feed, _encode(Change(b"", b"", None, None, version=version, cause=CLEARED)))


async def find_behind(tx: Tx, now_us: int, feed: str, version: int) -> int:
    """Return the number of the first entry that a feed has with a greater version; behind the newest without one."""
    low = await change_feed.first(tx, now_us, feed)
    high = await change_feed.last(tx, now_us, feed) + 1
    while low < high:
        middle = (low + high) // 2
        (entry,) = await change_feed.read(tx, now_us, feed, middle - 1, 1)
        if _decode(entry.payload).version > version:
            high = middle
        else:
            low = middle + 1
    return low


async def since(tx: Tx, now_us: int, collection: Collection, version: int) -> dict[Key, Document | None]:
    """Return the documents that have changed since a version as they were then: None for what wasn't there.

    Raises `HistoryGoneError` where the feed doesn't go back so far.
    """
    config = collection.config
    if await collections.latest(tx, 0, collection) <= version:
        return {}
    if version < now_us - config.feed_seconds * SECOND_US:
        raise HistoryGoneError(config.feed)
    at = await find_behind(tx, now_us, config.feed, version) - 1
    found: dict[Key, Document | None] = {}
    while True:
        told = await follow(tx, now_us, config.feed, at, _READ_AT_ONCE)
        for each in told:
            if each.change.cause == CLEARED or len(found) > CHANGES_MAX:
                raise HistoryGoneError(config.feed)
            key = Key(each.change.partition, each.change.sort)
            if key not in found:
                found[key] = before(each.change)
        if len(told) < _READ_AT_ONCE:
            return found
        at = told[-1].seq


def before(change: Change) -> Document | None:
    """Return a document as it was before a change."""
    if change.before is None:
        return None
    return Document(change.before_size, decode_fields(change.before), change.before_version, change.created)


def after(change: Change) -> Document | None:
    """Return a document as a change left it."""
    if change.after is None:
        return None
    return Document(change.after_size, decode_fields(change.after), change.version, change.created)


async def trim(tx: Tx, now_us: int, collection: Collection) -> None:
    """Remove a collection's feed's entries that are too old."""
    config = collection.config
    if config.feed and config.feed_seconds:
        await change_feed.trim(tx, now_us, config.feed, now_us - config.feed_seconds * SECOND_US)
