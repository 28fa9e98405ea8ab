"""The change feed, all versions and deletes mode: each write of a container, with what it made of the item.

"Change feed modes in Azure Cosmos DB" (https://learn.microsoft.com/azure/cosmos-db/nosql/change-feed-modes): a
container keeps its writes as long as its change feed policy says, or the continuous backups of its account. Whoever
reads begins with what comes, and goes on from a continuation: when the feed was opened, and the last entry's number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from fogbank.clouds.azure.cosmos.errors import bad_request
from fogbank.clouds.azure.cosmos.items.keys import find_value, levels_of
from fogbank.clouds.azure.cosmos.items.shown import charged, feed_response, session_headers, show_item
from fogbank.clouds.azure.cosmos.resources.definitions import layout_of
from fogbank.engines.documents import history, latest
from fogbank.engines.documents.history import Told
from fogbank.engines.documents.model import Change
from fogbank.kernel.clock import SECOND_US
from fogbank.languages.cosmos_sql.values import UNDEFINED
from fogbank.storage import change_feed
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from fogbank.clouds.azure.cosmos.queries.changes import Wanted
    from fogbank.clouds.azure.cosmos.resources.definitions import Layout
    from fogbank.clouds.azure.parts import Parts
    from fogbank.engines.documents.model import Collection
    from fogbank.storage import Tx

FULL_FIDELITY: Final = "full-fidelity feed"
BYTES_MAX: Final = 4 * 1024 * 1024
# So many pages without anything that is wanted are looked at for one request.
PAGES_MAX: Final = 10
DISABLED: Final = (
    "The change feed mode AllVersionsAndDeletes needs continuous backups of the account, or a change feed policy of the"
    " container."
)
_FROM_NOW: Final = "The change feed mode AllVersionsAndDeletes begins with 'Now' or a continuation."
_GONE: Final = "The continuation is older than what is kept for the change feed mode AllVersionsAndDeletes."
_decode: Final = msgspec.msgpack.Decoder(Change).decode


class Page(NamedTuple):
    """Changes behind an entry of a feed; `gone`: some that follow the entry aren't kept any more."""

    told: list[Told]
    gone: bool


async def list_versions(parts: Parts, collection: Collection, wanted: Wanted, given: str) -> Response:
    """Return changes of items, or 304 if there are no more; `given` is where the client wants to go on."""
    feed = collection.config.feed
    if not feed:
        raise bad_request(DISABLED)
    layout = layout_of(collection.config)
    version = await parts.store.read(latest.last_version, collection)
    after = await parts.store.read(change_feed.last, feed) if given == "*" else _read(feed, given)
    shown: list[dict[str, Any]] = []
    for _page in range(0 if given == "*" else PAGES_MAX):
        page = await parts.store.read(_changes, feed, after, wanted.size)
        if page.gone:
            raise bad_request(_GONE)
        shown = [show_change(layout, each.change) for each in page.told if wanted.has(fields_of(each.change))]
        if page.told:
            after, version = page.told[-1].seq, page.told[-1].change.version
        if shown or not page.told:
            break
    headers = [(b"etag", f'"{_opened(feed)}:{after}"'.encode()), *session_headers(version), charged(2)]
    if not shown:
        return Response(304, headers)
    return feed_response("Documents", layout.definition.rid, shown, headers)


def _opened(feed: str) -> str:
    return feed.rpartition("/")[2]


def _read(feed: str, given: str) -> int:
    opened, _, number = given.removeprefix("W/").strip('"').partition(":")
    if not given:
        raise bad_request(_FROM_NOW)
    if not number.isdigit() or len(number) > 18:
        raise bad_request(f"The continuation '{given}' of the change feed is invalid.")
    if opened != _opened(feed):
        raise bad_request(_GONE)
    return int(number)


async def _changes(tx: Tx, now_us: int, feed: str, after: int, size: int) -> Page:
    found = await change_feed.read_within(tx, now_us, feed, after, size, BYTES_MAX)
    first = found[0].seq if found else await change_feed.first(tx, now_us, feed)
    return Page([Told(entry.seq, _decode(entry.payload)) for entry in found], first > after + 1)


def fields_of(change: Change) -> dict[str, Any]:
    """Return the fields that say which partition a change is of."""
    found = history.after(change) or history.before(change)
    return {} if found is None else found.fields


def show_change(layout: Layout, change: Change) -> dict[str, Any]:
    """Return a change as clients see it: the item as it is now, and of one that is gone as it was."""
    before, after = history.before(change), history.after(change)
    metadata: dict[str, Any] = {
        "operationType": "create" if before is None else "replace" if after is not None else "delete",
        "lsn": change.version,
        "crts": change.version // SECOND_US,
    }
    if before is not None:
        metadata["previousImageLSN"] = before.version
    if after is not None:
        return {"current": show_item(layout, after), "metadata": metadata}
    fields = fields_of(change)
    levels = levels_of(fields, layout.levels)
    metadata["id"] = find_value(fields, ("id",))
    metadata["partitionKey"] = {
        steps[-1]: value for steps, value in zip(layout.levels, levels, strict=True) if value is not UNDEFINED
    }
    if change.cause:
        metadata["timeToLiveExpired"] = True
    shown: dict[str, Any] = {"current": {}, "metadata": metadata}
    return shown if before is None else {**shown, "previous": show_item(layout, before)}
