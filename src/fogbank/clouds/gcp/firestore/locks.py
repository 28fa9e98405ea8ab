"""Locks on documents that transactions have read: whoever writes one waits until the others are over.

Google Cloud, "Data contention in transactions"
(https://docs.cloud.google.com/firestore/docs/transaction-data-contention): in a pessimistic database the lock of a
transaction on a document blocks other transactions, batched writes and non-transactional writes from changing it, until
the transaction commits, fails or times out; locks are acquired in chronological order. So transactions share a document
that they read, a commit has those that it writes to itself, and a transaction that holds nothing yet reads behind the
commits that came before it. Transactions whose commits wait for one another are resolved at once: the youngest of them
is aborted. Those that are run again for that stand in line for what they read, or each would but abort the next again.

Locks decide who waits, and nothing else: what was read is looked at again by the commit. They are in this process
alone, as open transactions are.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from fogbank.kernel.clock import wake
from fogbank.wire.grpc.status import Code, GrpcError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from typing import TypeAlias

    from fogbank.clouds.gcp.firestore.names import Database
    from fogbank.clouds.gcp.firestore.transactions import Transaction
    from fogbank.engines.documents.model import Key
    from fogbank.kernel.clock import Alarm, Clock
    from fogbank.wire.grpc.service import Call

    Place: TypeAlias = tuple[Database, Key]

# Google names no figure; its emulator gives up after so long (https://github.com/googleapis/google-cloud-go/issues/2604).
# It is real time, which clients wait in, too: nobody hangs while the clock stands.
WAIT_SECONDS_MAX: Final = 30.0


class Turn:
    """A commit that waits for transactions (`blockers`), or writes; it is `ended` when it does neither any more."""

    __slots__ = ("answer", "blockers", "ended", "places", "transaction")

    def __init__(self, places: list[Place], transaction: Transaction | None) -> None:
        loop = asyncio.get_running_loop()
        self.places = places
        self.transaction = transaction
        self.blockers: set[Transaction] = set()
        # What it waits for: None lets it write.
        self.answer: asyncio.Future[GrpcError | None] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()

    @property
    def waits(self) -> bool:
        """Whether it waits for anybody."""
        return not self.answer.done()

    def end_waiting(self, error: GrpcError | None = None) -> None:
        """Let it write, or fail."""
        if not self.answer.done():
            self.answer.set_result(error)


class Locks:
    """Who holds documents, and who waits to write them."""

    def __init__(self, clock: Clock) -> None:
        # While there is nothing in it, commits have nothing to ask for.
        self.held: dict[Place, set[Transaction]] = {}
        self._clock = clock
        self._turns: dict[Place, dict[Turn, None]] = {}
        self._waiting: dict[Turn, None] = {}
        self._alarm: Alarm | None = None

    async def share(self, transaction: Transaction, keys: Iterable[Key]) -> bool:
        """Lock documents for a transaction; tells whether it waited, so that they may be other than they were."""
        places = [place for key in keys if (place := (transaction.database, key)) not in transaction.places]
        waited = False
        loop = asyncio.get_running_loop()
        end = loop.time() + WAIT_SECONDS_MAX
        while not transaction.released and loop.time() < end:
            ahead = self._ahead(transaction, places, patient=not waited)
            if not ahead:
                break
            waited = True
            await _wait_for(ahead, transaction, end)
        if not transaction.released:
            if places and transaction.joined is not None:
                wake(transaction.joined)
            for place in places:
                self.held.setdefault(place, set()).add(transaction)
                for turn in self._turns.get(place, ()):
                    if turn.waits:
                        turn.blockers.add(transaction)
                        self._watch((transaction,))
            transaction.places.update(places)
        return waited

    def _ahead(self, transaction: Transaction, places: list[Place], *, patient: bool) -> set[asyncio.Future[None]]:
        """Return the ends of what is before a transaction: commits that write, and for who is patient those that wait.

        Only who holds nothing waits for what may wait itself: nobody waits for it, so no ring can close.
        """
        free = not transaction.places
        ahead = {
            turn.ended
            for place in places
            for turn in self._turns.get(place, ())
            if turn.transaction is not transaction and (not turn.waits or (free and patient))
        }
        if not ahead and free and transaction.retried:
            now_us = self._clock.now()
            holders = {each for place in places for each in self.held.get(place, ())}
            ahead = {each.end() for each in holders if each.retried and not each.is_over(now_us)}
        return ahead

    @asynccontextmanager
    async def turn(
        self, database: Database, keys: Iterable[Key], transaction: Transaction | None, call: Call | None
    ) -> AsyncIterator[None]:
        """Have documents to oneself, to write them: waits until no other transaction holds one.

        Raises ABORTED for who waited for too long, and for the youngest transaction of those that wait for one another.
        """
        turn = Turn([(database, key) for key in keys], transaction)
        now_us = self._clock.now()
        for place in turn.places:
            for holder in list(self.held.get(place, ())):
                if holder.is_over(now_us):
                    self.release(holder)
                elif holder is not transaction:
                    turn.blockers.add(holder)
            self._turns.setdefault(place, {})[turn] = None
        try:
            if turn.blockers:
                await self._wait(turn, call)
            else:
                turn.end_waiting()
            yield
        finally:
            self._end(turn)

    async def _wait(self, turn: Turn, call: Call | None) -> None:
        """Wait until all blockers are over; a client that goes away meanwhile ends it."""
        self._waiting[turn] = None
        if turn.transaction is not None:
            turn.transaction.turn = turn
            while turn.waits and (ring := _ring(turn)):
                max(ring, key=_age).end_waiting(contended())
        timer = asyncio.get_running_loop().call_later(WAIT_SECONDS_MAX, turn.end_waiting, aborted())
        self._watch(turn.blockers)
        if call is not None:
            call.waits += 1
        try:
            error = await turn.answer
        finally:
            timer.cancel()
            del self._waiting[turn]
            if not self._waiting and self._alarm is not None:
                self._alarm.cancel()
            if call is not None:
                call.waits -= 1
        if error is not None:
            raise error

    def _end(self, turn: Turn) -> None:
        """Let those go on who came after a commit."""
        turn.answer.cancel()
        for place in turn.places:
            turns = self._turns[place]
            del turns[turn]
            if not turns:
                del self._turns[place]
        turn.ended.set_result(None)

    def release(self, transaction: Transaction) -> None:
        """Give up what a transaction holds, and what it might still come to hold."""
        transaction.released = True
        if transaction.ended is not None:
            wake(transaction.ended)
        for place in transaction.places:
            holders = self.held[place]
            holders.discard(transaction)
            if not holders:
                del self.held[place]
            for turn in self._turns.get(place, ()):
                turn.blockers.discard(transaction)
                if not turn.blockers:
                    turn.end_waiting()
        transaction.places.clear()

    def forget(self) -> None:
        """Give up everything: transactions that wait are aborted, other writes go on."""
        for turn in self._waiting:
            if turn.transaction is not None:
                turn.end_waiting(aborted())
        for transaction in {each for holders in self.held.values() for each in holders}:
            self.release(transaction)

    def _watch(self, blockers: Iterable[Transaction]) -> None:
        """Look at the time of transactions that are waited for once the first of them may be over."""
        due_us = min((each.over_us for each in blockers if not (each.committing or each.released)), default=None)
        alarm = self._alarm
        if due_us is None or (alarm is not None and not alarm.cancelled and alarm.due_us <= due_us):
            return
        if alarm is not None:
            alarm.cancel()
        self._alarm = self._clock.call_at(due_us, self._release_overdue)

    def _release_overdue(self) -> None:
        now_us = self._clock.now()
        blockers = {each for turn in self._waiting for each in turn.blockers}
        for each in blockers:
            if each.is_over(now_us):
                self.release(each)
        self._watch(blockers)


async def _wait_for(ahead: set[asyncio.Future[None]], transaction: Transaction, end: float) -> None:
    """Wait for all of something until a time of the loop.

    A transaction that comes to hold something meanwhile, by another of its reads, is to see what it waits for now.
    """
    loop = asyncio.get_running_loop()
    joined: set[asyncio.Future[None]] = set()
    if not transaction.places:
        if transaction.joined is None or transaction.joined.done():
            transaction.joined = loop.create_future()
        joined.add(transaction.joined)
    while ahead and not any(each.done() for each in joined) and (rest := end - loop.time()) > 0:
        _, waiting = await asyncio.wait(ahead | joined, timeout=rest, return_when=asyncio.FIRST_COMPLETED)
        ahead &= waiting


def _ring(turn: Turn) -> list[Turn]:
    """Return transactions' commits that wait for one another, this one among them; none if there is no such ring."""
    came_from: dict[Turn, Turn] = {}
    open_ends = [turn]
    while open_ends:
        end = open_ends.pop()
        for blocker in end.blockers:
            following = blocker.turn
            if following is turn:
                ring = [end]
                while ring[-1] is not turn:
                    ring.append(came_from[ring[-1]])
                return ring
            if following is not None and following.waits and following not in came_from:
                came_from[following] = end
                open_ends.append(following)
    return []


def _age(turn: Turn) -> int:
    assert turn.transaction is not None
    return turn.transaction.age


def aborted(message: str = "Too much contention on these documents. Please try again.") -> GrpcError:
    """Return the error that has clients run a transaction again."""
    return GrpcError(Code.ABORTED, message)


def contended() -> GrpcError:
    """Return the error of a transaction that makes way for another.

    Firebase, "Understand error codes" (https://firebase.google.com/docs/firestore/enterprise/understand-error-codes).
    """
    return aborted(
        "Aborted due to cross-transaction contention. This occurs when multiple transactions attempt to access the same"
        " data, requiring at least one to be aborted in order to enforce serializability."
    )
