"""Instances of one function revision: started as invocations need them, kept warm, let go when idle."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from fogbank.kernel.clock import Alarm, Clock
    from fogbank.runtimes.model import Invocation, Outcome, Runs

IDLE_SECONDS_MAX: Final = 600
# An instance that has become this old gets no further invocation.
INSTANCE_SECONDS_MAX: Final = 6 * 3_600
_log = logging.getLogger(__name__)


class PoolFullError(Exception):
    """All instances that may be are busy, and invocations don't wait."""


class Prepared(NamedTuple):
    """How many instances need no initialisation any more, and whether those that are kept ready can't be started."""

    ready: int
    failed: bool


class Pool:
    """Hands each invocation to an instance that has room, or to the first that gets some or has started.

    `start` makes a started instance, which runs up to `concurrency` invocations at a time. It is called when
    invocations wait for more room than there will be, up to `instances_max` instances, beyond which they wait their
    turn, or raise `PoolFullError` unless `queued`. `instances_min` are kept however idle, once `prepare` was called;
    `lasting` ones are kept however idle and old.
    """

    def __init__(
        self,
        start: Callable[[], Awaitable[Runs]],
        clock: Clock,
        *,
        instances_max: int,
        starting: asyncio.Semaphore,
        concurrency: int = 1,
        instances_min: int = 0,
        queued: bool = True,
        lasting: bool = False,
    ) -> None:
        self._start_one = start
        self._clock = clock
        self._instances_max = instances_max
        self._instances_min = instances_min
        self._concurrency = concurrency
        self._queued = queued
        self._lasting = lasting
        self._starting_limit = starting
        self._idle: list[Runs] = []
        self._alarms: dict[int, Alarm] = {}
        self._started_us: dict[Runs, int] = {}
        self._waiting: deque[asyncio.Future[Runs]] = deque()
        self._starting = 0
        # How many invocations each instance runs that runs any.
        self._running: dict[Runs, int] = {}
        self._retired = False
        # One that was to be kept ready couldn't be started: others would fail as it did.
        self._failed = False
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def size(self) -> int:
        """How many instances there are, starting ones included."""
        return len(self._idle) + len(self._running) + self._starting

    @property
    def prepared(self) -> Prepared:
        """What there is of the instances that are kept however idle."""
        return Prepared(sum(each.initialised for each in (*self._idle, *self._running)), self._failed)

    async def invoke(self, invocation: Invocation) -> Outcome:
        """Run an invocation on some instance; one that has begun runs to its end even if nobody waits any more."""
        instance = await self._acquire()
        task = asyncio.get_running_loop().create_task(self._run(instance, invocation))
        self._keep(task)
        return await asyncio.shield(task)

    def prepare(self) -> None:
        """Start the instances that are kept however idle, also where that has failed before."""
        self._failed = False
        self._top_up()

    async def close(self) -> None:
        """Stop every instance, whatever it does; who waits for one waits in vain."""
        self.retire()
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_exception(PoolFullError())
        self._waiting.clear()
        for instance in list(self._running):
            await instance.stop()
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def drained(self) -> None:
        """Wait until a retired pool has no instance left."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def retire(self) -> None:
        """Let idle instances go, and others when they become idle."""
        self._retired = True
        while self._idle:
            self._dismiss(self._idle.pop())

    async def _run(self, instance: Runs, invocation: Invocation) -> Outcome:
        try:
            return await instance.invoke(invocation)
        finally:
            unsettled = instance.unsettled
            if unsettled is None:
                self._leave(instance)
            else:
                self._keep(unsettled)
                unsettled.add_done_callback(lambda _: self._leave(instance))

    async def _acquire(self) -> Runs:
        instance = self._find_room()
        if instance is not None:
            return instance
        if self.size >= self._instances_max and not self._queued and not self._room_to_come():
            raise PoolFullError
        waiter: asyncio.Future[Runs] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        self._start_what_lacks()
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
            elif waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._leave(waiter.result())
            raise

    def _find_room(self) -> Runs | None:
        """Return an instance with a place taken in it: one that runs something already, before an idle one."""
        if self._concurrency > 1:
            for instance, count in self._running.items():
                if count < self._concurrency and self._is_usable(instance):
                    self._running[instance] = count + 1
                    return instance
        while self._idle:
            instance = self._idle.pop()
            self._forget_alarm(instance)
            if self._is_usable(instance):
                self._running[instance] = 1
                return instance
            self._dismiss(instance)
        return None

    def _room_to_come(self) -> int:
        """How many more invocations there will be room for when all that starts has started."""
        return self._starting * self._concurrency - len(self._waiting)

    def _start_what_lacks(self) -> None:
        while self.size < self._instances_max and self._room_to_come() < 0:
            self._start_another()

    def _top_up(self) -> None:
        while not self._failed and not self._retired and self.size < self._instances_min:
            self._start_another()

    def _start_another(self) -> None:
        self._starting += 1
        self._spawn(self._start())

    async def _start(self) -> None:
        try:
            async with self._starting_limit:
                instance = await self._start_one()
        except Exception as error:  # noqa: BLE001 - told to the invocation that asked for the instance
            self._starting -= 1
            self._failed = True
            while self._waiting:
                waiter = self._waiting.popleft()
                if not waiter.done():
                    waiter.set_exception(error)
                    break
        else:
            self._starting -= 1
            self._started_us[instance] = self._clock.now()
            instance.exited.add_done_callback(lambda _: self._on_exit(instance))
            self._offer(instance)

    def _leave(self, instance: Runs) -> None:
        """Give back a place in an instance."""
        if self._failed and instance.initialised:
            # What was in the way has passed.
            self.prepare()
        count = self._running[instance] - 1
        if count:
            self._running[instance] = count
        else:
            del self._running[instance]
        self._offer(instance)

    def _offer(self, instance: Runs) -> None:
        """Give an instance's room to those who wait longest, or keep it for later."""
        if not self._is_usable(instance):
            if instance not in self._running:
                self._failed |= not instance.initialised
                self._dismiss(instance)
            self._start_what_lacks()
            self._top_up()
            return
        while self._waiting and self._running.get(instance, 0) < self._concurrency:
            waiter = self._waiting.popleft()
            if not waiter.done():
                self._running[instance] = self._running.get(instance, 0) + 1
                waiter.set_result(instance)
        if instance in self._running:
            return
        if self._retired:
            self._dismiss(instance)
        else:
            self._idle.append(instance)
            self._arm(instance)

    def _is_usable(self, instance: Runs) -> bool:
        oldest_us = self._clock.now() - INSTANCE_SECONDS_MAX * SECOND_US
        return instance.usable and (self._lasting or self._started_us.get(instance, 0) > oldest_us)

    def _on_exit(self, instance: Runs) -> None:
        """Clear away an idle instance whose process has ended by itself."""
        if instance in self._idle:
            self._idle.remove(instance)
            self._failed |= not instance.initialised
            self._dismiss(instance)
            self._top_up()

    def _arm(self, instance: Runs) -> None:
        if self._lasting:
            return
        due_us = self._clock.now() + IDLE_SECONDS_MAX * SECOND_US
        self._alarms[id(instance)] = self._clock.call_at(due_us, partial(self._expire, instance))

    def _expire(self, instance: Runs) -> None:
        if instance in self._idle:
            self._alarms.pop(id(instance), None)
            if self.size <= self._instances_min and self._is_usable(instance):
                self._arm(instance)
                return
            self._idle.remove(instance)
            self._dismiss(instance)
            self._top_up()

    def _forget_alarm(self, instance: Runs) -> None:
        alarm = self._alarms.pop(id(instance), None)
        if alarm is not None:
            alarm.cancel()

    def _dismiss(self, instance: Runs) -> None:
        self._forget_alarm(instance)
        self._started_us.pop(instance, None)
        self._spawn(instance.stop())

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        self._keep(asyncio.get_running_loop().create_task(work))

    def _keep(self, task: asyncio.Task[Any]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("an instance did not stop cleanly", exc_info=error)
