"""The Listen method: targets come and go on a stream, and what changes in them is told.

Google Cloud, "Firestore.Listen" (https://cloud.google.com/firestore/docs/reference/rpc/google.firestore.v1): a target
is added (ADD), its documents follow, then CURRENT; NO_CHANGE without targets says up to when everything was told.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp.firestore.indexing.checking import check_indexes
from fogbank.clouds.gcp.firestore.listening import answers
from fogbank.clouds.gcp.firestore.listening.targets import read_target
from fogbank.clouds.gcp.firestore.names import read_database
from fogbank.clouds.gcp.firestore.rules.guarding import guard_of
from fogbank.clouds.gcp.firestore.service import find, invalid, moment, time_of
from fogbank.clouds.gcp.firestore.shape import feed_of
from fogbank.engines.documents.errors import HistoryGoneError
from fogbank.kernel.clock import SECOND_US, wake
from fogbank.storage import change_feed
from fogbank.wire.grpc.status import Code, GrpcError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from fogbank.clouds.gcp.firestore.listening.targets import Loaded, Target
    from fogbank.clouds.gcp.firestore.listening.watching import Follower
    from fogbank.clouds.gcp.firestore.names import Database
    from fogbank.clouds.gcp.firestore.service import Firestore
    from fogbank.storage import Tx
    from fogbank.wire.grpc.encoded import Encoded
    from fogbank.wire.grpc.service import Call

TARGETS_MAX: Final = 1_000
# A client that is so far behind is to come again, from where it was.
ANSWERS_WAITING_MAX: Final = 20_000
# So often a quiet stream is told that nothing has happened, so that its token doesn't grow old.
QUIET_SECONDS: Final = 45
_ASSIGNED: Final = 1 << 30


async def listen(firestore: Firestore, call: Call, requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """Tell of changes until the client is done."""
    stream = _Stream(firestore, call)
    taking = asyncio.get_running_loop().create_task(stream.take(requests))
    taking.add_done_callback(lambda _task: stream.wake())
    try:
        while True:
            for answer in stream.waiting():
                yield answer
            if taking.done():
                taking.result()
                return
            await stream.next()
    finally:
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)
        stream.close()


class _Stream:
    """One client's stream."""

    def __init__(self, firestore: Firestore, call: Call) -> None:
        self._firestore = firestore
        self._call = call
        self._database: Database | None = None
        self._targets: dict[int, Target] = {}
        self._follower: Follower | None = None
        self._answers: deque[Encoded] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._news = False
        self._loading: set[int] = set()
        self._assigned = _ASSIGNED

    def tell(self, told: Iterable[Encoded]) -> None:
        """Take answers for the client."""
        self._answers.extend(told)
        self.wake()

    def wake(self) -> None:
        """Have the stream look again."""
        self._news = True
        if self._waiter is not None:
            wake(self._waiter)

    def waiting(self) -> Iterable[Encoded]:
        """Yield what is to be sent; raises `GrpcError` if that is too much."""
        if len(self._answers) > ANSWERS_WAITING_MAX:
            raise GrpcError(Code.RESOURCE_EXHAUSTED, "The client doesn't read what it listens to.")
        while self._answers:
            yield self._answers.popleft()

    async def next(self) -> None:
        """Return once there may be something to send."""
        stale = [each for each in self._targets.values() if each.stale and each.id not in self._loading]
        for target in stale:
            try:
                await self._load(target)
            except GrpcError as error:
                self._refuse(target, error)
        if stale or self._answers:
            return
        if not self._news:
            clock = self._firestore.clock
            self._waiter = asyncio.get_running_loop().create_future()
            alarm = clock.call_at(clock.now() + QUIET_SECONDS * SECOND_US, lambda: wake(self._waiter))  # type: ignore[arg-type]
            try:
                await self._waiter
            finally:
                alarm.cancel()
                self._waiter = None
            if not self._news:
                await self._tell_time()
        self._news = False

    async def take(self, requests: AsyncIterator[Any]) -> None:
        """Do what the client asks for."""
        async for request in requests:
            if request.database:
                database = read_database(request.database)
                if self._database not in {None, database}:
                    raise invalid("A stream listens to one database.")
                self._database = database
            if self._database is None:
                raise invalid("The first request of a stream names the database.")
            kind = request.WhichOneof("target_change")
            if kind == "add_target":
                await self._add(self._database, request.add_target)
            elif kind == "remove_target":
                self._remove(request.remove_target)

    async def _add(self, database: Database, message: Any) -> None:
        number = message.target_id
        if number in self._targets:
            raise invalid(f"Target id {number} is in use already.")
        if len(self._targets) >= TARGETS_MAX:
            raise GrpcError(Code.RESOURCE_EXHAUSTED, f"A stream has at most {TARGETS_MAX} targets.")
        if not number:
            number = self._assigned = self._assigned + 1
        try:
            target = read_target(database, number, message)
            target.guard = guard_of(self._firestore, self._call, database)
        except GrpcError as error:
            self.tell((answers.target_refused(number, int(error.code), error.message),))
            return
        self._targets[number] = target
        self._loading.add(number)
        try:
            if target.query is not None:
                await check_indexes(self._firestore, target.query)
            self._follower = await self._firestore.watches.join(target, self)
            await self._begin(target, message)
        except GrpcError as error:
            self._refuse(target, error)
        finally:
            self._loading.discard(number)

    def _refuse(self, target: Target, error: GrpcError) -> None:
        self._forget(target)
        self.tell((answers.target_refused(target.id, int(error.code), error.message),))

    async def _begin(self, target: Target, message: Any) -> None:
        self.tell((answers.target_change(answers.ADD, target.id),))
        since = _since(message)
        if since is not None:
            try:
                target.go_on_from(await self._firestore.store.scan(target.load, since))
            except HistoryGoneError:
                self.tell((answers.target_change(answers.RESET, target.id),))
                since = None
        target.begin_loading()
        loaded = await self._firestore.store.scan(target.load, None)
        told = target.compare(loaded, first=True)
        if since is not None:
            told.append(answers.existence_filter(target.id, len(target.told)))
        told.append(answers.target_change(answers.CURRENT, target.id, loaded.read_time_us))
        told.append(answers.target_change(answers.NO_CHANGE, version=loaded.read_time_us))
        self.tell(told)
        if target.once:
            self._remove(target.id)

    async def _load(self, target: Target) -> None:
        """Tell what differs in a target that changes can't be held against."""
        target.begin_loading()
        loaded: Loaded = await self._firestore.store.scan(target.load, None)
        told = target.compare(loaded, first=False)
        if told:
            self.tell((*told, answers.target_change(answers.NO_CHANGE, version=loaded.read_time_us)))

    async def _tell_time(self) -> None:
        """Tell that nothing has happened, if that is so."""
        if self._database is None or self._follower is None or not self._targets:
            return
        last, now_us = await self._firestore.store.read(_position, self._database)
        if self._follower.seq >= last and not any(each.stale for each in self._targets.values()):
            self.tell((answers.target_change(answers.NO_CHANGE, version=now_us),))

    def _remove(self, number: int) -> None:
        target = self._targets.get(number)
        if target is not None:
            self._forget(target)
        self.tell((answers.target_change(answers.REMOVE, number),))

    def _forget(self, target: Target) -> None:
        self._targets.pop(target.id, None)
        self._firestore.watches.leave(target)

    def close(self) -> None:
        """Listen no more."""
        for target in list(self._targets.values()):
            self._forget(target)


async def _position(tx: Tx, now_us: int, database: Database) -> tuple[int, int]:
    """Return the number of a feed's newest entry, and the time that goes with it: a store operation."""
    last = await change_feed.last(tx, now_us, feed_of(database))
    return last, await moment(tx, now_us, await find(tx, now_us, database))


def _since(message: Any) -> int | None:
    """Return from when a target goes on; None for the beginning."""
    kind = message.WhichOneof("resume_type")
    if kind is None or (kind == "resume_token" and not message.resume_token):
        return None
    if kind == "read_time":
        return time_of(message.read_time)
    version = answers.read_token(message.resume_token)
    if version is None:
        raise invalid("resume_token is not one that this method told.")
    return version
