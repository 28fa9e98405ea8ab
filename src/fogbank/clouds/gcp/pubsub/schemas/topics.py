"""Topics with a schema: what is published to them must follow one of the revisions that they name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp.pubsub.names import DELETED_SCHEMA, SCHEMAS, read_name
from fogbank.clouds.gcp.pubsub.schemas.service import key_of
from fogbank.clouds.gcp.pubsub.schemas.validation import ENCODINGS, SchemaError, compile_schema
from fogbank.clouds.gcp.refusals import invalid
from fogbank.engines.messaging import schemas
from fogbank.engines.messaging.errors import SchemaNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fogbank.clouds.gcp.pubsub.service import PubSub
    from fogbank.engines.messaging.schemas import Schema

_PREFIX: Final = "googclient_schema"


async def check_settings(pubsub: PubSub, settings: Any) -> None:
    """Check which schema a topic names; raises `GrpcError`."""
    if not settings.schema:
        raise invalid("schema_settings.schema", "A schema is required.")
    if settings.encoding not in ENCODINGS:
        raise invalid("schema_settings.encoding", "The encoding must be JSON or BINARY.")
    await _allowed(pubsub, settings)


async def _allowed(pubsub: PubSub, settings: Any) -> list[Schema]:
    """Return the revisions that messages may follow, the newest first."""
    name = read_name(settings.schema, SCHEMAS, "schema_settings.schema")
    found = await pubsub.store.read(schemas.revisions, key_of(name))
    numbers = {schema.revision: schema.number for schema in found}
    for field in ("first_revision_id", "last_revision_id"):
        wanted = getattr(settings, field)
        if wanted and wanted not in numbers:
            raise invalid(f"schema_settings.{field}", f"The schema has no revision {wanted!r}.")
    first = numbers[settings.first_revision_id] if settings.first_revision_id else 0
    last = numbers[settings.last_revision_id] if settings.last_revision_id else max(numbers.values())
    return [schema for schema in found if first <= schema.number <= last]


async def check_messages(pubsub: PubSub, settings: Any, messages: Iterable[Any]) -> None:
    """Check messages, and let their attributes say which revision they follow; raises `GrpcError`."""
    if settings.schema == DELETED_SCHEMA:
        raise invalid("topic", "The topic's schema was deleted.")
    try:
        allowed = await _allowed(pubsub, settings)
    except SchemaNotFoundError:
        raise invalid("topic", "The topic's schema was deleted.") from None
    for message in messages:
        schema = _followed(allowed, message.data, settings.encoding)
        message.attributes[f"{_PREFIX}encoding"] = ENCODINGS[settings.encoding]
        message.attributes[f"{_PREFIX}name"] = settings.schema
        message.attributes[f"{_PREFIX}revisionid"] = schema.revision


def _followed(allowed: list[Schema], data: bytes, encoding: int) -> Schema:
    problem = "there is no revision"
    for schema in allowed:
        try:
            compile_schema(int(schema.kind), schema.definition)(data, encoding)
        except SchemaError as error:
            problem = str(error)
        else:
            return schema
    raise invalid("messages", f"Invalid data in message: Message failed schema validation: {problem}.")
