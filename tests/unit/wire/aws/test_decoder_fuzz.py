"""Whatever is sent in any protocol is read, or refused by an `InputError`; nothing else is raised."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fogbank.wire.aws.errors import InputError
from fogbank.wire.http import Request
from tests.unit.wire.aws.examples import example
from tests.unit.wire.aws.operations import SERVICES, codec, every_operation, kinds, possible
from tests.unit.wire.aws.sdk import write_request

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = 150
SNIPPETS = st.binary(max_size=4) | st.sampled_from([
    b"[", b"{", b'"', b"&", b"=", b".", b"%", b"<", b">", b"</", b"<!DOCTYPE a>", b"<![CDATA[", b"&#0;", b"&lt;", b".1",
    b".member.1=", b".entry.1.key=", b"null", b"-1", b"1e999", b"\\ud800", b"%ff", b"/", b"?", b";", b"\xff", b"\x00",
])  # fmt: skip
DEEP = [
    b'{"a":' * 50_000, b"[" * 100_000, b"<a>" * 50_000, b"a" + b".1" * 50_000 + b"=1", b"&".join([b"a.1=1"] * 5000),
    b'<?xml version="1.0" encoding="UTF-16"?><a/>', '<?xml version="1.0"?><a/>'.encode("utf-16"),
    b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
    b" " * 5000 + b"<!DOCTYPE a><a/>",
]  # fmt: skip

NAMES = st.sampled_from(["Item", "S", "L", "M", "Code", "x"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
)


def mutated(draw: Callable[[st.SearchStrategy[Any]], Any], data: bytes) -> bytes:
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(data)))
        data = data[:at] + draw(SNIPPETS) + data[at + draw(st.integers(0, 3)) :]
    return data


def read(service: str, request: Request, operation: str) -> None:
    """Read a request as whatever operation it names, and as the one that it was written for."""
    of = codec(service)
    with suppress(InputError):
        named = of.name(request, request.body)
        for name in {operation, named.operation} & of.model.operations.keys() if named is not None else ():
            shape = of.model.operation(name)
            if name == named.operation or of.model.metadata.protocol in ("json", "query"):
                of.decoder(shape, kinds(service).of(shape.input))(request, named, request.body)


@pytest.mark.parametrize("service", SERVICES)
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_requests_that_something_happened_to(service: str, data: st.DataObject) -> None:
    model = codec(service).model
    operation = data.draw(st.sampled_from([name for kind, name in every_operation() if kind == service]))
    ref = model.operation(operation).input
    request = write_request(service, operation, data.draw(example(model, ref, **possible(model, ref))))
    target = request.raw_path + (f"?{request.raw_query}" if request.raw_query else "")
    target = "/" + mutated(data.draw, target.encode()).decode("latin-1").lstrip("/")
    headers = {name: mutated(data.draw, value) for name, value in request.headers.items()}
    read(
        service, Request(request.method, target.encode("latin-1"), headers, mutated(data.draw, request.body)), operation
    )


@pytest.mark.parametrize(("service", "operation"), every_operation())
def test_bodies_that_are_deep_or_sly(service: str, operation: str) -> None:
    model = codec(service).model
    ref = model.operation(operation).input
    request = write_request(service, operation, _plain(service, operation))
    target = request.raw_path + (f"?{request.raw_query}" if request.raw_query else "")
    for body in DEEP if ref is not None else ():
        read(service, Request(request.method, target.encode(), dict(request.headers), body), operation)
        if model.metadata.protocol == "query":
            form = f"Action={operation}&".encode() + body
            read(service, Request("POST", b"/", dict(request.headers), form), operation)


@pytest.mark.parametrize(
    ("service", "operation"), [("dynamodb", "PutItem"), ("lambda", "CreateFunction"), ("sqs", "SendMessage")]
)
@settings(max_examples=EXAMPLES)
@given(value=JSON)
def test_any_json(service: str, operation: str, value: Any) -> None:
    request = write_request(service, operation, _plain(service, operation))
    body = json.dumps(value).encode()
    target = request.raw_path.encode()
    read(service, Request(request.method, target, dict(request.headers), body), operation)


def _plain(service: str, operation: str) -> dict[str, Any]:
    """Return an input with just what has to be there for the request to be addressed."""
    model = codec(service).model
    ref = model.operation(operation).input
    shape = None if ref is None else model.shape(ref)
    required = () if shape is None else [name for name in shape.required if shape.members[name].location]
    return (
        {name: "2" if model.shape(shape.members[name]).type != "list" else ["2"] for name in required} if shape else {}
    )
