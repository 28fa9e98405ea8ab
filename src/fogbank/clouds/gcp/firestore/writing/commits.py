"""Commits: several writes, all or none, after what their transaction has read was looked at again.

A commit waits for the transactions that hold what it writes (`locks`), with or without a transaction of its own.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.clouds.gcp.firestore.events.telling import tell
from fogbank.clouds.gcp.firestore.locks import aborted
from fogbank.clouds.gcp.firestore.names import check_collection, check_document_id, named, read_database, read_parent
from fogbank.clouds.gcp.firestore.names import read_document as read_name
from fogbank.clouds.gcp.firestore.reading import read_mask
from fogbank.clouds.gcp.firestore.rendering import document_bytes
from fogbank.clouds.gcp.firestore.rules.callers import read_caller
from fogbank.clouds.gcp.firestore.rules.guarding import guard_of
from fogbank.clouds.gcp.firestore.service import invalid, set_time, word
from fogbank.clouds.gcp.firestore.shape import SHAPE
from fogbank.clouds.gcp.firestore.writing.writes import plan
from fogbank.engines.documents import collections, documents
from fogbank.engines.documents.documents import Write, Written
from fogbank.wire.grpc.encoded import Encoded
from fogbank.wire.grpc.status import GrpcError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fogbank.clouds.gcp.firestore.names import Database
    from fogbank.clouds.gcp.firestore.rules.guarding import Guard
    from fogbank.clouds.gcp.firestore.service import Firestore
    from fogbank.clouds.gcp.firestore.transactions import Transaction
    from fogbank.clouds.gcp.firestore.writing.writes import Planned
    from fogbank.engines.documents.model import Collection, Key
    from fogbank.storage import Tx
    from fogbank.wire.grpc.service import Call

BATCH_WRITES_MAX: Final = 500
_ID_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_ID_LENGTH: Final = 20


class Committed(NamedTuple):
    """What a commit did: its time, and each write's document before and after."""

    time_us: int
    written: list[Written]


async def apply(
    tx: Tx,
    now_us: int,
    database: Database,
    planned: Sequence[Planned],
    numbers: Sequence[int],
    transaction: Transaction | None,
    draw: Callable[[], int],
    guard: Guard | None = None,
) -> Committed:
    """Make writes: a store operation. From `tick` on nobody else writes, so that what was read can't change."""
    collection = await collections.find(tx, now_us, database)
    time_us = await collections.tick(tx, now_us, collection)
    if guard is not None:
        await guard.check_writes(tx, now_us, collection, planned, time_us)
    if transaction is not None:
        await _validate(tx, now_us, collection, transaction)
    writes = [
        Write(database, number, partial(_locate, each.wanted.key), partial(each.change, time_us))
        for each, number in zip(planned, numbers, strict=True)
    ]
    written = await documents.write_each(tx, now_us, writes, SHAPE, {database: time_us}, {database: collection})
    await tell(tx, now_us, database, written, time_us, draw)
    return Committed(time_us, written)


def _locate(key: Key, _collection: Collection) -> Key:
    return key


async def _validate(tx: Tx, now_us: int, collection: Collection, transaction: Transaction) -> None:
    """Raise ABORTED if something isn't as the transaction has read it."""
    from fogbank.clouds.gcp.firestore.querying.running import find_again  # noqa: PLC0415 - they need each other

    for key, version in transaction.documents.items():
        document = await documents.get_at(tx, now_us, collection, key)
        if version != (0 if document is None else document.version):
            raise aborted()
    for query, found in transaction.queries:
        if await find_again(tx, now_us, query) != found:
            raise aborted()


async def commit(firestore: Firestore, call: Call, request: Any) -> Any:
    """Make writes, in a transaction or without one."""
    database = read_database(request.database)
    planned = [_plan(database, each) for each in request.writes]
    if not request.transaction:
        guard = guard_of(firestore, call, database)
        return _shown(firestore, planned, await _commit(firestore, call, database, planned, guard))
    # It is over, whatever comes of it.
    transaction = firestore.transactions.take(database, request.transaction)
    try:
        if transaction.read_only and planned:
            raise invalid("Cannot modify entities in a read-only transaction.")
        guard = guard_of(firestore, call, database)
        checked = None if transaction.read_only else transaction
        return _shown(firestore, planned, await _commit(firestore, call, database, planned, guard, checked))
    finally:
        firestore.transactions.locks.release(transaction)


async def _commit(
    firestore: Firestore,
    call: Call | None,
    database: Database,
    planned: Sequence[Planned],
    guard: Guard | None,
    transaction: Transaction | None = None,
) -> Committed:
    numbers = firestore.ids.sequences(len(planned))
    draw = firestore.ids.sequence
    locks = firestore.transactions.locks
    done: Committed
    if not locks.held:
        done = await firestore.write(database, apply, planned, numbers, transaction, draw, guard)
        return done
    keys = {each.wanted.key for each in planned if not each.verify}
    async with locks.turn(database, keys, transaction, call):
        done = await firestore.write(database, apply, planned, numbers, transaction, draw, guard)
    return done


async def commit_writes(
    firestore: Firestore, database: Database, writes: Sequence[Any], guard: Guard | None = None
) -> tuple[list[Planned], Committed]:
    """Make the writes of a request, outside of any transaction."""
    planned = [_plan(database, each) for each in writes]
    return planned, await _commit(firestore, None, database, planned, guard)


def _plan(database: Database, write: Any) -> Planned:
    planned = plan(write)
    if planned.wanted.database != database:
        raise invalid("All writes must be to the request's database.")
    return planned


def _shown(firestore: Firestore, planned: Sequence[Planned], done: Committed) -> Any:
    response = firestore.message("CommitResponse")()
    show_results(response, planned, done)
    set_time(response.commit_time, done.time_us)
    return response


def show_results(response: Any, planned: Sequence[Planned], done: Committed) -> None:
    """Add what writes did to a response."""
    for each, written in zip(planned, done.written, strict=True):
        result = response.write_results.add()
        _show_result(result, each, written, done.time_us)


def _show_result(result: Any, planned: Planned, written: Written, time_us: int) -> None:
    if written.after is not None:
        set_time(result.update_time, written.after.version)
    for value in planned.results(written, time_us):
        shown = result.transform_results.add()
        if value is None:
            shown.null_value = 0
        else:
            shown.CopyFrom(value)


async def rollback(firestore: Firestore, call: Call, request: Any) -> Any:
    """Give up a transaction."""
    del call
    read_database(request.database)
    firestore.transactions.end(request.transaction)
    return firestore.types.message("google.protobuf.Empty")()


async def begin_transaction(firestore: Firestore, call: Call, request: Any) -> Any:
    """Begin a transaction; one that is run again after it was aborted is as old as it was then."""
    begun = firestore.transactions.begin(read_database(request.database), request.options, read_caller(call))
    return firestore.message("BeginTransactionResponse")(transaction=begun.id)


async def batch_write(firestore: Firestore, call: Call, request: Any) -> Any:
    """Make writes, each for itself: one that fails says so in its place."""
    database = read_database(request.database)
    if len(request.writes) > BATCH_WRITES_MAX:
        raise invalid(f"Maximum {BATCH_WRITES_MAX} writes allowed per request.")
    planned = [_plan(database, each) for each in request.writes]
    if len({each.wanted.key for each in planned}) < len(planned):
        raise invalid("A batch write can't write to one document more than once.")
    response = firestore.message("BatchWriteResponse")()
    # All are started before the first is waited for, so that they share a commit.
    guard = guard_of(firestore, call, database)
    outcomes = await asyncio.gather(*(_try(firestore, call, database, each, guard) for each in planned))
    for each, outcome in zip(planned, outcomes, strict=True):
        result, status = response.write_results.add(), response.status.add()
        if isinstance(outcome, GrpcError):
            status.code, status.message = int(outcome.code), outcome.message
        else:
            _show_result(result, each, outcome.written[0], outcome.time_us)
    return response


async def _try(
    firestore: Firestore, call: Call, database: Database, planned: Planned, guard: Guard | None
) -> Committed | GrpcError:
    try:
        return await _commit(firestore, call, database, [planned], guard)
    except GrpcError as error:
        return error
    except Exception as error:
        worded = word(error)
        if worded is None:
            raise
        return worded


def draw_id(firestore: Firestore) -> str:
    """Return an id for a document that comes without one."""
    return "".join(_ID_LETTERS[each % len(_ID_LETTERS)] for each in firestore.ids.bytes(_ID_LENGTH))


async def create_document(firestore: Firestore, call: Call, request: Any) -> Any:
    """Create a document, by an id that is given or drawn."""
    parent = read_parent(request.parent)
    collection = check_collection(request.collection_id)
    document_id = check_document_id(request.document_id) if request.document_id else draw_id(firestore)
    wanted = named(parent.database, (*parent.segments, collection, document_id))
    write = firestore.message("Write")()
    write.update.CopyFrom(request.document)
    write.update.name = wanted.name
    write.current_document.exists = False
    return await _write_one(firestore, call, wanted.database, write, request)


async def update_document(firestore: Firestore, call: Call, request: Any) -> Any:
    """Change a document, or create it."""
    wanted = read_name(request.document.name)
    write = firestore.message("Write")()
    write.update.CopyFrom(request.document)
    for field in ("update_mask", "current_document"):
        if request.HasField(field):
            getattr(write, field).CopyFrom(getattr(request, field))
    return await _write_one(firestore, call, wanted.database, write, request)


async def _write_one(firestore: Firestore, call: Call, database: Database, write: Any, request: Any) -> Any:
    select = read_mask(request)
    done = await _commit(firestore, call, database, [plan(write)], guard_of(firestore, call, database))
    after = done.written[0].after
    assert after is not None
    return Encoded(document_bytes(database, after, select))


async def delete_document(firestore: Firestore, call: Call, request: Any) -> Any:
    """Remove a document; one that isn't there is gone already."""
    wanted = read_name(request.name)
    write = firestore.message("Write")(delete=request.name)
    if request.HasField("current_document"):
        write.current_document.CopyFrom(request.current_document)
    await _commit(firestore, call, wanted.database, [plan(write)], guard_of(firestore, call, wanted.database))
    return firestore.types.message("google.protobuf.Empty")()
