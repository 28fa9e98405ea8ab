"""What the codecs write is what botocore reads, for every operation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.wire.aws.examples import everything, example
from tests.unit.wire.aws.operations import codec, every_operation, kinds, possible
from tests.unit.wire.aws.sdk import read_reply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

EXAMPLES = 6
ID = "11111111-2222-3333-4444-555555555555"


def check(service: str, operation: str, members: dict[str, Any]) -> None:
    of = codec(service)
    response = of.encoder(of.model.operation(operation))(members, ID)
    assert read_reply(service, operation, response) == members


@pytest.mark.parametrize(("service", "operation"), every_operation())
def test_every_member_is_read(service: str, operation: str) -> None:
    of = codec(service)
    ref = of.model.operation(operation).output
    check(service, operation, everything(of.model, ref, **possible(of.model, ref)))


@pytest.mark.parametrize(("service", "operation"), every_operation())
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_any_output_is_read(service: str, operation: str, data: st.DataObject) -> None:
    of = codec(service)
    ref = of.model.operation(operation).output
    check(service, operation, data.draw(example(of.model, ref, **possible(of.model, ref))))


@pytest.mark.parametrize(("service", "operation"), every_operation())
def test_a_struct_is_as_good_as_a_mapping(service: str, operation: str) -> None:
    of = codec(service)
    shape = of.model.operation(operation)
    if shape.output is not None:
        members = everything(of.model, shape.output, **possible(of.model, shape.output))
        reply = msgspec.convert(members, kinds(service).of(shape.output), builtin_types=(bytes,))
        assert read_reply(service, operation, of.encoder(shape)(reply, ID)) == members


@pytest.mark.parametrize(
    ("service", "operation"), [("sqs", "ListQueues"), ("sns", "ListTopics"), ("s3", "ListBuckets")]
)
def test_members_that_are_none_are_left_out(service: str, operation: str) -> None:
    of = codec(service)
    output = of.model.operation(operation).output
    assert output is not None
    response = of.encoder(of.model.operation(operation))(dict.fromkeys(of.model.shape(output).members), ID)
    assert read_reply(service, operation, response) == {}


def test_headers_can_not_break_the_message() -> None:
    of = codec("s3")
    members = {"Metadata": {"a\r\nb": "c\r\nd: e", "f": "\u0439"}, "ETag": "\n"}
    response = of.encoder(of.model.operation("HeadObject"))(members, ID)
    assert (b"x-amz-meta-a??b", b"c??d: e") in response.headers
    assert (b"x-amz-meta-f", b"?") in response.headers
    assert (b"ETag", b"?") in response.headers


def test_a_stream_stays_one_and_has_the_length_that_it_is_told_to_have() -> None:
    async def stream() -> AsyncIterator[bytes]:
        yield b"hello"

    of = codec("s3")
    body = stream()
    response = of.encoder(of.model.operation("GetObject"))({"Body": body, "ContentLength": 5}, ID)
    assert response.body is body
    assert response.length == 5
    assert not any(name.lower() == b"content-length" for name, _ in response.headers)
