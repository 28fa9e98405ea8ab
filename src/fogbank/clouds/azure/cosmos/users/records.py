"""What an account has that is no item: documents of collections of its own, by the names of what they are below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.azure.cosmos.errors import conflict, not_found
from fogbank.clouds.azure.cosmos.resources.definitions import DIALECT
from fogbank.engines.documents import collections, documents, ranges
from fogbank.engines.documents.documents import Write
from fogbank.engines.documents.errors import CollectionExistsError, CollectionNotFoundError
from fogbank.engines.documents.keys import BEYOND
from fogbank.engines.documents.model import CollectionConfig, Document, Key, KeyField
from fogbank.engines.documents.ranges import Range

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.engines.documents.model import Collection, Name
    from fogbank.storage import Tx

# Their names have no slashes, those of containers have one.
CONFIG: Final = CollectionConfig(KeyField("key", "bytes"), KeyField("key", "bytes"), dialect=DIALECT, versioned=True)
USERS: Final = "users"
PERMISSIONS: Final = "permissions"
RECORDS_MAX: Final = 10_000
BYTES_MAX: Final = 1 << 40


def key_of(above: str, identifier: str) -> Key:
    """Return where a record stands that is below another."""
    return Key(above.encode(), identifier.encode())


async def ensure(tx: Tx, now_us: int, name: Name, number: int, config: CollectionConfig = CONFIG) -> None:
    """Make a collection of records, if it isn't there; the number is a new one."""
    try:
        await collections.find(tx, now_us, name)
    except CollectionNotFoundError:
        try:
            await collections.create(tx, now_us, name, number, config)
        except CollectionExistsError:
            await collections.find(tx, now_us, name)


async def find(tx: Tx, now_us: int, name: Name, key: Key) -> Document | None:
    """Return a record, None if there is none."""
    try:
        return await documents.get(tx, now_us, name, lambda _collection: key)
    except CollectionNotFoundError:
        return None


async def list_below(tx: Tx, now_us: int, name: Name, above: str) -> list[Document]:
    """Return the records below something, in the order of their ids."""

    def below(_collection: Collection) -> Range:
        return Range(above.encode(), b"", BEYOND)

    try:
        return (await ranges.query(tx, now_us, name, below, RECORDS_MAX, BYTES_MAX)).documents
    except CollectionNotFoundError:
        return []


async def add(tx: Tx, now_us: int, name: Name, key: Key, numbers: tuple[int, int], fields: dict[str, Any]) -> Document:
    """Make a record, or raise the error for one that is there; the numbers are new ones."""
    await ensure(tx, now_us, name, numbers[1])

    def unless_there(before: Document | None) -> Document:
        if before is not None:
            raise conflict()
        return Document(0, fields)

    written = await documents.write(tx, now_us, name, numbers[0], lambda _collection: key, unless_there)
    assert written.after is not None
    return written.after


async def replace(
    tx: Tx, now_us: int, name: Name, keys: tuple[Key, Key], number: int, change: Callable[[Document], dict[str, Any]]
) -> Document:
    """Change a record, also its key: from the first to the second; raises the error for what is in the way."""
    before = await find(tx, now_us, name, keys[0])
    if before is None:
        raise not_found()
    fields = change(before)
    if keys[0] == keys[1]:
        await documents.write(
            tx, now_us, name, number, lambda _collection: keys[0], lambda _before: Document(0, fields)
        )
    else:
        if await find(tx, now_us, name, keys[1]) is not None:
            raise conflict()
        writes = [
            Write(name, number, lambda _collection: keys[0], lambda _before: None),
            Write(name, number, lambda _collection: keys[1], lambda _before: Document(0, fields)),
        ]
        await documents.write_each(tx, now_us, writes)
    found = await find(tx, now_us, name, keys[1])
    assert found is not None
    return found


async def remove(tx: Tx, now_us: int, name: Name, key: Key) -> Document:
    """Delete a record, or raise the error for one that isn't there; returns what it was."""
    before = await find(tx, now_us, name, key)
    if before is None:
        raise not_found()
    await documents.write(tx, now_us, name, 0, lambda _collection: key, lambda _before: None)
    return before


async def remove_user(tx: Tx, now_us: int, scope: str, database: str, identifier: str) -> None:
    """Delete a user of a database, and what it is permitted."""
    user = await remove(tx, now_us, (scope, USERS), key_of(database, identifier))
    rid = str(user.fields["rid"])
    for each in await list_below(tx, now_us, (scope, PERMISSIONS), rid):
        await remove(tx, now_us, (scope, PERMISSIONS), key_of(rid, str(each.fields["id"])))
