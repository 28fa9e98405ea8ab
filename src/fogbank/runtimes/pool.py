"""Instances of one function revision: started as invocations need them, kept warm, let go when idle."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from fogbank.kernel.clock import Alarm, Clock
    from fogbank.runtimes.model import Instance, Invocation, Outcome

IDLE_SECONDS_MAX: Final = 600
# An instance that has become this old gets no further invocation.
INSTANCE_SECONDS_MAX: Final = 6 * 3_600
_log = logging.getLogger(__name__)


class Pool:
    """Hands each invocation to an idle instance, or to the first that becomes free or has started.

    `start` makes a started instance; it is called for each invocation that finds none idle, up to
    `instances_max`, beyond which invocations wait their turn.
    """

    def __init__(
        self,
        start: Callable[[], Awaitable[Instance]],
        clock: Clock,
        *,
        instances_max: int,
        starting: asyncio.Semaphore,
    ) -> None:
        self._start_one = start
        self._clock = clock
        self._instances_max = instances_max
        self._starting_limit = starting
        self._idle: list[Instance] = []
        self._alarms: dict[int, Alarm] = {}
        self._started_us: dict[Instance, int] = {}
        self._waiting: deque[asyncio.Future[Instance]] = deque()
        self._starting = 0
        self._running: set[Instance] = set()
        self._retired = False
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def size(self) -> int:
        """How many instances there are, starting ones included."""
        return len(self._idle) + len(self._running) + self._starting

    async def invoke(self, invocation: Invocation) -> Outcome:
        """Run an invocation on some instance; one that has begun runs to its end even if nobody waits any more."""
        instance = await self._acquire()
        task = asyncio.get_running_loop().create_task(self._run(instance, invocation))
        self._keep(task)
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Stop every instance, whatever it does."""
        self.retire()
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

    async def _run(self, instance: Instance, invocation: Invocation) -> Outcome:
        self._running.add(instance)
        try:
            return await instance.invoke(invocation)
        finally:
            self._running.discard(instance)
            self._release(instance)

    async def _acquire(self) -> Instance:
        while self._idle:
            instance = self._idle.pop()
            self._forget_alarm(instance)
            if self._is_usable(instance):
                return instance
            self._dismiss(instance)
        waiter: asyncio.Future[Instance] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        if self.size < self._instances_max and self._starting < len(self._waiting):
            self._starting += 1
            self._spawn(self._start())
        try:
            instance = await waiter
        except asyncio.CancelledError:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
            elif waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._release(waiter.result())
            raise
        return instance

    async def _start(self) -> None:
        try:
            async with self._starting_limit:
                instance = await self._start_one()
        except Exception as error:  # noqa: BLE001 - told to the invocation that asked for the instance
            self._starting -= 1
            while self._waiting:
                waiter = self._waiting.popleft()
                if not waiter.done():
                    waiter.set_exception(error)
                    break
        else:
            self._starting -= 1
            self._started_us[instance] = self._clock.now()
            instance.exited.add_done_callback(lambda _: self._on_exit(instance))
            self._release(instance)

    def _release(self, instance: Instance) -> None:
        """Give an instance to whoever waits longest, or keep it for later."""
        if not self._is_usable(instance):
            self._dismiss(instance)
            self._replace()
            return
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(instance)
                return
        if self._retired:
            self._dismiss(instance)
            return
        self._idle.append(instance)
        due_us = self._clock.now() + IDLE_SECONDS_MAX * SECOND_US
        self._alarms[id(instance)] = self._clock.call_at(due_us, partial(self._expire, instance))

    def _is_usable(self, instance: Instance) -> bool:
        oldest_us = self._clock.now() - INSTANCE_SECONDS_MAX * SECOND_US
        return instance.usable and self._started_us.get(instance, 0) > oldest_us

    def _replace(self) -> None:
        """Start an instance for those who wait, in place of one that has ended."""
        if self._starting < len(self._waiting) and self.size < self._instances_max:
            self._starting += 1
            self._spawn(self._start())

    def _on_exit(self, instance: Instance) -> None:
        """Clear away an idle instance whose process has ended by itself."""
        if instance in self._idle:
            self._idle.remove(instance)
            self._forget_alarm(instance)
            self._dismiss(instance)

    def _expire(self, instance: Instance) -> None:
        if instance in self._idle:
            self._idle.remove(instance)
            self._alarms.pop(id(instance), None)
            self._dismiss(instance)

    def _forget_alarm(self, instance: Instance) -> None:
        alarm = self._alarms.pop(id(instance), None)
        if alarm is not None:
            alarm.cancel()

    def _dismiss(self, instance: Instance) -> None:
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
