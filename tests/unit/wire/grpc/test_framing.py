"""Framing: any messages, cut anywhere; and whatever else may come."""

from __future__ import annotations

import gzip
import itertools
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.wire.grpc.framing import FrameReader, frame
from fogbank.wire.grpc.status import Code, GrpcError

MESSAGES = st.lists(st.binary(max_size=3_000), max_size=8)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[start:end] for start, end in itertools.pairwise(ends)]


@given(MESSAGES, st.lists(st.integers(0, 100_000), max_size=20), st.sampled_from(["identity", "gzip", "deflate"]))
def test_messages_survive_any_cuts(messages: list[bytes], places: list[int], encoding: str) -> None:
    reader = FrameReader(encoding)
    wire = b"".join(frame(message, encoding) for message in messages)
    assert [message for part in cut(wire, places) for message in reader.feed(part)] == messages
    reader.finish()


@given(st.lists(st.binary(max_size=200), max_size=6), st.sampled_from(["identity", "gzip", "deflate"]))
def test_anything_else_is_a_clean_error(parts: list[bytes], encoding: str) -> None:
    reader = FrameReader(encoding, bytes_max=1_000)
    try:
        for part in parts:
            for message in reader.feed(part):
                assert len(message) <= 1_000
        reader.finish()
    except GrpcError as error:
        if error.code not in (Code.INTERNAL, Code.INVALID_ARGUMENT):
            raise


def test_a_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(bytes(200_000_000), 1)
    assert len(bomb) < 1_000_000
    with pytest.raises(GrpcError) as raised:
        list(FrameReader("gzip", 1_000_000).feed(struct.pack(">BI", 1, len(bomb)) + bomb))
    assert raised.value.code is Code.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("encoding", "wire"),
    [
        ("gzip", struct.pack(">BI", 1, 3) + b"abc"),
        ("gzip", struct.pack(">BI", 1, 10) + gzip.compress(b"abc", mtime=0)[:10]),
        ("deflate", struct.pack(">BI", 1, len(zlib.compress(b"x")) + 1) + zlib.compress(b"x") + b"y"),
        ("identity", struct.pack(">BI", 1, 3) + b"abc"),
        ("identity", struct.pack(">BI", 7, 3) + b"abc"),
    ],
)
def test_malformed_frames(encoding: str, wire: bytes) -> None:
    with pytest.raises(GrpcError) as raised:
        list(FrameReader(encoding).feed(wire))
    assert raised.value.code is Code.INTERNAL


def test_a_stream_that_ends_too_early() -> None:
    reader = FrameReader()
    assert list(reader.feed(frame(b"whole") + b"\x00\x00")) == [b"whole"]
    with pytest.raises(GrpcError):
        reader.finish()
