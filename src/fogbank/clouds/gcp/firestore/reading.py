"""Reading documents by their names: GetDocument, BatchGetDocuments; lists of documents and of collections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.clouds.gcp.firestore.field_paths import read_path
from fogbank.clouds.gcp.firestore.names import Named, read_database, read_document
from fogbank.clouds.gcp.firestore.rendering import document_bytes, found, missing
from fogbank.clouds.gcp.firestore.rules.callers import read_caller
from fogbank.clouds.gcp.firestore.rules.guarding import guard_of
from fogbank.clouds.gcp.firestore.service import find, invalid, moment, time_of
from fogbank.engines.documents import documents, history
from fogbank.wire.grpc.encoded import Encoded
from fogbank.wire.grpc.status import Code, GrpcError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from fogbank.clouds.gcp.firestore.field_paths import FieldPath
    from fogbank.clouds.gcp.firestore.names import Database
    from fogbank.clouds.gcp.firestore.rules.guarding import Guard
    from fogbank.clouds.gcp.firestore.service import Firestore
    from fogbank.clouds.gcp.firestore.transactions import Transaction
    from fogbank.engines.documents.model import Document
    from fogbank.storage import Tx
    from fogbank.wire.grpc.service import Call

FUTURE_SECONDS_MAX: Final = 1


class Consistency(NamedTuple):
    """In which transaction a request reads, whether that is new, and the state of which time; None for neither."""

    transaction: Transaction | None
    new: bool
    at_us: int | None

    def give_up(self, firestore: Firestore) -> None:
        """End a new transaction whose id the client doesn't come to know."""
        if self.new and self.transaction is not None:
            firestore.transactions.end(self.transaction.id)


def read_consistency(firestore: Firestore, call: Call, database: Database, request: Any) -> Consistency:
    """Return what a request says of its consistency; raises `GrpcError`."""
    kind = request.WhichOneof("consistency_selector")
    if kind is None:
        return Consistency(None, new=False, at_us=None)
    if kind == "read_time":
        at_us = time_of(request.read_time)
        if at_us > firestore.clock.now() + FUTURE_SECONDS_MAX * 1_000_000:
            raise invalid("read_time cannot be in the future.")
        return Consistency(None, new=False, at_us=at_us)
    if kind == "transaction":
        transaction = firestore.transactions.find(database, request.transaction)
        return Consistency(transaction, new=False, at_us=transaction.at_us)
    options = request.new_transaction
    if options.WhichOneof("mode") is None:
        # Where a transaction is begun by reading, that is its default (`BatchGetDocumentsRequest.new_transaction`).
        options.read_only.SetInParent()
    transaction = firestore.transactions.begin(database, options, read_caller(call))
    return Consistency(transaction, new=True, at_us=transaction.at_us)


async def read_each(
    tx: Tx, now_us: int, database: Database, wanted: Sequence[Named], at_us: int | None, guard: Guard | None = None
) -> tuple[int, list[Document | None]]:
    """Return documents, None for those that aren't there, and the time they are of: a store operation."""
    collection = await find(tx, now_us, database)
    read_time_us = await moment(tx, now_us, collection)
    if collection is None:
        if guard is not None:
            await guard.check_get(tx, now_us, None, [(each, None) for each in wanted])
        return read_time_us, [None] * len(wanted)
    earlier = {}
    if at_us is not None and at_us < read_time_us:
        earlier = await history.since(tx, now_us, collection, at_us)
        read_time_us = at_us
    answers = []
    for each in wanted:
        if each.key in earlier:
            answers.append(earlier[each.key])
        else:
            answers.append(await documents.get_at(tx, now_us, collection, each.key))
    if guard is not None:
        await guard.check_get(tx, now_us, collection, list(zip(wanted, answers, strict=True)))
    return read_time_us, answers


async def get_document(firestore: Firestore, call: Call, request: Any) -> Any:
    """Return a document."""
    wanted = read_document(request.name)
    guard = guard_of(firestore, call, wanted.database)
    select = read_mask(request)
    consistency = read_consistency(firestore, call, wanted.database, request)
    if consistency.transaction is not None:
        await firestore.transactions.hold(consistency.transaction, [wanted.key])
    _, (document,) = await firestore.store.read(read_each, wanted.database, [wanted], consistency.at_us, guard)
    if consistency.transaction is not None:
        consistency.transaction.note(wanted, 0 if document is None else document.version)
    if document is None:
        raise GrpcError(Code.NOT_FOUND, f'Document "{request.name}" not found.')
    return Encoded(document_bytes(wanted.database, document, select))


async def batch_get_documents(firestore: Firestore, call: Call, request: Any) -> AsyncIterator[Any]:
    """Return documents, each in an answer of its own, and names of those that aren't there."""
    database = read_database(request.database)
    # Each is answered once, however often it is asked for.
    wanted = [read_document(name) for name in dict.fromkeys(request.documents)]
    if any(each.database != database for each in wanted):
        raise invalid("All documents must be of the request's database.")
    select = read_mask(request)
    consistency = read_consistency(firestore, call, database, request)
    transaction = consistency.transaction
    try:
        if transaction is not None:
            await firestore.transactions.hold(transaction, [each.key for each in wanted])
        read_time_us, answers = await firestore.store.read(
            read_each, database, wanted, consistency.at_us, guard_of(firestore, call, database)
        )
    except BaseException:
        consistency.give_up(firestore)
        raise
    if consistency.new and transaction is not None:
        yield firestore.message("BatchGetDocumentsResponse")(transaction=transaction.id)
    for each, document in zip(wanted, answers, strict=True):
        if transaction is not None:
            transaction.note(each, 0 if document is None else document.version)
        if document is None:
            yield missing(each.name, read_time_us)
        else:
            yield found(document_bytes(database, document, select), read_time_us)


def read_mask(request: Any, field: str = "mask") -> list[FieldPath] | None:
    """Return the fields that a request wants; None for all."""
    if not request.HasField(field):
        return None
    return [read_path(each) for each in getattr(request, field).field_paths]
