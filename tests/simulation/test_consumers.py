"""Consumers that are slow, give up, die and come late, on the virtual clock, for every set of rules that a cloud has.

The checker stands apart: it knows what consumers were given, and when, and says what may not have been.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import NamedTuple

import pytest

from fogbank.kernel.clock import SECOND_US, Clock
from fogbank.kernel.ids import Ids
from fogbank.storage import Store, open_store
from fogbank.storage.leasing import counting
from fogbank.storage.leasing import leased_queue as lq
from fogbank.storage.leasing.leased_queue import Leased, Outgoing, Policy, Rules

Q, DEAD = 7, 8
KEYS = ("", "a", "b", "c")
START_US = 1_795_348_800_000_000
RULES = {
    "sqs standard": Policy(receives_max=3, dead_letters=DEAD),
    "sqs fair": Policy(Rules(fair=True), receives_max=3, dead_letters=DEAD),
    "sqs fifo": Policy(Rules(ordered=True), receives_max=3, dead_letters=DEAD),
    "pubsub": Policy(Rules(keyless=True)),
    "pubsub ordered": Policy(Rules(ordered=True, keyless=True, suffix=True)),
    "pubsub exactly once": Policy(Rules(ordered=True, keyless=True, exact=True)),
    "pubsub backoff": Policy(Rules(backoff_min_us=2 * SECOND_US, backoff_max_us=8 * SECOND_US)),
    "pubsub retained": Policy(Rules(ordered=True, keyless=True, suffix=True, retain=True)),
    "eventgrid": Policy(Rules(exact=True), receives_max=3),
}


class Held(NamedTuple):
    """A message in a consumer's hands."""

    leased: Leased
    key: str
    until_us: int


@dataclass
class World:
    """One queue and what is known of it from outside."""

    chance: random.Random
    policy: Policy
    clock: Clock
    ids: Ids
    store: Store
    sent: dict[int, tuple[str, int]] = field(default_factory=dict)
    done: set[int] = field(default_factory=set)
    held: dict[int, Held] = field(default_factory=dict)
    given: dict[int, int] = field(default_factory=dict)

    @property
    def rules(self) -> Rules:
        return self.policy.rules

    async def send(self) -> None:
        key = self.chance.choice(KEYS[1:] if self.rules.ordered and not self.rules.keyless else KEYS)
        delay_us = self.chance.choice((0, 0, 0, 3)) * SECOND_US
        number = self.ids.sequence()
        lane = key.encode() if self.rules.ordered or self.rules.fair else b""
        await self.store.run(lq.put, Q, [Outgoing(number, f"-{key}".encode(), delay_us, lane)], self.rules)
        self.sent[number] = (key, self.clock.now() + delay_us)

    async def receive(self) -> None:
        lease_us = self.chance.choice((1, 5, 10)) * SECOND_US
        count = self.chance.randint(1, 5)
        taken = await self.store.run(lq.take, Q, self.policy, count, lease_us, self.ids.sequence())
        assert len(taken.messages) <= count
        before: set[int] = set()
        for leased in taken.messages:
            self.check(leased, before)
            before.add(leased.id)
            key = leased.body.decode()[1:]
            self.given[leased.id] = self.given.get(leased.id, 0) + 1
            self.held[leased.id] = Held(leased, key, self.clock.now() + lease_us)

    def check(self, leased: Leased, before: set[int]) -> None:
        """Say what is wrong about being given this message now."""
        now_us = self.clock.now()
        key, due_us = self.sent[leased.id]
        assert now_us >= due_us, "a delayed message came early"
        other = self.held.get(leased.id)
        assert other is None or other.until_us <= now_us, "a lease is held by two"
        if not self.rules.suffix:
            assert leased.id not in self.done, "an acknowledged message came back"
        limit = self.policy.receives_max
        assert not limit or self.given.get(leased.id, 0) < limit, "it was given more often than may be"
        assert leased.receives == self.given.get(leased.id, 0) + 1
        if self.rules.ordered and key:
            earlier = {n for n, (k, _) in self.sent.items() if k == key and n < leased.id}
            missing = earlier - self.done - before - self.dead
            assert not missing, f"{leased.id} of {key} came before {min(missing)}"

    @property
    def dead(self) -> set[int]:
        limit = self.policy.receives_max
        return {n for n, times in self.given.items() if limit and times >= limit}

    async def acknowledge(self) -> None:
        held = self.some()
        if held is None:
            return
        done = await self.store.run(lq.ack, Q, held.leased.id, held.leased.token, self.rules)
        live = held.until_us > self.clock.now()
        if live:
            assert done, "a live lease wasn't heeded"
        elif self.rules.exact or self.rules.ordered:
            assert not done, "a lease that is over was heeded"
        if done:
            self.done.add(held.leased.id)
        del self.held[held.leased.id]

    async def give_up(self) -> None:
        held = self.some()
        if held is not None:
            await self.store.run(lq.release, Q, held.leased.id, held.leased.token, 0, self.rules)
            if self.rules.suffix and held.key:
                # What follows may come again, whoever holds it.
                for number in [n for n, each in self.held.items() if each.key == held.key and n >= held.leased.id]:
                    del self.held[number]
            else:
                del self.held[held.leased.id]

    async def extend(self) -> None:
        held = self.some()
        if held is not None:
            lease_us = 6 * SECOND_US
            if await self.store.run(lq.extend, Q, held.leased.id, held.leased.token, lease_us, self.rules):
                self.held[held.leased.id] = held._replace(until_us=self.clock.now() + lease_us)

    async def die(self) -> None:
        """A consumer is gone with all that it held; nobody speaks of those leases any more."""
        for number in list(self.held):
            if self.chance.random() < 0.5:
                held = self.held[number]
                if held.until_us <= self.clock.now():
                    del self.held[number]

    async def wait(self) -> None:
        self.pass_time(self.chance.choice((1, 2, 5)))

    def pass_time(self, seconds: int) -> None:
        self.clock._frozen_us += seconds * SECOND_US  # type: ignore[operator]

    def some(self) -> Held | None:
        return self.held[self.chance.choice(sorted(self.held))] if self.held else None

    async def drain(self) -> None:
        """Take and acknowledge all that is left; nothing may be missing then."""
        for _ in range(400):
            await self.receive()
            for number, held in list(self.held.items()):
                if held.until_us > self.clock.now():
                    if await self.store.run(lq.ack, Q, number, held.leased.token, self.rules):
                        self.done.add(number)
                    del self.held[number]
            self.pass_time(5)
            taken = await self.store.read(counting.counts, Q)
            if sum(taken) == 0:
                break
        left = set(self.sent) - self.done
        assert left <= self.dead, f"lost: {sorted(left - self.dead)}"


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("rules", RULES)
async def test_what_consumers_are_given(rules: str, seed: int) -> None:
    clock = Clock(frozen_at_us=START_US)
    store = await open_store(clock)
    try:
        world = World(random.Random(f"{rules}{seed}"), RULES[rules], clock, Ids(clock, seed=seed), store)
        steps = (world.send, world.send, world.receive, world.receive, world.acknowledge, world.acknowledge)
        rare = (world.give_up, world.extend, world.die, world.wait, world.wait)
        for _ in range(250):
            await world.chance.choice((*steps, *rare))()
        await world.drain()
    finally:
        await store.close()
