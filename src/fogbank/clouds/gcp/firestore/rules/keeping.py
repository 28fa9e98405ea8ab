"""Rulesets, and which of them holds for a database.

A ruleset never changes. Which one is released for a database stands in the database's own configuration, which every
request reads anyway, so that a database without rules costs nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.engines.documents import collections
from fogbank.engines.messaging import records
from fogbank.engines.messaging.errors import RecordNotFoundError

if TYPE_CHECKING:
    from fogbank.clouds.gcp.firestore.names import Database
    from fogbank.engines.documents.model import Collection, CollectionConfig
    from fogbank.engines.messaging.records import Record
    from fogbank.storage import Tx

SERVICE: Final = "cloud.firestore"
LABEL: Final = "rules"
DEFAULT: Final = "(default)"
_RULESET: Final = "firestore.ruleset"
_RELEASE: Final = "firestore.release"
_KNOWN_MAX: Final = 64
# Texts that were read lately, by scope and id: they don't change.
_known: OrderedDict[tuple[str, str], str] = OrderedDict()


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """A ruleset: the name of its file, its text, and which service it is for."""

    file: str
    text: str
    service: str


_kept: Final = msgspec.msgpack.Decoder(Kept).decode


async def put_ruleset(tx: Tx, now_us: int, scope: str, identifier: str, number: int, kept: Kept) -> Record:
    """Keep a ruleset: a store operation."""
    return await records.add(tx, now_us, scope, _RULESET, identifier, number, msgspec.msgpack.encode(kept))


async def find_ruleset(tx: Tx, now_us: int, scope: str, identifier: str) -> tuple[Record, Kept] | None:
    """Return a ruleset."""
    try:
        found = await records.find(tx, now_us, scope, _RULESET, identifier)
    except RecordNotFoundError:
        return None
    return found, _kept(found.body)


async def list_rulesets(tx: Tx, now_us: int, scope: str, after: str, limit: int) -> list[tuple[Record, Kept]]:
    """Return rulesets in the order of their ids."""
    found = await records.list_records(tx, now_us, scope, _RULESET, after=after, limit=limit)
    return [(each, _kept(each.body)) for each in found]


async def count_rulesets(tx: Tx, now_us: int, scope: str) -> int:
    """Count a project's rulesets."""
    return await records.count(tx, now_us, scope, _RULESET)


async def remove_ruleset(tx: Tx, now_us: int, scope: str, identifier: str) -> bool:
    """Forget a ruleset; False if there is none."""
    return await records.delete(tx, now_us, scope, _RULESET, identifier)


async def released_text(tx: Tx, now_us: int, collection: Collection | None) -> str | None:
    """Return the text of the rules that hold for a database; None if none are released."""
    identifier = None if collection is None else collection.config.labels.get(LABEL)
    if collection is None or identifier is None:
        return None
    place = (collection.scope, identifier)
    text = _known.get(place)
    if text is None:
        found = await find_ruleset(tx, now_us, *place)
        if found is None:
            return None
        text = _known[place] = found[1].text
        while len(_known) > _KNOWN_MAX:
            _known.popitem(last=False)
    return text


async def release(tx: Tx, now_us: int, database: Database, number: int, identifier: str) -> Record:
    """Have a ruleset hold for a database, which must be there: a store operation."""
    name = database.id
    try:
        record = await records.update(tx, now_us, database.scope, _RELEASE, name, lambda _record: identifier.encode())
    except RecordNotFoundError:
        record = await records.add(tx, now_us, database.scope, _RELEASE, name, number, identifier.encode())
    await _set_label(tx, now_us, database, identifier)
    return record


async def find_release(tx: Tx, now_us: int, database: Database) -> Record | None:
    """Return what is released for a database: a record whose body is the ruleset's id."""
    try:
        return await records.find(tx, now_us, database.scope, _RELEASE, database.id)
    except RecordNotFoundError:
        return None


async def list_releases(tx: Tx, now_us: int, scope: str) -> list[Record]:
    """Return a project's releases, by their databases."""
    return await records.list_records(tx, now_us, scope, _RELEASE)


async def remove_release(tx: Tx, now_us: int, database: Database) -> bool:
    """Have no rules hold for a database any more; False if none did: a store operation."""
    if not await records.delete(tx, now_us, database.scope, _RELEASE, database.id):
        return False
    await _set_label(tx, now_us, database, None)
    return True


async def _set_label(tx: Tx, now_us: int, database: Database, identifier: str | None) -> None:
    def change(config: CollectionConfig) -> CollectionConfig:
        labels = {name: value for name, value in config.labels.items() if name != LABEL}
        return msgspec.structs.replace(config, labels=labels if identifier is None else {**labels, LABEL: identifier})

    await collections.update(tx, now_us, database, change)


async def forget(tx: Tx, now_us: int, database: Database) -> None:
    """Forget what was released for a database that is deleted."""
    await records.delete(tx, now_us, database.scope, _RELEASE, database.id)
