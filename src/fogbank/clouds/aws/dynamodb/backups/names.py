"""What backups are called, and what a table says of the backup that it was restored from.

Amazon DynamoDB API Reference, "BackupDetails" and "RestoreSummary":
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_RestoreSummary.html. A backup's id is the time at
which it was made, and some digits of chance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.aws.arns import parse_arn
from fogbank.clouds.aws.dynamodb.errors import validation
from fogbank.clouds.aws.dynamodb.service import table_arn
from fogbank.kernel.clock import MILLISECOND_US, SECOND_US
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from typing import TypeVar

    from fogbank.clouds.aws.dynamodb.service import Dynamo
    from fogbank.engines.documents.copies.snapshots import Snapshot
    from fogbank.engines.documents.model import CollectionConfig

    T = TypeVar("T")

NAME: Final = "BackupName"
KIND: Final = "BackupType"
USER: Final = "USER"
SYSTEM: Final = "SYSTEM"
FROM_BACKUP: Final = "RestoredFromBackup"
FROM_TABLE: Final = "RestoredFromTable"
AT_US: Final = "RestoredUs"


def new_id(dynamo: Dynamo) -> str:
    """Return the id of a backup that is made now: `01489602797149-73d8d5bc`."""
    return f"{dynamo.clock.now() // MILLISECOND_US:014}-{dynamo.ids.hex(4)}"


def backup_arn(snapshot: Snapshot) -> str:
    """Return a backup's ARN."""
    return f"{table_arn((snapshot.scope, snapshot.collection))}/backup/{snapshot.id}"


def backup_of(arn: str) -> tuple[str, str]:
    """Return the scope and the id of the backup that an ARN names; raises `AwsError`."""
    parsed = parse_arn(arn)
    parts = [] if parsed is None or parsed.service != "dynamodb" else parsed.resource.split("/")
    if parsed is None or len(parts) != 4 or (parts[0], parts[2]) != ("table", "backup"):
        raise validation(f"Invalid Request: Backup ARN is not valid: {arn}")
    return parsed.scope, parts[3]


def backup_not_found(arn: str) -> AwsError:
    """There is no such backup."""
    return AwsError("BackupNotFoundException", f"Backup not found: {arn}")


def no_such_table(name: str) -> AwsError:
    """There is no such table, as operations on backups say it."""
    return AwsError("TableNotFoundException", f"Table not found: {name}")


def restored_labels(table: str, at_us: int, backup: str = "") -> dict[str, str]:
    """Return the labels of a table that is restored from a table's state at a time, or from its backup."""
    return {FROM_TABLE: table, AT_US: str(at_us)} | ({FROM_BACKUP: backup} if backup else {})


def show_restored(config: CollectionConfig) -> dict[str, Any]:
    """Return what DescribeTable shows of where a table was restored from."""
    labels = config.labels
    if AT_US not in labels:
        return {}
    shown: dict[str, Any] = {
        "SourceTableArn": labels[FROM_TABLE],
        "RestoreDateTime": int(labels[AT_US]) / SECOND_US,
        "RestoreInProgress": config.filling,
    }
    if FROM_BACKUP in labels:
        shown["SourceBackupArn"] = labels[FROM_BACKUP]
    return {"RestoreSummary": shown}
