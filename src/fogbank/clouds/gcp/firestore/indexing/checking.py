"""Holding queries against the indexes that are defined, where that is wanted: what lacks one is refused.

The messages are those of Google Cloud: each has the address at which its console offers to create the index, with the
index itself as the last parameter. What was missing is kept, so that a file of indexes can be made of it.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.clouds.gcp.firestore.admin.indexes import describe
from fogbank.clouds.gcp.firestore.admin.resources import PACKAGE
from fogbank.clouds.gcp.firestore.field_paths import NAME
from fogbank.clouds.gcp.firestore.indexing import definitions
from fogbank.clouds.gcp.firestore.indexing.definitions import COLLECTION, VECTOR
from fogbank.clouds.gcp.firestore.indexing.needs import Defined, missing
from fogbank.clouds.gcp.firestore.shape import firestore_types
from fogbank.wire.grpc.status import Code, GrpcError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fogbank.clouds.gcp.firestore.field_paths import FieldPath
    from fogbank.clouds.gcp.firestore.indexing.definitions import Definition
    from fogbank.clouds.gcp.firestore.names import Database
    from fogbank.clouds.gcp.firestore.querying.plans import Query
    from fogbank.clouds.gcp.firestore.service import Firestore
    from fogbank.storage import Tx

_CONSOLE: Final = "https://console.firebase.google.com/v1/r/project"
_SHORT: Final = {"ASCENDING": "ASC", "DESCENDING": "DESC", "CONTAINS": "CONTAINS"}


async def check_indexes(firestore: Firestore, query: Query, aggregated: Iterable[FieldPath] = ()) -> None:
    """Raise FAILED_PRECONDITION for a query that lacks an index, if indexes are checked."""
    if not firestore.checks_indexes:
        return
    needed = missing(query, await firestore.store.read(_defined, query.database), aggregated)
    if needed is not None:
        digest = sha256(msgspec.msgpack.encode(needed)).hexdigest()
        number = firestore.ids.sequence()
        await firestore.store.run(definitions.note_missing, query.database, digest, number, needed)
        raise GrpcError(Code.FAILED_PRECONDITION, _message(query.database, needed))


async def _defined(tx: Tx, now_us: int, database: Database) -> Defined:
    found = await definitions.list_indexes(tx, now_us, database)
    return Defined([each for _, each in found], await definitions.list_overrides(tx, now_us, database))


def _message(database: Database, needed: Definition) -> str:
    index = firestore_types().message(f"{PACKAGE}.Index")()
    describe(index, needed.scope, needed.fields)
    inside = f"{database.name}/collectionGroups/{needed.group}"
    place = f"{_CONSOLE}/{database.project}/firestore/databases/{database.id}/indexes"
    if database.id == "(default)":
        place = f"{_CONSOLE}/{database.project}/firestore/indexes"
    last = needed.fields[-1]
    if last.mode == VECTOR:
        return (
            "Missing vector index configuration. Please create the required index with the following gcloud command:"
            f" {_command(database, needed)}"
        )
    if len(needed.fields) == 1:
        index.name = f"{inside}/fields/{last.path}"
        kind = f"{needed.scope}_{_SHORT[last.mode]}"
        what = f"The query requires a {kind} index for collection {needed.group} and field {last.path}."
        return f"{what} You can create it here: {place}?create_exemption={_written(index)}"
    index.name = f"{inside}/indexes/_"
    return f"The query requires an index. You can create it here: {place}?create_composite={_written(index)}"


def _written(index: object) -> str:
    return urlsafe_b64encode(index.SerializeToString()).decode().rstrip("=")  # type: ignore[attr-defined]


def _command(database: Database, needed: Definition) -> str:
    """Return the command that creates a vector index (Google Cloud, "Search with vector embeddings")."""
    scope = "" if needed.scope == COLLECTION else needed.scope.lower().replace("_", "-")
    parts = [
        "gcloud firestore indexes composite create",
        f"--project={database.project}",
        *([f"--database={database.id}"] if database.id != "(default)" else []),
        f"--collection-group={needed.group}",
        f"--query-scope={scope or COLLECTION}",
    ]
    for each in needed.fields:
        if each.mode == VECTOR:
            config = f'{{"dimension":"{each.dimension}","flat": "{{}}"}}'
            parts.append(f"--field-config=vector-config='{config}',field-path={each.path}")
        elif each.path != NAME:
            kind = "array-config=CONTAINS" if each.mode == "CONTAINS" else f"order={each.mode}"
            parts.append(f"--field-config={kind},field-path={each.path}")
    return " ".join(parts)
