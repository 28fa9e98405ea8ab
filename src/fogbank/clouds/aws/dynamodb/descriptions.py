"""Amazon DynamoDB operations that describe what Fogbank has no settings for; infrastructure tools read them."""

from __future__ import annotations

from typing import Final

from fogbank.clouds.aws.api import REQUIRED, Call, Input, Reply, operation
from fogbank.clouds.aws.dynamodb.billing import ACCOUNT_UNITS_MAX, UNITS
from fogbank.clouds.aws.dynamodb.service import Dynamo, table_of
from fogbank.engines.documents import collections
from fogbank.engines.documents.errors import CollectionNotFoundError
from fogbank.wire.aws.errors import AwsError

CACHE_MINUTES: Final = 1_440


class DescribeLimits(Input):
    """Input of DescribeLimits."""


@operation(DescribeLimits)
async def describe_limits(_dynamo: Dynamo, _call: Call, _request: DescribeLimits) -> Reply:
    """Return the documented default quotas; only that of a table is enforced."""
    return {
        "AccountMaxReadCapacityUnits": ACCOUNT_UNITS_MAX,
        "AccountMaxWriteCapacityUnits": ACCOUNT_UNITS_MAX,
        "TableMaxReadCapacityUnits": UNITS.high,
        "TableMaxWriteCapacityUnits": UNITS.high,
    }


class DescribeEndpoints(Input):
    """Input of DescribeEndpoints."""


@operation(DescribeEndpoints)
async def describe_endpoints(_dynamo: Dynamo, call: Call, _request: DescribeEndpoints) -> Reply:
    """Return the address that the caller used."""
    address = call.origin.partition("://")[2]
    return {"Endpoints": [{"Address": address, "CachePeriodInMinutes": CACHE_MINUTES}]}


class DescribeContinuousBackups(Input):
    """Input of DescribeContinuousBackups."""

    TableName: str = REQUIRED


@operation(DescribeContinuousBackups)
async def describe_continuous_backups(dynamo: Dynamo, call: Call, request: DescribeContinuousBackups) -> Reply:
    """Say that there are no backups."""
    try:
        await dynamo.store.read(collections.find, table_of(call, request.TableName))
    except CollectionNotFoundError as error:
        raise AwsError("TableNotFoundException", f"Table not found: {error.name}") from None
    disabled = {"PointInTimeRecoveryStatus": "DISABLED"}
    return {
        "ContinuousBackupsDescription": {
            "ContinuousBackupsStatus": "DISABLED",
            "PointInTimeRecoveryDescription": disabled,
        }
    }


OPERATIONS: Final = (describe_continuous_backups, describe_endpoints, describe_limits)
