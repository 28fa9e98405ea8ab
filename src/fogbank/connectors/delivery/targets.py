"""What the names of all clouds' resources mean: the topic, queue or function that a name names."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from fogbank.engines.functions import functions, versions
from fogbank.engines.messaging import queues, topics
from fogbank.engines.messaging.delivery_model import FUNCTION, QUEUE, TOPIC, split_endpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fogbank.storage import Tx


class Target(NamedTuple):
    """A resource: its kind and endpoint, as deliveries have them."""

    kind: str
    endpoint: str


if TYPE_CHECKING:
    Addresses: TypeAlias = Callable[[str], Target | None]
    """Reads the names of one cloud's resources; None for what isn't one."""


class UnknownNameError(Exception):
    """No cloud has names like that."""


class Targets:
    """Reads names, each in its own cloud's form."""

    def __init__(self, addresses: Sequence[Addresses]) -> None:
        self._addresses = addresses

    def read(self, name: str) -> Target:
        """Return what a name names, whether it is there or not; raises `UnknownNameError`."""
        for read in self._addresses:
            found = read(name)
            if found is not None:
                return found
        raise UnknownNameError(name)


async def check(tx: Tx, now_us: int, target: Target) -> None:
    """Raise the not-found error of what a target is, if it isn't there: part of an operation."""
    name = split_endpoint(target.endpoint)
    if target.kind == QUEUE:
        await queues.find(tx, now_us, name)
    elif target.kind == TOPIC:
        await topics.find(tx, now_us, name)
    else:
        assert target.kind == FUNCTION
        function, _, qualifier = name[1].partition(":")
        if qualifier:
            await versions.find(tx, now_us, (name[0], function), qualifier, 1.0)
        else:
            await functions.find(tx, now_us, (name[0], function))
