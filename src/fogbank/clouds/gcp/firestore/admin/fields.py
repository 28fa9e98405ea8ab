"""Fields: which indexes a field has in the place of the automatic ones, and by which field documents go away.

google/firestore/admin/v1/field.proto; Google Cloud, "Manage data retention with TTL policies"
(https://cloud.google.com/firestore/docs/ttl). What is asked for is done when the operation is returned; documents that
were there before a policy are looked at in the background.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.gcp.firestore.admin.indexes import describe
from fogbank.clouds.gcp.firestore.admin.resources import PACKAGE, check_there, finish, read_field, read_group
from fogbank.clouds.gcp.firestore.expiring import Policy, read_policies, write_policies
from fogbank.clouds.gcp.firestore.indexing import definitions
from fogbank.clouds.gcp.firestore.indexing.definitions import (
    ANY_FIELD,
    ASCENDING,
    AUTOMATIC,
    CONTAINS,
    DEFAULT_GROUP,
    DESCENDING,
    IndexField,
    Override,
)
from fogbank.clouds.gcp.firestore.service import create_database, find
from fogbank.clouds.gcp.paging import page
from fogbank.clouds.gcp.refusals import invalid, refuse_unsupported, unsupported
from fogbank.engines.documents import collections
from fogbank.wire.grpc.status import Code, GrpcError

if TYPE_CHECKING:
    from fogbank.clouds.gcp.firestore.names import Database
    from fogbank.clouds.gcp.parts import Parts
    from fogbank.engines.documents.model import CollectionConfig
    from fogbank.storage import Tx
    from fogbank.wire.grpc.service import Call

OFFSET_SECONDS_MAX: Final = 2_147_483_647
_ACTIVE: Final = 2
_READY: Final = 2
_ADD: Final = 1
_REMOVE: Final = 2
_MODES: Final = {("order", 1): ASCENDING, ("order", 2): DESCENDING, ("array_config", 1): CONTAINS}
_SCOPES: Final = {0: definitions.COLLECTION, 1: definitions.COLLECTION, 2: definitions.COLLECTION_GROUP}
_FILTERS: Final = {
    "indexConfig.usesAncestorConfig:false": "indexes", "indexConfig.usesAncestorConfig=false": "indexes",
    "ttlConfig:*": "ttl",
}  # fmt: skip
_SUPPORTED: Final = {"name": None, "index_config": {"indexes": None}, "ttl_config": None}


class _Field(msgspec.Struct, frozen=True):
    """A field as it is set: `override` None for what it inherits, `policy` None for none."""

    group: str
    path: str
    override: Override | None
    policy: Policy | None


async def get_field(parts: Parts, _call: Call, request: Any) -> Any:
    """Return a field, which is there whatever documents have."""
    database, group, path = read_field(request.name)
    await check_there(parts, database)
    return _show(parts, database, *await parts.store.read(_find, database, group, path))


async def _find(tx: Tx, now_us: int, database: Database, group: str, path: str) -> tuple[_Field, Override]:
    """Return a field, and what it inherits: a store operation."""
    override = await definitions.find_override(tx, now_us, database, group, path)
    inherited = await definitions.find_override(tx, now_us, database, DEFAULT_GROUP, ANY_FIELD) or AUTOMATIC
    policy = (await _policies(tx, now_us, database)).get(group)
    return _Field(group, path, override, policy if policy is not None and policy.field == path else None), inherited


async def _policies(tx: Tx, now_us: int, database: Database) -> dict[str, Policy]:
    collection = await find(tx, now_us, database)
    return {} if collection is None else read_policies(collection.config.expiry)


def _show(parts: Parts, database: Database, field: _Field, inherited: Override) -> Any:
    message = parts.types.message(f"{PACKAGE}.Field")()
    message.name = f"{database.name}/collectionGroups/{field.group}/fields/{field.path}"
    if field.override is None and field.group != DEFAULT_GROUP:
        message.index_config.uses_ancestor_config = True
        message.index_config.ancestor_field = f"{database.name}/collectionGroups/{DEFAULT_GROUP}/fields/{ANY_FIELD}"
    message.index_config.SetInParent()
    for scope, mode in (field.override or inherited).indexes:
        index = message.index_config.indexes.add(state=_READY)
        describe(index, scope, (IndexField(field.path, mode),))
    if field.policy is not None:
        message.ttl_config.state = _ACTIVE
        if field.policy.offset_seconds:
            message.ttl_config.expiration_offset.seconds = field.policy.offset_seconds
    return message


async def list_fields(parts: Parts, _call: Call, request: Any) -> Any:
    """List the fields of a collection group, or of all (`-`), of which something is set."""
    database, group = read_group(request.parent)
    await check_there(parts, database)
    wanted = set()
    for each in request.filter.split(" OR ") if request.filter else ():
        if each.strip() not in _FILTERS:
            raise invalid(
                "filter", f"Fogbank lists fields by {' OR '.join(sorted(_FILTERS))}, not by {each.strip()!r}."
            )
        wanted.add(_FILTERS[each.strip()])
    if not wanted:
        raise invalid("filter", "Only fields that are explicitly overridden can be listed: by the filter"
                      " indexConfig.usesAncestorConfig:false or ttlConfig:*.")  # fmt: skip

    async def gather(tx: Tx, now_us: int) -> dict[str, tuple[_Field, Override]]:
        places: set[tuple[str, str]] = set()
        if "indexes" in wanted:
            places |= {
                (each.group, each.path) for each in await definitions.list_overrides(tx, now_us, database, group)
            }
            if group in {"", DEFAULT_GROUP}:
                places.add((DEFAULT_GROUP, ANY_FIELD))
        if "ttl" in wanted:
            policies = await _policies(tx, now_us, database)
            places |= {(name, policy.field) for name, policy in policies.items() if group in {"", name}}
        return {f"{where}/{path}": await _find(tx, now_us, database, where, path) for where, path in sorted(places)}

    found = await parts.store.read(gather)
    shown, token = page(sorted(found.items()), request.page_size, request.page_token)
    response = parts.types.message(f"{PACKAGE}.ListFieldsResponse")(next_page_token=token)
    response.fields.extend(_show(parts, database, *each) for each in shown)
    return response


async def update_field(parts: Parts, _call: Call, request: Any) -> Any:
    """Set a field's indexes, or have documents go away by it, as the mask says; without one, its indexes."""
    database, group, path = read_field(request.field.name)
    await check_there(parts, database)
    refuse_unsupported(request.field, _SUPPORTED, "field")
    paths = {each.partition(".")[0] for each in request.update_mask.paths} or {"index_config"}
    if not paths <= {"index_config", "ttl_config"}:
        raise invalid("update_mask", f"A field has index_config and ttl_config, not {', '.join(sorted(paths))}.")
    metadata = parts.types.message(f"{PACKAGE}.FieldOperationMetadata")(field=request.field.name)
    before, inherited = await parts.store.read(_find, database, group, path)
    if "index_config" in paths:
        override = read_override(group, path, request.field) if request.field.HasField("index_config") else None
        await _set_indexes(parts, database, (group, path), override)
        now = set((override or inherited).indexes)
        then = set((before.override or inherited).indexes)
        for change, each in [(_ADD, each) for each in now - then] + [(_REMOVE, each) for each in then - now]:
            delta = metadata.index_config_deltas.add(change_type=change)
            describe(delta.index, each[0], (IndexField(path, each[1]),))
    if "ttl_config" in paths:
        policy = _read_policy(path, request.field) if request.field.HasField("ttl_config") else None
        await set_policy(parts, database, group, path, policy)
        metadata.ttl_config_delta.change_type = _REMOVE if policy is None else _ADD
    after = _show(parts, database, *await parts.store.read(_find, database, group, path))
    return await finish(parts, database, metadata, after)


def read_override(group: str, path: str, field: Any) -> Override:
    """Understand the indexes of a field; raises `GrpcError`."""
    indexes = []
    for index in field.index_config.indexes:
        refuse_unsupported(index, {"name": None, "query_scope": None, "fields": None, "state": None}, "index")
        if index.query_scope not in _SCOPES:
            raise unsupported("index.query_scope COLLECTION_RECURSIVE, which is Datastore mode's")
        if len(index.fields) != 1 or index.fields[0].field_path not in {path, "", ANY_FIELD}:
            raise invalid("field.index_config.indexes", "An index of a field has that field alone.")
        kind = index.fields[0].WhichOneof("value_mode")
        mode = _MODES.get((kind, getattr(index.fields[0], kind))) if kind in {"order", "array_config"} else None
        if mode is None:
            raise invalid("field.index_config.indexes", "An index of a field has an order or an array_config.")
        indexes.append((_SCOPES[index.query_scope], mode))
    return Override(group, path, tuple(dict.fromkeys(indexes)))


async def _set_indexes(parts: Parts, database: Database, place: tuple[str, str], override: Override | None) -> None:
    if override is None:
        await parts.store.run(definitions.remove_override, database, *place)
    else:
        await parts.store.run(definitions.put_override, database, parts.ids.sequence(), override)


def _read_policy(path: str, field: Any) -> Policy:
    refuse_unsupported(field.ttl_config, {"state": None, "expiration_offset": None}, "field.ttl_config")
    offset = field.ttl_config.expiration_offset
    if offset.nanos or not 0 <= offset.seconds <= OFFSET_SECONDS_MAX:
        raise invalid("field.ttl_config.expiration_offset", "expiration_offset must be whole seconds from 0 to"
                      f" {OFFSET_SECONDS_MAX}.")  # fmt: skip
    return Policy(path, offset.seconds)


async def set_policy(parts: Parts, database: Database, group: str, path: str, policy: Policy | None) -> None:
    """Have the documents of a collection group go away by a field, or not by that one any more."""
    if group == DEFAULT_GROUP:
        raise invalid("field.name", "A TTL policy is for a field of one collection group.")

    def change(config: CollectionConfig) -> CollectionConfig:
        policies = dict(read_policies(config.expiry))
        known = policies.get(group)
        if policy is None:
            if known is not None and known.field == path:
                del policies[group]
        elif known is not None and known.field != path:
            raise GrpcError(
                Code.FAILED_PRECONDITION,
                f"Only one TTL field is allowed for the collection group {group}: {known.field} is one already.",
            )
        else:
            policies[group] = policy
        expiry = write_policies(policies)
        building = config.expiry_building or expiry != config.expiry
        return msgspec.structs.replace(config, expiry=expiry, expiry_building=building)

    await create_database(parts.store, parts.ids, database)
    await parts.store.run(collections.update, database, change)
