"""What becomes of invocations that nobody waits for: how often they are tried, and who is told in the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.engines.functions import facts, versions

if TYPE_CHECKING:
    from fogbank.engines.functions.model import Function, QueuedInvocation
    from fogbank.storage import Tx

KIND: Final = "handling"
"""The kind of fact that a `Handling` is stored as."""


class Handling(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a function's queued invocations are handled; None where nothing was said.

    `on_success` and `on_failure` say in the cloud's words who is told of the outcome.
    """

    retries_max: int | None = None
    age_seconds_max: int | None = None
    on_success: str = ""
    on_failure: str = ""


NOTHING_SAID: Final = Handling()
_DECODER: Final = msgspec.msgpack.Decoder(Handling)
decode: Final = _DECODER.decode


async def look_up(tx: Tx, now_us: int, invocation: QueuedInvocation, chance: float) -> tuple[Function, Handling]:
    """Return what a queued invocation runs, and how it is handled; raises `FunctionNotFoundError`."""
    name = (invocation.scope, invocation.function)
    function = await versions.find(tx, now_us, name, invocation.qualifier, chance)
    fact = await facts.find(tx, now_us, function.root, KIND, invocation.qualifier)
    return function, NOTHING_SAID if fact is None else decode(fact.value)
