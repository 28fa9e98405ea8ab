"""The change feed. In the latest version mode: items in the order of their last writes, each as it is now.

"Reading from the change feed" and "REST: List documents", "A-IM"
(https://learn.microsoft.com/azure/cosmos-db/nosql/change-feed-pull-model). Where a reader is, is the number of a write.
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.clouds.azure.cosmos.errors import bad_request, unsupported
from fogbank.clouds.azure.cosmos.items.epk import read_range
from fogbank.clouds.azure.cosmos.items.items import RID
from fogbank.clouds.azure.cosmos.items.keys import PARTITION_KEY, encode_levels, levels_of, read_levels
from fogbank.clouds.azure.cosmos.items.shown import charged, feed_response, session_headers, show_item
from fogbank.clouds.azure.cosmos.items.writing import check_rid
from fogbank.clouds.azure.cosmos.queries.queries import check_range
from fogbank.clouds.azure.cosmos.queries.requests import page_size
from fogbank.clouds.azure.cosmos.queries.versions import FULL_FIDELITY, list_versions
from fogbank.clouds.azure.cosmos.resources.definitions import layout_of
from fogbank.engines.documents import collections, latest
from fogbank.kernel.clock import SECOND_US
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from fogbank.clouds.azure.cosmos.calls import CosmosCall
    from fogbank.clouds.azure.cosmos.items.epk import EpkRange
    from fogbank.clouds.azure.cosmos.items.keys import Levels
    from fogbank.clouds.azure.cosmos.resources.definitions import Layout
    from fogbank.clouds.azure.parts import Parts
    from fogbank.engines.documents.model import Collection, Document, Name
    from fogbank.storage import Tx

A_IM: Final = b"a-im"
INCREMENTAL: Final = "incremental feed"
BYTES_MAX: Final = 4 * 1024 * 1024
# So many pages without anything that is wanted are looked at for one request.
PAGES_MAX: Final = 10
NOW: Final = "*"


class Wanted(NamedTuple):
    """Which changes a request is for: those of a partition key, of a range of them, and how many at most."""

    layout: Layout
    given: Levels | None
    epk: EpkRange | None
    size: int

    def has(self, fields: dict[str, Any]) -> bool:
        """Whether a change is of the partitions that are wanted, by the item's fields."""
        if self.given is None and self.epk is None:
            return True
        levels = levels_of(fields, self.layout.levels)
        if self.given is not None and encode_levels(levels[: len(self.given)]) != encode_levels(self.given):
            return False
        return self.epk is None or self.epk.has(levels, hierarchical=self.layout.hierarchical)


class Changes(NamedTuple):
    """Changed items, and the number of the last write that was looked at."""

    collection: Collection
    documents: list[Document]
    version: int


async def list_changes(parts: Parts, call: CosmosCall) -> Response:
    """Return items that have changed, or 304 if none has."""
    mode = call.header(A_IM).lower()
    if mode not in (INCREMENTAL, FULL_FIDELITY):
        raise unsupported(f"the change feed mode '{call.header(A_IM)}'")
    check_range(call)
    collection = await parts.store.read(collections.find, call.container)
    layout = layout_of(collection.config)
    check_rid(layout, call.header(RID))
    epk = read_range(call, layout.version)
    wanted = Wanted(layout, read_levels(call.header(PARTITION_KEY)), epk, page_size(call))
    if mode == FULL_FIDELITY:
        return await list_versions(parts, collection, wanted, call.header(b"if-none-match").strip())
    after = _start(call)
    if after is None:
        version = await parts.store.read(latest.last_version, collection)
        return _nothing(version)
    documents: list[Document] = []
    for _page in range(PAGES_MAX):
        found = await parts.store.read(_changed, call.container, after, wanted.size)
        after = found.version
        documents = [document for document in found.documents if wanted.has(document.fields)]
        if not found.documents:
            return _nothing(after)
        if documents:
            break
    # With nothing yet, but more to look at, the client goes on from here.
    shown: list[dict[str, Any]] = [{**show_item(layout, each), "_lsn": each.version} for each in documents]
    return feed_response("Documents", layout.definition.rid, shown, _headers(after))


async def _changed(tx: Tx, now_us: int, name: Name, after: int, size: int) -> Changes:
    page = await latest.changed(tx, now_us, name, after, size, BYTES_MAX)
    version = page.documents[-1].version if page.documents else after
    return Changes(page.collection, page.documents, version)


def _headers(version: int) -> list[tuple[bytes, bytes]]:
    return [(b"etag", f'"{version}"'.encode()), *session_headers(version), charged(2)]


def _nothing(version: int) -> Response:
    return Response(304, _headers(version))


def _start(call: CosmosCall) -> int | None:
    """Return after which write to begin, None for the last one of all."""
    given = call.header(b"if-none-match").strip()
    if given == NOW:
        return None
    if given:
        number = given.removeprefix("W/").strip('"')
        if not number.isdigit() or len(number) > 18:
            raise bad_request(f"The continuation '{given}' of the change feed is invalid.")
        return int(number)
    since = call.header(b"if-modified-since")
    if not since:
        return 0
    try:
        moment = parsedate_to_datetime(since)
    except ValueError:
        raise bad_request(f"The date '{since}' is invalid.") from None
    return max(0, int(moment.timestamp()) * SECOND_US - 1)
