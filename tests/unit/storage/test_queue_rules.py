"""The rules of leased queues that only some clouds have, on every store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fogbank.kernel.clock import SECOND_US
from fogbank.storage.leasing import counting, retained
from fogbank.storage.leasing import leased_queue as lq
from fogbank.storage.leasing.leased_queue import Outgoing, Policy, Rules

if TYPE_CHECKING:
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store

Q = 7


class Bench:
    """A queue of some rules; times are in seconds."""

    def __init__(self, store: Store, clock: Clock, ids: Ids, policy: Policy) -> None:
        self.store, self.clock, self.ids, self.policy = store, clock, ids, policy

    async def put(self, *bodies: str, lane: str = "", expires: float = 0) -> None:
        expires_us = self.clock.now() + int(expires * SECOND_US) if expires else 0
        items = [Outgoing(self.ids.sequence(), each.encode(), 0, lane.encode(), expires_us) for each in bodies]
        await self.store.run(lq.put, Q, items, self.policy.rules)

    async def taken(self, count: int = 10, lease: float = 30) -> lq.Taken:
        return await self.store.run(lq.take, Q, self.policy, count, int(lease * SECOND_US), self.ids.sequence())

    async def take(self, count: int = 10, lease: float = 30) -> list[lq.Leased]:
        return (await self.taken(count, lease)).messages

    async def bodies(self, count: int = 10) -> list[str]:
        return [message.body.decode() for message in await self.take(count)]

    async def ack(self, message: lq.Leased) -> bool:
        return await self.store.run(lq.ack, Q, message.id, message.token, self.policy.rules)

    async def nack(self, message: lq.Leased) -> bool:
        return await self.store.run(lq.release, Q, message.id, message.token, 0, self.policy.rules)

    def wait(self, seconds: float) -> None:
        self.clock._frozen_us += int(seconds * SECOND_US)  # type: ignore[operator]


@pytest.fixture
def make(store: Store, clock: Clock, ids: Ids):  # type: ignore[no-untyped-def]
    def bench(rules: Rules = lq.PLAIN, **policy: object) -> Bench:
        return Bench(store, clock, ids, Policy(rules, **policy))  # type: ignore[arg-type]

    return bench


SUFFIX = Rules(ordered=True, keyless=True, suffix=True)


async def test_messages_without_a_key_have_no_order_beside_those_that_have_one(make) -> None:  # type: ignore[no-untyped-def]
    bench = make(Rules(ordered=True, keyless=True))
    await bench.put("a", "b")
    await bench.put("k1", "k2", lane="k")
    (first,) = await bench.take(1)
    assert first.body == b"k1"
    assert await bench.bodies() == ["a", "b"]
    assert await bench.bodies() == []
    assert await bench.ack(first)
    assert await bench.bodies() == ["k2"]


async def test_an_empty_handed_look_says_when_the_next_of_either_kind_comes(make) -> None:  # type: ignore[no-untyped-def]
    bench = make(Rules(ordered=True, keyless=True))
    await bench.put("k", lane="k")
    await bench.take(lease=20)
    await bench.put("a")
    await bench.take(lease=10)
    taken = await bench.taken()
    assert taken.next_us == bench.clock.now() + 10 * SECOND_US


async def test_what_follows_a_message_that_comes_back_does_too(make) -> None:  # type: ignore[no-untyped-def]
    bench = make(SUFFIX)
    await bench.put("1", "2", "3", lane="k")
    first, second, third = await bench.take()
    assert await bench.ack(second)
    assert await bench.nack(first)
    assert not await bench.ack(third)
    assert await bench.bodies() == ["1", "2", "3"]


async def test_what_was_acknowledged_before_its_turn_comes_back_when_the_first_lease_ends(make) -> None:  # type: ignore[no-untyped-def]
    bench = make(SUFFIX)
    await bench.put("1", "2", lane="k")
    _first, second = await bench.take()
    assert await bench.ack(second)
    bench.wait(31)
    assert await bench.bodies() == ["1", "2"]


async def test_a_lane_is_done_with_once_all_is_acknowledged_in_whatever_order(make) -> None:  # type: ignore[no-untyped-def]
    bench = make(SUFFIX)
    await bench.put("1", "2", "3", lane="k")
    first, second, third = await bench.take()
    assert await bench.ack(third)
    assert await bench.ack(second)
    assert await bench.ack(first)
    bench.wait(60)
    assert await bench.bodies() == []
    await bench.put("4", lane="k")
    assert await bench.bodies() == ["4"]


async def test_an_exact_queue_takes_no_acknowledgement_after_the_lease(make) -> None:  # type: ignore[no-untyped-def]
    bench = make(Rules(exact=True))
    await bench.put("a")
    (message,) = await bench.take()
    bench.wait(31)
    assert not await bench.ack(message)
    assert await bench.bodies() == ["a"]


async def test_backoff_after_giving_up_and_after_a_lease(make) -> None:  # type: ignore[no-untyped-def]
    bench = make(Rules(backoff_min_us=10 * SECOND_US, backoff_max_us=15 * SECOND_US))
    await bench.put("a")
    (message,) = await bench.take()
    assert await bench.nack(message)
    bench.wait(9)
    assert await bench.bodies() == []
    bench.wait(1)
    (message,) = await bench.take(lease=30)
    bench.wait(31)
    assert await bench.ack(message) is True
    await bench.put("b")
    await bench.take(lease=30)
    bench.wait(39)
    assert await bench.bodies() == []
    bench.wait(1)
    (again,) = await bench.take()
    assert await bench.nack(again)
    bench.wait(14)
    assert await bench.bodies() == []
    bench.wait(1)
    assert await bench.bodies() == ["b"]


async def test_backoff_of_a_lane(make) -> None:  # type: ignore[no-untyped-def]
    bench = make(SUFFIX._replace(backoff_min_us=10 * SECOND_US, backoff_max_us=60 * SECOND_US))
    await bench.put("1", "2", lane="k")
    first, _second = await bench.take()
    assert await bench.nack(first)
    bench.wait(9)
    assert await bench.bodies() == []
    bench.wait(1)
    assert await bench.bodies() == ["1", "2"]


async def test_messages_that_expire_by_themselves(make) -> None:  # type: ignore[no-untyped-def]
    bench = make()
    await bench.put("short", expires=10)
    await bench.put("long")
    bench.wait(10)
    expired = await bench.store.scan(lq.expired, Q, 3600 * SECOND_US)
    assert len(expired) == 1
    assert await bench.bodies() == ["long"]


async def test_exhausted_messages_are_handed_over(make) -> None:  # type: ignore[no-untyped-def]
    bench = make(receives_max=1, hand_over=True)
    await bench.put("poison", "x" * 20_000)
    await bench.take(lease=1)
    bench.wait(2)
    taken = await bench.taken()
    assert taken.messages == []
    assert [len(each.body) for each in taken.exhausted] == [6, 20_000]
    assert (await bench.taken()).exhausted == []


@pytest.mark.parametrize("rules", [Rules(retain=True), SUFFIX._replace(retain=True)], ids=["free", "ordered"])
async def test_going_back_to_a_time(make, rules: Rules) -> None:  # type: ignore[no-untyped-def]
    bench = make(rules)
    await bench.put("1", lane="k" if rules.ordered else "")
    bench.wait(10)
    between_us = bench.clock.now()
    await bench.put("2", "3", lane="k" if rules.ordered else "")
    for message in await bench.take():
        assert await bench.ack(message)
    assert await bench.bodies() == []
    await bench.store.run(retained.seek, Q, rules, between_us)
    assert await bench.bodies() == ["2", "3"]
    bench.wait(31)
    await bench.store.run(retained.seek, Q, rules, bench.clock.now())
    assert await bench.bodies() == []
    await bench.store.run(retained.seek, Q, rules, 0)
    assert await bench.bodies() == ["1", "2", "3"]


async def test_without_retention_going_back_brings_nothing_back(make) -> None:  # type: ignore[no-untyped-def]
    bench = make()
    await bench.put("1", "x" * 20_000)
    (first, _) = await bench.take()
    await bench.ack(first)
    await bench.store.run(retained.seek, Q, lq.PLAIN, 0)
    bench.wait(31)
    assert len(await bench.bodies()) == 1
    await bench.store.run(retained.seek, Q, lq.PLAIN, bench.clock.now() + 1)
    bench.wait(31)
    assert await bench.bodies() == []


@pytest.mark.parametrize("retain", [True, False])
async def test_going_back_to_what_was_unacknowledged(make, retain: bool) -> None:  # type: ignore[no-untyped-def]
    bench = make(Rules(retain=True))
    await bench.put("1", "2", "3")
    one, two, _three = await bench.take()
    await bench.ack(one)
    remembered = await bench.store.read(retained.unacknowledged, Q)
    bench.wait(1)
    at_us = bench.clock.now()
    await bench.ack(two)
    await bench.put("4")
    bench.wait(31)
    for message in await bench.take():
        await bench.ack(message)
    await bench.store.run(retained.seek_to, Q, Rules(retain=retain), at_us, set(remembered))
    assert await bench.bodies() == ["2", "3", "4"]


async def test_looking_without_leasing(make) -> None:  # type: ignore[no-untyped-def]
    bench = make()
    await bench.put("a", "b")
    (first,) = await bench.take(1)
    visible = await bench.store.read(lq.peek, Q, 10, 0, bench.clock.now())
    assert [each.message.body for each in visible] == [b"b"]
    everything = await bench.store.read(lq.peek, Q, 10)
    assert [each.message.body for each in everything] == [b"a", b"b"]
    assert everything[0].message.token == first.token
    assert everything[0].visible_us == bench.clock.now() + 30 * SECOND_US


async def test_another_body_for_a_leased_message(make) -> None:  # type: ignore[no-untyped-def]
    bench = make()
    await bench.put("x" * 20_000)
    (message,) = await bench.take()
    for body in (b"small", b"y" * 30_000, b"z"):
        assert await bench.store.run(lq.rewrite, Q, message.id, message.token, body)
    assert await bench.nack(message)
    assert not await bench.store.run(lq.rewrite, Q, message.id, message.token, b"late")
    assert await bench.bodies() == ["z"]


FAIR = Rules(fair=True)


async def test_tenants_are_served_in_turn(make) -> None:  # type: ignore[no-untyped-def]
    bench = make(FAIR)
    await bench.put(*(f"noisy {number}" for number in range(50)), lane="noisy")
    await bench.put("quiet 1", "quiet 2", lane="quiet")
    await bench.put("nobody's")
    bench.wait(1)
    first = await bench.bodies(3)
    assert set(first) == {"noisy 0", "nobody's", "quiet 1"}
    bench.wait(1)
    assert set(await bench.bodies(2)) == {"noisy 1", "quiet 2"}
    assert len(await bench.bodies(100)) == 48
    assert await bench.bodies() == []


async def test_a_tenants_messages_come_back_when_their_leases_end(make) -> None:  # type: ignore[no-untyped-def]
    bench = make(FAIR)
    await bench.put("a1", "a2", lane="a")
    first, second = await bench.take(lease=30)
    assert await bench.ack(first)
    taken = await bench.taken()
    assert taken.messages == []
    assert taken.next_us == bench.clock.now() + 30 * SECOND_US
    assert await bench.nack(second)
    assert await bench.bodies() == ["a2"]
    bench.wait(31)
    (again,) = await bench.take()
    assert await bench.ack(again)
    bench.wait(60)
    assert await bench.bodies() == []
    await bench.put("a3", lane="a")
    assert await bench.bodies() == ["a3"]


async def test_expired_messages_of_a_tenant_take_no_turn_from_others(make) -> None:  # type: ignore[no-untyped-def]
    bench = make(FAIR)
    await bench.put("old", lane="a", expires=10)
    await bench.put("new", lane="a")
    bench.wait(11)
    assert await bench.bodies() == ["new"]


@pytest.mark.parametrize("rules", [lq.PLAIN, FAIR, Rules(ordered=True)], ids=["plain", "fair", "ordered"])
async def test_leased_messages_are_counted_up_to_a_limit(make, rules: Rules) -> None:  # type: ignore[no-untyped-def]
    bench = make(rules)
    for lane in ("a", "b", "c"):
        await bench.put("1", "2", lane=lane if rules != lq.PLAIN else "")
    held = await bench.take(4)
    assert await bench.store.scan(counting.leased, Q, rules, 100) == 4
    assert await bench.store.scan(counting.leased, Q, rules, 3) == 3
    assert await bench.ack(held[0])
    assert await bench.store.scan(counting.leased, Q, rules, 100) == 3
    bench.wait(31)
    assert await bench.store.scan(counting.leased, Q, rules, 100) == 0
