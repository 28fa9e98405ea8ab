"""The names of all that there is, whoever owns it: for those who look for something and don't find it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from fogbank.engines.documents import collections
from fogbank.engines.functions import functions
from fogbank.engines.messaging import queues, topics

if TYPE_CHECKING:
    from fogbank.storage import Tx

# Of each kind so many are looked at.
NAMES_MAX: Final = 5_000


class Known(NamedTuple):
    """Something that there is: `kind` says what, `scope` whose and where."""

    kind: str
    scope: str
    name: str


async def find_known(tx: Tx, now_us: int) -> list[Known]:
    """Return what there is."""
    found = [Known("queue", *name) for name in await queues.names_everywhere(tx, now_us, NAMES_MAX)]
    found += [Known("topic", *name) for name in await topics.names_everywhere(tx, now_us, NAMES_MAX)]
    found += [Known("collection", *name) for name in await collections.names_everywhere(tx, now_us, NAMES_MAX)]
    found += [Known("function", *name) for name in await functions.names_everywhere(tx, now_us, NAMES_MAX)]
    return found
