"""Google Firestore cases, over gRPC in raw bytes, so that the client costs as little as may be."""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import TYPE_CHECKING, Any

import grpc.aio
from google.cloud.firestore_v1 import types

from bench.case import Case, Timed

if TYPE_CHECKING:
    from bench.case import Work
    from bench.http import Client, Connection

_names = itertools.count(1)
_DATABASE = "projects/bench-project/databases/(default)"
LISTENERS = 1_000
# A connection takes no more than 256 calls at a time.
LISTENERS_OF_CHANNEL = 200


class Firestore:
    """A collection, and calls in bytes."""

    def __init__(self, client: Client) -> None:
        self._channel = grpc.aio.insecure_channel(f"{client.host}:{client.port}")
        self.collection = f"collection-{next(_names)}"
        self._numbers = itertools.count(1)

    def name(self, number: int | None = None) -> str:
        """The name of a document, of a new one unless its number is given."""
        return f"{_DATABASE}/documents/{self.collection}/{next(self._numbers) if number is None else number}"

    def unary(self, method: str) -> Any:
        return self._channel.unary_unary(f"/google.firestore.v1.Firestore/{method}")

    def stream(self, method: str) -> Any:
        return self._channel.unary_stream(f"/google.firestore.v1.Firestore/{method}")

    def commit(self, name: str) -> bytes:
        fields = {
            "title": types.Value(string_value="A document of some hundred bytes, as many are"),
            "count": types.Value(integer_value=7),
            "open": types.Value(boolean_value=True),
        }
        write = types.Write(update=types.Document(name=name, fields=fields))
        return _bytes(types.CommitRequest(database=_DATABASE, writes=[write]))

    def query(self) -> bytes:
        structured = types.StructuredQuery(
            from_=[types.StructuredQuery.CollectionSelector(collection_id=self.collection)],
            where=types.StructuredQuery.Filter(
                field_filter=types.StructuredQuery.FieldFilter(
                    field=types.StructuredQuery.FieldReference(field_path="count"),
                    op=types.StructuredQuery.FieldFilter.Operator.EQUAL,
                    value=types.Value(integer_value=7),
                )
            ),
        )
        return _bytes(types.RunQueryRequest(parent=f"{_DATABASE}/documents", structured_query=structured))


def _own_channel(client: Client) -> grpc.aio.Channel:
    return grpc.aio.insecure_channel(f"{client.host}:{client.port}", [("grpc.use_local_subchannel_pool", 1)])


def _bytes(message: Any) -> bytes:
    data: bytes = type(message).serialize(message)
    return data


async def commit(client: Client, _connection: Connection) -> Work:
    """Create a document of three fields."""
    firestore = Firestore(client)
    call = firestore.unary("Commit")

    async def work(_connection: Connection) -> int:
        await call(firestore.commit(firestore.name()))
        return 1

    return work


async def get(client: Client, _connection: Connection) -> Work:
    """Read a document with GetDocument."""
    firestore = Firestore(client)
    await firestore.unary("Commit")(firestore.commit(firestore.name(1)))
    call, request = firestore.unary("GetDocument"), _bytes(types.GetDocumentRequest(name=firestore.name(1)))

    async def work(_connection: Connection) -> int:
        await call(request)
        return 1

    return work


async def batch_get(client: Client, _connection: Connection) -> Work:
    """Read a document with BatchGetDocuments, as the SDKs do."""
    firestore = Firestore(client)
    await firestore.unary("Commit")(firestore.commit(firestore.name(1)))
    call = firestore.stream("BatchGetDocuments")
    request = _bytes(types.BatchGetDocumentsRequest(database=_DATABASE, documents=[firestore.name(1)]))

    async def work(_connection: Connection) -> int:
        async for _ in call(request):
            pass
        return 1

    return work


async def query(client: Client, _connection: Connection) -> Work:
    """Find ten documents by a field's value."""
    firestore = Firestore(client)
    for _ in range(10):
        await firestore.unary("Commit")(firestore.commit(firestore.name()))
    call, request = firestore.stream("RunQuery"), firestore.query()

    async def work(_connection: Connection) -> int:
        async for _ in call(request):
            pass
        return 1

    return work


async def listeners(client: Client, _connection: Connection) -> Work:
    """Write a document that a thousand streams listen to; until the last of them is told."""
    firestore = Firestore(client)
    commit = firestore.unary("Commit")
    await commit(firestore.commit(firestore.name(1)))
    target = types.Target(documents=types.Target.DocumentsTarget(documents=[firestore.name(1)]), target_id=1)
    channels = [_own_channel(client) for _ in range(LISTENERS // LISTENERS_OF_CHANNEL)]
    streams = [
        channel.stream_stream("/google.firestore.v1.Firestore/Listen")()
        for channel in channels
        for _ in range(LISTENERS_OF_CHANNEL)
    ]
    for stream in streams:
        await stream.write(_bytes(types.ListenRequest(database=_DATABASE, add_target=target)))
    # ADD, the document, CURRENT, NO_CHANGE.
    await asyncio.gather(*(_read(stream, 4) for stream in streams))
    toggle = itertools.cycle((False, True))

    async def work(_connection: Connection) -> Timed:
        fields = {"open": types.Value(boolean_value=next(toggle))}
        write = types.Write(update=types.Document(name=firestore.name(1), fields=fields))
        reading = asyncio.gather(*(_read(stream, 2) for stream in streams))
        began = time.perf_counter()
        await commit(_bytes(types.CommitRequest(database=_DATABASE, writes=[write])))
        await reading
        return Timed(1, time.perf_counter() - began)

    return work


async def _read(stream: Any, count: int) -> None:
    for _ in range(count):
        await stream.read()


FIRESTORE_CASES = (
    Case("firestore.Commit 1 document", commit, budget_us=250),
    Case("firestore.GetDocument", get, budget_us=125),
    Case("firestore.BatchGetDocuments 1 document", batch_get, budget_us=125),
    Case("firestore.RunQuery 10 documents", query),
    Case("firestore.Commit to 1,000 listeners", listeners, concurrency=1),
)
