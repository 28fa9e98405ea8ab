"""Where it is told what became of an invocation that nobody waited for: queues, topics, other functions.

The invocation's end and all that is told of it are one transaction: nothing is lost, and nothing is told twice.
What can't be told, because whoever was to hear it is gone, is said in the log.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from fogbank.engines.functions import invocations
from fogbank.engines.messaging import messages, publishing
from fogbank.kernel.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    from fogbank.engines.functions.handling import Handling
    from fogbank.engines.functions.model import Function, QueuedInvocation
    from fogbank.engines.messaging.messages import Send
    from fogbank.engines.messaging.model import Name
    from fogbank.engines.messaging.publishing import Publication
    from fogbank.runtimes.model import Outcome
    from fogbank.storage import Tx
    from fogbank.storage.leasing.work_queue import Due

    Parcel: TypeAlias = Callable[[Tx, int], Coroutine[object, object, str]]
    """Tells something, as part of an operation; returns what was in the way, or nothing."""


class Verdict(Enum):
    """How it ended with a queued invocation."""

    SUCCESS = "success"
    # It failed as often as it may be tried.
    EXHAUSTED = "exhausted"
    # It became too old before it could be run, or run again.
    TOO_OLD = "too old"
    # The function may not run at all.
    STOPPED = "stopped"
    # It was set off by the function itself, over and over.
    LOOP = "loop"


class Finished(NamedTuple):
    """A queued invocation that is over: how often it was run, and the last outcome, if there is one at hand."""

    invocation: QueuedInvocation
    function: Function
    handling: Handling
    verdict: Verdict
    runs: int
    outcome: Outcome | None


if TYPE_CHECKING:
    Teller: TypeAlias = Callable[[Finished], list[Parcel]]
    """Makes, in a cloud's words, what is told of a finished invocation."""
    Tellers: TypeAlias = Mapping[str, Teller]


def to_queue(name: Name, send: Send) -> Parcel:
    """Tell a queue."""

    async def deliver(tx: Tx, now_us: int) -> str:
        try:
            (outcome,) = await messages.send_each(tx, now_us, name, [send])
        except EngineError as error:
            return f"the queue {name[1]}: {type(error).__name__}"
        return f"the queue {name[1]}: {type(outcome).__name__}" if isinstance(outcome, EngineError) else ""

    return deliver


def to_topic(name: Name, publication: Publication, draw: Callable[[], int]) -> Parcel:
    """Tell a topic."""

    async def deliver(tx: Tx, now_us: int) -> str:
        try:
            (outcome,) = await publishing.publish(tx, now_us, name, [publication], draw)
        except EngineError as error:
            return f"the topic {name[1]}: {type(error).__name__}"
        return f"the topic {name[1]}: {type(outcome).__name__}" if isinstance(outcome, EngineError) else ""

    return deliver


def to_function(sequence: int, invocation: QueuedInvocation) -> Parcel:
    """Tell a function, by an invocation that nobody waits for either."""

    async def deliver(tx: Tx, now_us: int) -> str:
        await invocations.enqueue(tx, now_us, sequence, invocation)
        return ""

    return deliver


def unsendable(problem: str) -> Parcel:
    """Tell nobody, because it can't be told."""

    async def deliver(_tx: Tx, _now_us: int) -> str:
        return problem

    return deliver


async def settle(tx: Tx, now_us: int, due: Due[QueuedInvocation], parcels: Sequence[Parcel]) -> list[str]:
    """Take note that an invocation is over, and tell it; returns what was in the way."""
    if not await invocations.QUEUE.finish(tx, now_us, due):
        return []
    return [text for parcel in parcels if (text := await parcel(tx, now_us))]
