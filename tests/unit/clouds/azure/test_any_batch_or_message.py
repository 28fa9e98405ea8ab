"""Batches of tables and messages of graphs, whatever they are: read, or refused."""

from __future__ import annotations

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from fogbank.clouds.azure.gremlin.messages import MessageError, read_message
from fogbank.clouds.azure.storage.errors import StorageError
from fogbank.clouds.azure.tables.edm import document_of, properties_of, read_properties, show_properties
from fogbank.clouds.azure.tables.multipart import read_parts, read_request
from fogbank.wire.http import Request

PIECES = [
    b"--b", b"--", b"\r\n", b"\n", b"Content-Type: application/http", b": ", b"GET /a HTTP/1.1",
    b"POST http://h/b?c HTTP/1.1", b"GET", b"\xff", b"Content-ID: 1", b"x",
]  # fmt: skip
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just([]), st.just({}))
types = st.sampled_from(["Edm.String", "Edm.Int32", "Edm.Int64", "Edm.Double", "Edm.DateTime", "Edm.Guid", "Edm.Binary",
                         "Edm.Boolean", "Edm.Other", 5])  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=30))
def test_any_batch(pieces: list[bytes]) -> None:
    outer = Request("POST", b"/", {b"host": b"h"})
    with contextlib.suppress(StorageError):
        for part in read_parts(b"".join(pieces), b"b"):
            read_request(part, outer)


@given(st.dictionaries(st.sampled_from(["a", "b", "a@odata.type", "b@odata.type", "-", ""]), st.one_of(scalars, types)))
def test_any_entity_comes_back_as_it_was(given_json: dict[str, object]) -> None:
    with contextlib.suppress(StorageError):
        found = read_properties(given_json)
        shown = show_properties(properties_of(document_of(found)), typed=True)
        again = show_properties(read_properties(shown), typed=True)
        assert repr(again) == repr(shown)


@given(st.one_of(st.binary(max_size=60), st.builds(
    lambda text: b"\x10application/json" + text.encode(),
    st.sampled_from(['{"requestId":"a","op":"eval","args":', '{"requestId":{"@type":"g:UUID","@value":1}}', "[]", '"']),
)))  # fmt: skip
def test_any_message(data: bytes) -> None:
    with contextlib.suppress(MessageError):
        read_message(data)
