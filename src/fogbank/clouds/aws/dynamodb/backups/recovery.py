"""Amazon DynamoDB operations on point-in-time recovery: whether it is enabled, and how far it goes back.

Amazon DynamoDB API Reference, "UpdateContinuousBackups" and "DescribeContinuousBackups":
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateContinuousBackups.html. In AWS the latest
restorable time is some five minutes ago; here it is now. Continuous backups themselves are enabled on all tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import REQUIRED, Call, Input, Reply, operation
from fogbank.clouds.aws.dynamodb.backups.names import no_such_table
from fogbank.clouds.aws.dynamodb.errors import validation
from fogbank.clouds.aws.dynamodb.service import Dynamo, table_of
from fogbank.engines.documents import collections
from fogbank.engines.documents.copies import journals
from fogbank.engines.documents.errors import CollectionNotFoundError
from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from fogbank.engines.documents.model import CollectionConfig

DAYS_MAX: Final = 35
_DAY_SECONDS: Final = 86_400
_SINCE_US: Final = "RecoverySinceUs"


class PointInTimeRecoverySpecification(Input):
    """Whether earlier states of a table are kept, and for how many days."""

    PointInTimeRecoveryEnabled: bool = REQUIRED
    RecoveryPeriodInDays: int | None = None


class UpdateContinuousBackups(Input):
    """Input of UpdateContinuousBackups."""

    TableName: str = REQUIRED
    PointInTimeRecoverySpecification: PointInTimeRecoverySpecification = REQUIRED


@operation(UpdateContinuousBackups)
async def update_continuous_backups(dynamo: Dynamo, call: Call, request: UpdateContinuousBackups) -> Reply:
    """Keep earlier states of a table from now on, or no more; disabling it forgets those that there are."""
    wanted = request.PointInTimeRecoverySpecification
    if not wanted.PointInTimeRecoveryEnabled and wanted.RecoveryPeriodInDays is not None:
        raise validation("RecoveryPeriodInDays cannot be specified when PointInTimeRecoveryEnabled is false")
    now_us = dynamo.clock.now()

    def change(config: CollectionConfig) -> CollectionConfig:
        labels = {name: value for name, value in config.labels.items() if name != _SINCE_US}
        if wanted.PointInTimeRecoveryEnabled:
            labels[_SINCE_US] = config.labels.get(_SINCE_US, str(now_us))
        return msgspec.structs.replace(config, labels=labels)

    days = (wanted.RecoveryPeriodInDays or DAYS_MAX) if wanted.PointInTimeRecoveryEnabled else 0
    name = table_of(call, request.TableName)
    try:
        table = await dynamo.store.run(journals.keep, name, days * _DAY_SECONDS, change)
    except CollectionNotFoundError as error:
        raise no_such_table(error.name) from None
    return {"ContinuousBackupsDescription": _describe(table.config, now_us)}


class DescribeContinuousBackups(Input):
    """Input of DescribeContinuousBackups."""

    TableName: str = REQUIRED


@operation(DescribeContinuousBackups)
async def describe_continuous_backups(dynamo: Dynamo, call: Call, request: DescribeContinuousBackups) -> Reply:
    """Return whether earlier states of a table are kept, and from when to when they are to be had."""
    try:
        table = await dynamo.store.read(collections.look_up, table_of(call, request.TableName))
    except CollectionNotFoundError as error:
        raise no_such_table(error.name) from None
    return {"ContinuousBackupsDescription": _describe(table.config, dynamo.clock.now())}


def earliest_us(config: CollectionConfig, now_us: int) -> int:
    """Return the earliest time that a table with point-in-time recovery can be restored to."""
    return max(int(config.labels[_SINCE_US]), now_us - config.journal_seconds * SECOND_US)


def _describe(config: CollectionConfig, now_us: int) -> dict[str, Any]:
    shown: dict[str, Any] = {"PointInTimeRecoveryStatus": "DISABLED"}
    if config.journal_seconds:
        shown = {
            "PointInTimeRecoveryStatus": "ENABLED",
            "RecoveryPeriodInDays": config.journal_seconds // _DAY_SECONDS,
            "EarliestRestorableDateTime": earliest_us(config, now_us) / SECOND_US,
            "LatestRestorableDateTime": now_us / SECOND_US,
        }
    return {"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": shown}


OPERATIONS: Final = (describe_continuous_backups, update_continuous_backups)
