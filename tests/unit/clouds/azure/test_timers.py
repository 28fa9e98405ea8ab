"""Timer triggers as store operations, on every store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from fogbank.clouds.azure.functions import apps, timers
from fogbank.clouds.azure.functions.apps import App, HostConfig, Keys, encode_label, read_app, with_labels
from fogbank.clouds.azure.functions.timers import KIND, Plan, ScheduleError, make_plan
from fogbank.engines.functions import functions, scheduled
from fogbank.engines.functions.model import Function
from fogbank.kernel.clock import SECOND_US, Clock
from fogbank.storage.timers import fire_one, next_due

if TYPE_CHECKING:
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store, Tx

NAME = ("azure/s/g", "app")
MINUTE_US = 60 * SECOND_US


@pytest.fixture
async def app(store: Store, ids: Ids) -> App:
    labels = {"name": "app", "state": "Running", "keys": encode_label(Keys("m")), "host": encode_label(HostConfig())}
    return read_app(await store.run(apps.create, NAME, ids.sequence(), apps.new_config(labels, {}, {})))


def plan(app: App, clock: Clock, schedule: str, name: str = "tick", **binding: object) -> Plan:
    return make_plan(app, name, {"schedule": schedule, **binding}, {}, clock.now())


async def follow(store: Store, *plans: Plan) -> None:
    async def operation(tx: Tx, now_us: int) -> None:
        label = await timers.follow(tx, now_us, await functions.find(tx, now_us, NAME), plans)
        await functions.set_facts(tx, now_us, NAME, lambda config: with_labels(config, timers=label))

    await store.run(operation)


async def fire_all(store: Store, ids: Ids) -> int:
    count = 0
    while await store.run(fire_one, {KIND: timers.fire}, ids.sequence()):
        count += 1
    return count


async def queued(store: Store, ids: Ids) -> list[dict[str, object]]:
    due, _ = await store.run(scheduled.QUEUE.take, 50, MINUTE_US, ids.sequence())
    for each in due:
        await store.run(scheduled.QUEUE.finish, each)
    return [{**msgspec.json.decode(each.item.event), "due": each.item.due_us} for each in due]


async def settle() -> None:
    return


async def test_each_due_time_is_queued_once(store: Store, clock: Clock, ids: Ids, app: App) -> None:
    await follow(store, plan(app, clock, "0 * * * * *"))
    start = clock.now()
    assert await store.read(next_due) == start + MINUTE_US
    for minute in (1, 2):
        await clock.advance(MINUTE_US, settle)
        assert await fire_all(store, ids) == 1
        (event,) = await queued(store, ids)
        assert (event["due"], event["IsPastDue"]) == (start + minute * MINUTE_US, False)
    status = event["ScheduleStatus"]
    assert isinstance(status, dict)
    assert [str(status[name])[14:19] for name in ("Last", "Next")] == ["01:00", "03:00"]


@pytest.mark.parametrize(("monitored", "expected"), [(True, [True]), (False, [])])
async def test_what_was_missed(
    store: Store, clock: Clock, ids: Ids, app: App, monitored: bool, expected: list[bool]
) -> None:
    await follow(store, plan(app, clock, "0 * * * * *", useMonitor=monitored))
    await clock.advance(10 * MINUTE_US + 30 * SECOND_US, settle)
    assert await fire_all(store, ids) == 1
    assert [event["IsPastDue"] for event in await queued(store, ids)] == expected
    assert await store.read(next_due) == clock.now() + 30 * SECOND_US


async def test_an_interval_keeps_its_step(store: Store, clock: Clock, ids: Ids, app: App) -> None:
    await follow(store, plan(app, clock, "00:00:07"))
    start = clock.now()
    await clock.advance(8 * SECOND_US, settle)
    await fire_all(store, ids)
    assert await store.read(next_due) == start + 14 * SECOND_US


async def test_timers_follow_the_plans(store: Store, clock: Clock, ids: Ids, app: App) -> None:
    hourly, minutely = plan(app, clock, "0 0 * * * *", "a"), plan(app, clock, "0 * * * * *", "b")
    await follow(store, hourly, minutely)
    await clock.advance(30 * SECOND_US, settle)
    assert await store.read(next_due) == clock.now() + 30 * SECOND_US
    # What stays as it was keeps its time; what is gone or changed doesn't.
    await follow(store, hourly)
    await clock.advance(5 * MINUTE_US, settle)
    assert await fire_all(store, ids) == 0
    await follow(store, plan(app, clock, "00:00:10", "a"))
    assert await store.read(next_due) == clock.now() + 10 * SECOND_US
    await follow(store)
    assert await store.read(next_due) is None


async def test_a_timer_of_an_app_that_is_gone(store: Store, clock: Clock, ids: Ids, app: App) -> None:
    await follow(store, plan(app, clock, "0 * * * * *"))
    await store.run(apps.delete, NAME)
    await clock.advance(MINUTE_US, settle)
    assert await fire_all(store, ids) == 1
    assert await queued(store, ids) == []
    assert await store.read(next_due) is None


def test_what_is_monitored() -> None:
    clock = Clock(frozen_at_us=1_795_348_800_000_000)
    config = apps.new_config({"name": "app", "keys": encode_label(Keys("m")), "host": "{}", "state": "Running"}, {}, {})
    app = read_app(Function(*NAME, 1, 1, config, 0, 0))
    assert plan(app, clock, "0 * * * * *").monitored
    assert plan(app, clock, "00:01:00").monitored
    assert not plan(app, clock, "*/30 * * * * *").monitored
    assert not plan(app, clock, "00:00:59").monitored
    assert plan(app, clock, "00:00:59", useMonitor=True).monitored


@pytest.mark.parametrize("text", ["", "soon", "0 0 0 30 2 *", "00:00:00", "0.5", "* * * *", None])
def test_schedules_that_are_none(text: str | None) -> None:
    clock = Clock(frozen_at_us=1_795_348_800_000_000)
    config = apps.new_config({"name": "app", "keys": encode_label(Keys("m")), "host": "{}", "state": "Running"}, {}, {})
    with pytest.raises(ScheduleError):
        make_plan(read_app(Function(*NAME, 1, 1, config, 0, 0)), "f", {"schedule": text}, {}, clock.now())
