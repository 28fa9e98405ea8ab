"""Documents that come from elsewhere: the later write wins, and of two of one version everywhere the same one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.engines.documents import collections, history
from fogbank.engines.documents.copies import graves
from fogbank.engines.documents.documents import One, write_one
from fogbank.engines.documents.model import Change, Key
from fogbank.engines.documents.traits import FIELDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.engines.documents.model import Collection, Document, Name
    from fogbank.engines.documents.values import Value
    from fogbank.storage import Tx

MERGED: Final = "merged"
# Of what was written before there were peers.
_VERSION_FIRST: Final = 1
_decode: Final = msgspec.msgpack.Decoder(Change).decode


async def bring(tx: Tx, now_us: int, collection: Collection, key: Key, number: int, document: Document | None) -> None:
    """Let a document be as it was elsewhere, None removes it; in a collection with peers, unless it is older."""
    if collection.config.peers:
        version = _VERSION_FIRST if document is None else max(_VERSION_FIRST, document.version)
        await _merge(tx, now_us, collection, key, number, version, document)
        return
    await write_one(tx, now_us, One(collection, key, number, 0, ""), lambda _before: document, FIELDS)


async def merge_each(tx: Tx, now_us: int, name: Name, payloads: Sequence[bytes], numbers: Sequence[int]) -> None:
    """Take over a peer's changes, entries of its feed; what it has itself from others is passed over."""
    collection = await collections.look_up(tx, now_us, name)
    for payload, number in zip(payloads, numbers, strict=True):
        change = _decode(payload)
        if change.cause == MERGED:
            continue
        key, document = Key(change.partition, change.sort), history.after(change)
        await _merge(tx, now_us, collection, key, number, max(_VERSION_FIRST, change.version), document)


async def _merge(
    tx: Tx, now_us: int, collection: Collection, key: Key, number: int, version: int, document: Document | None
) -> None:
    grave = await graves.find(tx, collection, key)
    if version < grave or (version == grave and document is None):
        return

    def later(before: Document | None) -> Document | None:
        if before is not None and not _is_later(version, document, before):
            return before
        return document

    written = await write_one(tx, now_us, One(collection, key, number, version, MERGED), later, FIELDS)
    if written.before is None and document is None:
        # It was never here, and isn't to come.
        await graves.note(tx, now_us, collection, key, version)


def _is_later(version: int, document: Document | None, before: Document) -> bool:
    """Whether a write wins over what is there: by its version, and of one version by what it says."""
    if version != before.version or document is None:
        return version > before.version
    return _text(document.fields) > _text(before.fields)


def _text(value: Value) -> str:
    """Return a text of a value that is the same wherever it is made: sets have no order of their own."""
    if isinstance(value, dict):
        return str(sorted((name, _text(member)) for name, member in value.items()))
    if isinstance(value, list | frozenset):
        members = [_text(member) for member in value]
        return str(members if isinstance(value, list) else sorted(members))
    return repr(value)
