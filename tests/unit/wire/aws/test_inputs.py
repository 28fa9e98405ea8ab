"""What botocore sends is what the codecs read, for every operation."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.wire.aws.examples import everything, example
from tests.unit.wire.aws.kinds import plain
from tests.unit.wire.aws.operations import codec, every_operation, kinds, possible
from tests.unit.wire.aws.sdk import write_request

EXAMPLES = 6


def check(service: str, operation: str, members: dict[str, Any]) -> None:
    # The length of the body is part of some inputs, and always what HTTP says it is.
    members.pop("ContentLength", None)
    request = write_request(service, operation, members)
    of = codec(service)
    named = of.name(request, request.body)
    assert named is not None
    assert named.operation == operation
    shape = of.model.operation(operation)
    decode = of.decoder(shape, kinds(service).of(shape.input))
    decoded = plain(decode(request, named, request.body))
    if service == "s3":
        decoded.pop("ContentLength", None)
    assert decoded == members


@pytest.mark.parametrize(("service", "operation"), every_operation())
def test_every_member_arrives(service: str, operation: str) -> None:
    of = codec(service)
    ref = of.model.operation(operation).input
    check(service, operation, everything(of.model, ref, **possible(of.model, ref)))


@pytest.mark.parametrize(("service", "operation"), every_operation())
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_any_input_arrives(service: str, operation: str, data: st.DataObject) -> None:
    of = codec(service)
    ref = of.model.operation(operation).input
    check(service, operation, data.draw(example(of.model, ref, **possible(of.model, ref))))
