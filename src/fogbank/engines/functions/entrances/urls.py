"""Addresses at which functions answer HTTP: one for a function, and one for each of its aliases.

All are store operations. An address's id never changes, and names it in the whole store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from fogbank.engines.functions.errors import UrlExistsError, UrlNotFoundError
from fogbank.engines.functions.model import encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.engines.functions.model import Function
    from fogbank.storage import Row, Tx

_COLUMNS: Final = "id, function, scope, name, qualifier, config, created_us, modified_us"


class Cors(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which pages of other origins a browser lets call an address (Fetch, "CORS protocol"); None is not said."""

    credentials: bool | None = None
    headers: list[str] | None = None
    methods: list[str] | None = None
    origins: list[str] | None = None
    exposed: list[str] | None = None
    max_age_seconds: int | None = None


class UrlConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who may call an address: anyone, or only those who sign; and whether replies are streamed to them."""

    signed: bool = False
    cors: Cors | None = None
    streamed: bool = False


class FunctionUrl(NamedTuple):
    """An address as stored: `qualifier` is that of an alias, empty for the function as it is."""

    id: str
    function: int
    scope: str
    name: str
    qualifier: str
    config: UrlConfig
    created_us: int
    modified_us: int


_DECODER: Final = msgspec.msgpack.Decoder(UrlConfig)


def _url(row: Row) -> FunctionUrl:
    number, function, scope, name, qualifier, config, created_us, modified_us = row
    decoded = _DECODER.decode(bytes(config))
    return FunctionUrl(number, function, scope, name, qualifier, decoded, created_us, modified_us)


async def create(
    tx: Tx, now_us: int, number: str, function: Function, qualifier: str, config: UrlConfig
) -> FunctionUrl:
    """Create an address; raises `UrlExistsError` if the function or alias has one."""
    made = await tx.run(
        f"INSERT INTO function_url ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $7)"
        " ON CONFLICT (function, qualifier) DO NOTHING",
        number,
        function.root,
        function.scope,
        function.name,
        qualifier,
        encode(config),
        now_us,
    )
    if not made:
        raise UrlExistsError(function.name)
    return FunctionUrl(number, function.root, function.scope, function.name, qualifier, config, now_us, now_us)


async def find(tx: Tx, _now_us: int, function: int, qualifier: str) -> FunctionUrl:
    """Return the address of a function or alias, or raise `UrlNotFoundError`."""
    row = await tx.one(
        f"SELECT {_COLUMNS} FROM function_url WHERE function = $1 AND qualifier = $2", function, qualifier
    )
    if row is None:
        raise UrlNotFoundError
    return _url(row)


async def find_by_id(tx: Tx, _now_us: int, number: str) -> FunctionUrl:
    """Return the address of an id, or raise `UrlNotFoundError`."""
    row = await tx.one(f"SELECT {_COLUMNS} FROM function_url WHERE id = $1", number)
    if row is None:
        raise UrlNotFoundError(number)
    return _url(row)


async def list_urls(tx: Tx, _now_us: int, function: int, after: str | None, limit: int) -> list[FunctionUrl]:
    """Return a function's addresses in the order of their qualifiers, those that follow `after`."""
    since = "" if after is None else " AND qualifier > $3"
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM function_url WHERE function = $1{since} ORDER BY qualifier LIMIT $2",
        function,
        limit,
        *(() if after is None else (after,)),
    )
    return [_url(row) for row in rows]


async def update(
    tx: Tx, now_us: int, function: int, qualifier: str, change: Callable[[UrlConfig], UrlConfig]
) -> FunctionUrl:
    """Change who may call an address."""
    await tx.one("SELECT id FROM function WHERE id = $1 FOR UPDATE", function)
    url = await find(tx, now_us, function, qualifier)
    config = change(url.config)
    await tx.run("UPDATE function_url SET config = $1, modified_us = $2 WHERE id = $3", encode(config), now_us, url.id)
    return url._replace(config=config, modified_us=now_us)


async def delete(tx: Tx, _now_us: int, function: int, qualifier: str) -> None:
    """Delete an address; raises `UrlNotFoundError`."""
    gone = await tx.run("DELETE FROM function_url WHERE function = $1 AND qualifier = $2", function, qualifier)
    if not gone:
        raise UrlNotFoundError
