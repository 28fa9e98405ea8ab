"""Forms whose keys make no tree, and paths that fit several operations or none."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.wire.aws.errors import InputError
from fogbank.wire.aws.form import LEVELS_MAX, PARAMETERS_MAX, grow_tree, parse_form
from fogbank.wire.aws.routes import Router
from fogbank.wire.aws.values import MalformedValueError, read_scalar, read_timestamp
from fogbank.wire.http import Request
from tests.unit.wire.aws.operations import codec, kinds


def read(form: str, operation: str = "CreateTopic") -> object:
    of = codec("sns")
    shape = of.model.operation(operation)
    request = Request("POST", b"/", {}, f"Action={operation}&{form}".encode())
    named = of.name(request, request.body)
    assert named is not None
    return of.decoder(shape, kinds("sns").of(shape.input))(request, named, request.body)


@pytest.mark.parametrize(
    ("form", "kind", "path"),
    [
        ("Name=a&Nonsense=1", "unknown", "Nonsense"),
        ("Name=a&Tags.Nonsense.1=1", "unknown", "Tags.Nonsense"),
        ("Name=a&Tags.member.x.Key=1", "unknown", "Tags.x"),
        ("Name=a&Tags.member.1.Nonsense=1", "unknown", "Tags.1.Nonsense"),
        ("Name=a&Tags.member.1=1", "type", "Tags.1"),
        ("Name=a&Tags.member=1", "type", "Tags"),
        ("Name=a&Tags=1", "type", "Tags"),
        ("Name.x=a", "type", "Name"),
        ("Name=a&Name.x=b", "type", "Name.x"),
        ("Name.x=b&Name=a", "type", "Name"),
        ("Name=a&Attributes.entry.1.key=x&Attributes.entry.1.nonsense=y", "unknown", "Attributes.1.nonsense"),
        ("Name=a&Attributes.entry.1.value=y", "type", "Attributes.1"),
        ("Name=a&Attributes.entry.1=y", "type", "Attributes.1"),
        ("", "missing", "Name"),
        (f"Name=a&Tags.member.{'1' * 5000}.Key=1", "unknown", f"Tags.{'1' * 5000}"),
    ],
)
def test_forms_that_do_not_fit(form: str, kind: str, path: str) -> None:
    with pytest.raises(InputError) as raised:
        read(form)
    assert (raised.value.kind, raised.value.path) == (kind, path)


def test_forms_are_limited() -> None:
    with pytest.raises(MalformedValueError, match="at most"):
        parse_form("&" * PARAMETERS_MAX)
    assert len(grow_tree({".".join("a" * LEVELS_MAX * 2): "x"})) == 1


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=5))
def test_any_form_is_read_or_refused(form: dict[str, str]) -> None:
    with suppress(MalformedValueError):
        grow_tree(form)


@pytest.mark.parametrize(
    ("service", "method", "target", "operation", "labels"),
    [
        ("s3", "GET", "/", "ListBuckets", {}),
        ("s3", "GET", "/bucket", "ListObjects", {"Bucket": "bucket"}),
        ("s3", "GET", "/bucket/", "ListObjects", {"Bucket": "bucket"}),
        ("s3", "GET", "/bucket?list-type=2", "ListObjectsV2", {"Bucket": "bucket"}),
        ("s3", "GET", "/bucket?list-type=3", "ListObjects", {"Bucket": "bucket"}),
        ("s3", "GET", "/bucket//", "GetObject", {"Bucket": "bucket", "Key": "/"}),
        ("s3", "GET", "/bucket/a%2Fb/", "GetObject", {"Bucket": "bucket", "Key": "a/b/"}),
        ("s3", "GET", "/bucket/key?x-id=GetObject", "GetObject", {"Bucket": "bucket", "Key": "key"}),
        ("s3", "PUT", "/bucket/key?partNumber=1&uploadId=u", "UploadPart", {"Bucket": "bucket", "Key": "key"}),
        ("s3", "POST", "/bucket/key", "CompleteMultipartUpload", {"Bucket": "bucket", "Key": "key"}),
        ("s3", "PATCH", "/bucket/key", None, {}),
        ("lambda", "POST", "/2015-03-31/functions/", "CreateFunction", {}),
        ("lambda", "POST", "/2015-03-31/functions", "CreateFunction", {}),
        ("lambda", "POST", "/2015-03-31/functions//invocations", None, {}),
        ("lambda", "POST", "/2015-03-31/functions/a%3Ab/invocations", "Invoke", {"FunctionName": "a:b"}),
        ("lambda", "DELETE", "/2017-03-31/tags/arn", "UntagResource", {"Resource": "arn"}),
        ("lambda", "POST", "/nonsense", None, {}),
        ("lambda", "POST", "", None, {}),
        ("lambda", "OPTIONS", "*", None, {}),
    ],
)
def test_routes(service: str, method: str, target: str, operation: str | None, labels: dict[str, str]) -> None:
    route = Router(codec(service).model).route(Request(method, target.encode(), {}))
    assert (
        (operation, labels) == (None, {}) if route is None else (route.operation, route.labels) == (operation, labels)
    )


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("integer", "1_0"), ("integer", " 1"), ("integer", "1.0"), ("integer", "१"), ("integer", ""),
        ("integer", "2147483648"), ("long", "9223372036854775808"), ("long", "1" * 5000), ("float", "nan"),
        ("double", "1_0"), ("double", "0x1"), ("double", "inf"), ("boolean", "1"), ("boolean", ""), ("blob", "a"),
        ("blob", "é"), ("blob", "YQ==\n"), ("timestamp", "nan"), ("timestamp", "soon"), ("timestamp", ""),
        ("timestamp", "1e999"), ("timestamp", "2024-13-01T00:00:00Z"), ("timestamp", "Mon, 99 Jan 2024 00:00:00 GMT"),
        ("timestamp", "0001-01-01T00:00:00+23:59"), ("timestamp", "9" * 400),
    ],
)  # fmt: skip
def test_scalars_that_are_none(kind: str, text: str) -> None:
    if text.startswith("0001"):
        assert read_timestamp(text) < 0
        return
    with pytest.raises(MalformedValueError):
        read_scalar(kind, text)


@given(st.text(max_size=30))
def test_any_text_is_a_timestamp_or_refused(text: str) -> None:
    with suppress(MalformedValueError):
        assert isinstance(read_timestamp(text), float)
