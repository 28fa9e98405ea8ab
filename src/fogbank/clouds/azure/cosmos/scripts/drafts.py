"""What a script writes, before it is written: over what the store has, until all of it is committed at once.

A script runs beside the store, and may take its time: what it reads is noted, what it writes is kept here, where it
finds it again. In the end one transaction looks whether all that was read is still as it was, and makes the writes; if
it isn't, the script has to be run again.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.clouds.azure.cosmos.errors import CosmosError, conflict
from fogbank.clouds.azure.cosmos.items.keys import encode_levels
from fogbank.clouds.azure.cosmos.items.shapes import SHAPE, unique_entries
from fogbank.clouds.azure.cosmos.items.shown import show_item
from fogbank.clouds.azure.cosmos.items.writing import UNIQUE_TAKEN, unique_ranges
from fogbank.clouds.azure.cosmos.queries.continuations import Position, checksum
from fogbank.clouds.azure.cosmos.queries.running import Request, read_some
from fogbank.clouds.azure.cosmos.resources.definitions import layout_of
from fogbank.engines.documents import collections, documents, latest, ranges
from fogbank.engines.documents.documents import Write, Written
from fogbank.engines.documents.errors import CollectionNotFoundError
from fogbank.engines.documents.model import Document, Key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.clouds.azure.cosmos.items.keys import Levels
    from fogbank.clouds.azure.cosmos.items.writing import ItemWrite
    from fogbank.clouds.azure.cosmos.queries.requests import Query
    from fogbank.clouds.azure.parts import Parts
    from fogbank.engines.documents.model import Collection, Name
    from fogbank.engines.documents.ranges import Range
    from fogbank.storage import Tx

# So many items may a script's queries look at.
LOOKED_AT_MAX: Final = 50_000
_RANGE_MAX: Final = 1_000
_BYTES_MAX: Final = 1 << 40
NOT_SEEN: Final = 0


class Reading(NamedTuple):
    """A part of the partition that was read, and the ids and versions of what was found there."""

    wanted: Request | Range
    found: tuple[tuple[str, int], ...]


class Commit(NamedTuple):
    """What a draft has come to.

    `base` is the last write of the container before the script began, `read` are the versions of items by their ids.
    With `alone` there is no other server.
    """

    collection: Collection
    partition: bytes
    base: int
    read: dict[str, int]
    readings: Sequence[Reading]
    writes: Sequence[Write]
    alone: bool


class Draft:
    """Reads and writes within one logical partition. Use `begin` to make one."""

    def __init__(self, parts: Parts, collection: Collection, base: int, levels: Levels, now_us: int) -> None:
        self.collection = collection
        self.layout = layout_of(collection.config)
        self.levels = levels
        self.base = base
        self.ids = parts.ids
        self.charge = 0.0
        self._store = parts.store
        self._name = (collection.scope, collection.name)
        self._partition = encode_levels(levels)
        self._read: dict[str, Document | None] = {}
        self._written: dict[str, Document | None] = {}
        # Until it is known which numbers the writes have, they are counted on from one that nobody has drawn.
        self._provisional = max(now_us, base + 1)
        self._places: dict[str, int] = {}
        self._readings: dict[Any, tuple[Reading, list[Document]]] = {}
        self._ids_by_creation: dict[int, str] = {}
        self._stored: dict[str, Document] = {}
        self._settled: dict[str, str] = {}
        self._moments: dict[str, int] = {}
        self.last = base

    async def get(self, identifier: str) -> Document | None:
        """Return an item, None if there is none."""
        if identifier in self._written:
            return self._written[identifier]
        if identifier not in self._read:
            key = Key(self._partition, identifier.encode())
            found = await self._store.read(documents.get_at, self.collection, key)
            self._read[identifier] = found
            self._know(found)
        return self._read[identifier]

    def _know(self, document: Document | None) -> None:
        if document is not None:
            self._ids_by_creation[document.created] = str(document.fields["id"])

    async def id_of(self, created: int, everything: Query) -> str:
        """Return the id of the item that a write has created, "" if there is none."""
        if created not in self._ids_by_creation:
            await self.candidates(everything)
        return self._ids_by_creation.get(created, "")

    async def write(self, identifier: str, item: ItemWrite) -> Written:
        """Write an item, or raise the error for why it can't be."""
        before = await self.get(identifier)
        after = item.apply(self.layout, before)
        if after is not None:
            await self._check_unique(after)
            version = self._provisional + self._places.setdefault(identifier, len(self._places))
            after = after.written_at(version, version if before is None else before.created)
        self._written[identifier] = after
        self._know(after)
        return Written(before, after)

    async def candidates(self, query: Query) -> list[Document]:
        """Return items that a query has to look at, in the order of their ids."""
        key = (query.text, repr({name: value for name, value in query.parameters.items() if name[:2] != "@@"}))
        if key not in self._readings:
            start = Position(checksum(query.text))
            request = Request(self._name, query, self.levels, None, _RANGE_MAX, start)
            found: list[Document] = []
            rest: Position | None = start
            while rest is not None:
                some, rest = await self._store.read(read_some, request._replace(position=rest))
                found += some
                if len(found) > LOOKED_AT_MAX:
                    raise CosmosError(413, f"A script's query may look at {LOOKED_AT_MAX} items at the most.")
            self._readings[key] = (Reading(request, _versions(found)), found)
            for each in found:
                self._know(each)
        stored = [each for each in self._readings[key][1] if each.fields["id"] not in self._written]
        return sorted([*stored, *filter(None, self._written.values())], key=_id_bytes)

    async def _check_unique(self, becomes: Document) -> None:
        layout = self.layout
        if not layout.unique:
            return
        wanted = set(unique_entries(layout, 0, becomes.fields))
        own = becomes.fields["id"]
        for identifier, other in self._written.items():
            taken = other is not None and identifier != own and not wanted.isdisjoint(
                unique_entries(layout, 0, other.fields)
            )  # fmt: skip
            if taken:
                raise conflict(UNIQUE_TAKEN)
        for wanted_range in unique_ranges(self.collection, becomes):
            if wanted_range not in self._readings:
                found = await self._store.read(_read_range, self._name, wanted_range)
                self._readings[wanted_range] = (Reading(wanted_range, _versions(found)), found)
            for each in self._readings[wanted_range][1]:
                if each.fields["id"] != own and each.fields["id"] not in self._written:
                    raise conflict(UNIQUE_TAKEN)

    async def is_current(self) -> bool:
        """Whether all that was read is as it was."""
        return await self._store.read(_is_unchanged, self._commitment(()))

    async def commit(self) -> bool:
        """Make the writes; False if something that was read isn't as it was."""
        changed = [
            name
            for name in sorted(self._written, key=lambda each: self._places.get(each, -1))
            if self._written[name] is not None or self._read.get(name) is not None
        ]
        writes = [
            Write(
                self._name,
                self.ids.sequence(),
                partial(_at, Key(self._partition, name.encode())),
                partial(_become, self._written[name]),
            )
            for name in changed
        ]
        made = await self._store.run(_commit, self._commitment(writes))
        if made is None:
            return False
        self.last = made[-1].version if made else self.base
        for name, after in zip(changed, made, strict=True):
            self._stored[name] = after
            self._settle(self._written[name], after)
        return True

    def numbered(self, document: Document) -> Document:
        """Return an item that was written, with the numbers that it has got."""
        stored = self._stored[str(document.fields["id"])]
        return document.written_at(stored.version, stored.created)

    def _settle(self, drafted: Document | None, stored: Document) -> None:
        """Note what a script's item has become."""
        if drafted is None:
            return
        was, now = show_item(self.layout, drafted), show_item(self.layout, stored)
        for name in ("_rid", "_self", "_etag"):
            self._settled[was[name]] = now[name]
        self._moments[now["_etag"]] = now["_ts"]

    def settled(self, value: Any) -> Any:
        """Return a value that a script made of its items, with what they have become."""
        if not self._settled:
            return value
        kind = type(value)
        if kind is str:
            return self._settled.get(value, value)
        if kind is list:
            return [self.settled(each) for each in value]
        if kind is dict:
            found = {name: self.settled(each) for name, each in value.items()}
            moment = self._moments.get(str(found.get("_etag")))
            return found if moment is None or "_ts" not in found else {**found, "_ts": moment}
        return value

    def _commitment(self, writes: Sequence[Write]) -> Commit:
        read = {name: NOT_SEEN if each is None else each.version for name, each in self._read.items()}
        readings = [reading for reading, _found in self._readings.values()]
        return Commit(self.collection, self._partition, self.base, read, readings, writes, self._store.exclusive)


async def begin(tx: Tx, now_us: int, name: Name) -> tuple[Collection, int]:
    """Return a container, and the number of the last write into it."""
    collection = await collections.find(tx, now_us, name)
    return collection, await latest.last_version(tx, now_us, collection)


async def _commit(tx: Tx, now_us: int, draft: Commit) -> list[Document] | None:
    """Make the writes; returns each as it is stored (what is deleted as it was), None if none was made."""
    name = (draft.collection.scope, draft.collection.name)
    collection = await collections.find(tx, now_us, name)
    if collection.id != draft.collection.id:
        raise CollectionNotFoundError(collection.name)
    # Where there is no other server, nobody has written if the last write is the one that it was.
    is_same = draft.alone and await latest.last_version(tx, now_us, collection) == draft.base
    # From here on nobody else writes into the container.
    version = await collections.tick(tx, now_us, collection) if draft.writes else 0
    if not is_same and not await _is_unchanged(tx, now_us, draft):
        return None
    made = []
    for write in draft.writes:
        (written,) = await documents.write_each(tx, now_us, (write,), SHAPE, {name: version}, {name: collection})
        latest_state = written.after or written.before
        assert latest_state is not None
        made.append(latest_state.written_at(version, latest_state.created))
        if len(made) < len(draft.writes):
            # Each item that is made has a number, and so a resource id, of its own.
            version = await collections.tick(tx, now_us, collection)
    return made


async def _is_unchanged(tx: Tx, now_us: int, draft: Commit) -> bool:
    """Whether all that was read is as it was."""
    for identifier, version in draft.read.items():
        found = await documents.get_at(tx, now_us, draft.collection, Key(draft.partition, identifier.encode()))
        if version != (NOT_SEEN if found is None else found.version):
            return False
    name = (draft.collection.scope, draft.collection.name)
    for wanted, found_then in draft.readings:
        if isinstance(wanted, Request):
            found_now = []
            rest: Position | None = wanted.position
            while rest is not None:
                some, rest = await read_some(tx, now_us, wanted._replace(position=rest))
                found_now += some
        else:
            found_now = await _read_range(tx, now_us, name, wanted)
        if _versions(found_now) != found_then:
            return False
    return True


async def _read_range(tx: Tx, now_us: int, name: Name, wanted: Range) -> list[Document]:
    page = await ranges.query(tx, now_us, name, lambda _collection: wanted, _RANGE_MAX, _BYTES_MAX)
    return page.documents


def _versions(found: Sequence[Document]) -> tuple[tuple[str, int], ...]:
    return tuple([(str(each.fields["id"]), each.version) for each in found])


def _id_bytes(document: Document) -> bytes:
    return str(document.fields["id"]).encode()


def _at(key: Key, _collection: Collection) -> Key:
    return key


def _become(after: Document | None, _before: Document | None) -> Document | None:
    return after
