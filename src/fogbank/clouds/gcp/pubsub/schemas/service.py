"""google.pubsub.v1.SchemaService."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp.paging import page, read_page_size, read_page_token, write_page_token
from fogbank.clouds.gcp.pubsub.names import SCHEMAS, ResourceName, read_name, read_new_name, read_project, scope_of
from fogbank.clouds.gcp.pubsub.schemas.validation import ENCODINGS, SchemaError, compile_schema
from fogbank.clouds.gcp.pubsub.service import word
from fogbank.clouds.gcp.refusals import invalid, unsupported
from fogbank.engines.messaging import schemas
from fogbank.kernel.clock import SECOND_US
from fogbank.wire.grpc.service import Service

if TYPE_CHECKING:
    from fogbank.clouds.gcp.pubsub.service import PubSub
    from fogbank.engines.messaging.schemas import Schema
    from fogbank.wire.grpc.service import Call

FULL: Final = 2
_REVISION: Final = re.compile(r"[0-9a-f]{8}")


def schema_service(pubsub: PubSub) -> Service:
    """Return the service."""
    methods = {
        "CreateSchema": create_schema,
        "GetSchema": get_schema,
        "ListSchemas": list_schemas,
        "ListSchemaRevisions": list_schema_revisions,
        "CommitSchema": commit_schema,
        "RollbackSchema": rollback_schema,
        "DeleteSchemaRevision": delete_schema_revision,
        "DeleteSchema": delete_schema,
        "ValidateSchema": validate_schema,
        "ValidateMessage": validate_message,
    }
    return Service("google.pubsub.v1.SchemaService", pubsub, methods, word)


async def create_schema(pubsub: PubSub, call: Call, request: Any) -> Any:
    """Create a schema."""
    del call
    project = read_project(request.parent)
    name = read_new_name(f"projects/{project}/{SCHEMAS}/{request.schema_id}", SCHEMAS, "schema_id")
    _check(request.schema)
    made = await pubsub.store.run(
        schemas.create, key_of(name), pubsub.ids.hex(4), str(request.schema.type), request.schema.definition
    )
    return show(pubsub, made)


async def get_schema(pubsub: PubSub, call: Call, request: Any) -> Any:
    """Return a schema, or a revision: `NAME@REVISION`."""
    del call
    name, revision = read_revision(request.name)
    view = request.view or FULL
    return show(pubsub, await pubsub.store.read(schemas.find, key_of(name), revision), view)


async def list_schemas(pubsub: PubSub, call: Call, request: Any) -> Any:
    """List a project's schemas."""
    del call
    scope = scope_of(read_project(request.parent))
    limit = read_page_size(request.page_size)
    found = await pubsub.store.read(schemas.list_schemas, scope, read_page_token(request.page_token), limit + 1)
    response = pubsub.message("ListSchemasResponse")()
    response.schemas.extend(show(pubsub, schema, request.view) for schema in found[:limit])
    if len(found) > limit:
        response.next_page_token = write_page_token(found[limit - 1].name)
    return response


async def list_schema_revisions(pubsub: PubSub, call: Call, request: Any) -> Any:
    """List a schema's revisions, the newest first."""
    del call
    found = await pubsub.store.read(schemas.revisions, key_of(read_name(request.name, SCHEMAS, "name")))
    keyed = [(f"{999 - schema.number:03}", schema) for schema in found]
    shown, token = page(keyed, request.page_size, request.page_token)
    response = pubsub.message("ListSchemaRevisionsResponse")(next_page_token=token)
    response.schemas.extend(show(pubsub, schema, request.view) for schema in shown)
    return response


async def commit_schema(pubsub: PubSub, call: Call, request: Any) -> Any:
    """Add a revision to a schema; its type stays."""
    del call
    name = read_name(request.name, SCHEMAS, "name")
    if request.schema.name not in ("", request.name):
        raise invalid("schema.name", "The name of the schema must be that of the request.")
    _check(request.schema)
    before = await pubsub.store.read(schemas.find, key_of(name))
    if before.kind != str(request.schema.type):
        raise invalid("schema.type", "A revision can't have another type than the schema.")
    made = await pubsub.store.run(
        schemas.commit, key_of(name), pubsub.ids.hex(4), before.kind, request.schema.definition
    )
    return show(pubsub, made)


async def rollback_schema(pubsub: PubSub, call: Call, request: Any) -> Any:
    """Add a revision that is an earlier one again."""
    del call
    name = read_name(request.name, SCHEMAS, "name")
    before = await pubsub.store.read(schemas.find, key_of(name), request.revision_id or "none")
    made = await pubsub.store.run(schemas.commit, key_of(name), pubsub.ids.hex(4), before.kind, before.definition)
    return show(pubsub, made)


async def delete_schema_revision(pubsub: PubSub, call: Call, request: Any) -> Any:
    """Delete a revision; returns the schema as it is then."""
    del call
    name, revision = read_revision(request.name)
    revision = revision or request.revision_id
    if not revision:
        raise invalid("name", "The name must have a revision: NAME@REVISION.")
    if not await pubsub.store.run(schemas.delete_revision, key_of(name), revision):
        raise invalid("name", "The only revision of a schema can't be deleted.")
    return show(pubsub, await pubsub.store.read(schemas.find, key_of(name)))


async def delete_schema(pubsub: PubSub, call: Call, request: Any) -> Any:
    """Delete a schema."""
    del call
    await pubsub.store.run(schemas.delete, key_of(read_name(request.name, SCHEMAS, "name")))
    return pubsub.types.message("google.protobuf.Empty")()


async def validate_schema(pubsub: PubSub, call: Call, request: Any) -> Any:
    """Say whether a schema could be."""
    del call
    read_project(request.parent)
    _check(request.schema)
    return pubsub.message("ValidateSchemaResponse")()


async def validate_message(pubsub: PubSub, call: Call, request: Any) -> Any:
    """Say whether a message follows a schema."""
    del call
    read_project(request.parent)
    if request.encoding not in ENCODINGS:
        raise invalid("encoding", "The encoding must be JSON or BINARY.")
    if request.WhichOneof("schema_spec") == "schema":
        _check(request.schema)
        kind, definition = request.schema.type, request.schema.definition
    else:
        name, revision = read_revision(request.name)
        found = await pubsub.store.read(schemas.find, key_of(name), revision)
        kind, definition = int(found.kind), found.definition
    try:
        compile_schema(kind, definition)(request.message, request.encoding)
    except SchemaError as error:
        raise invalid("message", f"Invalid data in message: Message failed schema validation: {error}") from None
    return pubsub.message("ValidateMessageResponse")()


def read_revision(text: str) -> tuple[ResourceName, str]:
    """Read `NAME` or `NAME@REVISION`."""
    name, at, revision = text.partition("@")
    if at and not _REVISION.fullmatch(revision):
        raise invalid("name", f"Invalid revision {revision!r}.")
    return read_name(name, SCHEMAS, "name"), revision


def key_of(name: ResourceName) -> tuple[str, str]:
    """Return the name in the store."""
    return scope_of(name.project), name.id


def show(pubsub: PubSub, schema: Schema, view: int = FULL) -> Any:
    """Return a schema as the API shows it; its definition in the full view."""
    message = pubsub.message("Schema")(
        name=f"projects/{schema.scope.split('/')[1]}/{SCHEMAS}/{schema.name}",
        type=int(schema.kind),
        revision_id=schema.revision,
    )
    if view == FULL:
        message.definition = schema.definition
    message.revision_create_time.seconds, micros = divmod(schema.created_us, SECOND_US)
    message.revision_create_time.nanos = micros * 1_000
    return message


def _check(schema: Any) -> None:
    if schema.HasField("compiled_proto_schema"):
        raise unsupported("compiled_proto_schema of schemas")
    try:
        compile_schema(schema.type, schema.definition)
    except SchemaError as error:
        raise invalid("schema", f"Invalid schema: {error}.") from None
