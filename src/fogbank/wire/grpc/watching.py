"""Calls over gRPC as they are noted, and struck by faults if there are rules for any."""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING

from fogbank.wire.grpc.status import HTTP_STATUSES, Code, GrpcError
from fogbank.wire.http import ConnectionDroppedError
from fogbank.wire.watching.log import UNANSWERED
from fogbank.wire.watching.model import Refusal, Sent
from fogbank.wire.watching.watch import delayed, refusal_of

if TYPE_CHECKING:
    from fogbank.wire.http2.fields import Head
    from fogbank.wire.watching.model import CallFront
    from fogbank.wire.watching.watch import Watch


class CallWatch:
    """Notes the calls of one cloud."""

    def __init__(self, watch: Watch, front: CallFront) -> None:
        self._watch = watch
        self._front = front

    @property
    def strikes(self) -> bool:
        """Whether there are rules that calls are held against."""
        return self._watch.faults.of_requests

    def begin(self, head: Head) -> Noting:
        """Note that a call has come."""
        return Noting(self._watch, self._front, head)


class Noting:
    """A call on its way to its end."""

    __slots__ = ("_at_us", "_began_ns", "_faults", "_front", "_head", "_watch", "dropped")

    def __init__(self, watch: Watch, front: CallFront, head: Head) -> None:
        self._watch = watch
        self._front = front
        self._head = head
        self._at_us = watch.now()
        self._began_ns = perf_counter_ns()
        self._faults: tuple[int, ...] = ()
        # Whether the connection is to be closed instead of an answer.
        self.dropped = False

    async def strike(self, message: bytes | None) -> None:
        """Hold the call against the rules: waits, raises what it fails with, or notes that it is to be dropped."""
        front = self._front
        seen = front.describe_call(self._sent(message))
        strikes = self._watch.faults.strike(front.cloud, seen)
        self._faults = tuple(strike.number for strike in strikes)
        fault = refusal_of(await delayed(strikes))
        if isinstance(fault, Refusal):
            raise front.refuse_call(seen, fault)
        if fault == "before":
            raise ConnectionDroppedError
        self.dropped = fault == "after"

    def end(self, message: bytes | None, error: BaseException | None = None) -> None:
        """Note how the call has ended."""
        failure = None
        status = 200
        if isinstance(error, GrpcError):
            status = HTTP_STATUSES[error.code]
            failure = None if error.code is Code.OK else (error.code.name, error.message)
        elif error is not None:
            status = UNANSWERED
        took_ns = perf_counter_ns() - self._began_ns
        sent = self._sent(message)
        self._watch.log.add_call(self._at_us, took_ns, self._front, sent, status, failure, self._faults)

    def _sent(self, message: bytes | None) -> Sent:
        head = self._head
        return Sent(head.path.decode("latin-1"), head.fields, message)
