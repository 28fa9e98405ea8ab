"""What the error writers write is what botocore reads, for every error of every service."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fogbank.wire.aws.error_replies import error_writer
from fogbank.wire.aws.errors import AwsError
from fogbank.wire.aws.models import Ref
from tests.unit.wire.aws.examples import XML_TEXT, everything, example
from tests.unit.wire.aws.operations import SERVICES, codec, possible
from tests.unit.wire.aws.sdk import read_error

ID = "11111111-2222-3333-4444-555555555555"


def every_error() -> list[tuple[str, str]]:
    return [
        (service, name)
        for service in SERVICES
        for name, shape in codec(service).model.shapes.items()
        if shape.exception
    ]


def check(service: str, name: str, members: dict[str, Any], message: str) -> None:
    model = codec(service).model
    shape = model.shapes[name]
    code = (shape.error and shape.error.code) or name
    fields = {key: value for key, value in members.items() if key.lower() != "message"}
    response = error_writer(model)(AwsError(code, message, fields=fields), ID)
    if shape.error is not None and shape.error.http_status_code:
        assert response.status == shape.error.http_status_code
    else:
        assert response.status == (500 if shape.fault else 400)
    error, read = read_error(service, response)
    assert error["Error"]["Code"] == code
    assert error["Error"]["Message"] == message
    assert error["ResponseMetadata"]["RequestId"] == ID
    read = {key: value for key, value in read.items() if key.lower() != "message"}
    if "Type" not in fields:
        read.pop("Type", None)
    assert read == fields


@pytest.mark.parametrize(("service", "name"), every_error())
def test_every_member_of_an_error_is_read(service: str, name: str) -> None:
    model = codec(service).model
    ref = Ref(shape=name)
    check(service, name, everything(model, ref, **possible(model, ref)), "It didn't work: <&> é.")


@pytest.mark.parametrize(("service", "name"), every_error())
@settings(max_examples=3)
@given(data=st.data())
def test_any_error_is_read(service: str, name: str, data: st.DataObject) -> None:
    model = codec(service).model
    ref = Ref(shape=name)
    check(service, name, data.draw(example(model, ref, **possible(model, ref))), data.draw(XML_TEXT.filter(bool)))


@pytest.mark.parametrize("service", SERVICES)
def test_errors_that_no_model_has(service: str) -> None:
    error = AwsError("SomethingElse", "Never heard of.", 418)
    response = error_writer(codec(service).model)(error, ID)
    parsed, _ = read_error(service, response)
    assert response.status == 418
    assert parsed["Error"]["Code"] == "SomethingElse"
    assert parsed["Error"]["Message"] == "Never heard of."


def test_characters_that_xml_has_not_are_replaced() -> None:
    response = error_writer(codec("sns").model)(AwsError("InvalidParameter", "a\x00b\x1fc\ufffe\r\n"), ID)
    parsed, _ = read_error("sns", response)
    assert parsed["Error"]["Message"] == "a\ufffdb\ufffdc\ufffd\r\n"
