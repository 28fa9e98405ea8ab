"""ListDocuments and ListCollectionIds: what is in a collection, and what collections there are."""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp.firestore.field_paths import NAME_PATH, read_path
from fogbank.clouds.gcp.firestore.indexing.checking import check_indexes
from fogbank.clouds.gcp.firestore.names import check_collection, read_parent
from fogbank.clouds.gcp.firestore.querying.below import names_below
from fogbank.clouds.gcp.firestore.querying.plans import read_query
from fogbank.clouds.gcp.firestore.querying.running import find_results, run_consistently
from fogbank.clouds.gcp.firestore.reading import read_consistency, read_mask
from fogbank.clouds.gcp.firestore.rendering import document_message
from fogbank.clouds.gcp.firestore.rules.guarding import guard_of, list_check
from fogbank.clouds.gcp.firestore.service import invalid
from fogbank.clouds.gcp.paging import read_page_size, read_page_token, write_page_token
from fogbank.wire.grpc.types import DecodeError

if TYPE_CHECKING:
    from fogbank.clouds.gcp.firestore.names import Place
    from fogbank.clouds.gcp.firestore.querying.candidates import Candidate
    from fogbank.clouds.gcp.firestore.querying.plans import Query
    from fogbank.clouds.gcp.firestore.service import Firestore
    from fogbank.wire.grpc.service import Call

PAGE_SIZE: Final = 300
_DIRECTIONS: Final = {"": 1, "asc": 1, "desc": 2}


async def list_documents(firestore: Firestore, call: Call, request: Any) -> Any:
    """List a collection's documents; those that are missing and have something in them, too, if that is wanted."""
    parent = read_parent(request.parent)
    size = read_page_size(request.page_size or PAGE_SIZE)
    if request.show_missing:
        if request.order_by:
            raise invalid("Cannot use order_by with show_missing.")
        return await _list_all(firestore, call, parent, request, size)
    structured = _structured(firestore, request, size + 1)
    query = read_query(parent, structured)
    await check_indexes(firestore, query)
    consistency = read_consistency(firestore, call, parent.database, request)
    # What rules see of the limit is what was asked for.
    check = list_check(firestore, call, query._replace(limit=size), structured)
    results = await run_consistently(firestore, query, consistency, check)
    select = read_mask(request)
    response = firestore.message("ListDocumentsResponse")()
    response.documents.extend(document_message(parent.database, each.document, select) for each in results.found[:size])
    if len(results.found) > size:
        response.next_page_token = _token_behind(firestore, query, results.found[size - 1])
    return response


def _structured(firestore: Firestore, request: Any, limit: int) -> Any:
    """Return the query that lists."""
    message = firestore.message("StructuredQuery")()
    getattr(message, "from").add(collection_id=request.collection_id, all_descendants=False)
    message.limit.value = limit
    for text in request.order_by.split(",") if request.order_by else ():
        path, _, direction = text.strip().partition(" ")
        if direction.strip().lower() not in _DIRECTIONS:
            raise invalid(f'Invalid order_by "{request.order_by}".')
        read_path(path)
        message.order_by.add(direction=_DIRECTIONS[direction.strip().lower()]).field.field_path = path
    if request.page_token:
        try:
            message.start_at.ParseFromString(b64decode(request.page_token, b"-_", validate=True))
        except (Base64Error, ValueError, DecodeError):
            raise invalid("page_token is not one that this method returned.") from None
    return message


def _token_behind(firestore: Firestore, query: Query, last: Candidate) -> str:
    """Return the token that goes on behind a document: a cursor."""
    cursor = firestore.message("Cursor")(before=False)
    for order in query.orders:
        if order.path == NAME_PATH:
            cursor.values.add(reference_value=f"{query.database.root}/{last.path}")
        else:
            cursor.values.add().CopyFrom(last.value(order.path))
    return b64encode(cursor.SerializeToString(), b"-_").decode()


async def _list_all(firestore: Firestore, call: Call, parent: Place, request: Any, size: int) -> Any:
    """List documents by their ids, those that aren't there themselves among them."""
    collection = check_collection(request.collection_id)
    after = read_page_token(request.page_token)
    consistency = read_consistency(firestore, call, parent.database, request)
    if consistency.transaction is not None and not consistency.transaction.read_only:
        raise invalid("Fogbank lists missing documents in read-only transactions only.")
    start = firestore.message("Cursor")(before=False)
    structured = _structured(firestore, _Bare(request.collection_id), size + 1)
    if after:
        start.values.add(reference_value=f"{parent.name}/{collection}/{after}")
        structured.start_at.CopyFrom(start)
    query = read_query(parent, structured)
    check = list_check(firestore, call, query._replace(limit=size), structured)
    results = await firestore.store.scan(find_results, query, consistency.at_us, None, check)
    there = {each.path.rpartition("/")[2]: each for each in results.found}
    inside = (*parent.segments, collection)
    last = max(there, key=str.encode) if len(results.found) > size else None
    missing = await firestore.store.scan(names_below, parent.database, inside, after, size + 1, None, consistency.at_us)
    ids = sorted({*there, *missing}, key=str.encode)
    if last is not None:
        ids = [each for each in ids if each.encode() <= last.encode()]
    select = read_mask(request)
    response = firestore.message("ListDocumentsResponse")()
    for each in ids[:size]:
        if each in there:
            response.documents.append(document_message(parent.database, there[each].document, select))
        else:
            response.documents.add(name=f"{parent.name}/{collection}/{each}")
    if len(ids) > size:
        response.next_page_token = write_page_token(ids[size - 1])
    return response


class _Bare:
    """A list request that has only a collection."""

    def __init__(self, collection: str) -> None:
        self.collection_id = collection
        self.order_by = ""
        self.page_token = ""


async def list_collection_ids(firestore: Firestore, call: Call, request: Any) -> Any:
    """List the ids of the collections in a document, or of those at the top."""
    parent = read_parent(request.parent)
    size = read_page_size(request.page_size or PAGE_SIZE)
    after = read_page_token(request.page_token)
    at_us = read_consistency(firestore, call, parent.database, request).at_us
    guard = guard_of(firestore, call, parent.database)
    check = None if guard is None else guard.check_nothing_set
    names = await firestore.store.scan(names_below, parent.database, parent.segments, after, size + 1, check, at_us)
    response = firestore.message("ListCollectionIdsResponse")(collection_ids=names[:size])
    if len(names) > size:
        response.next_page_token = write_page_token(names[size - 1])
    return response
