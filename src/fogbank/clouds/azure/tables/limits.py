"""What entities may be like, in a storage account and in an account of Cosmos DB.

Azure Storage: "Understanding the Table service data model"
(https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model). Cosmos DB:
"Frequently asked questions about Azure Cosmos DB for Table" (https://learn.microsoft.com/azure/cosmos-db/table/faq) and
"Azure Cosmos DB service quotas", "Per-item limits" (https://learn.microsoft.com/azure/cosmos-db/concepts-limits): an
entity is an item of up to 2 MB, and neither its values nor how many they are have a limit of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from fogbank.clouds.azure.tables.errors import (
    COSMOS_PARTITION_TOO_LARGE,
    COSMOS_ROW_TOO_LARGE,
    COSMOS_TOO_LARGE,
    KEY_TOO_LARGE,
    TOO_LARGE,
)

if TYPE_CHECKING:
    from fogbank.clouds.azure.storage.calls import StorageCall
    from fogbank.clouds.azure.tables.errors import Refusal

_NO_LIMIT: Final = 1 << 62


class Limits(NamedTuple):
    """Sizes in bytes: in UTF-16 as Azure Storage counts them, in UTF-8 as Cosmos DB does (`utf8`).

    `properties` counts those besides the keys; `reserved` are names that none may have. `page` is how many entities or
    tables a request may ask for.
    """

    partition_bytes: int
    row_bytes: int
    value_bytes: int
    entity_bytes: int
    batch_bytes: int
    properties: int
    page: int
    utf8: bool
    reserved: frozenset[str]
    partition_too_large: Refusal
    row_too_large: Refusal
    entity_too_large: Refusal


STORAGE: Final = Limits(
    partition_bytes=1_024,
    row_bytes=1_024,
    value_bytes=65_536,
    entity_bytes=1_048_576,
    batch_bytes=4 * 1024 * 1024,
    properties=252,
    page=1_000,
    utf8=False,
    reserved=frozenset(),
    partition_too_large=KEY_TOO_LARGE,
    row_too_large=KEY_TOO_LARGE,
    entity_too_large=TOO_LARGE,
)
COSMOS: Final = Limits(
    partition_bytes=2_048,
    row_bytes=255,
    value_bytes=_NO_LIMIT,
    entity_bytes=2 * 1024 * 1024,
    batch_bytes=2 * 1024 * 1024,
    properties=_NO_LIMIT,
    page=_NO_LIMIT,
    utf8=True,
    reserved=frozenset({"ID", "id", "rid", "etag", "ResourceId"}),
    partition_too_large=COSMOS_PARTITION_TOO_LARGE,
    row_too_large=COSMOS_ROW_TOO_LARGE,
    entity_too_large=COSMOS_TOO_LARGE,
)


def limits_of(call: StorageCall) -> Limits:
    """Return the limits of the account that a request is for."""
    return COSMOS if call.cosmos else STORAGE
