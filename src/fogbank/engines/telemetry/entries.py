"""Entries of logs: append to one stream, read one, some or all streams of a group in order of time."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.engines.telemetry import groups, streams
from fogbank.engines.telemetry.errors import LogGroupNotFoundError, LogStreamNotFoundError
from fogbank.engines.telemetry.model import (
    DEFAULT,
    LogEntry,
    Logged,
    Place,
    decode_content,
    encode_content,
)
from fogbank.storage.change_feed import EVERY_FOLLOWER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from fogbank.engines.telemetry.model import LogGroup, LogGroupConfig, Name
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
_IS_THERE: Final = "SELECT 1 FROM log_entry WHERE log_group = $1 AND at_us = $2 AND id = $3"


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


class Source(NamedTuple):
    """A group to read among others: some of its streams by name, passing over those that aren't there, or all."""

    group: Name
    streams: Sequence[str] | None = None


class Page(NamedTuple):
    """Entries in the order of reading; `beyond` is where to go on, None if there was nothing more."""

    entries: list[Logged]
    beyond: Place | None


def topic(group: Name) -> tuple[str, str, str]:
    """Return the signal that tells of new entries in a group."""
    return ("log", *group)


async def append(
    tx: Tx,
    now_us: int,
    group: Name,
    stream: str,
    entries: Sequence[LogEntry],
    *,
    create: bool = False,
    config: LogGroupConfig = DEFAULT,
    once: bool = False,
) -> None:
    """Add entries (one at least) to a stream; `create` makes the group, with `config`, and the stream.

    With `once` the entries' ids say what they are: those that are there already stay as they are.
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
            owner, _ = await groups.create(tx, now_us, group, number, config)
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
    if once:
        rows = await _new(tx, rows)
    if len(rows) == 1:
        await tx.run(_APPEND, *rows[0])
    else:
        await tx.many(_APPEND, rows)
    tx.signal(topic(group), EVERY_FOLLOWER)


async def _new(tx: Tx, rows: Sequence[tuple[int, int, int, int, int, bytes]]) -> list[Any]:
    """Return the rows that aren't there yet; their stream's row is held, so that nobody else adds them."""
    found = {row[1:3]: row for row in reversed(rows)}
    new = [row for place, row in found.items() if await tx.one(_IS_THERE, row[0], *place) is None]
    spared = sum(len(row[5]) for row in rows) - sum(len(row[5]) for row in new)
    if spared:
        await tx.run("UPDATE log_stream SET size = size - $1 WHERE id = $2", spared, rows[0][3])
    return sorted(new)


async def read(tx: Tx, now_us: int, name: Name, query: Query) -> Page:
    """Return a page of a group's entries; one that looks at many is a scan.

    Raises `LogGroupNotFoundError` and, for streams asked for by name, `LogStreamNotFoundError`.
    """
    group = await groups.find(tx, now_us, name)
    low, high = _range(group, now_us, query)
    chosen = await _chosen(tx, group, query)
    parts = [_Part("log_group", group.id, low, high)] if chosen is None else _parts(chosen, low, high)
    return await _fill(_InOrder(tx, parts, newest_first=query.newest_first), query, {group.id: name})


async def read_several(tx: Tx, now_us: int, sources: Iterable[Source], query: Query) -> Page:
    """Return a page of the entries of several groups, in order of time; groups that aren't there have none.

    The query's `streams` and `prefix` count for nothing.
    """
    parts: list[_Part] = []
    names: dict[int, Name] = {}
    for source in sources:
        try:
            group = await groups.find(tx, now_us, source.group)
        except LogGroupNotFoundError:
            continue
        names[group.id] = source.group
        low, high = _range(group, now_us, query)
        if source.streams is None:
            parts.append(_Part("log_group", group.id, low, high))
        else:
            parts += _parts(await _numbers(tx, group, source.streams, strict=False), low, high)
    return await _fill(_InOrder(tx, parts, newest_first=query.newest_first), query, names)


async def ingested(tx: Tx, now_us: int, source: Source, beyond: Place, since_us: int, limit: int) -> list[Logged]:
    """Return entries of a group that came in at `since_us` or later, those that stand behind a place.

    Oldest first. Looks at all entries from there on, so it is a scan; a group that isn't there has none.
    """
    try:
        group = await groups.find(tx, now_us, source.group)
    except LogGroupNotFoundError:
        return []
    rows = await tx.all(
        "SELECT e.at_us, e.id, e.ingested_us, e.content, s.name, e.log_group FROM log_entry e"
        " JOIN log_stream s ON s.id = e.stream WHERE e.log_group = $1 AND (e.at_us, e.id) > ($2, $3)"
        " AND e.ingested_us >= $4 ORDER BY e.at_us, e.id LIMIT $5",
        group.id,
        *max(beyond, Place(groups.oldest_us(group, now_us), 0)),
        since_us,
        limit,
    )
    return [_logged(row, source.group) for row in rows]


def _range(group: LogGroup, now_us: int, query: Query) -> tuple[Place, Place]:
    low = Place(max(query.from_us, groups.oldest_us(group, now_us)), 0)
    high = Place(query.until_us, 0)
    if query.beyond is not None:
        if query.newest_first:
            high = min(high, query.beyond)
        else:
            low = max(low, query.beyond._replace(id=query.beyond.id + 1))
    return low, high


def _logged(row: Row, group: Name) -> Logged:
    at_us, number, ingested_us, content, stream, _ = row
    body = decode_content(bytes(content))
    place = Place(at_us, number)
    return Logged(stream, place, ingested_us, body.text, body.severity, body.fields, body.invocation, body.body, group)


async def _fill(rows: _InOrder, query: Query, names: Mapping[int, Name]) -> Page:
    found: list[Logged] = []
    place = None
    room = query.bytes_max
    for _ in range(EXAMINED_MAX):
        row = await rows.next()
        if row is None:
            return Page(found, None)
        room_left = room - len(row[3])
        if found and (len(found) == query.limit or room_left < 0):
            return Page(found, place)
        place = Place(row[0], row[1])
        if row[4].startswith(query.prefix):
            entry = _logged(row, names[row[5]])
            if query.matches is None or query.matches(entry):
                found.append(entry)
                room = room_left
    return Page(found, place)


async def _chosen(tx: Tx, group: LogGroup, query: Query) -> list[int] | None:
    """Return the numbers of the streams to read, None for reading the whole group."""
    if query.streams is not None:
        return await _numbers(tx, group, query.streams, strict=True)
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


async def _numbers(tx: Tx, group: LogGroup, names: Iterable[str], *, strict: bool) -> list[int]:
    """Return the numbers of streams; one that isn't there is an error, or passed over."""
    numbers = []
    for name in dict.fromkeys(names):
        row = await tx.one("SELECT id FROM log_stream WHERE log_group = $1 AND name = $2", group.id, name)
        if row is not None:
            numbers.append(row[0])
        elif strict:
            raise LogStreamNotFoundError(name)
    return numbers


class _Part(NamedTuple):
    """What is read of one stream or group: by `column`, from `low` to before `high`."""

    column: str
    key: int
    low: Place
    high: Place


def _parts(streams: Iterable[int], low: Place, high: Place) -> list[_Part]:
    return [_Part("stream", number, low, high) for number in streams]


class _InOrder:
    """The entries of parts, merged in order of time, or the other way round; fetched as they are asked for."""

    def __init__(self, tx: Tx, parts: Sequence[_Part], *, newest_first: bool) -> None:
        direction = "DESC" if newest_first else "ASC"
        self._sql = (
            "SELECT e.at_us, e.id, e.ingested_us, e.content, s.name, e.log_group FROM log_entry e"
            " JOIN log_stream s ON s.id = e.stream WHERE e.{} = $1"
            " AND (e.at_us, e.id) >= ($2, $3) AND (e.at_us, e.id) < ($4, $5)"
            f" ORDER BY e.at_us {direction}, e.id {direction} LIMIT $6"
        )
        self._tx = tx
        self._newest_first = newest_first
        self._at_once = 1 + _FETCHED_AT_ONCE // max(1, len(parts))
        self._waiting = list(parts)
        # The next entry of each part: its place, forwards or backwards, the part, the row, those behind it.
        self._heads: list[tuple[int, int, _Part, Row, list[Row]]] = []

    async def next(self) -> Row | None:
        """Return the next entry's time, id, time of ingestion, content, stream name, group; None at the end."""
        while self._waiting:
            await self._fetch(self._waiting.pop())
        if not self._heads:
            return None
        _, _, part, row, behind = heappop(self._heads)
        if behind:
            self._push(part, behind)
        else:
            place = Place(row[0], row[1])
            forward = part._replace(low=place._replace(id=place.id + 1))
            await self._fetch(part._replace(high=place) if self._newest_first else forward)
        return row

    async def _fetch(self, part: _Part) -> None:
        sql = self._sql.format(part.column)
        rows = await self._tx.all(sql, part.key, *part.low, *part.high, self._at_once)
        if rows:
            self._push(part, rows[::-1])

    def _push(self, part: _Part, rows: list[Row]) -> None:
        row = rows.pop()
        sign = -1 if self._newest_first else 1
        heappush(self._heads, (sign * row[0], sign * row[1], part, row, rows))
