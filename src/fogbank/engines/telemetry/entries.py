"""Entries of logs: append to one stream, read one, some or all streams of a group in order of time."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, Final, NamedTuple

from fogbank.engines.telemetry import groups, streams
from fogbank.engines.telemetry.errors import LogStreamNotFoundError
from fogbank.engines.telemetry.model import (
    LogEntry,
    Logged,
    LogGroupConfig,
    Place,
    decode_content,
    encode_content,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fogbank.engines.telemetry.model import LogGroup, Name
    from fogbank.storage import Row, Tx

# How many entries one read looks at before it gives others a turn.
EXAMINED_MAX: Final = 10_000
# More streams than this are read by going through their whole group.
STREAMS_MERGED_MAX: Final = 100
_FETCHED_AT_ONCE: Final = 128
_END_US: Final = 2**62

_TOUCH: Final = (
    "UPDATE log_stream SET last_us = CASE WHEN last_us < $1 THEN $1 ELSE last_us END, ingested_us = $2,"
    " size = size + $3 WHERE log_group = (SELECT id FROM log_group WHERE scope = $4 AND name = $5) AND name = $6"
    " RETURNING log_group, id"
)
_APPEND: Final = (
    "INSERT INTO log_entry (log_group, at_us, id, stream, ingested_us, content) VALUES ($1, $2, $3, $4, $5, $6)"
)


class Query(NamedTuple):
    """Which entries to read: those of `from_us` to before `until_us`, oldest first unless `newest_first`.

    `streams` chooses streams by name and `prefix` by what their names begin with, None and "" all. `beyond` goes
    on where an earlier page ended. `limit` and `bytes_max` bound the page: at least one entry is returned
    whatever its size. Only entries that `matches` says yes to are returned.
    """

    streams: Sequence[str] | None = None
    prefix: str = ""
    from_us: int = 0
    until_us: int = _END_US
    beyond: Place | None = None
    newest_first: bool = False
    limit: int = EXAMINED_MAX
    bytes_max: int = 1_048_576
    matches: Callable[[Logged], bool] | None = None


class Page(NamedTuple):
    """Entries in the order of reading; `beyond` is where to go on, None if there was nothing more."""

    entries: list[Logged]
    beyond: Place | None


async def append(
    tx: Tx, now_us: int, group: Name, stream: str, entries: Sequence[LogEntry], *, create: bool = False
) -> None:
    """Add entries (one at least) to a stream; `create` makes the group and the stream if they aren't there.

    Raises `LogGroupNotFoundError`, `LogStreamNotFoundError`.
    """
    contents = [encode_content(entry) for entry in entries]
    latest_us = max(entry.at_us for entry in entries)
    touch = (latest_us, now_us, sum(map(len, contents)), *group, stream)
    row = await tx.one(_TOUCH, *touch)
    if row is None:
        if create:
            # Numbers are drawn once for everything: what is made on the way takes that of the first entry.
            number = entries[0].id
            owner, _ = await groups.create(tx, now_us, group, number, LogGroupConfig())
            await streams.add(tx, now_us, owner.id, stream, number)
        else:
            await groups.find(tx, now_us, group)
        row = await tx.one(_TOUCH, *touch)
    if row is None:
        raise LogStreamNotFoundError(stream)
    rows = [
        (row[0], entry.at_us, entry.id, row[1], now_us, content)
        for entry, content in zip(entries, contents, strict=True)
    ]
    if len(rows) == 1:
        await tx.run(_APPEND, *rows[0])
    else:
        await tx.many(_APPEND, rows)


async def read(tx: Tx, now_us: int, name: Name, query: Query) -> Page:
    """Return a page of a group's entries; one that looks at many is a scan.

    Raises `LogGroupNotFoundError` and, for streams asked for by name, `LogStreamNotFoundError`.
    """
    group = await groups.find(tx, now_us, name)
    low = Place(max(query.from_us, groups.oldest_us(group, now_us)), 0)
    high = Place(query.until_us, 0)
    if query.beyond is not None:
        if query.newest_first:
            high = min(high, query.beyond)
        else:
            low = max(low, query.beyond._replace(id=query.beyond.id + 1))
    chosen = await _chosen(tx, group, query)
    if chosen is None:
        rows = _InOrder(tx, "log_group", [group.id], low, high, newest_first=query.newest_first)
    else:
        rows = _InOrder(tx, "stream", chosen, low, high, newest_first=query.newest_first)
    return await _fill(rows, query)


async def _fill(rows: _InOrder, query: Query) -> Page:
    found: list[Logged] = []
    place = None
    room = query.bytes_max
    for _ in range(EXAMINED_MAX):
        row = await rows.next()
        if row is None:
            return Page(found, None)
        at_us, number, ingested_us, content, stream = row
        room_left = room - len(content)
        if found and (len(found) == query.limit or room_left < 0):
            return Page(found, place)
        place = Place(at_us, number)
        if stream.startswith(query.prefix):
            body = decode_content(bytes(content))
            entry = Logged(stream, place, ingested_us, body.text, body.severity, body.fields)
            if query.matches is None or query.matches(entry):
                found.append(entry)
                room = room_left
    return Page(found, place)


async def _chosen(tx: Tx, group: LogGroup, query: Query) -> list[int] | None:
    """Return the numbers of the streams to read, None for reading the whole group."""
    if query.streams is not None:
        numbers = []
        for name in dict.fromkeys(query.streams):
            row = await tx.one("SELECT id FROM log_stream WHERE log_group = $1 AND name = $2", group.id, name)
            if row is None:
                raise LogStreamNotFoundError(name)
            numbers.append(row[0])
        return numbers
    if not query.prefix:
        return None
    rows = await tx.all(
        "SELECT name, id FROM log_stream WHERE log_group = $1 AND name >= $2 ORDER BY name LIMIT $3",
        group.id,
        query.prefix,
        STREAMS_MERGED_MAX + 1,
    )
    found = [number for name, number in rows if name.startswith(query.prefix)]
    return found if len(found) <= STREAMS_MERGED_MAX else None


class _InOrder:
    """The entries of one or more streams, or of one group, merged in order of time; fetched as they are asked for.

    Goes from `low` to before `high`, or the other way round.
    """

    def __init__(
        self, tx: Tx, column: str, keys: Sequence[int], low: Place, high: Place, *, newest_first: bool
    ) -> None:
        direction = "DESC" if newest_first else "ASC"
        self._sql = (
            "SELECT e.at_us, e.id, e.ingested_us, e.content, s.name FROM log_entry e"
            f" JOIN log_stream s ON s.id = e.stream WHERE e.{column} = $1"
            " AND (e.at_us, e.id) >= ($2, $3) AND (e.at_us, e.id) < ($4, $5)"
            f" ORDER BY e.at_us {direction}, e.id {direction} LIMIT $6"
        )
        self._tx = tx
        self._low = low
        self._high = high
        self._newest_first = newest_first
        self._at_once = 1 + _FETCHED_AT_ONCE // max(1, len(keys))
        self._waiting = list(keys)
        # The next entry of each stream: its place, forwards or backwards, the stream, the row, those behind it.
        self._heads: list[tuple[int, int, int, Row, list[Row]]] = []

    async def next(self) -> Row | None:
        """Return the next entry's time, id, time of ingestion, content and stream name; None at the end."""
        while self._waiting:
            await self._fetch(self._waiting.pop(), self._low, self._high)
        if not self._heads:
            return None
        _, _, key, row, behind = heappop(self._heads)
        if behind:
            self._push(key, behind)
        else:
            place = Place(row[0], row[1])
            low, high = (self._low, place) if self._newest_first else (place._replace(id=place.id + 1), self._high)
            await self._fetch(key, low, high)
        return row

    async def _fetch(self, key: int, low: Place, high: Place) -> None:
        rows = await self._tx.all(self._sql, key, *low, *high, self._at_once)
        if rows:
            self._push(key, rows[::-1])

    def _push(self, key: int, rows: list[Row]) -> None:
        row = rows.pop()
        sign = -1 if self._newest_first else 1
        heappush(self._heads, (sign * row[0], sign * row[1], key, row, rows))
