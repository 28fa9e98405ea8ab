"""Session tokens that reads bring: up to which write of a container they must see, by ranges of partition keys.

"Consistency levels in Azure Cosmos DB", "Session consistency" (https://learn.microsoft.com/azure/cosmos-db/consistency-
levels), and "The read session is not available for the input session token" (https://learn.microsoft.com/azure/cosmos-db/
nosql/troubleshoot-not-found): a token says nothing of its container, so one of another is as good as its number. Every
read here sees the last write; what it can't have seen is a write that nobody has made yet.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from fogbank.clouds.azure.cosmos.errors import CosmosError, bad_request
from fogbank.clouds.azure.cosmos.items.shown import RANGE
from fogbank.engines.documents import collections
from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from fogbank.clouds.azure.cosmos.calls import CosmosCall
    from fogbank.engines.documents.model import Name
    from fogbank.storage import Store, Tx

TOKEN: Final = b"x-ms-session-token"
SESSION: Final = "Session"
READ_SESSION_NOT_AVAILABLE: Final = 1002
# A token may come from another server of this database, whose clock goes ahead.
SKEW_US: Final = 60 * SECOND_US
# A number, or a version with that number and those of regions.
_PART: Final = re.compile(r"([^:,]+):(?:-?\d+#)?(-?\d{1,19})(?:#-?\d+=-?\d+)*")


def read_number(text: str) -> int:
    """Return the number of the write that a token is about, 0 if it is about other ranges; raises the error for none.

    A token has a part for each range, with commas between them.
    """
    number = 0
    for part in text.split(","):
        found = _PART.fullmatch(part.strip())
        if found is None:
            raise bad_request(f"The session token provided '{text}' is invalid.")
        if found[1] == RANGE:
            number = max(number, int(found[2]))
    return number


async def check(store: Store, call: CosmosCall, level: str) -> None:
    """Raise the error for a read of items that a session's token doesn't let be made yet; `level` is the account's."""
    given = call.header(TOKEN)
    if not given or call.path[4:5] != ("docs",) or (call.header(b"x-ms-consistency-level") or level) != SESSION:
        return
    number = read_number(given)
    if number > call.now_us + SKEW_US and number > await store.read(_latest, call.container):
        raise CosmosError(
            404, "The read session is not available for the input session token.", READ_SESSION_NOT_AVAILABLE
        )


async def _latest(tx: Tx, now_us: int, name: Name) -> int:
    return await collections.latest(tx, now_us, await collections.find(tx, now_us, name))
