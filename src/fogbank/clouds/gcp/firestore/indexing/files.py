"""`firestore.indexes.json`: indexes and what is set of fields, as Firebase's command line keeps them.

Firebase, "Cloud Firestore Index Definition Reference" (https://firebase.google.com/docs/reference/firestore/indexes).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.gcp.firestore.admin.fields import set_policy
from fogbank.clouds.gcp.firestore.admin.indexes import complete, draw_id
from fogbank.clouds.gcp.firestore.expiring import Policy, read_policies
from fogbank.clouds.gcp.firestore.field_paths import NAME, read_path, write_path
from fogbank.clouds.gcp.firestore.indexing import definitions
from fogbank.clouds.gcp.firestore.indexing.definitions import (
    ASCENDING,
    AUTOMATIC,
    COLLECTION,
    COLLECTION_GROUP,
    CONTAINS,
    DEFAULT_GROUP,
    DESCENDING,
    VECTOR,
    Definition,
    IndexField,
    Override,
)
from fogbank.clouds.gcp.firestore.names import check_collection
from fogbank.clouds.gcp.firestore.service import find, invalid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fogbank.clouds.gcp.firestore.names import Database
    from fogbank.clouds.gcp.parts import Parts
    from fogbank.storage import Tx

FILE_BYTES_MAX: Final = 1_048_576
# A comment, or a text that may look as if there were one in it; the reference's own example has comments.
_COMMENT: Final = re.compile(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_SCOPES: Final = {"": COLLECTION, COLLECTION: COLLECTION, COLLECTION_GROUP: COLLECTION_GROUP}


class _Vector(msgspec.Struct, forbid_unknown_fields=True):
    dimension: int
    flat: dict[str, Any] = {}


class _Field(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    field_path: str
    order: str = ""
    array_config: str = ""
    vector_config: _Vector | None = None
    # What files of earlier versions have in the place of `order` and `arrayConfig`.
    mode: str = ""


class _Index(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    fields: list[_Field]
    collection_group: str = ""
    query_scope: str = ""
    collection_id: str = ""
    density: str = ""


class _Single(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    query_scope: str = ""
    order: str = ""
    array_config: str = ""


class _Override(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    collection_group: str
    field_path: str
    indexes: list[_Single] | None = None
    ttl: bool = False


class _File(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    indexes: list[_Index] = []
    field_overrides: list[_Override] = []


async def take_file(parts: Parts, database: Database, data: bytes) -> int:
    """Define all that a file has, beside what there is; returns how many composite indexes are new.

    Raises `GrpcError`.
    """
    try:
        text = _COMMENT.sub(lambda match: match[1] or "", data.decode())
        file = msgspec.json.decode(text, type=_File)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise invalid(f"This is no file of indexes: {error}") from None
    wanted = [(draw_id(parts), parts.ids.sequence(), _read_index(each)) for each in file.indexes]
    overrides = [
        (parts.ids.sequence(), _read_override(each)) for each in file.field_overrides if each.indexes is not None
    ]

    async def take(tx: Tx, now_us: int) -> int:
        known = [await definitions.put_index(tx, now_us, database, *each) for each in wanted]
        for number, override in overrides:
            await definitions.put_override(tx, now_us, database, number, override)
        return known.count(None)

    new: int = await parts.store.run(take)
    for each in file.field_overrides:
        policy = Policy(each.field_path) if each.ttl else None
        if policy is not None or each.ttl is False:
            await _set_policy(parts, database, each, policy)
    return new


async def _set_policy(parts: Parts, database: Database, override: _Override, policy: Policy | None) -> None:
    path = write_path(read_path(override.field_path)) if override.collection_group != DEFAULT_GROUP else "*"
    if policy is None:
        known = (await _policies(parts, database)).get(override.collection_group)
        if known is None or known.field != path:
            return
    await set_policy(parts, database, check_collection(override.collection_group), path, policy)


async def _policies(parts: Parts, database: Database) -> dict[str, Policy]:
    collection = await parts.store.read(find, database)
    return {} if collection is None else read_policies(collection.config.expiry)


def _read_index(index: _Index) -> Definition:
    group = check_collection(index.collection_group or index.collection_id)
    return complete(Definition(group, _scope(index.query_scope), tuple(_read_field(each) for each in index.fields)))


def _scope(name: str) -> str:
    if name not in _SCOPES:
        raise invalid(f"queryScope must be {COLLECTION} or {COLLECTION_GROUP}, not {name!r}.")
    return _SCOPES[name]


def _read_field(field: _Field) -> IndexField:
    path = write_path(read_path(field.field_path))
    if field.vector_config is not None:
        return IndexField(path, VECTOR, field.vector_config.dimension)
    mode = field.order or field.array_config or field.mode.replace("ARRAY_", "")
    return IndexField(path, _mode(mode))


def _mode(mode: str) -> str:
    if mode not in {ASCENDING, DESCENDING, CONTAINS}:
        raise invalid(f"A field has the order {ASCENDING} or {DESCENDING} or the arrayConfig {CONTAINS}, not {mode!r}.")
    return mode


def _read_override(override: _Override) -> Override:
    group = override.collection_group
    path = override.field_path if group == DEFAULT_GROUP else write_path(read_path(override.field_path))
    indexes = tuple(
        (_scope(each.query_scope), _mode(each.order or each.array_config)) for each in override.indexes or ()
    )
    return Override(group if group == DEFAULT_GROUP else check_collection(group), path, indexes)


async def make_file(parts: Parts, database: Database, *, missing: bool) -> dict[str, Any]:
    """Return the file of what is defined, and of what was missing if that is wanted."""
    return await parts.store.read(_make, database, missing)


async def _make(tx: Tx, now_us: int, database: Database, with_missing: bool) -> dict[str, Any]:
    indexes = [each for _, each in await definitions.list_indexes(tx, now_us, database)]
    overrides = {(each.group, each.path): each for each in await definitions.list_overrides(tx, now_us, database)}
    if with_missing:
        for each in await definitions.list_missing(tx, now_us, database):
            if len(each.fields) > 1:
                indexes += [each] if each not in indexes else []
            else:
                (field,) = each.fields
                known = overrides.get((each.group, field.path)) or AUTOMATIC
                more = dict.fromkeys((*known.indexes, (each.scope, field.mode)))
                overrides[each.group, field.path] = Override(each.group, field.path, tuple(more))
    collection = await find(tx, now_us, database)
    policies = {} if collection is None else read_policies(collection.config.expiry)
    shown = [_show_override(each, policies) for each in overrides.values()]
    for group, policy in policies.items():
        if (group, policy.field) not in overrides:
            shown.append({"collectionGroup": group, "fieldPath": policy.field, "ttl": True})
    return {"indexes": [_show_index(each) for each in indexes], "fieldOverrides": shown}


def _show_index(definition: Definition) -> dict[str, Any]:
    fields = list(definition.fields)
    names = [each for each in fields if each.path == NAME]
    others = [each for each in fields if each.path != NAME]
    ordered = [each for each in others if each.mode != VECTOR]
    usual = DESCENDING if ordered and ordered[-1].mode == DESCENDING else ASCENDING
    if not names or names[0].mode == usual:
        # The order of names goes without saying.
        fields = others
    shown = {"collectionGroup": definition.group, "queryScope": definition.scope}
    return {**shown, "fields": [{"fieldPath": each.path, **_show_mode(each)} for each in fields]}


def _show_mode(field: IndexField) -> dict[str, Any]:
    if field.mode == VECTOR:
        return {"vectorConfig": {"dimension": field.dimension, "flat": {}}}
    return {"arrayConfig" if field.mode == CONTAINS else "order": field.mode}


def _show_override(override: Override, policies: dict[str, Policy]) -> dict[str, Any]:
    policy = policies.get(override.group)
    indexes: Iterable[dict[str, Any]] = (
        {**_show_mode(IndexField("", mode)), "queryScope": scope} for scope, mode in override.indexes
    )
    return {
        "collectionGroup": override.group,
        "fieldPath": override.path,
        "ttl": policy is not None and policy.field == override.path,
        "indexes": list(indexes),
    }
