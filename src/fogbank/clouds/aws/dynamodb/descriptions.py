"""Amazon DynamoDB operations that describe what Fogbank has no settings for; infrastructure tools read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.dynamodb.billing import ACCOUNT_UNITS_MAX, UNITS

if TYPE_CHECKING:
    from fogbank.clouds.aws.dynamodb.service import Dynamo

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


OPERATIONS: Final = (describe_endpoints, describe_limits)
