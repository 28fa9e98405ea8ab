"""Invocations that are over, kept for a while: bounded for each function, in all, and in bytes. Store operations.

Sweeping is part of keeping: whoever keeps says when a function, or everything, is to be counted again. What is
counted stands in one index, so nothing is read that is not about to go.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from fogbank.engines.functions.errors import InvocationNotFoundError
from fogbank.storage.change_feed import EVERY_FOLLOWER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.engines.functions.model import Name
    from fogbank.storage import Row, Tx

PER_FUNCTION_MAX: Final = 1_000
IN_ALL_MAX: Final = 10_000
BYTES_MAX: Final = 134_217_728
# Of an event, a payload, or a log; what is longer is cut, and says so.
PART_BYTES_MAX: Final = 262_144
# Records that are kept at once, and how many of a function, or in all, go by before they are counted.
KEPT_AT_ONCE: Final = 50
FUNCTION_SWEPT_EVERY: Final = 50
ALL_SWEPT_EVERY: Final = 250
BYTES_SWEPT_EVERY: Final = 8_388_608
# Swept down to this, so that the limits hold until the next time.
_FUNCTION_SWEPT_TO: Final = PER_FUNCTION_MAX - FUNCTION_SWEPT_EVERY - KEPT_AT_ONCE
_ALL_SWEPT_TO: Final = IN_ALL_MAX - ALL_SWEPT_EVERY - KEPT_AT_ONCE
_BYTES_SWEPT_TO: Final = BYTES_MAX - 2 * BYTES_SWEPT_EVERY
_OLDEST_AT_ONCE: Final = 500
# Above every number there will be.
NEWEST: Final = (1 << 63) - 1
_SUMMARY: Final = "number, id, function, scope, summary"


class Summary(msgspec.Struct, frozen=True, array_like=True):
    """An invocation at a glance. `ended` is "ok" or how it failed, `init_seconds` None on a warm instance.

    `source` says who asked for it: "request", "queue", "trigger", "replay". `qualifier` is the version that ran, by its
    number, and empty for the function as it was; `version` is what it was told that it is.
    """

    version: str
    contract: str
    source: str
    began_us: int
    ended: str
    error_type: str
    status: int
    seconds: float
    init_seconds: float | None
    peak_bytes: int
    event_bytes: int
    payload_bytes: int
    qualifier: str = ""

    @property
    def ok(self) -> bool:
        """Whether it ended well."""
        return self.ended == "ok"

    @property
    def billed_ms(self) -> int:
        """What is billed: the duration with the initialisation, in whole milliseconds, at least one."""
        return max(1, math.ceil((self.seconds + (self.init_seconds or 0.0)) * 1_000))


class Content(msgspec.Struct, frozen=True, array_like=True):
    """What went in and what came out; `lines` are times (µs) and texts. `cut` names what isn't all there."""

    event: bytes
    context: dict[str, Any]
    payload: bytes
    head: dict[str, Any]
    lines: list[tuple[int, str]]
    cut: list[str]


class Kept(NamedTuple):
    """A record as stored; `content` only where it was asked for."""

    number: int
    id: str
    function: str
    scope: str
    summary: Summary
    content: Content | None = None


class Entry(NamedTuple):
    """A record to be stored: `summary` and `content` are encoded."""

    number: int
    id: str
    function: str
    scope: str
    ok: int
    size: int
    summary: bytes
    content: bytes


class Choice(NamedTuple):
    """Which records are asked for: those of a function (of that name, in a scope or any), those that ended so."""

    function: str | None = None
    scope: str | None = None
    ok: bool | None = None


_encoder: Final = msgspec.msgpack.Encoder(enc_hook=repr)
_summary: Final = msgspec.msgpack.Decoder(Summary)
_content: Final = msgspec.msgpack.Decoder(Content)


def make_entry(number: int, identifier: str, name: Name, summary: Summary, content: Content) -> Entry:
    """Encode a record."""
    head, body = _encoder.encode(summary), _encoder.encode(content)
    return Entry(number, identifier, name[1], name[0], int(summary.ok), len(head) + len(body), head, body)


def topic() -> tuple[str, str]:
    """Return the signal that tells of new records."""
    return ("invocations kept", "")


async def keep(tx: Tx, _now_us: int, entries: Sequence[Entry], functions: Sequence[Name], *, sweep: bool) -> None:
    """Keep records; `functions` are counted and their oldest removed, with `sweep` also everybody's oldest."""
    await tx.many(
        "INSERT INTO invocation (number, id, function, scope, ok, size, summary, content)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        entries,
    )
    for scope, function in functions:
        await _sweep_function(tx, scope, function)
    if sweep:
        await _sweep_all(tx)
    tx.signal(topic(), EVERY_FOLLOWER)


async def find(tx: Tx, _now_us: int, identifier: str) -> Kept:
    """Return the record of a number, or the latest of an invocation's id, or raise `InvocationNotFoundError`."""
    columns = f"SELECT {_SUMMARY}, content FROM invocation"
    if identifier.isdecimal() and int(identifier[:20]) <= NEWEST:
        row = await tx.one(f"{columns} WHERE number = $1", int(identifier))
    else:
        row = await tx.one(f"{columns} WHERE id = $1 ORDER BY number DESC LIMIT 1", identifier)
    if row is None:
        raise InvocationNotFoundError(identifier)
    return _kept(row)._replace(content=_content.decode(row[5]))


async def latest(tx: Tx, _now_us: int, choice: Choice, before: int, limit: int) -> list[Kept]:
    """Return records older than `before`, the newest first, without their contents."""
    return await _select(tx, choice, "<", before, "DESC", limit)


async def following(tx: Tx, _now_us: int, choice: Choice, after: int, limit: int) -> list[Kept]:
    """Return records newer than `after`, the oldest first, without their contents."""
    return await _select(tx, choice, ">", after, "ASC", limit)


async def _select(tx: Tx, choice: Choice, than: str, number: int, order: str, limit: int) -> list[Kept]:
    named = {"function": choice.function, "scope": choice.scope, "ok": None if choice.ok is None else int(choice.ok)}
    asked = {f"{column} =": value for column, value in named.items() if value is not None}
    asked[f"number {than}"] = number
    condition = " AND ".join(f"{column} ${place}" for place, column in enumerate(asked, 1))
    rows = await tx.all(
        f"SELECT {_SUMMARY} FROM invocation WHERE {condition} ORDER BY number {order} LIMIT ${len(asked) + 1}",
        *asked.values(),
        limit,
    )
    return [_kept(row) for row in rows]


def _kept(row: Row) -> Kept:
    return Kept(row[0], row[1], row[2], row[3], _summary.decode(row[4]))


async def _sweep_function(tx: Tx, scope: str, function: str) -> None:
    row = await tx.one("SELECT COUNT(*) FROM invocation WHERE function = $1 AND scope = $2", function, scope)
    excess = (0 if row is None else row[0]) - _FUNCTION_SWEPT_TO
    if excess > 0:
        await tx.run(
            "DELETE FROM invocation WHERE number IN (SELECT number FROM invocation"
            " WHERE function = $1 AND scope = $2 ORDER BY number LIMIT $3)",
            function,
            scope,
            excess,
        )


async def _sweep_all(tx: Tx) -> None:
    row = await tx.one("SELECT COUNT(*), CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM invocation")
    assert row is not None
    many, much = row[0] - _ALL_SWEPT_TO, row[1] - _BYTES_SWEPT_TO
    while many > 0 or much > 0:
        oldest = await tx.all("SELECT number, size FROM invocation ORDER BY number LIMIT $1", _OLDEST_AT_ONCE)
        last = 0
        for number, size in oldest:
            if many <= 0 and much <= 0:
                break
            last, many, much = number, many - 1, much - size
        if not last:
            return
        await tx.run("DELETE FROM invocation WHERE number <= $1", last)
