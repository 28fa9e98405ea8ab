"""Schedules: Amazon EventBridge Scheduler API Reference, "CreateSchedule" and its like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import Call, Input, Reply, epoch_seconds, operation
from fogbank.clouds.aws.events.service import find_bus
from fogbank.clouds.aws.paging import page
from fogbank.clouds.aws.scheduler.errors import invalid
from fogbank.clouds.aws.scheduler.expressions import check_moment, check_start, read_when
from fogbank.clouds.aws.scheduler.groups import find_group
from fogbank.clouds.aws.scheduler.service import (
    DEFAULT,
    DIALECT,
    FOLDER,
    PAGE_MAX,
    Scheduler,
    read_key,
    read_next,
    schedule_arn,
    schedule_key,
)
from fogbank.clouds.aws.scheduler.targets import Target, find_place
from fogbank.engines.messaging.delivery_model import split_endpoint
from fogbank.engines.schedules import schedules
from fogbank.engines.schedules.errors import ScheduleExistsError
from fogbank.engines.schedules.model import AT, EVERY, ScheduleConfig

if TYPE_CHECKING:
    from fogbank.engines.schedules.model import Schedule
    from fogbank.storage import Tx


class FlexibleTimeWindow(Input):
    """How much later an occurrence may be sent."""

    Mode: str
    MaximumWindowInMinutes: int | None = None


class _Settings(Input):
    """What a schedule is made of."""

    Name: str
    ScheduleExpression: str
    Target: Target
    FlexibleTimeWindow: FlexibleTimeWindow
    GroupName: str | None = None
    StartDate: float | None = None
    EndDate: float | None = None
    Description: str | None = None
    ScheduleExpressionTimezone: str | None = None
    State: str = "ENABLED"
    ClientToken: str | None = None
    ActionAfterCompletion: str = "NONE"


class CreateSchedule(_Settings):
    """Input of CreateSchedule."""


class UpdateSchedule(_Settings):
    """Input of UpdateSchedule."""


@operation(CreateSchedule)
async def create_schedule(scheduler: Scheduler, call: Call, request: CreateSchedule) -> Reply:
    """Create a schedule; the same request once more changes nothing."""
    now_us = scheduler.clock.now()
    check_start(request.StartDate, now_us)
    group = request.GroupName or DEFAULT
    config = _configure(request, now_us)
    check_moment(config.when, request.ScheduleExpression, now_us)
    # A rate begins with its creation; a moment that is just over comes round at once.
    after_us = {AT: 0, EVERY: now_us - 1}.get(config.when.kind, now_us)
    name = (call.scope, schedule_key(group, request.Name))

    async def create(tx: Tx, now_us: int, number: int, other: int) -> None:
        await find_group(tx, now_us, call.scope, group)
        await _open_bus(tx, now_us, request.Target, other)
        try:
            await schedules.create(tx, now_us, name, number, config, after_us)
        except ScheduleExistsError:
            there = await schedules.find(tx, now_us, name)
            if not request.ClientToken or there.config.body != config.body:
                raise

    await scheduler.store.run(create, scheduler.ids.sequence(), scheduler.ids.sequence())
    return {"ScheduleArn": schedule_arn(call.scope, group, request.Name)}


@operation(UpdateSchedule)
async def update_schedule(scheduler: Scheduler, call: Call, request: UpdateSchedule) -> Reply:
    """Replace all of a schedule: what isn't said anew is as if never said."""
    group = request.GroupName or DEFAULT
    name = (call.scope, schedule_key(group, request.Name))
    _configure(request, 0)

    async def update(tx: Tx, now_us: int, other: int) -> None:
        await find_group(tx, now_us, call.scope, group)
        before = await schedules.find(tx, now_us, name)
        await _open_bus(tx, now_us, request.Target, other)
        config = _configure(request, before.created_us)
        if before.config.when.start_us != config.when.start_us:
            check_start(request.StartDate, now_us)
        if before.config.when != config.when:
            check_moment(config.when, request.ScheduleExpression, now_us)
        await schedules.update(tx, now_us, name, lambda _: config)

    await scheduler.store.run(update, scheduler.ids.sequence())
    return {"ScheduleArn": schedule_arn(call.scope, group, request.Name)}


async def _open_bus(tx: Tx, now_us: int, target: Target, number: int) -> None:
    """See to it that a target's default bus is there, and raise the error for another that isn't."""
    place = find_place(target)
    if place.bus:
        await find_bus(tx, now_us, split_endpoint(place.endpoint), number)


def _configure(request: _Settings, created_us: int) -> ScheduleConfig:
    """Return the configuration that a request asks for, or raise the error for one that can't be."""
    window = request.FlexibleTimeWindow
    if (window.Mode == "FLEXIBLE") != (window.MaximumWindowInMinutes is not None):
        raise invalid("MaximumWindowInMinutes must be specified with the mode FLEXIBLE, and with no other.")
    find_place(request.Target)
    when = read_when(
        request.ScheduleExpression, request.ScheduleExpressionTimezone, request.StartDate, request.EndDate, created_us
    )
    return ScheduleConfig(
        when,
        DIALECT,
        msgspec.json.encode(request),
        (window.MaximumWindowInMinutes or 0) * 60,
        request.State == "ENABLED",
        request.ActionAfterCompletion == "DELETE",
    )


class GetSchedule(Input):
    """Input of GetSchedule."""

    Name: str
    GroupName: str | None = None


@operation(GetSchedule)
async def get_schedule(scheduler: Scheduler, call: Call, request: GetSchedule) -> Reply:
    """Return all of a schedule."""
    key = schedule_key(request.GroupName or DEFAULT, request.Name)
    schedule = await scheduler.store.read(schedules.find, (call.scope, key))
    group, name = read_key(schedule)
    kept: dict[str, Any] = msgspec.json.decode(schedule.config.body)
    kept.pop("ClientToken", None)
    kept.setdefault("ScheduleExpressionTimezone", "UTC")
    if kept["ScheduleExpressionTimezone"] is None:
        kept["ScheduleExpressionTimezone"] = "UTC"
    policy = kept["Target"].get("RetryPolicy") or {}
    kept["Target"]["RetryPolicy"] = {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185, **policy}
    return {
        **_without_nothing(kept),
        "Arn": schedule_arn(call.scope, group, name),
        "GroupName": group,
        "CreationDate": epoch_seconds(schedule.created_us),
        "LastModificationDate": epoch_seconds(schedule.modified_us),
    }


class ListSchedules(Input):
    """Input of ListSchedules."""

    GroupName: str | None = None
    NamePrefix: str | None = None
    State: str | None = None
    NextToken: str | None = None
    MaxResults: int = PAGE_MAX


@operation(ListSchedules)
async def list_schedules(scheduler: Scheduler, call: Call, request: ListSchedules) -> Reply:
    """List schedules by group and name."""
    after = read_next(request.NextToken)

    async def find(tx: Tx, now_us: int) -> list[Schedule]:
        prefix = f"{FOLDER}/"
        if request.GroupName is not None:
            await find_group(tx, now_us, call.scope, request.GroupName)
            prefix = schedule_key(request.GroupName, "")
        return await schedules.list_schedules(tx, now_us, call.scope, prefix, after)

    found = [
        each
        for each in await scheduler.store.read(find)
        if read_key(each)[1].startswith(request.NamePrefix or "") and request.State in (None, _state(each))
    ]
    return page("Schedules", found, request.MaxResults, lambda each: each.name, _summary)


class DeleteSchedule(Input):
    """Input of DeleteSchedule."""

    Name: str
    GroupName: str | None = None
    ClientToken: str | None = None


@operation(DeleteSchedule)
async def delete_schedule(scheduler: Scheduler, call: Call, request: DeleteSchedule) -> Reply:
    """Delete a schedule."""
    key = schedule_key(request.GroupName or DEFAULT, request.Name)
    await scheduler.store.run(schedules.delete, (call.scope, key))
    return {}


def _state(schedule: Schedule) -> str:
    return "ENABLED" if schedule.config.enabled else "DISABLED"


def _summary(schedule: Schedule) -> dict[str, Any]:
    group, name = read_key(schedule)
    kept = msgspec.json.decode(schedule.config.body)
    return {
        "Arn": schedule_arn(schedule.scope, group, name),
        "Name": name,
        "GroupName": group,
        "State": _state(schedule),
        "CreationDate": epoch_seconds(schedule.created_us),
        "LastModificationDate": epoch_seconds(schedule.modified_us),
        "Target": {"Arn": kept["Target"]["Arn"]},
    }


def _without_nothing(shown: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _without_nothing(value) if isinstance(value, dict) else value
        for name, value in shown.items()
        if value is not None
    }


OPERATIONS: Final = (create_schedule, delete_schedule, get_schedule, list_schedules, update_schedule)
