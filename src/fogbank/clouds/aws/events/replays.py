"""Replays: an archive's events go to its bus once more, one after another, by a durable timer.

Amazon EventBridge User Guide, "Replaying archived events": replayed events have `replay-name`; they are ordered by
the time at which they came, and aren't archived again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import Call, Input, Reply, epoch_seconds, operation
from fogbank.clouds.aws.arns import Arn, parse_arn
from fogbank.clouds.aws.events.archives import KIND as ARCHIVE_KIND
from fogbank.clouds.aws.events.archives import archive_arn, queue_of, read_archive
from fogbank.clouds.aws.events.couriers import REPLAY
from fogbank.clouds.aws.events.errors import invalid
from fogbank.clouds.aws.events.putting import TIME_SECONDS_MAX
from fogbank.clouds.aws.events.service import PAGE_MAX, Events, bus_arn, bus_name, read_next, rule_arn
from fogbank.clouds.aws.paging import page
from fogbank.engines.messaging import records
from fogbank.engines.messaging.archiving import archives
from fogbank.engines.messaging.delivery_model import DELIVERIES, TOPIC, Delivery, endpoint_of
from fogbank.engines.messaging.errors import QueueNotFoundError, RecordNotFoundError
from fogbank.kernel.clock import SECOND_US
from fogbank.storage import timers
from fogbank.storage.timers import Timer
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from fogbank.engines.messaging.model import Name
    from fogbank.engines.messaging.records import Record
    from fogbank.storage import Tx

KIND: Final = "events/replay"
TIMER: Final = "aws.events.replay"
STARTING: Final = "STARTING"
RUNNING: Final = "RUNNING"
COMPLETED: Final = "COMPLETED"
CANCELLED: Final = "CANCELLED"
FAILED: Final = "FAILED"


class Replay(msgspec.Struct, frozen=True, omit_defaults=True):
    """A replay, as its record has it; `after` is the last message that was replayed. Times in microseconds."""

    archive: str
    bus: tuple[str, str]
    start_us: int
    end_us: int
    description: str = ""
    rules: list[str] = []
    state: str = STARTING
    reason: str = ""
    after: int = 0
    last_us: int = 0
    ended_us: int = 0


_REPLAY: Final = msgspec.json.Decoder(Replay)


class ReplayDestination(Input):
    """The bus, and which of its rules get the events."""

    Arn: str
    FilterArns: list[str] = msgspec.field(default_factory=list)


class StartReplay(Input):
    """Input of StartReplay."""

    ReplayName: str
    EventSourceArn: str
    EventStartTime: float
    EventEndTime: float
    Destination: ReplayDestination
    Description: str | None = None


@operation(StartReplay)
async def start_replay(events: Events, call: Call, request: StartReplay) -> Reply:
    """Start a replay."""
    if not 0 <= request.EventStartTime < TIME_SECONDS_MAX or not 0 <= request.EventEndTime < TIME_SECONDS_MAX:
        raise invalid("Parameter EventStartTime or EventEndTime is not valid.")
    if request.EventStartTime >= request.EventEndTime:
        raise invalid("Parameter EventEndTime is not valid. Reason: EventStartTime must be before EventEndTime.")
    arn = parse_arn(request.EventSourceArn)
    if arn is None or arn.service != "events" or not arn.resource.startswith("archive/"):
        raise invalid("Parameter EventSourceArn is not valid. Reason: EventSourceArn must contain an archive ARN.")
    archive_name = arn.resource.removeprefix("archive/")

    async def start(tx: Tx, now_us: int, number: int) -> Record:
        try:
            archive = read_archive(await records.find(tx, now_us, arn.scope, ARCHIVE_KIND, archive_name))
        except RecordNotFoundError:
            raise invalid(
                f"Parameter EventSourceArn is not valid. Reason: Archive {archive_name} does not exist."
            ) from None
        if request.Destination.Arn != bus_arn(archive.bus):
            raise invalid("Parameter Destination.Arn is not valid. Reason: Cross event bus replay is not permitted.")
        replay = Replay(
            archive_name,
            archive.bus,
            int(request.EventStartTime * SECOND_US),
            int(request.EventEndTime * SECOND_US),
            request.Description or "",
            [_rule_of(archive.bus, each) for each in request.Destination.FilterArns],
        )
        name = request.ReplayName
        record = await records.add(tx, now_us, call.scope, KIND, name, number, msgspec.json.encode(replay))
        payload = msgspec.msgpack.encode((call.scope, name))
        await timers.arm(tx, now_us, Timer(f"{TIMER}/{number}", now_us, TIMER, payload))
        return record

    record = await events.store.run(start, events.ids.sequence())
    return {
        "ReplayArn": _arn(call.scope, record.name),
        "State": STARTING,
        "ReplayStartTime": epoch_seconds(record.created_us),
    }


def _rule_of(bus: Name, arn: str) -> str:
    name = arn.rpartition("/")[2]
    if arn != rule_arn(bus[0], bus_name(bus), name):
        raise invalid(f"Parameter Destination.FilterArns is not valid. Reason: {arn} is no rule of the event bus.")
    return name


async def fire(tx: Tx, now_us: int, timer: Timer, sequence: int) -> int | None:
    """Replay the next event: what the timer of a replay does; returns when it is due again."""
    scope, name = msgspec.msgpack.decode(timer.payload, type=tuple[str, str])
    try:
        replay = _REPLAY.decode((await records.find(tx, now_us, scope, KIND, name)).body)
    except RecordNotFoundError:
        return None
    if replay.state not in (STARTING, RUNNING):
        return None
    after = max(replay.after, archives.before(replay.start_us))
    try:
        kept = await archives.following(tx, now_us, queue_of(scope, replay.archive), after)
    except QueueNotFoundError:
        await _change(tx, now_us, scope, name, state=FAILED, reason="The archive was deleted.", ended_us=now_us)
        return None
    if kept is None or kept.sent_us >= replay.end_us:
        await _change(tx, now_us, scope, name, state=COMPLETED, ended_us=now_us)
        return None
    facts = {"replay": name, "rules": msgspec.json.encode(replay.rules).decode()}
    delivery = Delivery(
        TOPIC,
        endpoint_of(*replay.bus),
        kept.message.body,
        courier=REPLAY,
        first_us=now_us,
        facts=facts,
    )
    await DELIVERIES.put(tx, now_us, [(sequence, delivery)])
    await _change(tx, now_us, scope, name, state=RUNNING, after=kept.number, last_us=kept.sent_us)
    return now_us


async def _change(tx: Tx, now_us: int, scope: str, name: str, **changes: Any) -> Record:
    def rewritten(record: Record) -> bytes:
        return msgspec.json.encode(msgspec.structs.replace(_REPLAY.decode(record.body), **changes))

    return await records.update(tx, now_us, scope, KIND, name, rewritten)


class CancelReplay(Input):
    """Input of CancelReplay."""

    ReplayName: str


@operation(CancelReplay)
async def cancel_replay(events: Events, call: Call, request: CancelReplay) -> Reply:
    """End a replay that hasn't ended."""

    async def cancel(tx: Tx, now_us: int) -> None:
        record = await records.find(tx, now_us, call.scope, KIND, request.ReplayName)
        if _REPLAY.decode(record.body).state not in (STARTING, RUNNING):
            raise AwsError(
                "IllegalStatusException",
                f"Replay {request.ReplayName} is not in a valid state for this operation.",
            )
        await _change(tx, now_us, call.scope, request.ReplayName, state=CANCELLED, ended_us=now_us)

    await events.store.run(cancel)
    return {"ReplayArn": _arn(call.scope, request.ReplayName), "State": "CANCELLING"}


class DescribeReplay(Input):
    """Input of DescribeReplay."""

    ReplayName: str


@operation(DescribeReplay)
async def describe_replay(events: Events, call: Call, request: DescribeReplay) -> Reply:
    """Return all of a replay."""
    record = await events.store.read(records.find, call.scope, KIND, request.ReplayName)
    replay = _REPLAY.decode(record.body)
    destination: dict[str, Any] = {"Arn": bus_arn(replay.bus)}
    if replay.rules:
        destination["FilterArns"] = [rule_arn(replay.bus[0], bus_name(replay.bus), each) for each in replay.rules]
    shown = {**_show(record), "ReplayArn": _arn(call.scope, record.name), "Destination": destination}
    if replay.description:
        shown["Description"] = replay.description
    return shown


class ListReplays(Input):
    """Input of ListReplays."""

    NamePrefix: str | None = None
    State: str | None = None
    EventSourceArn: str | None = None
    NextToken: str | None = None
    Limit: int = PAGE_MAX


@operation(ListReplays)
async def list_replays(events: Events, call: Call, request: ListReplays) -> Reply:
    """List replays in the order of their names, by one of prefix, archive and state."""
    if sum(bool(each) for each in (request.NamePrefix, request.EventSourceArn, request.State)) > 1:
        raise invalid(
            "At most one filter is allowed for ListReplays. Use either : State, EventSourceArn, or NamePrefix."
        )
    after = read_next(request.NextToken)
    every = await events.store.read(records.list_records, call.scope, KIND, request.NamePrefix or "", after)
    found = []
    for record in every:
        shown = _show(record)
        if request.State in (None, shown["State"]) and request.EventSourceArn in (None, shown["EventSourceArn"]):
            found.append(record)
    return page("Replays", found[: request.Limit + 1], request.Limit, lambda record: record.name, _show)


def _arn(scope: str, name: str) -> str:
    _realm, account, region = scope.split("/")
    return str(Arn("aws", "events", region, account, f"replay/{name}"))


def _show(record: Record) -> dict[str, Any]:
    replay = _REPLAY.decode(record.body)
    shown: dict[str, Any] = {
        "ReplayName": record.name,
        "EventSourceArn": archive_arn(record.scope, replay.archive),
        "State": replay.state,
        "EventStartTime": epoch_seconds(replay.start_us),
        "EventEndTime": epoch_seconds(replay.end_us),
        "ReplayStartTime": epoch_seconds(record.created_us),
    }
    if replay.reason:
        shown["StateReason"] = replay.reason
    if replay.last_us:
        shown["EventLastReplayedTime"] = epoch_seconds(replay.last_us)
    if replay.ended_us:
        shown["ReplayEndTime"] = epoch_seconds(replay.ended_us)
    return shown


OPERATIONS: Final = (cancel_replay, describe_replay, list_replays, start_replay)
