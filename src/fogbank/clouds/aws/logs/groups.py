"""Amazon CloudWatch Logs operations on log groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.logs.errors import group_exists, invalid, invalid_token
from fogbank.clouds.aws.logs.names import group_arn, group_of
from fogbank.clouds.aws.paging import InvalidTokenError, read_token, write_token
from fogbank.engines.telemetry import groups
from fogbank.engines.telemetry.model import LogGroupConfig
from fogbank.kernel.clock import MILLISECOND_US

if TYPE_CHECKING:
    from fogbank.clouds.aws.logs.service import Logs
    from fogbank.engines.telemetry.model import LogGroup

PAGE_MAX: Final = 50
DAY_SECONDS: Final = 86_400
RETENTION_DAYS: Final = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip
_RESERVED: Final = "aws/"
_CLASS: Final = "STANDARD"


class CreateLogGroup(Input):
    """Input of CreateLogGroup."""

    logGroupName: str
    tags: dict[str, str] | None = None
    logGroupClass: str | None = None
    deletionProtectionEnabled: bool = False


@operation(CreateLogGroup)
async def create_log_group(logs: Logs, call: Call, request: CreateLogGroup) -> Reply:
    """Create a log group of the Standard class."""
    if request.logGroupName.startswith(_RESERVED):
        msg = "Log groups starting with AWS/ are reserved for AWS."
        raise invalid(msg)
    if request.logGroupClass not in (None, _CLASS):
        raise invalid(f"Fogbank does not support the log group class {request.logGroupClass}.")
    config = LogGroupConfig(protected=request.deletionProtectionEnabled, tags=request.tags or {})
    name = (call.scope, request.logGroupName)
    _, new = await logs.store.run(groups.create, name, logs.ids.sequence(), config)
    if not new:
        raise group_exists()
    return None


class DeleteLogGroup(Input):
    """Input of DeleteLogGroup."""

    logGroupName: str


@operation(DeleteLogGroup)
async def delete_log_group(logs: Logs, call: Call, request: DeleteLogGroup) -> Reply:
    """Delete a log group with all that is in it."""
    await logs.store.run(groups.delete, (call.scope, request.logGroupName))
    return None


class DescribeLogGroups(Input):
    """Input of DescribeLogGroups."""

    logGroupNamePrefix: str | None = None
    logGroupNamePattern: str | None = None
    logGroupClass: str | None = None
    nextToken: str | None = None
    limit: int = PAGE_MAX


@operation(DescribeLogGroups)
async def describe_log_groups(logs: Logs, call: Call, request: DescribeLogGroups) -> Reply:
    """List log groups by name; those that are found by a part of their names are shown in brief, as documented."""
    prefix, part = request.logGroupNamePrefix, request.logGroupNamePattern
    if prefix is not None and part is not None:
        msg = "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."
        raise invalid(msg)
    if request.logGroupClass not in (None, _CLASS):
        return {"logGroups": []}
    after = _after(request.nextToken)
    limit = request.limit
    found = await logs.store.scan(groups.list_groups, call.scope, prefix or "", part or "", after, limit + 1)
    page = found[:limit]
    if part:
        shown = [_show_brief(group) for group in page]
    else:
        sizes = await logs.store.scan(groups.sizes, page) if page else []
        shown = [_show(group, size) for group, size in zip(page, sizes, strict=True)]
    reply: dict[str, Any] = {"logGroups": shown}
    if len(found) > limit:
        reply["nextToken"] = write_token(page[-1].name)
    return reply


class PutRetentionPolicy(Input):
    """Input of PutRetentionPolicy."""

    logGroupName: str
    retentionInDays: int


@operation(PutRetentionPolicy)
async def put_retention_policy(logs: Logs, call: Call, request: PutRetentionPolicy) -> Reply:
    """Set how many days entries are kept."""
    days = request.retentionInDays
    if days not in RETENTION_DAYS:
        allowed = ", ".join(map(str, RETENTION_DAYS))
        msg = (
            f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint:"
            f" Member must satisfy enum value set: [{allowed}]"
        )
        raise invalid(msg)
    await _change(logs, call, request.logGroupName, retention_seconds=days * DAY_SECONDS)
    return None


class DeleteRetentionPolicy(Input):
    """Input of DeleteRetentionPolicy."""

    logGroupName: str


@operation(DeleteRetentionPolicy)
async def delete_retention_policy(logs: Logs, call: Call, request: DeleteRetentionPolicy) -> Reply:
    """Keep entries for good."""
    await _change(logs, call, request.logGroupName, retention_seconds=0)
    return None


class PutLogGroupDeletionProtection(Input):
    """Input of PutLogGroupDeletionProtection."""

    logGroupIdentifier: str
    deletionProtectionEnabled: bool


@operation(PutLogGroupDeletionProtection)
async def put_log_group_deletion_protection(logs: Logs, call: Call, request: PutLogGroupDeletionProtection) -> Reply:
    """Forbid a log group's deletion, or allow it again."""
    name = group_of(call, None, request.logGroupIdentifier)
    protected = request.deletionProtectionEnabled
    await logs.store.run(groups.update, name, lambda config: msgspec.structs.replace(config, protected=protected))
    return None


async def _change(logs: Logs, call: Call, group: str, **changes: Any) -> None:
    await logs.store.run(groups.update, (call.scope, group), lambda config: msgspec.structs.replace(config, **changes))


def _after(token: str | None) -> str:
    if token is None:
        return ""
    try:
        return read_token(token, str)
    except InvalidTokenError:
        raise invalid_token() from None


def _show_brief(group: LogGroup) -> dict[str, Any]:
    arn = group_arn(group.scope, group.name)
    return {"logGroupName": group.name, "creationTime": group.created_us // MILLISECOND_US, "arn": f"{arn}:*"}


def _show(group: LogGroup, size: int) -> dict[str, Any]:
    shown = _show_brief(group) | {
        "metricFilterCount": 0,
        "storedBytes": size,
        "logGroupClass": _CLASS,
        "logGroupArn": group_arn(group.scope, group.name),
        "deletionProtectionEnabled": group.config.protected,
    }
    if group.config.retention_seconds:
        shown["retentionInDays"] = group.config.retention_seconds // DAY_SECONDS
    return shown


OPERATIONS: Final = (
    create_log_group,
    delete_log_group,
    delete_retention_policy,
    describe_log_groups,
    put_log_group_deletion_protection,
    put_retention_policy,
)
