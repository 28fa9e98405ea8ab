"""The account itself: where it is reached, and what it promises.

"REST: Get database account"; clients go on with the addresses that they find here, so these are the request's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.azure.cosmos.calls import EMULATOR, json_response
from fogbank.clouds.azure.cosmos.errors import bad_request
from fogbank.clouds.azure.cosmos.items.shown import charged
from fogbank.engines.identity import keyed_resources

if TYPE_CHECKING:
    from fogbank.clouds.azure.cosmos.calls import CosmosCall
    from fogbank.clouds.azure.parts import Parts
    from fogbank.wire.http import Response

REGION: Final = "Fogbank"
# From the strongest to the weakest; what is stronger than an account's own can't be asked for.
LEVELS: Final = ("Strong", "BoundedStaleness", "Session", "ConsistentPrefix", "Eventual")
# That of accounts that don't say another; whatever it is, every read sees the last write.
LEVEL: Final = "Session"
CONSISTENCY: Final = "consistency"
# What an account knows of its backups: for how many days they go back, if they are continuous.
BACKUP: Final = "backup_days"
_QUERY_ENGINE: Final = msgspec.json.encode({
    "maxSqlQueryInputLength": 524288, "maxJoinsPerSqlQuery": 10, "maxLogicalAndPerSqlQuery": 2000,
    "maxLogicalOrPerSqlQuery": 2000, "maxUdfRefPerSqlQuery": 10, "maxInExpressionItemsCount": 16000,
    "queryMaxGroupByTableCellCount": 500000, "queryMaxInMemorySortDocumentCount": 500000,
    "maxQueryRequestTimeoutFraction": 0.9, "sqlAllowNonFiniteNumbers": False, "sqlAllowAggregateFunctions": True,
    "sqlAllowSubQuery": True, "sqlAllowScalarSubQuery": True, "allowNewKeywords": True, "sqlAllowLike": True,
    "sqlAllowGroupByClause": True, "maxSpatialQueryCells": 12, "spatialMaxGeometryPointCount": 256,
    "sqlDisableQueryILOptimization": False, "sqlDisableFilterPlanOptimization": False, "sqlAllowTop": True,
    "enableSpatialIndexing": False,
}).decode()  # fmt: skip


def address_of(name: str) -> str:
    """Return under what address an account is found."""
    return f"cosmos/{name}"


async def get_account(parts: Parts, call: CosmosCall) -> Response:
    """Show the account."""
    level, has_backups = LEVEL, False
    if call.account != EMULATOR:
        facts = (await parts.store.read(keyed_resources.find_at, address_of(call.account))).config.facts
        level, has_backups = facts[CONSISTENCY], facts.get(BACKUP, "0") != "0"
    here = [{"name": REGION, "databaseAccountEndpoint": f"{call.request.origin}/"}]
    found: dict[str, Any] = {
        "_self": "",
        "id": call.account,
        "_rid": f"{call.account}.documents.azure.com",
        "media": "//media/",
        "addresses": "//addresses/",
        "_dbs": "//dbs/",
        "writableLocations": here,
        "readableLocations": here,
        "enableMultipleWriteLocations": False,
        "continuousBackupEnabled": has_backups,
        "enableNRegionSynchronousCommit": False,
        "userReplicationPolicy": {
            "asyncReplication": False,
            "minReplicaSetSize": 1,
            "maxReplicasetSize": 4,
        },
        "userConsistencyPolicy": {"defaultConsistencyLevel": level},
        "systemReplicationPolicy": {"minReplicaSetSize": 1, "maxReplicasetSize": 4},
        "readPolicy": {"primaryReadCoefficient": 1, "secondaryReadCoefficient": 1},
        "queryEngineConfiguration": _QUERY_ENGINE,
    }
    return json_response(200, found, [charged(0)])


def check_consistency(call: CosmosCall, own: str) -> None:
    """Raise the error for a level that the account doesn't promise."""
    level = call.header(b"x-ms-consistency-level")
    if not level:
        return
    if level not in LEVELS:
        raise bad_request(f"Consistency level '{level}' specified in the request is invalid.")
    if LEVELS.index(level) < LEVELS.index(own):
        raise bad_request(
            f"ConsistencyLevel {level} specified in the request is invalid when service is configured with consistency"
            f" level {own}. Ensure the request consistency level is not stronger than the service consistency level."
        )
