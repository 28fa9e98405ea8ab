"""Amazon DynamoDB operations that describe what Fogbank has no settings for; infrastructure tools read them."""

from __future__ import annotations

from typing import Final

from fogbank.clouds.aws.api import REQUIRED, Call, Input, Reply, operation
from fogbank.clouds.aws.dynamodb.billing import ACCOUNT_UNITS_MAX, UNITS
from fogbank.clouds.aws.dynamodb.errors import table_not_found
from fogbank.clouds.aws.dynamodb.service import Dynamo, table_of
from fogbank.engines.documents import collections
from fogbank.engines.documents.errors import CollectionNotFoundError

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


class DescribeKinesisStreamingDestination(Input):
    """Input of DescribeKinesisStreamingDestination."""

    TableName: str = REQUIRED


@operation(DescribeKinesisStreamingDestination)
async def describe_kinesis_streaming_destination(
    dynamo: Dynamo, call: Call, request: DescribeKinesisStreamingDestination
) -> Reply:
    """Return that a table tells no Kinesis stream of its writes, since there are none."""
    name = table_of(call, request.TableName)
    try:
        await dynamo.store.read(collections.look_up, name)
    except CollectionNotFoundError as error:
        raise table_not_found(error.name) from None
    return {"TableName": name[1], "KinesisDataStreamDestinations": []}


OPERATIONS: Final = (describe_endpoints, describe_kinesis_streaming_destination, describe_limits)
