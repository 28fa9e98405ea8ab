"""Followers of change feeds, each with its lanes: begun, begun anew when they are changed, ended."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

from fogbank.connectors.piping.lanes import LEASE_US, Lane
from fogbank.kernel.clock import SECOND_US
from fogbank.storage import feed_places

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine
    from typing import Any

    from fogbank.connectors.piping.lanes import Form, Hand, Plan
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.kernel.tasks import Supervisor
    from fogbank.storage import Store

RENEW_US: Final = 10 * SECOND_US
K = TypeVar("K")


class Follow(NamedTuple):
    """What a follower does: how, in whose form, and who gets the batches."""

    plan: Plan
    form: Form
    hand: Hand


class Followers(Generic[K]):
    """Runs the lanes of followers, by a key of each; as tasks of a supervisor."""

    def __init__(self, parts: tuple[Store, Clock, Ids, Supervisor]) -> None:
        self._parts = parts
        self._store, self._clock, _, self._tasks = parts
        self._following: dict[K, list[asyncio.Task[None]]] = {}
        self._lanes: dict[K, list[Lane]] = {}
        self._renewing = False

    def restart(self, key: K, name: str, find: Callable[[], Coroutine[Any, Any, Follow | None]]) -> None:
        """Begin, or begin anew, as `find` then says; it returns None where there is nothing to follow."""
        self.cancel(key)
        self._following[key] = [self._tasks.keep(name, partial(self._follow, key, find))]
        if not self._renewing and not self._store.exclusive:
            self._renewing = True
            self._tasks.keep("renew", self._renew)

    def cancel(self, key: K) -> None:
        """Take no new batch; those that are under way are finished."""
        for task in self._following.pop(key, ()):
            task.cancel()

    def reset(self) -> None:
        """Cancel all, whose places are about to be deleted."""
        for key in list(self._following):
            self.cancel(key)
        self._lanes.clear()

    async def release(self) -> None:
        """Let others go on with all lanes, once the tasks have ended."""
        if not self._store.exclusive:
            for lane in [lane for lanes in self._lanes.values() for lane in lanes]:
                await self._store.run(feed_places.release, lane.token)

    async def _follow(self, key: K, find: Callable[[], Coroutine[Any, Any, Follow | None]]) -> None:
        """Begin with the lanes, once what earlier ones have under way is done."""
        for lane in self._lanes.pop(key, ()):
            await lane.finish()
            await self._store.run(feed_places.release, lane.token)
        found = await find()
        if found is None:
            return
        plan, form, hand = found
        await self._store.run(feed_places.arrange, plan.follower, plan.lanes, 0)
        lanes = self._lanes[key] = [Lane(self._parts, plan, number, form, hand) for number in range(plan.lanes)]
        self._following[key] += [self._tasks.keep(f"lane of {plan.follower}", lane.run) for lane in lanes]

    async def _renew(self) -> None:
        while True:
            await self._clock.sleep_until(self._clock.now() + RENEW_US, upkeep=True)
            tokens = [lane.token for lanes in self._lanes.values() for lane in lanes]
            if tokens:
                await self._store.run(feed_places.extend, tokens, LEASE_US)
