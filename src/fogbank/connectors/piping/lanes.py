"""A follower of a change feed (or another source) at work: batches of entries in order, and what becomes of failures.

A follower has lanes, each with a place of its own in the feed (`storage/feed_places`): entries of one key are handed on
in one lane, one after another, so that their order is kept. A lane's place moves when a batch is done with, in one
transaction with whatever is told of entries that were given up; a server that is killed goes on from there, and hands
on a second time what was under way. What fails is tried again and holds up its lane until it succeeds or is given up.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol
from zlib import crc32

import msgspec

from fogbank.kernel.clock import SECOND_US
from fogbank.storage import feed_places
from fogbank.storage.feed_places import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from typing import Any, TypeAlias

    from fogbank.connectors.destinations import Parcel
    from fogbank.connectors.piping.sources import Source
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.kernel.tasks import Supervisor
    from fogbank.runtimes.model import Outcome
    from fogbank.storage import Store, Tx
    from fogbank.storage.change_feed import Entry
    from fogbank.storage.signals import Listener

# As much as a function takes.
BATCH_BYTES_MAX: Final = 6_291_456
READ_MIN: Final = 10
READ_MAX: Final = 1_000
READ_BYTES_MAX: Final = 4_194_304
# Entries that aren't for a lane are passed over without writing that down, up to so many.
PASSED_OVER_MAX: Final = 1_000
# After a failure, twice as long each time.
PAUSE_SECONDS: Final = 0.1
PAUSE_SECONDS_MAX: Final = 10.0
DOUBLINGS_MAX: Final = 10
LEASE_US: Final = 30 * SECOND_US
CLAIM_US: Final = SECOND_US
OK: Final = "ok"
FAILED: Final = "failed"
_log = logging.getLogger(__name__)


class Piece(msgspec.Struct, frozen=True, array_like=True):
    """A stretch of the feed that is handed on together, up to the entry `end`; `tries` have failed."""

    end: int
    tries: int = 0


class Note(msgspec.Struct, frozen=True, array_like=True):
    """What a lane remembers: what is to be tried again before anything new, and how the last batch went."""

    pieces: list[Piece] = []
    result: str = ""


class Handed(NamedTuple):
    """An entry, and the record that is made of it."""

    entry: Entry
    record: bytes


class Given(NamedTuple):
    """What came of handing a batch on: the first of its entries that failed, their number if none did.

    Where it couldn't even be tried, `tried` is False: that isn't counted. `outcome` is the invocation's, under its id.
    """

    failed: int
    tried: bool = True
    outcome: Outcome | None = None
    id: str = ""


class Discarded(NamedTuple):
    """Entries that were given up after so many tries, because they were `too_old` or tried often enough."""

    handed: Sequence[Handed]
    too_old: bool
    tries: int
    given: Given | None
    now_us: int


class Form(Protocol):
    """How a dialect hands on the entries of one feed."""

    def key(self, entry: Entry) -> bytes:
        """Return what entries have in common that are to stay in order."""

    def record(self, entry: Entry) -> bytes | None:
        """Return what is handed on for an entry; None if it isn't wanted."""

    def discarded(self, discarded: Discarded) -> list[Parcel]:
        """Tell of entries that were given up."""


class Plan(NamedTuple):
    """How a source is followed.

    `follower` names the places. A batch is up to `batch_size` entries, or what has come when `window_seconds` after the
    first are over. What fails is tried again up to `retries_max` times, and given up when it is `age_seconds_max` old;
    None is for ever. With `bisect` a batch that fails is halved first, which isn't counted. Between tries are
    `pause_seconds`, twice as long each time up to `pause_seconds_max`.
    """

    follower: str
    source: Source
    lanes: int
    batch_size: int
    window_seconds: int
    retries_max: int | None
    age_seconds_max: int | None
    bisect: bool
    pause_seconds: float = PAUSE_SECONDS
    pause_seconds_max: float = PAUSE_SECONDS_MAX


if TYPE_CHECKING:
    Hand: TypeAlias = Callable[[list[Handed], int], Coroutine[Any, Any, Given]]
    """Hands a batch on that was tried so many times already."""


class Lane:
    """One lane of a follower; `number` counts from 0."""

    def __init__(
        self, parts: tuple[Store, Clock, Ids, Supervisor], plan: Plan, number: int, form: Form, hand: Hand
    ) -> None:
        self._store, self._clock, self._ids, self._tasks = parts
        self._plan = plan
        self._number = number
        self._form = form
        self._hand = hand
        self.token = 0
        self._seq = 0
        self._note = Note()
        # Further than `_seq` where what follows isn't for this lane; and as far as nothing is that was.
        self._seen = self._passed = 0
        self._failures = 0
        self._moved = False
        self.working: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Follow the feed for ever; a batch that is under way is finished even if this is cancelled."""
        self.token = self._ids.sequence()
        with self._store.signals.listen(self._plan.source.topic) as listener:
            while (place := await self._claim()) is not None:
                self._seq = self._seen = self._passed = place.seq
                self._note = msgspec.msgpack.decode(place.note, type=Note) if place.note else Note()
                await self._go_on(listener)

    async def _go_on(self, listener: Listener) -> None:
        """Hand batches on until it isn't known any more how far the lane has come."""
        while True:
            pieces = self._note.pieces
            batch = await (self._again(pieces[0]) if pieces else self._collect(listener))
            piece = pieces[0] if pieces else Piece(self._seen)
            self._moved = False
            self.working = self._tasks.spawn(f"batch for {self._plan.follower}", self._work_on(batch, piece))
            await asyncio.shield(self.working)
            self.working = None
            if not self._moved:
                self._failures += 1
            if self._failures:
                doublings = min(self._failures - 1, DOUBLINGS_MAX)
                await self._clock.sleep(min(self._plan.pause_seconds_max, self._plan.pause_seconds * 2**doublings))
            if not self._moved:
                return

    async def finish(self) -> None:
        """Wait for a batch that is under way, after this was cancelled, and write down what was passed over."""
        if self.working is not None and not self.working.done():
            await asyncio.wait([self.working])
        if self._passed > self._seq and not self._note.pieces:
            await self._move(self._passed, self._note)

    async def _claim(self) -> Place | None:
        """Wait until nobody else goes on with this lane, and return its place; None if there is none any more."""
        alone = self._store.exclusive
        while True:
            claim = await self._store.run(
                feed_places.claim, self._plan.follower, self._number, self.token, LEASE_US, alone=alone
            )
            if claim is None or claim.place is not None:
                return None if claim is None else claim.place
            # Whoever has it may let it go before its lease ends, and says so to nobody.
            await self._clock.sleep_until(min(claim.until_us, self._clock.now() + CLAIM_US), upkeep=True)

    async def _again(self, piece: Piece) -> list[Handed]:
        """Return what is left of a piece that failed; what is older than the feed keeps it, isn't."""
        batch: list[Handed] = []
        after = self._seq
        while entries := await self._read(after, READ_MAX):
            for entry in entries:
                if entry.seq > piece.end:
                    return batch
                batch += self._handed(entry)
            after = entries[-1].seq
        return batch

    async def _collect(self, listener: Listener) -> list[Handed]:
        """Return the next batch; empty, if a good deal that isn't wanted was passed over instead."""
        batch: list[Handed] = []
        size, closes_us, passed_over = 0, 0, 0
        while len(batch) < self._plan.batch_size:
            wanted = self._plan.batch_size - len(batch)
            entries = await self._read(self._seen, min(READ_MAX, max(READ_MIN, wanted)))
            for entry in entries:
                # What has one number goes together, however much it is.
                ends = bool(batch) and entry.seq != self._seen
                if ends and len(batch) >= self._plan.batch_size:
                    return batch
                handed = self._handed(entry)
                size += sum(len(each.record) for each in handed)
                if ends and size > BATCH_BYTES_MAX:
                    return batch
                batch += handed
                self._seen = entry.seq
                if not batch:
                    self._passed = entry.seq
            if batch and not closes_us:
                closes_us = self._clock.now() + self._plan.window_seconds * SECOND_US
            if entries:
                passed_over += len(entries)
                if not batch and passed_over >= PASSED_OVER_MAX:
                    break
                continue
            if batch and self._clock.now() >= closes_us:
                break
            await listener.wait(closes_us or None)
        return batch

    async def _read(self, after: int, limit: int) -> list[Entry]:
        return await self._plan.source.read(self._store, after, limit, READ_BYTES_MAX)

    def _handed(self, entry: Entry) -> list[Handed]:
        """Return what is handed on of an entry: nothing where it isn't for this lane, or isn't wanted."""
        if self._plan.lanes > 1 and crc32(self._form.key(entry)) % self._plan.lanes != self._number:
            return []
        record = self._form.record(entry)
        return [] if record is None else [Handed(entry, record)]

    async def _work_on(self, batch: list[Handed], piece: Piece) -> None:
        """Hand a batch on, and write down what came of it."""
        rest = self._note.pieces[1:]
        fresh = await self._without_old(batch, piece)
        if not fresh:
            return
        given = await self._hand(fresh, piece.tries)
        if given.failed == len(fresh):
            self._failures = 0
            await self._move(piece.end, Note(rest, OK))
            return
        self._failures += 1
        left = fresh[given.failed :]
        done = left[0].entry.seq - 1 if given.failed else self._seq
        if not given.tried:
            # Under its own name from now on, so that what has been collected stays together.
            await self._move(done, Note([piece, *rest], FAILED))
            return
        tries = 1 if given.failed else piece.tries + 1
        if self._plan.bisect and len(left) > 1:
            tries = 0 if given.failed else piece.tries
            middle = left[len(left) // 2 - 1].entry.seq
            halves = [Piece(piece.end, tries)] if given.failed else [Piece(middle, tries), Piece(piece.end, tries)]
            await self._move(done, Note([*halves, *rest], FAILED))
        elif self._plan.retries_max is not None and tries > self._plan.retries_max:
            await self._discard(Discarded(left, False, tries, given, self._clock.now()), piece.end, rest)
        else:
            await self._move(done, Note([Piece(piece.end, tries), *rest], FAILED))

    async def _without_old(self, batch: list[Handed], piece: Piece) -> list[Handed]:
        """Return a batch without what is too old, which is given up."""
        rest = self._note.pieces[1:]
        if not batch:
            await self._move(piece.end, Note(rest, self._note.result))
            return []
        oldest_us = 0
        if self._plan.age_seconds_max is not None:
            oldest_us = self._clock.now() - self._plan.age_seconds_max * SECOND_US
        old = [handed for handed in batch if handed.entry.at_us < oldest_us]
        if old:
            end = piece.end if len(old) == len(batch) else old[-1].entry.seq
            left = rest if end == piece.end else [piece, *rest]
            await self._discard(Discarded(old, True, piece.tries, None, self._clock.now()), end, left)
        return batch[len(old) :]

    async def _discard(self, discarded: Discarded, seq: int, pieces: list[Piece]) -> None:
        """Give entries up, and tell of them."""
        self._failures = 0
        _log.warning(
            "%s: %d entries were given up: %s",
            self._plan.follower,
            len(discarded.handed),
            "too old" if discarded.too_old else "they failed as often as they may be tried",
        )
        await self._move(seq, Note(pieces, FAILED), self._form.discarded(discarded))

    async def _move(self, seq: int, note: Note, parcels: Sequence[Parcel] = ()) -> None:
        place = Place(seq, msgspec.msgpack.encode(note))
        problems = await self._store.run(_settle, self._plan.follower, self._number, self.token, place, parcels)
        if problems is None:
            # The lane is gone, or somebody else's by now: what comes next is looked up anew.
            return
        for problem in problems:
            _log.warning("%s: what was given up was not told: %s", self._plan.follower, problem)
        self._moved = True
        self._seq, self._note = seq, note
        self._seen = max(self._seen, seq)


async def _settle(
    tx: Tx, now_us: int, follower: str, lane: int, token: int, place: Place, parcels: Sequence[Parcel]
) -> list[str] | None:
    """Move a lane on and tell what is to be told; returns what was in the way, None if it isn't ours to move."""
    if not await feed_places.move(tx, now_us, follower, lane, token, place):
        return None
    return [text for parcel in parcels if (text := await parcel(tx, now_us))]
