"""StreamingPull of google.pubsub.v1.Subscriber: messages as they come, acknowledgements on the same stream.

Google Cloud, "StreamingPullRequest", "StreamingPullResponse": flow control by the number and the bytes of messages
that are outstanding; confirmations where delivery is exactly once.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp.pubsub.expiring import note_use
from fogbank.clouds.gcp.pubsub.receiving.pulling import DEADLINE_SECONDS_MAX, acknowledge_all, attempt_of, modify_all
from fogbank.clouds.gcp.pubsub.receiving.received import read_ack_ids, write_ack_id, write_received
from fogbank.clouds.gcp.pubsub.subscriptions import read, refuse_detached
from fogbank.clouds.gcp.refusals import invalid
from fogbank.engines.messaging import queues
from fogbank.kernel.clock import SECOND_US
from fogbank.wire.grpc.encoded import Encoded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from fogbank.clouds.gcp.pubsub.service import PubSub
    from fogbank.engines.messaging.model import Handle, Name
    from fogbank.wire.grpc.service import Call

TAKEN_AT_ONCE: Final = 1_000
RESPONSES_WAITING_MAX: Final = 4
WAIT_SECONDS: Final = 3_600.0
_UNLIMITED: Final = 1 << 62


async def streaming_pull(pubsub: PubSub, call: Call, requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """Deliver messages until the client is done."""
    del call
    first = await anext(requests, None)
    if first is None:
        return
    stream = _Stream(pubsub, first)
    refuse_detached((await pubsub.store.read(queues.find, stream.name)).config)
    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(stream.take(first, requests)), loop.create_task(stream.deliver())]
    try:
        while True:
            answer = await stream.next(tasks)
            if answer is None:
                return
            yield answer
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await stream.give_back()


class _Stream:
    """One stream: what is outstanding on it, and what waits to be sent."""

    def __init__(self, pubsub: PubSub, first: Any) -> None:
        self._pubsub = pubsub
        self.name: Name = read(first.subscription).key
        seconds = first.stream_ack_deadline_seconds
        if not 10 <= seconds <= DEADLINE_SECONDS_MAX:
            raise invalid(
                "stream_ack_deadline_seconds",
                f"Invalid stream_ack_deadline_seconds given: {seconds}. Must be between 10 and 600 seconds.",
            )
        self._lease_seconds = seconds
        self._messages_max = first.max_outstanding_messages if first.max_outstanding_messages > 0 else _UNLIMITED
        self._bytes_max = first.max_outstanding_bytes if first.max_outstanding_bytes > 0 else _UNLIMITED
        # By message: how many bytes it has, and until when it is leased.
        self._held: dict[int, tuple[int, int]] = {}
        self._held_bytes = 0
        self._unsent: list[Handle] = []
        self._answers: asyncio.Queue[Any] = asyncio.Queue(RESPONSES_WAITING_MAX)
        self._room = asyncio.Event()

    async def next(self, tasks: Sequence[asyncio.Task[None]]) -> Any:
        """Return the next answer; None when the client has said all, the error when something failed."""
        taking, delivering = tasks
        getting = asyncio.get_running_loop().create_task(self._answers.get())
        try:
            await asyncio.wait((getting, *tasks), return_when=asyncio.FIRST_COMPLETED)
            if getting.done():
                answer, handles = getting.result()
                self._unsent = [each for each in self._unsent if each not in handles] if handles else self._unsent
                return answer
            for task in (delivering, taking):
                if task.done():
                    task.result()
            return None
        finally:
            getting.cancel()

    async def take(self, first: Any, requests: AsyncIterator[Any]) -> None:
        """Do what the client asks for on the stream."""
        await self._handle(first)
        async for request in requests:
            if request.subscription or request.client_id:
                raise invalid("subscription", "Only the first request of a stream names a subscription and a client.")
            seconds = request.stream_ack_deadline_seconds
            if seconds:
                self._lease_seconds = min(max(seconds, 10), DEADLINE_SECONDS_MAX)
            await self._handle(request)

    async def _handle(self, request: Any) -> None:
        if len(request.modify_deadline_ack_ids) != len(request.modify_deadline_seconds):
            raise invalid("modify_deadline_seconds", "There must be as many seconds as ack ids to modify.")
        if request.ack_ids:
            handles = read_ack_ids(request.ack_ids)
            exact, done = await self._pubsub.store.run(acknowledge_all, self.name, handles)
            self._let_go(handle.message for handle in handles)
            if exact:
                await self._confirm("acknowledge_confirmation", "ack_ids", handles, done)
        if request.modify_deadline_ack_ids:
            await self._modify(request)

    async def _modify(self, request: Any) -> None:
        handles = read_ack_ids(request.modify_deadline_ack_ids)
        changes = list(zip(handles, request.modify_deadline_seconds, strict=True))
        if any(not 0 <= seconds <= DEADLINE_SECONDS_MAX for _, seconds in changes):
            raise invalid("modify_deadline_seconds", "Invalid ack deadline given. Must be between 0 and 600 seconds.")
        exact, done = await self._pubsub.store.run(modify_all, self.name, changes)
        now_us = self._pubsub.clock.now()
        for handle, seconds in changes:
            held = self._held.get(handle.message)
            if held is not None and seconds:
                self._held[handle.message] = (held[0], now_us + seconds * SECOND_US)
        self._let_go(handle.message for handle, seconds in changes if not seconds)
        if exact:
            await self._confirm("modify_ack_deadline_confirmation", "ack_ids", handles, done)

    async def _confirm(self, field: str, good: str, handles: Sequence[Handle], done: Sequence[bool]) -> None:
        response = self._pubsub.message("StreamingPullResponse")()
        confirmation = getattr(response, field)
        for handle, held in zip(handles, done, strict=True):
            getattr(confirmation, good if held else "invalid_ack_ids").append(write_ack_id(handle))
        await self._answers.put((response, ()))

    def _let_go(self, messages: Any) -> None:
        for message in messages:
            held = self._held.pop(message, None)
            if held is not None:
                self._held_bytes -= held[0]
        self._room.set()

    async def deliver(self) -> None:
        """Take messages while there is room for them on the client's side."""
        while True:
            count = await self._wait_for_room()
            receipt = await self._pubsub.receiver.receive(self.name, count, self._lease_seconds, WAIT_SECONDS)
            await note_use(self._pubsub, receipt.queue)
            if not receipt.messages:
                continue
            queue = receipt.queue
            until_us = self._pubsub.clock.now() + self._lease_seconds * SECOND_US
            parts = []
            for received in receipt.messages:
                data = write_received(received, attempt_of(queue, received))
                self._held[received.handle.message] = (len(data), until_us)
                self._held_bytes += len(data)
                parts.append(data)
            # Field 4, subscription_properties: 1 exactly_once_delivery_enabled, 2 message_ordering_enabled.
            properties = b"\x22\x04\x08%c\x10%c" % (queue.config.exactly_once, queue.config.ordered)
            handles = {received.handle for received in receipt.messages}
            self._unsent += handles
            await self._answers.put((Encoded(b"".join(parts) + properties), handles))

    async def _wait_for_room(self) -> int:
        """Return how many messages may be taken, once that is one at least."""
        while True:
            room = self._messages_max - len(self._held)
            if room > 0 and self._held_bytes < self._bytes_max:
                return min(room, TAKEN_AT_ONCE)
            now_us = self._pubsub.clock.now()
            over = [message for message, (_, until_us) in self._held.items() if until_us <= now_us]
            if over:
                # What the client let run out isn't its any more.
                self._let_go(over)
                continue
            self._room.clear()
            wait_us = min(until_us for _, until_us in self._held.values()) - now_us
            alarm = self._pubsub.clock.call_at(now_us + wait_us, self._room.set)
            try:
                await self._room.wait()
            finally:
                alarm.cancel()

    async def give_back(self) -> None:
        """Give back what was taken and never sent."""
        if self._unsent:
            with suppress(Exception):
                await self._pubsub.store.run(modify_all, self.name, [(handle, 0) for handle in self._unsent])
