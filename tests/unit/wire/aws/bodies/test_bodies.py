"""Bodies in chunks, and the checksums that come with them."""

from __future__ import annotations

import zlib
from base64 import b64encode
from contextlib import suppress
from hashlib import md5, sha1, sha256, sha512
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.wire.aws.bodies import check_integrity, read_body
from fogbank.wire.aws.bodies.checksums import ALGORITHMS, UNSUPPORTED
from fogbank.wire.aws.bodies.chunked import TRAILER_BYTES_MAX, decode_chunks
from fogbank.wire.aws.bodies.integrity import INLINE_BYTES_MAX
from fogbank.wire.aws.errors import AwsError
from fogbank.wire.http import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

SIGNATURE = b";chunk-signature=" + b"0a" * 32
DATA = b"123456789"
# Check values of the algorithms' catalogues for DATA.
KNOWN = {
    b"x-amz-checksum-crc32": bytes.fromhex("cbf43926"),
    b"x-amz-checksum-crc32c": bytes.fromhex("e3069283"),
    b"x-amz-checksum-crc64nvme": bytes.fromhex("ae8b14860a799888"),
    b"x-amz-checksum-sha1": sha1(DATA).digest(),
    b"x-amz-checksum-sha256": sha256(DATA).digest(),
    b"x-amz-checksum-sha512": sha512(DATA).digest(),
}


def chunked(data: bytes, size: int, trailers: Mapping[bytes, bytes] | None = None, *, signed: bool = False) -> bytes:
    """Write a body in chunks as SDKs do."""
    mark = SIGNATURE if signed else b""
    parts = [data[at : at + size] for at in range(0, len(data), size)]
    text = b"".join(b"%x%b\r\n%b\r\n" % (len(part), mark, part) for part in parts) + b"0" + mark + b"\r\n"
    for name, value in (trailers or {}).items():
        text += b"%b:%b\r\n" % (name, value)
    return text + b"\r\n"


def sent(body: bytes, length: int, **headers: bytes) -> Request:
    named = {name.replace("_", "-").encode(): value for name, value in headers.items()}
    common = {b"content-encoding": b"aws-chunked", b"x-amz-decoded-content-length": b"%d" % length}
    return Request("PUT", b"/", common | named, body)


def refused(code: str) -> object:
    return pytest.raises(AwsError, match=code)


def test_the_checksums_are_the_known_ones() -> None:
    assert {name: algorithm.digest(DATA) for name, algorithm in ALGORITHMS.items()} == KNOWN
    assert {name: len(value) for name, value in KNOWN.items()} == {n: a.size for n, a in ALGORITHMS.items()}
    assert ALGORITHMS[b"x-amz-checksum-crc32c"].digest(b"") == bytes(4)


@given(
    st.binary(max_size=300),
    st.integers(1, 99),
    st.booleans(),
    st.dictionaries(st.from_regex(rb"[a-z-]{1,9}", fullmatch=True), st.from_regex(rb"[!-~]{0,9}", fullmatch=True)),
)
def test_chunks_are_taken_apart(data: bytes, size: int, signed: bool, trailers: dict[bytes, bytes]) -> None:
    assert decode_chunks(chunked(data, size, trailers, signed=signed)) == (data, trailers)


@pytest.mark.parametrize("end", [b"0\r\n", b"0\r\n\r\n", b"0\r\n\r\n\r\n", b"0\r\na:b\r\n", b"0\r\na: b \r\n\r\n"])
def test_ways_to_end(end: bytes) -> None:
    data, trailers = decode_chunks(b"3\r\nabc\r\n" + end)
    assert data == b"abc"
    assert trailers == ({b"a": b"b"} if b"a" in end else {})


@pytest.mark.parametrize("algorithm", KNOWN)
async def test_trailers_are_checked(algorithm: bytes) -> None:
    value = b64encode(KNOWN[algorithm])
    for signed in (True, False):
        request = sent(chunked(DATA, 4, {algorithm: value}, signed=signed), 9, x_amz_trailer=algorithm)
        assert await read_body(request) == DATA
        assert b"content-encoding" not in request.headers
        assert request.headers[b"content-length"] == b"9"
        with refused("BadDigest"):
            await read_body(sent(chunked(b"x" * 9, 4, {algorithm: value}), 9, x_amz_trailer=algorithm))
        for wrong in (b"", b"!!!!", value[:-4], b64encode(b"x" * 5)):
            with refused(f"InvalidRequest: Value for {algorithm.decode()} trailing header is invalid"):
                await read_body(sent(chunked(DATA, 4, {algorithm: wrong}), 9))


async def test_other_content_encodings_stay() -> None:
    request = sent(chunked(DATA, 4), 9, content_encoding=b"aws-chunked, gzip")
    assert await read_body(request) == DATA
    assert request.headers[b"content-encoding"] == b"gzip"
    # Older SDKs say it elsewhere.
    request = sent(chunked(DATA, 4, signed=True), 9, x_amz_content_sha256=b"STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
    del request.headers[b"content-encoding"]
    assert await read_body(request) == DATA
    request = Request("PUT", b"/", {b"content-encoding": b"gzip"}, b"\x1f\x8b")
    assert await read_body(request) == b"\x1f\x8b"


@pytest.mark.parametrize(
    ("body", "length", "code"),
    [
        (chunked(DATA, 4), 8, "IncompleteBody"),
        (chunked(DATA, 4), 10, "IncompleteBody"),
        (chunked(DATA, 4)[:-15], 9, "IncompleteBody"),
        (b"", 0, "IncompleteBody"),
        (b"9\r\n123456789", 9, "IncompleteBody"),
        (b"9\r\n123456789\r\n", 9, "IncompleteBody"),
        (b"a\r\n123456789\r\n0\r\n\r\n", 9, "IncompleteBody"),
        (b"8\r\n123456789\r\n0\r\n\r\n", 9, "IncompleteBody"),
        (b"-1\r\n\r\n0\r\n\r\n", 0, "IncompleteBody"),
        (b"+0\r\n\r\n", 0, "IncompleteBody"),
        (b"0x0\r\n\r\n", 0, "IncompleteBody"),
        (b"0_0\r\n\r\n", 0, "IncompleteBody"),
        (b" 0 \r\n\r\n", 0, "IncompleteBody"),
        (b"\r\n0\r\n\r\n", 0, "IncompleteBody"),
        (b"0;nonsense\r\n\r\n", 0, "IncompleteBody"),
        (b"f" * 30 + b"\r\n", 0, "IncompleteBody"),
        (b"0" * 2000, 0, "IncompleteBody"),
        (b"0\r\nno colon\r\n\r\n", 0, "MalformedTrailerError"),
        (b"0\r\na b: c\r\n\r\n", 0, "MalformedTrailerError"),
        (b"0\r\na: b\nc: d\r\n\r\n", 0, "MalformedTrailerError"),
        (b"0\r\na: " + b"b" * TRAILER_BYTES_MAX + b"\r\n\r\n", 0, "MalformedTrailerError"),
    ],
)
async def test_broken_chunks(body: bytes, length: int, code: str) -> None:
    with refused(code):
        await read_body(sent(body, length))


async def test_what_was_announced_has_to_come() -> None:
    with refused("MalformedTrailerError"):
        await read_body(sent(chunked(DATA, 4), 9, x_amz_trailer=b"x-amz-checksum-crc32"))
    for length in (b"", b"-1", b"nine"):
        with refused("MissingContentLength"):
            await read_body(sent(chunked(DATA, 4), 9, x_amz_decoded_content_length=length))


@given(st.binary(max_size=60))
def test_no_bytes_hurt(data: bytes) -> None:
    with suppress(AwsError):
        decode_chunks(data)


@pytest.mark.parametrize("algorithm", KNOWN)
async def test_headers_are_checked(algorithm: bytes) -> None:
    await check_integrity({algorithm: b64encode(KNOWN[algorithm])}, DATA, required=True)
    with refused(f"BadDigest: The {ALGORITHMS[algorithm].name} you specified did not match the calculated checksum."):
        await check_integrity({algorithm: b64encode(KNOWN[algorithm])}, b"other", required=False)
    with refused("InvalidRequest"):
        await check_integrity({algorithm: b"nonsense"}, DATA, required=False)


async def test_slow_ones_of_large_bodies_too() -> None:
    body = b"x" * (INLINE_BYTES_MAX + 1)
    value = b64encode(ALGORITHMS[b"x-amz-checksum-crc32c"].digest(body))
    await check_integrity({b"x-amz-checksum-crc32c": value}, body, required=False)
    with refused("BadDigest"):
        await check_integrity({b"x-amz-checksum-crc32c": value}, body + b"x", required=False)


@pytest.mark.parametrize("algorithm", UNSUPPORTED)
async def test_algorithms_that_can_not_be_computed_are_refused(algorithm: bytes) -> None:
    with refused(f"Fogbank does not support the checksum {UNSUPPORTED[algorithm]}"):
        await check_integrity({algorithm: b"AAAA"}, DATA, required=False)
    with refused("Fogbank does not support"):
        await read_body(sent(chunked(DATA, 4, {algorithm: b"AAAA"}), 9))


async def test_a_required_checksum_is_missed() -> None:
    await check_integrity({}, DATA, required=False)
    with refused("InvalidRequest: Missing required header for this request: Content-MD5"):
        await check_integrity({}, DATA, required=True)
    await check_integrity({b"content-md5": b"checked already"}, DATA, required=True)


async def test_content_md5() -> None:
    def request(value: bytes) -> Request:
        return Request("PUT", b"/", {b"content-md5": value}, DATA)

    assert await read_body(request(b64encode(md5(DATA).digest()))) == DATA
    with refused("BadDigest: The Content-MD5 you specified did not match what we received."):
        await read_body(request(b64encode(md5(b"other").digest())))
    for wrong in (b"", b"nonsense", b64encode(zlib.crc32(DATA).to_bytes(4, "big"))):
        with refused("InvalidDigest: The Content-MD5 you specified was invalid."):
            await read_body(request(wrong))
