"""The channel from both ends: messages in whatever pieces they arrive, and what a broken worker sends."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.runtimes.inside.channel import Channel, ClosedError, encode
from fogbank.runtimes.link import ChannelLink
from fogbank.runtimes.model import Invocation
from fogbank.runtimes.streams.reply import WAITING_BYTES_MAX, ReplyStream


class Pair:
    """A link, and the worker's end of its connection."""

    def __init__(self, link: ChannelLink, worker: socket.socket) -> None:
        self.link = link
        self.worker = worker

    async def close(self) -> None:
        await self.link.close()
        self.worker.close()


async def connect(result_bytes_max: int = 1_000) -> Pair:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    return Pair(await ChannelLink.open(ours, result_bytes_max), theirs)


async def test_an_invocation_goes_out_and_its_result_comes_back() -> None:
    pair = await connect()
    channel = Channel(pair.worker)
    channel.send("ready")
    assert await pair.link.initialised is None
    result = pair.link.give(Invocation("i", b"event", {}), {"a": [1]}, 5)
    head, body = await asyncio.to_thread(channel.receive)
    assert (head, body) == ({"kind": "invoke", "id": "i", "deadline_ms": 5, "context": {"a": [1]}}, b"event")
    channel.send("result", b"done", id="i", head={"status": 200})
    delivered = await result
    assert (delivered.payload, delivered.error_type, delivered.head) == (b"done", None, {"status": 200})
    await pair.close()


async def test_results_find_their_invocations_in_any_order() -> None:
    pair = await connect()
    channel = Channel(pair.worker)
    results = [pair.link.give(Invocation(str(number), b"", {}), {}, 0) for number in range(3)]
    for number in (2, 0, 1):
        channel.send("error" if number == 1 else "result", b"%d" % number, id=str(number), error_type="E")
    found = await asyncio.gather(*results)
    assert [(each.payload, each.error_type) for each in found] == [(b"0", None), (b"1", "E"), (b"2", None)]
    await pair.close()


async def test_a_failed_initialisation_is_told() -> None:
    pair = await connect()
    Channel(pair.worker).send("init_error", b"{}", error_type="ImportError")
    told = await pair.link.initialised
    assert told is not None
    assert (told.payload, told.error_type) == (b"{}", "ImportError")
    await pair.close()


async def test_a_result_that_is_too_long_is_told_by_its_length() -> None:
    pair = await connect(result_bytes_max=10)
    result = pair.link.give(Invocation("i", b"", {}), {}, 0)
    Channel(pair.worker).send("result", b"x" * 11, id="i")
    delivered = await result
    assert (delivered.payload, delivered.too_large) == (b"", 11)
    await pair.close()


@pytest.mark.parametrize(
    "written",
    [
        encode({"kind": "result", "id": "unknown"}, b"x"),
        encode({"kind": "nonsense"}, b""),
        encode({}, b"x") * 3,
    ],
)
async def test_what_nobody_asked_for_is_passed_over(written: bytes) -> None:
    pair = await connect()
    pair.worker.sendall(written)
    Channel(pair.worker).send("ready")
    assert await pair.link.initialised is None
    await pair.close()


@pytest.mark.parametrize("written", [b"\xff" * 8, b"\0\0\0\x02\0\0\0\0no", b"\0\0\0\x02\0\0\0\0[]"])
async def test_a_worker_that_breaks_the_form_is_cut_off(written: bytes) -> None:
    pair = await connect()
    pair.worker.sendall(written)
    pair.worker.settimeout(5)
    assert await asyncio.to_thread(pair.worker.recv, 1) == b""
    await pair.close()


# Nobody reads meanwhile, and a socket holds only so many pieces, however short.
PIECES_MAX = 100
bodies = st.lists(st.tuples(st.dictionaries(st.text(), st.text() | st.integers()), st.binary()), max_size=5)


@given(bodies, st.data())
def test_messages_are_the_same_however_they_are_cut(messages: list[tuple[dict[str, Any], bytes]], data: Any) -> None:
    stream = b"".join(encode(head, body) for head, body in messages)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        at = 0
        while at < len(stream):
            rest = len(stream) - at
            size = data.draw(st.integers(min(rest, 1 + len(stream) // PIECES_MAX), rest))
            ours.sendall(stream[at : at + size])
            at += size
        ours.shutdown(socket.SHUT_WR)
        channel = Channel(theirs)
        found = [tuple(channel.receive()) for _ in messages]
        with pytest.raises(ClosedError):
            channel.receive()
    assert found == [(json.loads(json.dumps(head)), body) for head, body in messages]


async def test_a_slow_reader_holds_the_worker_back() -> None:
    pair = await connect()
    reply = ReplyStream()
    result = pair.link.give(Invocation("i", b"", {}, reply), {}, 0)
    part = b"x" * 65_536

    def work() -> None:
        channel = Channel(pair.worker)
        channel.send("begin", id="i", head={"content_type": "text/plain"})
        for _ in range(320):
            channel.send("part", part, id="i")
        channel.send("end", id="i")

    working = asyncio.create_task(asyncio.to_thread(work))
    await reply.begun
    size = most = 0
    async for each in reply:
        size += len(each)
        most = max(most, reply.size - size)
        # Whoever takes one part at a time lets as much come as there is room for.
        await asyncio.sleep(0)
        if size == len(part) * 320:
            break
    assert most <= WAITING_BYTES_MAX + 300_000
    delivered = await result
    await working
    assert (reply.size, delivered.payload, delivered.head) == (size, part * 4, {"content_type": "text/plain"})
    await pair.close()


async def test_what_nobody_reads_any_more_does_not_hold_the_worker_back() -> None:
    pair = await connect()
    reply = ReplyStream()
    result = pair.link.give(Invocation("i", b"", {}, reply), {}, 0)
    channel = Channel(pair.worker)
    channel.send("begin", id="i", head={})
    await reply.begun
    reply.abandon()
    for _ in range(100):
        await asyncio.to_thread(channel.send, "part", b"x" * 65_536, id="i")
    channel.send("error", b"no", id="i", error_type="E")
    assert (await result).error_type == "E"
    assert reply.size == 6_553_600
    await pair.close()


async def test_a_reply_that_is_too_large_is_the_result() -> None:
    pair = await connect()
    reply = ReplyStream(bytes_max=10)
    streamed = pair.link.give(Invocation("i", b"", {}, reply), {}, 0)
    collected = pair.link.give(Invocation("j", b"", {}), {}, 0)
    channel = Channel(pair.worker)
    for number, size in (("i", 11), ("j", 1_001)):
        channel.send("begin", id=number, head={})
        channel.send("part", b"x" * size, id=number)
    assert ((await streamed).too_large, (await collected).too_large) == (11, 1_001)
    await pair.close()
