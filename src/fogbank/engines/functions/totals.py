"""What the functions of a scope amount to. All are store operations; they read every function of the scope."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from fogbank.engines.functions import layers
from fogbank.engines.functions.model import decode_function
from fogbank.engines.functions.versions import PROVISIONED

if TYPE_CHECKING:
    from fogbank.storage import Tx


class Totals(NamedTuple):
    """How many functions there are, what is stored of them, their versions and layers, and what is reserved."""

    functions: int
    code_bytes: int
    reserved: int


async def of_scope(tx: Tx, now_us: int, scope: str, without: str = "") -> Totals:
    """Return the totals of a scope's functions; what is reserved for the one named `without` isn't counted.

    A function has reserved what it may run at once; one without such a limit, what is kept ready of it.
    """
    rows = await tx.all("SELECT id, name, config FROM function WHERE scope = $1", scope)
    ready = await _ready(tx, scope)
    code_bytes = reserved = 0
    for number, name, stored in rows:
        config = decode_function(bytes(stored))
        code_bytes += config.code_bytes
        if name != without:
            reserved += ready.get(number, 0) if config.concurrency_max is None else config.concurrency_max
    published = await tx.all(
        "SELECT v.config FROM function_version v JOIN function f ON f.id = v.function WHERE f.scope = $1", scope
    )
    code_bytes += sum(decode_function(bytes(row[0])).code_bytes for row in published)
    code_bytes += await layers.stored_bytes(tx, now_us, scope)
    return Totals(len(rows), code_bytes, reserved)


async def _ready(tx: Tx, scope: str) -> dict[int, int]:
    """Return how many instances are kept ready of each function, all versions and aliases together."""
    rows = await tx.all(
        "SELECT t.function, t.value FROM function_fact t JOIN function f ON f.id = t.function"
        " WHERE f.scope = $1 AND t.kind = $2",
        scope,
        PROVISIONED,
    )
    ready: dict[int, int] = {}
    for function, value in rows:
        ready[function] = ready.get(function, 0) + msgspec.msgpack.decode(bytes(value), type=int)
    return ready
