"""Google Cloud Logging cases, over gRPC in raw bytes: writing, and finding one log's entries among many."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import grpc.aio
from google.cloud.logging_v2 import types

from bench.case import Case

if TYPE_CHECKING:
    from bench.case import Work
    from bench.http import Client, Connection

ENTRIES: int = 20_000
_SERVICE = "/google.logging.v2.LoggingServiceV2"
_numbers = itertools.count(1)


class Logging:
    """Calls in bytes on a project of one's own."""

    def __init__(self, client: Client) -> None:
        self._channel = grpc.aio.insecure_channel(f"{client.host}:{client.port}")
        self.project = f"bench-{next(_numbers):05d}"

    def unary(self, method: str) -> Any:
        return self._channel.unary_unary(f"{_SERVICE}/{method}")

    def writing(self, log_id: str, count: int) -> bytes:
        entries = [types.LogEntry(text_payload="x" * 100, severity=200) for _ in range(count)]
        name = f"projects/{self.project}/logs/{log_id}"
        request = types.WriteLogEntriesRequest(log_name=name, resource={"type": "global"}, entries=entries)
        data: bytes = types.WriteLogEntriesRequest.serialize(request)
        return data

    def listing(self, text: str) -> bytes:
        request = types.ListLogEntriesRequest(
            resource_names=[f"projects/{self.project}"], filter=text, order_by="timestamp desc", page_size=50
        )
        data: bytes = types.ListLogEntriesRequest.serialize(request)
        return data


async def write_one(client: Client, _connection: Connection) -> Work:
    """Write one entry of 100 characters."""
    return await _writing(client, 1)


async def write_hundred(client: Client, _connection: Connection) -> Work:
    """Write a hundred at once; counted by entries."""
    return await _writing(client, 100)


async def _writing(client: Client, count: int) -> Work:
    logging = Logging(client)
    call, request = logging.unary("WriteLogEntries"), logging.writing("mine", count)

    async def work(_connection: Connection) -> int:
        await call(request)
        return count

    return work


async def list_page(client: Client, _connection: Connection) -> Work:
    """List the latest 50 entries of one log, which are older than many entries of another."""
    logging = Logging(client)
    write = logging.unary("WriteLogEntries")
    await write(logging.writing("mine", 100))
    for _ in range(ENTRIES // 1_000):
        await write(logging.writing("other", 1_000))
    call, request = logging.unary("ListLogEntries"), logging.listing('log_id("mine") severity>=INFO')

    async def work(_connection: Connection) -> int:
        await call(request)
        return 1

    return work


LOGGING_CASES = (
    Case("logging.WriteLogEntries 1 entry", write_one),
    Case("logging.WriteLogEntries 100 entries (each)", write_hundred),
    Case("logging.ListLogEntries of one log", list_page),
)
