"""The leased queue, on every store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fogbank.kernel.clock import SECOND_US
from fogbank.storage.leasing import counting, duplicates
from fogbank.storage.leasing import leased_queue as lq
from fogbank.storage.leasing.leased_queue import Outgoing, Policy, Rules

if TYPE_CHECKING:
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store, Tx

Q = 7
DEAD = 8
LEASE = 30 * SECOND_US
PLAIN = Policy()
ORDER = Rules(ordered=True)
ORDERED = Policy(ORDER)


class Bench:
    """The queue's operations with the boring arguments filled in."""

    def __init__(self, store: Store, clock: Clock, ids: Ids, policy: Policy = PLAIN) -> None:
        self.store, self.clock, self.ids, self.policy = store, clock, ids, policy

    async def put(self, *bodies: str, lane: str = "", delay: float = 0) -> list[int]:
        items = [Outgoing(self.ids.sequence(), body.encode(), int(delay * SECOND_US), lane.encode()) for body in bodies]
        await self.store.run(lq.put, Q, items, self.policy.rules)
        return [item.id for item in items]

    async def take(self, count: int = 10, queue: int = Q, lease: int = LEASE) -> list[lq.Leased]:
        policy = self.policy if queue == Q else PLAIN
        taken = await self.store.run(lq.take, queue, policy, count, lease, self.ids.sequence())
        return taken.messages

    async def bodies(self, count: int = 10, queue: int = Q) -> list[str]:
        return [message.body.decode() for message in await self.take(count, queue)]

    async def ack(self, message: lq.Leased) -> bool:
        return await self.store.run(lq.ack, Q, message.id, message.token, self.policy.rules)

    async def extend(self, message: lq.Leased, seconds: float) -> bool:
        return await self.store.run(
            lq.extend, Q, message.id, message.token, int(seconds * SECOND_US), self.policy.rules
        )

    async def release(self, message: lq.Leased, seconds: float = 0) -> bool:
        return await self.store.run(
            lq.release, Q, message.id, message.token, int(seconds * SECOND_US), self.policy.rules
        )

    def wait(self, seconds: float) -> None:
        self.clock._frozen_us += int(seconds * SECOND_US)  # type: ignore[operator]


@pytest.fixture
def plain(store: Store, clock: Clock, ids: Ids) -> Bench:
    return Bench(store, clock, ids)


@pytest.fixture
def ordered(store: Store, clock: Clock, ids: Ids) -> Bench:
    return Bench(store, clock, ids, ORDERED)


async def test_messages_come_in_turn_and_only_once_while_leased(plain: Bench) -> None:
    await plain.put("a", "b", "c")
    assert await plain.bodies(2) == ["a", "b"]
    assert await plain.bodies() == ["c"]
    assert await plain.bodies() == []


async def test_an_acknowledged_message_is_gone(plain: Bench) -> None:
    await plain.put("a")
    (message,) = await plain.take()
    assert await plain.ack(message)
    assert not await plain.ack(message)
    plain.wait(60)
    assert await plain.bodies() == []


async def test_all_leases_can_be_given_back_at_once(plain: Bench) -> None:
    await plain.put("a", "b")
    await plain.put("later", delay=60)
    held = await plain.take(1)
    await plain.store.run(lq.release_all, Q)
    assert not await plain.ack(held[0]), "its lease is over"
    assert sorted(await plain.bodies()) == ["a", "b"], "what is delayed stays so"


async def test_a_lease_that_runs_out_brings_the_message_back_and_counts(plain: Bench) -> None:
    await plain.put("a")
    (first,) = await plain.take()
    plain.wait(29)
    assert await plain.bodies() == []
    plain.wait(1)
    (second,) = await plain.take()
    assert (first.receives, second.receives) == (1, 2)
    assert second.first_us == first.first_us
    assert not await plain.ack(first), "somebody else holds it now"
    assert await plain.ack(second)


async def test_a_late_acknowledgement_counts_while_nobody_else_took_the_message(plain: Bench) -> None:
    await plain.put("a")
    (message,) = await plain.take()
    plain.wait(31)
    assert await plain.ack(message)


async def test_many_are_acknowledged_at_once(plain: Bench) -> None:
    large = "x" * 100_000
    await plain.put(*(f"{number}" for number in range(149)), large)
    first, second = await plain.take(120), await plain.take(120)
    assert len(first) + len(second) == 150
    plain.wait(31)
    again = await plain.take(1)
    leases = [(each.id, each.token) for each in [*first, *second]]
    # What somebody else has now isn't held, nor is what never was, nor what is named a second time.
    asked = [*leases, (1, first[0].token), leases[-1], (leases[5][0], leases[-1][1])]
    held = await plain.store.run(lq.ack_each, Q, asked, plain.policy.rules)
    taken_over = again[0].id
    assert held == [message != taken_over for message, _ in leases] + [False, False, False]
    assert await plain.ack(again[0])
    assert (await plain.store.run(counting.counts, Q)) == (0, 0, 0)
    assert await plain.store.run(_bodies_apart) == 0
    assert await plain.store.run(lq.ack_each, Q, [], plain.policy.rules) == []


async def _bodies_apart(tx: Tx, _now_us: int) -> int:
    row = await tx.one("SELECT COUNT(*) FROM message_body")
    assert row is not None
    return int(row[0])


async def test_delayed_messages_wait(plain: Bench) -> None:
    await plain.put("late", delay=5)
    await plain.put("now")
    assert await plain.bodies() == ["now"]
    taken = await plain.store.run(lq.take, Q, PLAIN, 1, LEASE, plain.ids.sequence())
    assert taken.next_us == plain.clock.now() + 5 * SECOND_US
    plain.wait(5)
    assert await plain.bodies() == ["late"]


async def test_extending_and_releasing(plain: Bench) -> None:
    await plain.put("a")
    (message,) = await plain.take()
    assert await plain.extend(message, 100)
    plain.wait(99)
    assert await plain.bodies() == []
    assert await plain.release(message, 5)
    plain.wait(4)
    assert await plain.bodies() == []
    plain.wait(1)
    (again,) = await plain.take()
    assert not await plain.extend(message, 10), "the old lease isn't held any more"
    assert await plain.extend(again, 0)
    assert await plain.bodies() == ["a"]


async def test_large_bodies_come_back_whole_and_leave_nothing(plain: Bench) -> None:
    body = "x" * (lq.BODY_INLINE_BYTES_MAX + 1)
    await plain.put(body, "small")
    first, second = await plain.take()
    assert (first.body.decode(), second.body.decode()) == (body, "small")
    assert await plain.ack(first)

    async def count(tx: object, _now: int) -> int:
        return (await tx.one("SELECT COUNT(*) FROM message_body"))[0]  # type: ignore[attr-defined]

    assert await plain.store.read(count) == 0  # type: ignore[arg-type]


async def test_a_message_received_too_often_goes_to_the_dead_letters(store: Store, clock: Clock, ids: Ids) -> None:
    bench = Bench(store, clock, ids, Policy(receives_max=2, dead_letters=DEAD, origin=99))
    await bench.put("bad")
    sent_us = clock.now()
    for _ in range(2):
        assert await bench.bodies() == ["bad"]
        bench.wait(30)
    await bench.put("good")
    assert await bench.bodies() == ["good"]
    dead = await bench.take(queue=DEAD)
    assert [(each.body, each.receives, each.origin, each.sent_us) for each in dead] == [(b"bad", 1, 99, sent_us)]


async def test_without_dead_letters_a_message_received_too_often_is_dropped(
    store: Store, clock: Clock, ids: Ids
) -> None:
    bench = Bench(store, clock, ids, Policy(receives_max=1))
    await bench.put("a")
    assert await bench.bodies() == ["a"]
    bench.wait(30)
    assert await bench.bodies() == []
    assert await store.scan(counting.counts, Q) == (0, 0, 0)


async def test_messages_past_their_retention_are_never_received(store: Store, clock: Clock, ids: Ids) -> None:
    bench = Bench(store, clock, ids, Policy(retention_us=60 * SECOND_US))
    await bench.put("old")
    bench.wait(30)
    await bench.put("young")
    bench.wait(30)
    assert await bench.bodies() == ["young"]


async def test_expired_messages_are_found_and_removed_by_a_sweep(plain: Bench) -> None:
    await plain.put("old")
    plain.wait(61)
    await plain.put("young")
    found = await plain.store.scan(lq.expired, Q, 60 * SECOND_US)
    await plain.store.run(lq.remove, Q, found)
    assert await plain.bodies() == ["young"]


async def test_counts(plain: Bench) -> None:
    await plain.put("a", "b", "c")
    await plain.put("late", delay=60)
    await plain.take(1)
    assert await plain.store.scan(counting.counts, Q) == counting.Counts(visible=2, leased=1, delayed=1)
    plain.wait(30)
    assert await plain.store.scan(counting.counts, Q) == counting.Counts(visible=3, leased=0, delayed=1)


async def test_dropping_a_queue_removes_everything_in_steps(ordered: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lq, "DROPPED_PER_OPERATION_MAX", 2)
    await ordered.put("a", "b", "x" * 20_000, lane="k")
    assert not await ordered.store.run(lq.drop, Q)
    assert await ordered.store.run(lq.drop, Q)
    assert await ordered.bodies() == []


async def test_duplicates_are_remembered_for_a_window(plain: Bench) -> None:
    remember = duplicates.remember
    assert await plain.store.run(remember, Q, b"k", 300 * SECOND_US, b"first") is None
    plain.wait(299)
    assert await plain.store.run(remember, Q, b"k", 300 * SECOND_US, b"second") == b"first"
    assert await plain.store.run(remember, Q + 1, b"k", 300 * SECOND_US, b"other") is None
    plain.wait(1)
    assert await plain.store.run(remember, Q, b"k", 300 * SECOND_US, b"third") is None
    await plain.store.run(duplicates.forget_duplicates)
    assert await plain.store.run(remember, Q, b"k", 300 * SECOND_US, b"fourth") == b"third"


# Ordered queues.


async def test_a_lane_is_served_in_order_by_one_holder_at_a_time(ordered: Bench) -> None:
    await ordered.put("a1", "a2", "a3", lane="a")
    await ordered.put("b1", lane="b")
    first = await ordered.take(2)
    assert [message.body for message in first] == [b"a1", b"a2"]
    assert await ordered.bodies() == ["b1"], "lane a is held"
    assert await ordered.ack(first[0])
    assert await ordered.bodies() == [], "a2 is still held"
    assert await ordered.ack(first[1])
    assert await ordered.bodies() == ["a3"]


async def test_a_lane_whose_lease_ran_out_starts_again_from_its_first(ordered: Bench) -> None:
    await ordered.put("a1", "a2", "a3", lane="a")
    first = await ordered.take(2)
    assert await ordered.ack(first[0])
    ordered.wait(30)
    assert await ordered.bodies() == ["a2", "a3"]
    assert not await ordered.ack(first[1]), "in an ordered queue a lease that ran out is lost"


async def test_extending_one_message_keeps_its_lane_held(ordered: Bench) -> None:
    await ordered.put("a1", "a2", lane="a")
    _first, second = await ordered.take(2)
    assert await ordered.extend(second, 100)
    ordered.wait(30)
    assert await ordered.bodies() == [], "a1 has come back but a2 is still being worked on"
    ordered.wait(70)
    assert await ordered.bodies() == ["a1", "a2"]


async def test_releasing_gives_the_lane_to_the_next(ordered: Bench) -> None:
    await ordered.put("a1", "a2", lane="a")
    (message,) = await ordered.take(1)
    assert await ordered.release(message)
    assert await ordered.bodies() == ["a1", "a2"]


async def test_many_lanes_are_taken_together(ordered: Bench) -> None:
    for lane in "abc":
        await ordered.put(f"{lane}1", lane=lane)
    assert sorted(await ordered.bodies()) == ["a1", "b1", "c1"]


async def test_delay_holds_a_lane(ordered: Bench) -> None:
    await ordered.put("a1", lane="a", delay=5)
    await ordered.put("a2", lane="a")
    assert await ordered.bodies() == [], "a2 comes after a1"
    ordered.wait(5)
    assert await ordered.bodies() == ["a1", "a2"]


async def test_an_ordered_message_received_too_often_makes_room_for_the_next(
    store: Store, clock: Clock, ids: Ids
) -> None:
    policy = Policy(ORDER, receives_max=1, dead_letters=DEAD, dead_letters_rules=ORDER)
    bench = Bench(store, clock, ids, policy)
    await bench.put("a1", "a2", lane="a")
    assert await bench.bodies(1) == ["a1"]
    bench.wait(30)
    assert await bench.bodies(1) == ["a2"]
    taken = await store.run(lq.take, DEAD, ORDERED, 10, LEASE, ids.sequence())
    assert [(message.body, message.sent_us) for message in taken.messages] == [(b"a1", clock.now())]


async def test_a_listener_is_woken_by_a_put(plain: Bench) -> None:
    with plain.store.signals.listen(lq.topic(Q)) as listener:
        await plain.put("a")
        assert listener.told
