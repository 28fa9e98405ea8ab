"""Waking those who wait for something to happen in the store.

A signal says only "look again": it is sent after the commit, it may be spurious, and it is not kept. Where
several processes share one database, another process's commit sends no signal here, so listeners also look
again every `poll_seconds`.

Who wants to know what happened rather than look again, such as a test, is a witness: operations tell witnesses of each
`Happening`, by a signal that takes nothing from listeners. An operation asks `tx.witnessed` first, so that nothing is
made of what nobody wants to hear of.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Self

from fogbank.kernel.clock import SECOND_US, wake

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from fogbank.kernel.clock import Clock

# Who waits for nothing in particular looks again this often.
LOOK_AGAIN_US: Final = 3_600 * SECOND_US
# Kinds of happenings.
MESSAGE: Final = "message"
PUBLICATION: Final = "publication"
WRITE: Final = "write"
INVOCATION: Final = "invocation"


@dataclass(frozen=True, slots=True, eq=False)
class Happening:
    """Something that happened to a resource: its scope key, its name, and what its engine says of it.

    `content` is, for messages and publications, a message as stored; for writes the collection's configuration and a
    `Written` of documents; for invocations what the history keeps of it (`Kept`).
    """

    kind: str
    scope: str
    name: str
    content: object


class Listener:
    """One party interested in a topic, from the moment it is made until it is closed.

    Make it first, look second, `wait` third: news that comes between looking and waiting isn't missed.
    """

    __slots__ = ("_news", "_signals", "_topic", "_waiter")

    def __init__(self, signals: Signals, topic: Hashable) -> None:
        self._signals = signals
        self._topic = topic
        self._news = False
        self._waiter: asyncio.Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        # Whoever is interrupted may have been told already and done nothing about it.
        self._news = self._news or error is not None
        self.close()

    @property
    def told(self) -> bool:
        """Whether there is news that it hasn't acted on yet."""
        return self._news

    def tell(self) -> None:
        """Note the news and wake the party if it waits."""
        self._news = True
        if self._waiter is not None:
            wake(self._waiter)

    async def wait(self, until_us: int | None, *, upkeep: bool = False) -> None:
        """Return once there is news since the last wait, at `until_us` at the latest; None where nothing is due.

        Even then it returns every now and then, for the listener to look again. `upkeep` is that of `Clock.call_at`.
        """
        if not self._news:
            await self._signals.pause(self, until_us, upkeep=upkeep)
        self._news = False

    async def sleep(self, clock: Clock, until_us: int, *, upkeep: bool) -> None:
        """Wait for `tell`, or for the clock to reach `until_us`; `upkeep` is that of `Clock.call_at`."""
        if until_us <= clock.now():
            return
        waiter = self._waiter = asyncio.get_running_loop().create_future()
        alarm = clock.call_at(until_us, partial(wake, waiter), upkeep=upkeep)
        try:
            await waiter
        finally:
            alarm.cancel()
            self._waiter = None

    def close(self) -> None:
        """Stop listening; news that wasn't acted on goes to the next listener."""
        self._signals.leave(self, self._topic)
        if self._news:
            self._signals.send(self._topic)


class Signals:
    """Listeners by topic; each signal reaches as many as there is news for, in turn."""

    def __init__(self, clock: Clock, *, poll_seconds: float | None = None) -> None:
        self._clock = clock
        self._poll_us = None if poll_seconds is None else int(poll_seconds * SECOND_US)
        self._listeners: dict[Hashable, deque[Listener]] = {}
        self._witnesses: list[Callable[[Happening], None]] = []
        # Whether anybody wants to hear of happenings; who makes them asks first.
        self.witnessed = False

    def listen(self, topic: Hashable) -> Listener:
        """Listen to a topic from now on; close the listener (it is a context manager) when done."""
        listener = Listener(self, topic)
        self._listeners.setdefault(topic, deque()).append(listener)
        return listener

    def send(self, topic: Hashable, count: int = 1) -> None:
        """Tell up to `count` listeners that haven't been told yet."""
        if self.witnessed and isinstance(topic, Happening):
            for witness in self._witnesses:
                witness(topic)
            return
        listeners = self._listeners.get(topic)
        if listeners is None:
            return
        for _ in range(len(listeners)):
            listener = listeners[0]
            listeners.rotate(-1)
            if not listener.told:
                listener.tell()
                count -= 1
                if count <= 0:
                    return

    def send_everywhere(self) -> None:
        """Tell all listeners of all topics: everything may be other than it was."""
        for listeners in self._listeners.values():
            for listener in listeners:
                listener.tell()

    def witness(self, witness: Callable[[Happening], None]) -> Callable[[], None]:
        """Have all happenings told from now on, which takes no news from listeners; returns what ends that."""
        self._witnesses.append(witness)
        self.witnessed = True

        def leave() -> None:
            self._witnesses.remove(witness)
            self.witnessed = bool(self._witnesses)

        return leave

    def listening(self, topic: Hashable) -> int:
        """How many listen to the topic."""
        return len(self._listeners.get(topic, ()))

    async def pause(self, listener: Listener, until_us: int | None, *, upkeep: bool = False) -> None:
        """Let a listener sleep until `until_us`, or shorter where only looking again shows others' commits."""
        look_again_us = self._clock.now() + (LOOK_AGAIN_US if self._poll_us is None else self._poll_us)
        if until_us is None or (self._poll_us is not None and look_again_us < until_us):
            await listener.sleep(self._clock, look_again_us, upkeep=True)
        else:
            await listener.sleep(self._clock, until_us, upkeep=upkeep)

    def leave(self, listener: Listener, topic: Hashable) -> None:
        """Forget a listener."""
        listeners = self._listeners.get(topic)
        if listeners is not None:
            listeners.remove(listener)
            if not listeners:
                del self._listeners[topic]
