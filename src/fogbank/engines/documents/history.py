"""Earlier states of a collection, from its change feed: what was there at a version, what has changed since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from fogbank.engines.documents import collections
from fogbank.engines.documents.errors import HistoryGoneError
from fogbank.engines.documents.model import Change, Document, Key
from fogbank.kernel.clock import SECOND_US
from fogbank.storage import change_feed

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.engines.documents.model import Collection
    from fogbank.storage import Tx

# The cause of an entry that tells that all documents are gone at once; it has no key.
CLEARED: Final = "cleared"
CHANGES_MAX: Final = 100_000
TRIMMED_AT_ONCE: Final = 1_000
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


async def _first_where(tx: Tx, now_us: int, feed: str, fits: Callable[[change_feed.Entry], bool]) -> tuple[int, int]:
    """Return the numbers of a feed's first entry, and of the first that fits as all behind it do.

    Where there is none, that is one behind the newest.
    """
    low = first = await change_feed.first(tx, now_us, feed)
    high = await change_feed.last(tx, now_us, feed) + 1
    while low < high:
        middle = (low + high) // 2
        (entry,) = await change_feed.read(tx, now_us, feed, middle - 1, 1)
        if fits(entry):
            high = middle
        else:
            low = middle + 1
    return first, low


async def since(tx: Tx, now_us: int, collection: Collection, version: int) -> dict[Key, Document | None]:
    """Return the documents that have changed since a version as they were then: None for what wasn't there.

    Raises `HistoryGoneError` where the feed doesn't go back so far.
    """
    config = collection.config
    if await collections.latest(tx, 0, collection) <= version:
        return {}
    if version < now_us - config.feed_seconds * SECOND_US:
        raise HistoryGoneError(config.feed)
    first, behind = await _first_where(tx, now_us, config.feed, lambda entry: _decode(entry.payload).version > version)
    if behind == first > 1:
        # What was before it isn't there any more.
        raise HistoryGoneError(config.feed)
    at = behind - 1
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
    return Document(change.before_size, None, change.before_version, change.created, change.before)


def after(change: Change) -> Document | None:
    """Return a document as a change left it."""
    if change.after is None:
        return None
    return Document(change.after_size, None, change.version, change.created, change.after)


async def trim(tx: Tx, now_us: int, collection: Collection) -> bool:
    """Remove some of a collection's feed's entries that are too old or too many; True once there are no more such.

    The last of the old ones stays: it shows that nothing is missing behind it.
    """
    config = collection.config
    since_us = now_us - config.feed_seconds * SECOND_US
    first, kept = await _first_where(tx, now_us, config.feed, lambda entry: entry.at_us >= since_us)
    end = kept - 2 if config.feed_seconds else 0
    if config.feed_entries:
        end = max(end, await change_feed.last(tx, now_us, config.feed) - config.feed_entries)
    part = min(end, first + TRIMMED_AT_ONCE - 1)
    if part >= first:
        await change_feed.trim_to(tx, now_us, config.feed, part)
    return part >= end
