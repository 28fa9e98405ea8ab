"""Amazon DynamoDB over the documents engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.clouds.aws.api import Service
from fogbank.clouds.aws.dynamodb import descriptions, reading, tables, tags
from fogbank.clouds.aws.dynamodb.backups import backups, recovery, restoring
from fogbank.clouds.aws.dynamodb.errors import ERRORS, input_error
from fogbank.clouds.aws.dynamodb.items import batches, items, transactions
from fogbank.clouds.aws.dynamodb.partiql import operations as partiql
from fogbank.clouds.aws.dynamodb.service import Dynamo
from fogbank.clouds.aws.dynamodb.settings import auto_scaling, insights, resource_policies
from fogbank.clouds.aws.dynamodb.upkeep import time_to_live

if TYPE_CHECKING:
    from fogbank.clouds.aws.parts import Parts

# Checked where they are read, in one pass.
_UNCHECKED: Final = ("AttributeName", "AttributeValue")
# In errors, AWS lists values in an order of its own, not that of its model; of these it is known from what users quote
# (https://github.com/aws/aws-sdk-go/issues/333 and others).
_LISTED: Final[dict[str, tuple[str, ...]]] = {
    "ReturnValue": ("ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"),
    "ScalarAttributeType": ("B", "N", "S"),
}


def make_service(parts: Parts) -> Service[Dynamo]:
    """Put the service together."""
    operations = (
        *auto_scaling.OPERATIONS,
        *backups.OPERATIONS,
        *batches.OPERATIONS,
        *descriptions.OPERATIONS,
        *insights.OPERATIONS,
        *items.OPERATIONS,
        *partiql.OPERATIONS,
        *reading.OPERATIONS,
        *recovery.OPERATIONS,
        *resource_policies.OPERATIONS,
        *restoring.OPERATIONS,
        *tables.OPERATIONS,
        *tags.OPERATIONS,
        *time_to_live.OPERATIONS,
        *transactions.OPERATIONS,
    )
    return Service(
        "dynamodb",
        Dynamo(parts.store, parts.clock, parts.ids, parts.strict),
        operations,
        ERRORS,
        input_error,
        constrained=True,
        unchecked=_UNCHECKED,
        listed=_LISTED,
        crc32=True,
    )
