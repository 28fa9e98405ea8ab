"""Schedule groups, and their tags; the default group is always there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import Call, Input, Reply, epoch_seconds, operation
from fogbank.clouds.aws.arns import parse_arn
from fogbank.clouds.aws.paging import page
from fogbank.clouds.aws.scheduler.errors import invalid, no_such_group
from fogbank.clouds.aws.scheduler.service import DEFAULT, GROUP, PAGE_MAX, Scheduler, group_arn, read_next, schedule_key
from fogbank.engines.messaging import records
from fogbank.engines.messaging.errors import RecordExistsError, RecordNotFoundError
from fogbank.engines.schedules import schedules
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.engines.messaging.records import Record
    from fogbank.storage import Tx

# "Quotas for Amazon EventBridge Scheduler"; "Tagging": 50 tags a resource.
GROUPS_MAX: Final = 500
TAGS_MAX: Final = 50


class Group(msgspec.Struct, frozen=True, omit_defaults=True):
    """A group, as its record has it."""

    tags: dict[str, str] = {}
    token: str = ""


_GROUP: Final = msgspec.json.Decoder(Group)


class Tag(Input):
    """A tag."""

    Key: str
    Value: str


def _default(scope: str) -> Record:
    """Return the default group of a scope, which nobody has changed."""
    return records.Record(scope, GROUP, DEFAULT, 0, msgspec.json.encode(Group()), 0, 0)


async def find_group(tx: Tx, now_us: int, scope: str, name: str) -> Record:
    """Return a group, or raise the error. A store operation."""
    try:
        return await records.find(tx, now_us, scope, GROUP, name)
    except RecordNotFoundError:
        if name == DEFAULT:
            return _default(scope)
        raise no_such_group(name) from None


class CreateScheduleGroup(Input):
    """Input of CreateScheduleGroup."""

    Name: str
    Tags: list[Tag] | None = None
    ClientToken: str | None = None


@operation(CreateScheduleGroup)
async def create_schedule_group(scheduler: Scheduler, call: Call, request: CreateScheduleGroup) -> Reply:
    """Create a group; the same request once more changes nothing."""
    tags = _checked({tag.Key: tag.Value for tag in request.Tags or ()})
    group = Group(tags, request.ClientToken or "")

    async def create(tx: Tx, now_us: int, number: int) -> None:
        if request.Name == DEFAULT:
            raise RecordExistsError(GROUP, DEFAULT)
        if len(await records.list_records(tx, now_us, call.scope, GROUP, limit=GROUPS_MAX)) >= GROUPS_MAX:
            raise AwsError("ServiceQuotaExceededException", "The account has as many schedule groups as it may have.")
        try:
            await records.add(tx, now_us, call.scope, GROUP, request.Name, number, msgspec.json.encode(group))
        except RecordExistsError:
            there = _GROUP.decode((await records.find(tx, now_us, call.scope, GROUP, request.Name)).body)
            if not group.token or there != group:
                raise

    await scheduler.store.run(create, scheduler.ids.sequence())
    return {"ScheduleGroupArn": group_arn(call.scope, request.Name)}


class GetScheduleGroup(Input):
    """Input of GetScheduleGroup."""

    Name: str


@operation(GetScheduleGroup)
async def get_schedule_group(scheduler: Scheduler, call: Call, request: GetScheduleGroup) -> Reply:
    """Return a group."""
    return _show(await scheduler.store.read(find_group, call.scope, request.Name))


class ListScheduleGroups(Input):
    """Input of ListScheduleGroups."""

    NamePrefix: str | None = None
    NextToken: str | None = None
    MaxResults: int = PAGE_MAX


@operation(ListScheduleGroups)
async def list_schedule_groups(scheduler: Scheduler, call: Call, request: ListScheduleGroups) -> Reply:
    """List groups in the order of their names."""
    after = read_next(request.NextToken)
    prefix = request.NamePrefix or ""
    found = await scheduler.store.read(records.list_records, call.scope, GROUP, prefix, after)
    if DEFAULT.startswith(prefix) and after < DEFAULT and all(record.name != DEFAULT for record in found):
        found = sorted([*found, _default(call.scope)], key=lambda record: record.name)
    return page("ScheduleGroups", found, request.MaxResults, lambda record: record.name, _show)


class DeleteScheduleGroup(Input):
    """Input of DeleteScheduleGroup."""

    Name: str
    ClientToken: str | None = None


@operation(DeleteScheduleGroup)
async def delete_schedule_group(scheduler: Scheduler, call: Call, request: DeleteScheduleGroup) -> Reply:
    """Delete a group with all its schedules."""
    if request.Name == DEFAULT:
        raise invalid("The default schedule group can't be deleted.")

    async def delete(tx: Tx, now_us: int) -> None:
        if not await records.delete(tx, now_us, call.scope, GROUP, request.Name):
            raise no_such_group(request.Name)
        for each in await schedules.list_schedules(tx, now_us, call.scope, schedule_key(request.Name, "")):
            await schedules.delete(tx, now_us, (each.scope, each.name))

    await scheduler.store.run(delete)
    return {}


class TagResource(Input):
    """Input of TagResource."""

    ResourceArn: str
    Tags: list[Tag]


@operation(TagResource)
async def tag_resource(scheduler: Scheduler, call: Call, request: TagResource) -> Reply:
    """Add tags to a group, or replace those of the same keys."""
    del call
    added = {tag.Key: tag.Value for tag in request.Tags}
    await _tag(scheduler, request.ResourceArn, lambda tags: _checked({**tags, **added}))
    return {}


class UntagResource(Input):
    """Input of UntagResource."""

    ResourceArn: str
    TagKeys: list[str]


@operation(UntagResource)
async def untag_resource(scheduler: Scheduler, call: Call, request: UntagResource) -> Reply:
    """Remove tags; keys that aren't there are passed over."""
    del call
    gone = frozenset(request.TagKeys)
    await _tag(scheduler, request.ResourceArn, lambda tags: {key: tags[key] for key in tags if key not in gone})
    return {}


class ListTagsForResource(Input):
    """Input of ListTagsForResource."""

    ResourceArn: str


@operation(ListTagsForResource)
async def list_tags_for_resource(scheduler: Scheduler, call: Call, request: ListTagsForResource) -> Reply:
    """Return a group's tags."""
    del call
    tags = await _tag(scheduler, request.ResourceArn, None)
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


async def _tag(
    scheduler: Scheduler, text: str, change: Callable[[dict[str, str]], dict[str, str]] | None
) -> dict[str, str]:
    arn = parse_arn(text)
    assert arn is not None, "the model's constraints say so"
    name = arn.resource.removeprefix("schedule-group/")

    async def apply(tx: Tx, now_us: int, number: int) -> dict[str, str]:
        record = await find_group(tx, now_us, arn.scope, name)
        group = _GROUP.decode(record.body)
        if change is None:
            return group.tags
        changed = msgspec.structs.replace(group, tags=change(group.tags))
        body = msgspec.json.encode(changed)
        if name == DEFAULT and not record.created_us:
            await records.add(tx, now_us, arn.scope, GROUP, name, number, body)
        else:
            await records.update(tx, now_us, arn.scope, GROUP, name, lambda _: body)
        return changed.tags

    return await scheduler.store.run(apply, scheduler.ids.sequence())


def _checked(tags: dict[str, str]) -> dict[str, str]:
    if len(tags) > TAGS_MAX:
        raise AwsError("ServiceQuotaExceededException", "A resource can have no more than 50 tags.")
    return tags


def _show(record: Record) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "Arn": group_arn(record.scope, record.name),
        "Name": record.name,
        "State": "ACTIVE",
        "CreationDate": epoch_seconds(record.created_us),
        "LastModificationDate": epoch_seconds(record.modified_us),
    }
    return shown


OPERATIONS: Final = (
    create_schedule_group,
    delete_schedule_group,
    get_schedule_group,
    list_schedule_groups,
    list_tags_for_resource,
    tag_resource,
    untag_resource,
)
