"""Journals: feeds that tell of each write of a collection for those who copy what it was, and for nobody else.

A journal is kept for as long as a collection's earlier states are to be had, or while it is copied. Writes that were
under way on another node when it was begun may be missing, so that it says nothing of what was before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.engines.documents import collections
from fogbank.kernel.clock import SECOND_US
from fogbank.storage import change_feed

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.engines.documents.model import Collection, CollectionConfig, Name
    from fogbank.storage import Tx

TRIMMED_PER_OPERATION_MAX: Final = 1_000
_COPIED: Final = "SELECT 1 FROM document_copy WHERE source = $1 LIMIT 1"


async def begin(tx: Tx, now_us: int, collection: Collection) -> str:
    """Have a collection keep a journal, if it doesn't; returns the journal's name."""
    journal = collection.config.journal or f"journal/{collection.id}"
    if not collection.config.journal:

        def change(config: CollectionConfig) -> CollectionConfig:
            return msgspec.structs.replace(config, journal=journal)

        await collections.update(tx, now_us, (collection.scope, collection.name), change)
    return journal


async def keep(
    tx: Tx, now_us: int, name: Name, seconds: int, change: Callable[[CollectionConfig], CollectionConfig]
) -> Collection:
    """Keep a collection's journal for so long from now on, 0 for no longer than copies need it.

    `change` may change its configuration together with that, and refuse by raising.
    """

    def kept(config: CollectionConfig) -> CollectionConfig:
        return msgspec.structs.replace(change(config), journal_seconds=seconds)

    collection = await collections.update(tx, now_us, name, kept)
    if seconds:
        journal = await begin(tx, now_us, collection)
        return collection._replace(config=msgspec.structs.replace(collection.config, journal=journal))
    await release(tx, now_us, name)
    return collection


async def release(tx: Tx, now_us: int, name: Name) -> None:
    """Forget a collection's journal, unless it is kept or somebody copies by it."""
    collection = await collections.hold(tx, now_us, name)
    config = collection.config
    if not config.journal or config.journal_seconds or await is_copied(tx, now_us, collection.id):
        return
    await change_feed.forget(tx, now_us, config.journal)
    await collections.update(tx, now_us, name, lambda config: msgspec.structs.replace(config, journal=""))


async def is_copied(tx: Tx, _now_us: int, number: int) -> bool:
    """Tell whether documents under a number are being copied."""
    return await tx.one(_COPIED, number) is not None


async def trim(tx: Tx, now_us: int, collection: Collection) -> bool:
    """Remove some of what a journal has kept for long enough; False while there is more."""
    config = collection.config
    if not config.journal_seconds or await is_copied(tx, now_us, collection.id):
        return True
    before_us = now_us - config.journal_seconds * SECOND_US
    gone = await change_feed.trim(tx, now_us, config.journal, before_us, TRIMMED_PER_OPERATION_MAX)
    return gone < TRIMMED_PER_OPERATION_MAX
