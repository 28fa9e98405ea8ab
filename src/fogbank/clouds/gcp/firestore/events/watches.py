"""Who is to be told of documents: a topic for each trigger, with the kind of event and the documents it is about.

Google Cloud, "Extend Firestore with Cloud Run functions"
(https://cloud.google.com/firestore/docs/extend-with-functions-2nd-gen): filters by `database`, `namespace` and
`document`, the latter as a path or (operator `match-path-pattern`) as a pattern with `*`, `**`, `{name}`, `{name=**}`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.gcp.firestore.names import Database, read_database
from fogbank.clouds.gcp.refusals import invalid, unsupported
from fogbank.engines.messaging import records

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fogbank.storage import Tx

KIND: Final = "firestore.watch"
STEM: Final = "google.cloud.firestore.document.v1."
KINDS: Final = frozenset({f"{STEM}created", f"{STEM}updated", f"{STEM}deleted", f"{STEM}written"})
# The names that the first generation of functions has for them.
FIRST_GENERATION: Final = {
    f"providers/cloud.firestore/eventTypes/document.{name}": f"{STEM}{kind}"
    for name, kind in (("write", "written"), ("create", "created"), ("update", "updated"), ("delete", "deleted"))
}
JSON: Final = "application/json"
PROTOBUF: Final = "application/protobuf"
_PATTERN: Final = "match-path-pattern"
_DEFAULT: Final = "(default)"
_WILD: Final = re.compile(r"\*\*|\*|\{[A-Za-z_][A-Za-z0-9_]*(=\*\*)?\}")


class Watch(msgspec.Struct, frozen=True, array_like=True):
    """What is told to a topic: events of one kind, of documents that a pattern fits ("" for all)."""

    topic: tuple[str, str]
    kind: str
    pattern: str
    content_type: str = PROTOBUF
    location: str = ""

    def wants(self, kind: str, path: str) -> bool:
        """Tell whether an event is told."""
        if self.kind not in {kind, f"{STEM}written"}:
            return False
        return not self.pattern or compile_pattern(self.pattern).fullmatch(path) is not None


def is_document_event(kind: str) -> bool:
    """Tell whether an event type is one of Firestore's."""
    return kind.startswith("google.cloud.firestore.")


def read_filters(filters: Iterable[Any], project: str, field: str) -> tuple[Database, str, str]:
    """Return the database, the event type and the pattern that filters say; raises `GrpcError`."""
    found: dict[str, str] = {}
    for each in filters:
        found[each.attribute] = each.value
        if each.attribute not in {"type", "database", "namespace", "document"}:
            raise invalid(field, f"Events of Firestore have no attribute {each.attribute!r} to filter by.")
        if each.operator not in {"", _PATTERN if each.attribute == "document" else ""}:
            raise invalid(field, f"The attribute {each.attribute!r} takes no operator {each.operator!r}.")
        if each.attribute == "document" and not each.operator:
            found["document"] = re.sub(r"([\\*{}])", r"\\\1", each.value)
    if found.get("type") not in KINDS:
        raise unsupported(f"the event type {found.get('type')!r}; of Firestore's there are {', '.join(sorted(KINDS))}")
    if found.get("namespace", _DEFAULT) != _DEFAULT:
        raise unsupported("namespaces of Firestore's events other than (default)")
    database = found.get("database", _DEFAULT)
    pattern = found.get("document", "")
    if pattern.startswith("/") or pattern.endswith("/"):
        raise invalid(field, f"Invalid document path {pattern!r}.")
    return read_database(f"projects/{project}/databases/{database}"), found["type"], pattern


@lru_cache(maxsize=512)
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Return the regular expression of a path pattern; a backslash takes the meaning from what follows."""
    parts = []
    at = 0
    while at < len(pattern):
        wild = _WILD.match(pattern, at)
        if wild is not None:
            parts.append(".+" if "**" in wild[0] else "[^/]+")
            at = wild.end()
            continue
        at += pattern[at] == "\\" and at + 1 < len(pattern)
        parts.append(re.escape(pattern[at]))
        at += 1
    return re.compile("".join(parts), re.DOTALL)


async def put(tx: Tx, now_us: int, database: Database, name: str, number: int, watch: Watch) -> None:
    """Have a topic told, in place of what it was told by that name: a store operation."""
    await remove(tx, now_us, database.scope, name)
    body = msgspec.msgpack.encode(watch)
    await records.add(tx, now_us, database.scope, KIND, f"{database.id}/{name}", number, body)


async def remove(tx: Tx, now_us: int, scope: str, name: str) -> bool:
    """Tell no more by that name, of whichever database; False if nothing was told: a store operation."""
    found = False
    for record in await records.list_records(tx, now_us, scope, KIND):
        if record.name.partition("/")[2] == name:
            found = await records.delete(tx, now_us, scope, KIND, record.name)
    return found


async def find(tx: Tx, now_us: int, database: Database) -> list[Watch]:
    """Return what is told of a database: a store operation."""
    found = await records.list_records(tx, now_us, database.scope, KIND, f"{database.id}/")
    return [_decode(record.body) for record in found]


_decode: Final = msgspec.msgpack.Decoder(Watch).decode
