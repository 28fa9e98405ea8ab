"""Work that the server queues for itself: structs on the leased queue, which `connectors/taking.py` has done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

import msgspec

from fogbank.storage.leasing import leased_queue
from fogbank.storage.leasing.leased_queue import Outgoing, Policy

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fogbank.storage.store import Tx

T = TypeVar("T", bound=msgspec.Struct)
_POLICY = Policy()
_encode = msgspec.msgpack.Encoder().encode


class Due(NamedTuple, Generic[T]):
    """A piece of work under lease."""

    item: T
    message: int
    token: int


class WorkQueue(Generic[T]):
    """A queue of one kind of work, whose methods are store operations: `await store.run(queue.put, …)`.

    Numbers below 1,000 are never drawn from `Ids.sequence`: they name the server's own queues.
    """

    def __init__(self, number: int, shape: type[T]) -> None:
        assert 0 < number < 1_000
        self._number = number
        self._decoder = msgspec.msgpack.Decoder(shape)

    @property
    def topic(self) -> tuple[str, int]:
        """The signal that tells of news."""
        return leased_queue.topic(self._number)

    async def put(self, tx: Tx, now_us: int, items: Iterable[tuple[int, T]], delay_us: int = 0) -> None:
        """Queue work, each piece with a sequence number that is greater than all before it."""
        outgoing = [Outgoing(sequence, _encode(item), delay_us) for sequence, item in items]
        await leased_queue.put(tx, now_us, self._number, outgoing)

    async def take(self, tx: Tx, now_us: int, count: int, lease_us: int, token: int) -> tuple[list[Due[T]], int | None]:
        """Lease what is due; the number is when to look again if there is nothing."""
        taken = await leased_queue.take(tx, now_us, self._number, _POLICY, count, lease_us, token)
        return [Due(self._decoder.decode(each.body), each.id, each.token) for each in taken.messages], taken.next_us

    async def extend(self, tx: Tx, now_us: int, dues: Sequence[Due[T]], lease_us: int) -> None:
        """Keep what isn't done yet under lease."""
        for due in dues:
            await leased_queue.extend(tx, now_us, self._number, due.message, due.token, lease_us)

    async def finish(self, tx: Tx, now_us: int, due: Due[T]) -> bool:
        """Take note that a piece is done with, one way or the other; False if somebody else has it by now."""
        return await leased_queue.ack(tx, now_us, self._number, due.message, due.token)

    async def replace(self, tx: Tx, now_us: int, due: Due[T], sequence: int, item: T, delay_us: int) -> bool:
        """Queue a piece anew, in place of the one under lease; False if somebody else has that by now."""
        if not await self.finish(tx, now_us, due):
            return False
        await self.put(tx, now_us, [(sequence, item)], delay_us)
        return True

    async def release_all(self, tx: Tx, now_us: int) -> None:
        """Give back everything that is leased: whoever leased it is no more."""
        await leased_queue.release_all(tx, now_us, self._number)
