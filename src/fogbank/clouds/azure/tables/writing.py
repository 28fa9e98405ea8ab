"""How one entity is written: what a request asks, and what becomes of the entity that is there.

"Insert Entity", "Update Entity", "Merge Entity", "Insert Or Replace Entity", "Insert Or Merge Entity", "Delete Entity"
(https://learn.microsoft.com/rest/api/storageservices/operations-on-entities). A write is a pure function of the entity
as it is, since the store may run it again; in a batch, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote

from fogbank.clouds.azure.storage.sas import Needs
from fogbank.clouds.azure.tables.edm import (
    PARTITION_KEY,
    ROW_KEY,
    check_key,
    document_of,
    properties_of,
    read_properties,
)
from fogbank.clouds.azure.tables.errors import (
    ENTITY_EXISTS,
    FORBIDDEN,
    NOT_AS_IT_MUST_BE,
    NOT_FOUND,
    invalid_input,
    missing_header,
    refusal,
)
from fogbank.clouds.azure.tables.limits import STORAGE
from fogbank.clouds.azure.tables.payloads import etag_of
from fogbank.clouds.azure.tables.resources import place_of

if TYPE_CHECKING:
    from typing import Any

    from fogbank.clouds.azure.storage.sas import Grant
    from fogbank.clouds.azure.tables.edm import Properties
    from fogbank.clouds.azure.tables.limits import Limits
    from fogbank.clouds.azure.tables.resources import Resource
    from fogbank.engines.documents.model import Collection, Document, Key

INSERT, REPLACE, MERGE, DELETE = "insert", "replace", "merge", "delete"
# Which permissions a write needs; those without an entity tag are upserts, which need two.
INSERT_NEEDS: Final = Needs("o", "a", "a")
UPDATE_NEEDS: Final = Needs("o", "u", "u")
UPSERT_NEEDS: Final = Needs("o", "au", "au", every=True)
DELETE_NEEDS: Final = Needs("o", "d", "d")
_KINDS: Final = {"POST": INSERT, "PUT": REPLACE, "MERGE": MERGE, "PATCH": MERGE, "DELETE": DELETE}


class EntityWrite(NamedTuple):
    """A write to the entity of a key; `match` is the entity tag that it must have, "" for an upsert or insert."""

    kind: str
    partition: str
    row: str
    match: str
    properties: Properties
    limits: Limits = STORAGE

    def locate(self, _collection: Collection) -> Key:
        """Return where the entity stands."""
        return place_of(self.partition, self.row)

    def change(self, before: Document | None) -> Document | None:
        """Return what becomes of the entity, or raise the error for why nothing does."""
        if self.kind == INSERT:
            if before is not None:
                raise refusal(ENTITY_EXISTS)
            return document_of(self.properties, self.limits)
        if self.match:
            if before is None:
                raise refusal(NOT_FOUND)
            if self.match != "*" and unquote(self.match) != unquote(etag_of(before.version)):
                raise refusal(NOT_AS_IT_MUST_BE)
        if self.kind == DELETE:
            return None
        if self.kind == MERGE and before is not None:
            return document_of({**properties_of(before), **self.properties}, self.limits)
        return document_of(self.properties, self.limits)

    @property
    def needs(self) -> Needs:
        """What a shared access signature must allow for it."""
        if self.kind == INSERT:
            return INSERT_NEEDS
        if self.kind == DELETE:
            return DELETE_NEEDS
        return UPDATE_NEEDS if self.match else UPSERT_NEEDS


def read_write(method: str, resource: Resource, match: str, given: Any, limits: Limits = STORAGE) -> EntityWrite:
    """Return the write that a request asks for; `given` is the JSON that it has, None for a deletion."""
    kind = _KINDS[method]
    if kind == DELETE:
        if not match:
            raise missing_header("If-Match")
        return EntityWrite(kind, resource.partition, resource.row, _checked(match), {})
    properties = read_properties(given, limits)
    partition, row = properties.get(PARTITION_KEY), properties.get(ROW_KEY)
    if kind == INSERT:
        partition, row = check_key(PARTITION_KEY, partition, limits), check_key(ROW_KEY, row, limits)
        return EntityWrite(kind, partition, row, "", in_order(properties, partition, row), limits)
    if partition not in (None, resource.partition) or row not in (None, resource.row):
        raise invalid_input("The keys in the body aren't those in the address.")
    ordered = in_order(properties, resource.partition, resource.row)
    return EntityWrite(kind, resource.partition, resource.row, _checked(match), ordered, limits)


def in_order(properties: Properties, partition: str, row: str) -> Properties:
    """Return properties with the keys before all others."""
    return {PARTITION_KEY: partition, ROW_KEY: row, **properties}


def _checked(match: str) -> str:
    if match and match != "*" and not (match.startswith("W/\"datetime'") and match.endswith("'\"")):
        raise invalid_input(f"The etag value '{match}' specified in one of the request headers is not valid. Please"
                            " make sure only one etag value is specified and is valid.")  # fmt: skip
    return match


def check_grant(grant: Grant | None, write: EntityWrite) -> None:
    """Raise the error for a write that a shared access signature doesn't allow."""
    if grant is None:
        return
    grant.check(write.needs)
    if not grant.covers(write.partition, write.row):
        raise refusal(FORBIDDEN)
