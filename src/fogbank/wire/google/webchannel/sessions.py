"""Sessions: a method that runs, what its client sends it, and what is told to the client until that has it."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec

from fogbank.kernel.clock import SECOND_US, wake
from fogbank.wire.google.webchannel.framing import write_array, write_arrays
from fogbank.wire.grpc.calls import word
from fogbank.wire.grpc.encoded import Encoded
from fogbank.wire.grpc.status import HTTP_STATUSES, Code, GrpcError
from fogbank.wire.grpc.types import JsonParseError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from fogbank.kernel.clock import Alarm, Clock
    from fogbank.wire.grpc.service import Call, Method
    from fogbank.wire.grpc.types import Types

# Without a back channel a session ends after that time.
IDLE_SECONDS: Final = 60
# So often a back channel on which nothing is told says that it is still there.
NOOP_SECONDS: Final = 30
# Then a back channel ends, and the client opens the next, by which it says what it has.
BACK_SECONDS: Final = 240
BACK_BYTES_MAX: Final = 1_048_576
# What the client hasn't acknowledged; the method waits until there is less.
OUTSTANDING_BYTES_MAX: Final = 4 * BACK_BYTES_MAX
REQUESTS_WAITING_MAX: Final = 1_000


class Session:
    """One client's; `ended` is called once it is over."""

    def __init__(
        self, identifier: str, method: Method, call: Call, types: Types, clock: Clock, ended: Callable[[Session], None]
    ) -> None:
        self.id = identifier
        self.over = False
        self._method = method
        self._call = call
        self._types = types
        self._clock = clock
        self._ended = ended
        self._taken = 0
        self._requests: deque[Any] = deque()
        # Arrays that the client may not have yet, with their numbers, and how many bytes they have.
        self._arrays: deque[tuple[int, bytes]] = deque()
        self._outstanding = 0
        self._number = 0
        self._back: BackChannel | None = None
        self._waiters: set[asyncio.Future[None]] = set()
        self._alarm: Alarm | None = None
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Run the method."""
        self._task = asyncio.get_running_loop().create_task(self._run())
        self.touch()

    @property
    def state(self) -> list[int]:
        """What the answer on the forward channel says: whether there is a back channel, its last array, its bytes."""
        return [int(self._back is not None), self._number, self._outstanding]

    def take(self, offset: int, maps: Iterable[str]) -> None:
        """Take maps; those that were there already came again. Raises `GrpcError`."""
        for number, text in enumerate(maps, offset):
            if number < self._taken:
                continue
            if len(self._requests) >= REQUESTS_WAITING_MAX:
                raise GrpcError(Code.RESOURCE_EXHAUSTED, "Too many requests wait to be read.")
            self._requests.append(self._read(text))
            self._taken = number + 1
        self._stir()
        self.touch()

    def _read(self, text: str) -> Any:
        request = self._method.request()
        try:
            self._types.from_json(msgspec.json.decode(text), request)
        except (JsonParseError, msgspec.DecodeError, RecursionError) as error:
            raise GrpcError(Code.INVALID_ARGUMENT, f"Invalid JSON payload received. {error}") from None
        return request

    def acknowledge(self, number: int) -> None:
        """Forget what the client has."""
        while self._arrays and self._arrays[0][0] <= number:
            self._outstanding -= len(self._arrays.popleft()[1])
        self._stir()

    def tell(self, value: Any) -> None:
        """Have the client told something."""
        self._number += 1
        array = write_array(self._number, value)
        self._arrays.append((self._number, array))
        self._outstanding += len(array)
        self._stir()

    def arrays_behind(self, number: int) -> list[tuple[int, bytes]]:
        """Return what is to be told behind an array."""
        return [each for each in self._arrays if each[0] > number]

    def open_back(self, after: int, *, streaming: bool) -> BackChannel:
        """Return a new back channel, which takes the place of the one that there may be."""
        self.acknowledge(after)
        if self._back is not None:
            self._back.end()
        self._back = BackChannel(self, self._clock, after, streaming=streaming)
        self.touch()
        return self._back

    def left(self, back: BackChannel) -> None:
        """Take note that a back channel is over."""
        if self._back is back:
            self._back = None
            self.touch()

    def touch(self) -> None:
        """End the session after a while, unless there is a back channel."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._back is None and not self.over:
            self._alarm = self._clock.call_at(self._clock.now() + IDLE_SECONDS * SECOND_US, self.close)

    def close(self) -> None:
        """End it."""
        if self.over:
            return
        self.over = True
        if self._alarm is not None:
            self._alarm.cancel()
        if self._task is not None:
            self._task.cancel()
        if self._back is not None:
            self._back.end()
        self._ended(self)

    async def wait(self, until_us: int) -> None:
        """Return when something has changed, or at a time of the clock."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        alarm = self._clock.call_at(until_us, lambda: wake(waiter))
        try:
            await waiter
        finally:
            alarm.cancel()
            self._waiters.discard(waiter)

    def _stir(self) -> None:
        for each in self._waiters:
            wake(each)

    async def _run(self) -> None:
        method = self._method
        try:
            async with aclosing(method.run(method.service.deps, self._call, self._incoming())) as running:
                async for answer in running:
                    self.tell([self._shape(answer)])
                    while self._outstanding > OUTSTANDING_BYTES_MAX:
                        await self.wait(self._clock.now() + BACK_SECONDS * SECOND_US)
        except Exception as error:  # noqa: BLE001 - told to the client in Google's form, and logged
            found = word(method, error)
            shown = {"code": HTTP_STATUSES[found.code], "message": found.message, "status": found.code.name}
            self.tell([{"error": shown}])
            return
        self.tell(["close"])

    def _shape(self, answer: Any) -> Any:
        if isinstance(answer, Encoded):
            answer = self._method.response.FromString(answer.SerializeToString())
        return self._types.to_json(answer)

    async def _incoming(self) -> AsyncIterator[Any]:
        while True:
            while self._requests:
                yield self._requests.popleft()
            await self.wait(self._clock.now() + BACK_SECONDS * SECOND_US)


class BackChannel:
    """The body of a response that tells what there is behind an array; without `streaming` it tells once, and ends."""

    def __init__(self, session: Session, clock: Clock, after: int, *, streaming: bool) -> None:
        self._session = session
        self._clock = clock
        self._after = after
        self._streaming = streaming
        self._bytes = 0
        self._over = False
        self._end_us = clock.now() + BACK_SECONDS * SECOND_US

    def end(self) -> None:
        """Have it end: another one takes its place, or the session is over."""
        self._over = True
        self._session._stir()  # noqa: SLF001 - a part of the session

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        noop_us = self._clock.now() + NOOP_SECONDS * SECOND_US
        while True:
            if self._is_done():
                await self.aclose()
                raise StopAsyncIteration
            arrays = self._session.arrays_behind(self._after)
            if arrays:
                self._after = arrays[-1][0]
                chunk = write_arrays(array for _, array in arrays)
                self._bytes += len(chunk)
                return chunk
            now_us = self._clock.now()
            if now_us >= noop_us:
                self._session.tell(["noop"])
                continue
            await self._session.wait(noop_us)

    def _is_done(self) -> bool:
        if self._over or self._bytes > BACK_BYTES_MAX or self._clock.now() >= self._end_us:
            return True
        return bool(self._bytes) and not self._streaming

    async def aclose(self) -> None:
        """Take note that nobody listens any more."""
        self._over = True
        self._session.left(self)
