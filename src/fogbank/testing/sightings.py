"""What a spy has seen, in the words of tests: messages, writes and invocations, each cloud's content read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from fogbank.control.records import whole
from fogbank.engines.messaging.model import decode_message
from fogbank.storage.signals import INVOCATION, MESSAGE, PUBLICATION, WRITE

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.engines.documents.documents import Written
    from fogbank.engines.documents.model import CollectionConfig, Document
    from fogbank.engines.functions.history import Kept
    from fogbank.engines.messaging.model import Message
    from fogbank.storage.signals import Happening

# What a sighting of each kind says of itself.
FACTS: Final = {
    MESSAGE: ("body", "text", "attributes", "id", "key"),
    PUBLICATION: ("body", "text", "attributes", "id", "key"),
    WRITE: ("item", "before", "removed"),
    INVOCATION: ("event", "payload", "ok", "error", "source", "log", "id", "context"),
}


@dataclass(frozen=True, slots=True)
class Sighting:
    """Something that happened: `sighting["body"]` is one of its facts.

    Facts are, of a message or publication: `body` (what its JSON says, or else its text), `text`, `attributes`, `id`
    and `key` (its group or ordering key); of a write: `item` (what was there, where it was removed), `before` (None if
    nothing was, or where the write didn't look) and `removed`; of an invocation: `event` and `payload` (read as `body`
    is), `ok`, `error` (a line), `source`, `log` (lines), `id` and
    `context` (of a request its `method`, `path` and so on). An Azure function's name is `app/function`.
    """

    kind: str
    scope: str
    name: str
    facts: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, fact: str) -> Any:
        return self.facts[fact]


def read(happening: Happening) -> Sighting:
    """Return a happening in the words of tests."""
    name, facts = _READERS[happening.kind](happening)
    return Sighting(happening.kind, happening.scope, name, facts)


def _message(happening: Happening) -> tuple[str, dict[str, Any]]:
    message = decode_message(cast("bytes", happening.content))
    name = happening.name
    if happening.scope.startswith("gcp/") and name.startswith(("topics/", "subscriptions/")):
        return name.partition("/")[2], _pubsub(message)
    attributes = {key: each.value if each.binary else each.value.decode() for key, each in message.attributes.items()}
    return name, {
        "body": _content(message.body), "text": _text(message.body), "attributes": attributes, "id": message.id,
        "key": message.ordering_key,
    }  # fmt: skip


def _pubsub(message: Message) -> dict[str, Any]:
    from fogbank.clouds.gcp.pubsub.publish import read_message  # noqa: PLC0415 - loaded on first use

    told = read_message(message)
    return {
        "body": _content(told.data), "text": _text(told.data), "attributes": dict(told.attributes),
        "id": told.message_id, "key": told.ordering_key,
    }  # fmt: skip


def _write(happening: Happening) -> tuple[str, dict[str, Any]]:
    config, written = cast("tuple[CollectionConfig, Written]", happening.content)
    name, reader = happening.name, _document_reader(happening.scope, config.dialect)
    shown = written.after or written.before
    assert shown is not None
    if config.dialect == "firestore":
        # The collection is a database; what a program calls a collection is where its documents are.
        from fogbank.clouds.gcp.firestore.shape import path_of  # noqa: PLC0415 - loaded on first use

        name = path_of(shown).rpartition("/")[0]
    before = None if written.before is None else reader(written.before)
    return name, {"item": reader(shown), "before": before, "removed": written.after is None}


def _document_reader(scope: str, dialect: str) -> Callable[[Document], dict[str, Any]]:
    if dialect == "firestore":
        from fogbank.clouds.gcp.firestore import neutral as firestore  # noqa: PLC0415 - loaded on first use

        return firestore.read_document
    if scope.startswith("aws/"):
        from fogbank.clouds.aws.dynamodb import neutral as dynamodb  # noqa: PLC0415 - loaded on first use

        return dynamodb.read_document
    if scope.startswith(("azure/storage/", "azure/cosmos-tables/")):
        from fogbank.clouds.azure.tables import neutral as tables  # noqa: PLC0415 - loaded on first use

        return tables.read_document
    return lambda document: dict(document.fields)


def _invocation(happening: Happening) -> tuple[str, dict[str, Any]]:
    kept = cast("Kept", happening.content)
    told = whole(kept)
    context = told["context"]
    # A function app is one resource, which has functions of its own.
    within = context.get("function") if told["contract"] == "azure-functions" else None
    return f"{happening.name}/{within}" if within else happening.name, {
        "event": _plain(told["event"]), "payload": _plain(told["payload"]), "ok": kept.summary.ok,
        "error": told["error"], "source": told["source"], "log": [line["text"] for line in told["logs"]],
        "id": kept.id, "context": context,
    }  # fmt: skip


def _plain(written: Any) -> Any:
    """Return what stands in JSON as it is."""
    return msgspec.json.decode(written) if isinstance(written, msgspec.Raw) else written


def _content(data: bytes) -> Any:
    """Return what JSON says, or the text of what is none."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeError):
        return _text(data)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


_READERS: Final = {MESSAGE: _message, PUBLICATION: _message, WRITE: _write, INVOCATION: _invocation}
