"""What the codecs write is what botocore reads, for every operation."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.wire.aws.examples import everything, example
from tests.unit.wire.aws.operations import codec, every_operation, possible
from tests.unit.wire.aws.sdk import read_reply

EXAMPLES = 12


def check(service: str, operation: str, members: dict[str, Any]) -> None:
    of = codec(service)
    response = of.encoder(of.model.operation(operation))(members, "11111111-2222-3333-4444-555555555555")
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
