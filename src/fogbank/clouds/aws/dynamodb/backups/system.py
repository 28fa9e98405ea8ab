"""The backup that a table with point-in-time recovery leaves when it is deleted.

Amazon DynamoDB Developer Guide, "Point-in-time backups for DynamoDB": the system backup is kept for 35 days.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Point-in-time-recovery.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.clouds.aws.dynamodb.backups.names import KIND, NAME, SYSTEM, new_id
from fogbank.engines.documents import collections
from fogbank.engines.documents.copies.snapshots import Last

if TYPE_CHECKING:
    from fogbank.clouds.aws.dynamodb.service import Dynamo
    from fogbank.engines.documents.model import Collection

KEPT_SECONDS: Final = 35 * 86_400


async def last_backup(dynamo: Dynamo, table: Collection) -> Last | None:
    """Return what is to be left of a table when it is deleted; None for nothing."""
    if not table.config.journal_seconds:
        return None
    totals = await dynamo.store.scan(collections.totals, table.id)
    labels = {NAME: f"{table.name}$DeletedTableBackup", KIND: SYSTEM}
    return Last(new_id(dynamo), KEPT_SECONDS, totals, labels)
