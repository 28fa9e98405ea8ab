"""Schemas of Google Pub/Sub: Avro and protocol buffers, in revisions, and topics that hold messages to them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from google.api_core import exceptions
from google.pubsub_v1 import types
from google.pubsub_v1.services.schema_service import SchemaServiceClient

from tests.conformance.gcp.test_pubsub import PubSub, _over

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fogbank.testing.server import ThreadedServer

AVRO = json.dumps(
    {
        "type": "record",
        "name": "State",
        "fields": [
            {"name": "name", "type": "string"},
            {"name": "population", "type": ["null", "long"], "default": None},
        ],
    }
)
PROTO = """
syntax = "proto3";  // a comment
package fog.example;

message State {
  enum Kind { UNKNOWN = 0; COAST = 1; }
  message Town { string name = 1; repeated int32 numbers = 2; }
  string name = 1;
  optional int64 population = 2 [json_name = "people"];
  Kind kind = 3;
  repeated Town towns = 4;
  map<string, Town> by_name = 5;
  oneof more { string note = 6; bytes data = 7; }
  reserved 10 to 20;
}
"""


class Schemas:
    """A client of the service, in a project of the test's own."""

    def __init__(self, pubsub: PubSub) -> None:
        self.pubsub = pubsub
        self.client = SchemaServiceClient(transport=_over(SchemaServiceClient, pubsub.channel))
        self.parent = f"projects/{pubsub.project}"

    def create(self, short: str, kind: str, definition: str) -> Any:
        schema = {"type_": kind, "definition": definition}
        return self.client.create_schema(request={"parent": self.parent, "schema": schema, "schema_id": short})


@pytest.fixture
def schemas(server: ThreadedServer, project: str) -> Iterator[Schemas]:
    pubsub = PubSub(server.url, project)
    yield Schemas(pubsub)
    pubsub.channel.close()


def test_schemas_and_their_revisions(schemas: Schemas) -> None:
    made = schemas.create("states", "AVRO", AVRO)
    assert made.name == f"{schemas.parent}/schemas/states"
    assert len(made.revision_id) == 8
    with pytest.raises(exceptions.AlreadyExists):
        schemas.create("states", "AVRO", AVRO)
    changed = AVRO.replace("population", "people")
    schema = {"name": made.name, "type_": "AVRO", "definition": changed}
    second = schemas.client.commit_schema(request={"name": made.name, "schema": schema})
    assert schemas.client.get_schema(name=made.name).revision_id == second.revision_id
    assert schemas.client.get_schema(name=f"{made.name}@{made.revision_id}").definition == AVRO
    third = schemas.client.rollback_schema(request={"name": made.name, "revision_id": made.revision_id})
    assert third.definition == AVRO
    listed = schemas.client.list_schema_revisions(request={"name": made.name, "page_size": 2})
    assert [each.revision_id for each in listed] == [third.revision_id, second.revision_id, made.revision_id]
    schemas.client.delete_schema_revision(request={"name": f"{made.name}@{second.revision_id}"})
    assert len(list(schemas.client.list_schema_revisions(name=made.name))) == 2
    assert [each.name for each in schemas.client.list_schemas(parent=schemas.parent)] == [made.name]
    assert next(iter(schemas.client.list_schemas(parent=schemas.parent))).definition == ""
    schemas.client.delete_schema(name=made.name)
    with pytest.raises(exceptions.NotFound):
        schemas.client.get_schema(name=made.name)


@pytest.mark.parametrize(
    ("kind", "definition"),
    [
        ("AVRO", "nonsense"),
        ("AVRO", '{"type": "string"}'),
        ("AVRO", '{"type": "record", "name": "R", "fields": [{"name": "f", "type": "unknown"}]}'),
        ("PROTOCOL_BUFFER", "nonsense"),
        ("PROTOCOL_BUFFER", 'syntax = "proto3"; message A { string a = 1; } message B { string b = 1; }'),
        ("PROTOCOL_BUFFER", 'syntax = "proto3"; import "x.proto"; message A { string a = 1; }'),
        ("PROTOCOL_BUFFER", 'syntax = "proto3"; message A { Missing a = 1; }'),
        ("PROTOCOL_BUFFER", 'syntax = "proto3"; message A { string a = 1; string b = 1; }'),
        ("PROTOCOL_BUFFER", 'syntax = "proto3"; message A { string a = 1;'),
        ("TYPE_UNSPECIFIED", AVRO),
    ],
)
def test_definitions_that_are_no_schema(schemas: Schemas, kind: str, definition: str) -> None:
    with pytest.raises(exceptions.InvalidArgument, match="Invalid schema"):
        schemas.client.validate_schema(parent=schemas.parent, schema=types.Schema(type_=kind, definition=definition))
    with pytest.raises(exceptions.InvalidArgument, match="Invalid schema"):
        schemas.create("schema", kind, definition)


@pytest.mark.parametrize(
    ("kind", "definition", "encoding", "message", "good"),
    [
        ("AVRO", AVRO, "JSON", b'{"name": "Fog", "population": {"long": 3}}', True),
        ("AVRO", AVRO, "JSON", b'{"name": 1, "population": null}', False),
        ("AVRO", AVRO, "JSON", b'{"name": "Fog", "more": 1}', False),
        ("AVRO", AVRO, "JSON", b"nonsense", False),
        ("AVRO", AVRO, "BINARY", b"\x06Fog\x02\x06", True),
        ("AVRO", AVRO, "BINARY", b"\x06Fog\x02\x06\x00", False),
        ("AVRO", AVRO, "BINARY", b"\x06F", False),
        ("PROTOCOL_BUFFER", PROTO, "JSON", b'{"name": "Fog", "kind": "COAST", "towns": [{"numbers": [1]}]}', True),
        ("PROTOCOL_BUFFER", PROTO, "JSON", b'{"byName": {"a": {"name": "b"}}, "note": "x"}', True),
        ("PROTOCOL_BUFFER", PROTO, "JSON", b'{"unknown": 1}', False),
        ("PROTOCOL_BUFFER", PROTO, "JSON", b'{"kind": "MOON"}', False),
        ("PROTOCOL_BUFFER", PROTO, "BINARY", b"\x0a\x03Fog\x10\x05", True),
        ("PROTOCOL_BUFFER", PROTO, "BINARY", b"\x0a\x10Fog", False),
        ("PROTOCOL_BUFFER", "message A { required string a = 1; }", "BINARY", b"", False),
    ],
)
def test_messages_and_schemas(
    schemas: Schemas, kind: str, definition: str, encoding: str, message: bytes, good: bool
) -> None:
    request = {
        "parent": schemas.parent,
        "schema": {"type_": kind, "definition": definition},
        "encoding": encoding,
        "message": message,
    }
    if good:
        schemas.client.validate_message(request=request)
        return
    with pytest.raises(exceptions.InvalidArgument, match="Message failed schema validation"):
        schemas.client.validate_message(request=request)


def test_a_topic_takes_what_follows_its_schema(schemas: Schemas) -> None:
    made = schemas.create("states", "PROTOCOL_BUFFER", PROTO)
    pubsub = schemas.pubsub
    topic = pubsub.topic(schema_settings={"schema": made.name, "encoding": "JSON"})
    subscription = pubsub.subscription(topic)
    with pytest.raises(exceptions.InvalidArgument, match="Message failed schema validation"):
        pubsub.publish(topic, '{"name": "Fog"}', "nonsense")
    assert pubsub.is_empty(subscription)
    pubsub.publish(topic, '{"name": "Fog"}')
    (received,) = pubsub.pull(subscription)
    assert received.message.data == b'{"name": "Fog"}'
    assert received.message.attributes == {
        "googclient_schemaencoding": "JSON",
        "googclient_schemaname": made.name,
        "googclient_schemarevisionid": made.revision_id,
    }
    schemas.client.delete_schema(name=made.name)
    with pytest.raises(exceptions.InvalidArgument, match="schema was deleted"):
        pubsub.publish(topic, '{"name": "Fog"}')


def test_a_topic_names_which_revisions_it_takes(schemas: Schemas) -> None:
    first = schemas.create("states", "AVRO", AVRO)
    schema = {"name": first.name, "type_": "AVRO", "definition": AVRO.replace("population", "people")}
    second = schemas.client.commit_schema(request={"name": first.name, "schema": schema})
    pubsub = schemas.pubsub
    settings = {"schema": first.name, "encoding": "JSON", "first_revision_id": second.revision_id}
    topic = pubsub.topic(schema_settings=settings)
    pubsub.publish(topic, '{"name": "Fog", "people": null}')
    with pytest.raises(exceptions.InvalidArgument):
        pubsub.publish(topic, '{"name": "Fog", "population": null}')
    with pytest.raises(exceptions.InvalidArgument, match="no revision"):
        pubsub.topic("other", schema_settings={**settings, "last_revision_id": "00000000"})
    with pytest.raises(exceptions.NotFound):
        pubsub.topic("other", schema_settings={**settings, "schema": f"{schemas.parent}/schemas/none"})
