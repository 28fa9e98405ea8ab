"""How one item is written: what is asked of the one that is there, and what becomes of it.

A write is made of pure functions, since the store may run it again. Where a container has unique keys, its other items
are asked whether they have the values already, in the transaction that writes.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.clouds.azure.cosmos.errors import (
    RID_MISMATCH,
    CosmosError,
    bad_request,
    conflict,
    not_found,
    precondition_failed,
    too_large,
)
from fogbank.clouds.azure.cosmos.items.keys import check_id, check_levels, key_of, levels_of, match
from fogbank.clouds.azure.cosmos.items.shapes import SHAPE, unique_entries
from fogbank.clouds.azure.cosmos.resources.definitions import TTL_MAX, UNIQUE, layout_of
from fogbank.clouds.azure.cosmos.resources.indexing import ADDED
from fogbank.clouds.azure.cosmos.rids import etag_of
from fogbank.engines.documents import collections, documents, ranges
from fogbank.engines.documents.documents import Write
from fogbank.engines.documents.keys import after
from fogbank.engines.documents.model import Document
from fogbank.engines.documents.ranges import Range

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.clouds.azure.cosmos.items.keys import Levels
    from fogbank.clouds.azure.cosmos.resources.definitions import Layout
    from fogbank.engines.documents.documents import Written
    from fogbank.engines.documents.model import Collection, Key, Name
    from fogbank.storage import Tx

# "Azure Cosmos DB service quotas", "Per-item limits".
ITEM_BYTES_MAX: Final = 2 * 1024 * 1024
EXISTS: Final = "Entity with the specified id already exists in the system."
UNIQUE_TAKEN: Final = "Unique index constraint violation."


class Target(NamedTuple):
    """An item that a request is for: by its id and partition key, or (with `fields`) by what it is to be.

    `rid` is the container that the client believes to write into, "" if it doesn't say.
    """

    identifier: str
    levels: Levels | None
    rid: str = ""
    fields: dict[str, Any] | None = None

    def locate(self, collection: Collection) -> Key:
        """Return where the item stands, or raise the error for a partition key that isn't its own."""
        layout = layout_of(collection.config)
        check_rid(layout, self.rid)
        if self.fields is None:
            return key_of(check_levels(self.levels, layout.levels), self.identifier)
        levels = levels_of(self.fields, layout.levels)
        match(levels, self.levels)
        return key_of(levels, self.identifier)


class Conditions(NamedTuple):
    """Entity tags that an item must have, or must not; "" for none."""

    if_match: str = ""
    if_none_match: str = ""

    def check(self, before: Document) -> None:
        """Raise the error for an item that isn't as it must be."""
        etag = etag_of(before.version)
        if self.if_match and not _names(self.if_match, etag):
            raise precondition_failed()
        if self.if_none_match and _names(self.if_none_match, etag):
            raise precondition_failed()


def _names(given: str, etag: str) -> bool:
    return given == "*" or etag.strip('"') in (given.strip('"'), given.replace("&quot;", "").strip('"'))


class ItemWrite(NamedTuple):
    """A write: `kind` is create, upsert, replace, delete or patch. `change` is what a patch makes of an item."""

    kind: str
    target: Target
    conditions: Conditions
    document: Document | None = None
    change: Callable[[Document], Document] | None = None

    def apply(self, layout: Layout, before: Document | None) -> Document | None:
        """Return what becomes of an item, or raise the error for why nothing does."""
        if before is None:
            if self.kind not in ("create", "upsert"):
                raise not_found()
            return self.document
        if self.kind == "create":
            raise conflict(EXISTS)
        self.conditions.check(before)
        if self.change is None:
            return self.document
        changed = self.change(before)
        match(levels_of(changed.fields, layout.levels), self.target.levels)
        return changed


def check_rid(layout: Layout, rid: str) -> None:
    """Raise the error for a container that was made anew since the client learned of it."""
    if rid and rid != layout.definition.rid:
        raise CosmosError(400, "The container was recreated; its resource id is another.", RID_MISMATCH)


def read_item(fields: Any, size: int) -> Document:
    """Return an item as it is kept, or raise the error for what is none; `size` is that of its text, in bytes."""
    if not isinstance(fields, dict):
        raise bad_request("The input content is invalid because the document must be a JSON object.")
    if size > ITEM_BYTES_MAX:
        raise too_large()
    check_id(fields.get("id"))
    ttl = fields.get("ttl")
    if ttl is not None and (type(ttl) is not int or not (ttl == -1 or 0 < ttl <= TTL_MAX)):
        raise bad_request(f"The input ttl '{ttl}' is invalid. Ensure to provide a nonzero positive integer less than or"
                          f" equal to '{TTL_MAX}', or -1 (never expire).")  # fmt: skip
    for name in ADDED:
        fields.pop(name, None)
    return Document(size, fields)


async def write(tx: Tx, now_us: int, name: Name, number: int, item: ItemWrite) -> tuple[Layout, Written]:
    """Write an item; returns its container with what was written."""
    known: list[Collection] = []

    def locate(collection: Collection) -> Key:
        known.append(collection)
        if item.kind != "delete" and layout_of(collection.config).unique:
            raise _UniqueKeysError
        return item.target.locate(collection)

    def change(before: Document | None) -> Document | None:
        return item.apply(layout_of(known[-1].config), before)

    try:
        written = await documents.write(tx, now_us, name, number, locate, change, SHAPE)
    except _UniqueKeysError:
        return await _write_uniquely(tx, now_us, known[-1], number, item)
    return layout_of(known[-1].config), written


class _UniqueKeysError(Exception):
    """The container has unique keys: before an item is written, others are asked for theirs."""


async def _write_uniquely(
    tx: Tx, now_us: int, collection: Collection, number: int, item: ItemWrite
) -> tuple[Layout, Written]:
    name, layout = (collection.scope, collection.name), layout_of(collection.config)
    # From here on nobody else writes into the container, so what isn't there now won't be when this is written.
    version = await collections.tick(tx, now_us, collection)
    item.target.locate(collection)
    becomes = item.apply(layout, await documents.get(tx, now_us, name, item.target.locate))
    if becomes is not None:
        await _check_unique(tx, now_us, collection, becomes)
    one = Write(name, number, item.target.locate, lambda _before: becomes)
    (written,) = await documents.write_each(tx, now_us, (one,), SHAPE, {name: version})
    return layout, written


async def _check_unique(tx: Tx, now_us: int, collection: Collection, item: Document) -> None:
    name = (collection.scope, collection.name)
    for wanted in unique_ranges(collection, item):
        page = await ranges.query(tx, now_us, name, partial(_always, wanted), 2, ITEM_BYTES_MAX)
        if any(found.fields["id"] != item.fields["id"] for found in page.documents):
            raise conflict(UNIQUE_TAKEN)


def unique_ranges(collection: Collection, item: Document) -> list[Range]:
    """Return where items stand that have an item's values of unique keys."""
    number = next(index.number for index in collection.config.indexes if index.name == UNIQUE)
    entries = unique_entries(layout_of(collection.config), number, item.fields)
    return [Range(entry.partition, entry.sort, after(entry.sort), number) for entry in entries]


def _always(wanted: Range, _collection: Collection) -> Range:
    return wanted
