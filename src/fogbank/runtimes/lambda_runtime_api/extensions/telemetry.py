"""The Telemetry API of one instance: subscriptions, and the events that they get.

AWS Lambda Developer Guide, "Lambda Telemetry API reference" and "Lambda Telemetry API Event schema reference".
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.runtimes.lambda_runtime_api.extensions.delivery import Buffering, Delivery, read_destination
from fogbank.runtimes.lambda_runtime_api.replies import error, found
from fogbank.runtimes.lambda_runtime_api.report import billed_ms, iso
from fogbank.runtimes.model import Ended

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.kernel.clock import Clock
    from fogbank.runtimes.lambda_runtime_api.extensions.registry import Extension, Facts
    from fogbank.runtimes.link import Delivered
    from fogbank.runtimes.model import Line, Outcome
    from fogbank.wire.http import Request, Response

PATH: Final = "/2022-07-01/telemetry"
LOGS_PATH: Final = "/2020-08-15/logs"
SCHEMAS: Final = ("2022-07-01", "2022-12-13", "2025-01-29")
BODY_BYTES_MAX: Final = 65_536
# What happened before anybody could subscribe.
EARLY_MAX: Final = 1_000
FLUSH_SECONDS_MAX: Final = 0.3
_MIB: Final = 1_048_576
_KINDS: Final = frozenset({"platform", "function", "extension"})
# Smallest, largest and default value of each.
_ITEMS: Final = (1_000, 10_000, 10_000)
_BYTES: Final = (262_144, 1_048_576, 262_144)
_MILLISECONDS: Final = (25, 30_000, 1_000)


class BufferingInput(msgspec.Struct, frozen=True, rename="camel"):
    """How events are gathered."""

    max_items: int | None = None
    max_bytes: int | None = None
    timeout_ms: int | None = None


class DestinationInput(msgspec.Struct):
    """Where events are sent."""

    protocol: str
    URI: str = ""
    port: int | None = None


class Subscription(msgspec.Struct, rename="camel"):
    """The body of a subscription."""

    schema_version: str
    types: list[str]
    destination: DestinationInput
    buffering: BufferingInput = BufferingInput()


class Telemetry:
    """Tells extensions that have subscribed what happens in an instance."""

    def __init__(self, clock: Clock, facts: Facts, kind: str) -> None:
        self._clock = clock
        self._facts = facts
        self._deliveries: dict[str, tuple[frozenset[str], Delivery, asyncio.Task[None]]] = {}
        self._early: list[tuple[str, bytes]] = []
        self._open = True
        self._phase = {"initializationType": kind, "phase": "init"}
        self._began = clock.monotonic()
        self._tell("platform.initStart", {**self._phase, "functionName": facts.name, "functionVersion": facts.version})

    # Subscriptions.

    async def subscribe(self, request: Request, extension: Extension | None) -> Response:
        """Answer a subscription."""
        if extension is None:
            return error(403, "Extension.UnknownExtensionIdentifier", "Unknown extension")
        try:
            asked = msgspec.json.decode(await request.read(BODY_BYTES_MAX), type=Subscription)
        except (msgspec.DecodeError, UnicodeDecodeError) as problem:
            return error(400, "ValidationError", f"The subscription can't be read: {problem}")
        destination = read_destination(asked.destination.protocol, asked.destination.URI, asked.destination.port)
        wrong = _fault(asked)
        if wrong is None and destination is None:
            wrong = "destination is not one in the sandbox: http://sandbox.localdomain:PORT, or a TCP port"
        if wrong is not None:
            return error(400, "ValidationError", wrong)
        if not self._open:
            return error(403, "Telemetry.SubscriptionClosed", "Telemetry API subscription is closed already")
        assert destination is not None
        self._add(extension, asked, Delivery(destination, _buffering(asked.buffering)))
        return found(b'"OK"')

    def _add(self, extension: Extension, asked: Subscription, delivery: Delivery) -> None:
        before = self._deliveries.pop(extension.identifier, None)
        if before is not None:
            before[2].cancel()
            before[1].close()
        kinds = frozenset(asked.types)
        for kind, event in self._early if before is None else ():
            if kind in kinds:
                delivery.add(event)
        task = asyncio.get_running_loop().create_task(delivery.run())
        self._deliveries[extension.identifier] = (kinds, delivery, task)
        told = {"name": extension.name, "state": "Subscribed", "types": asked.types}
        self._tell("platform.telemetrySubscription", told)

    async def flush(self) -> None:
        """Send what is gathered, if that can be done soon."""
        flushes = [asyncio.ensure_future(delivery.flush()) for _, delivery, _ in self._deliveries.values()]
        if flushes:
            _, late = await asyncio.wait(flushes, timeout=FLUSH_SECONDS_MAX)
            for each in late:
                each.cancel()

    async def close(self) -> None:
        """Send no more."""
        tasks = [task for _, _, task in self._deliveries.values()]
        for _, delivery, task in self._deliveries.values():
            task.cancel()
            delivery.close()
        self._deliveries.clear()
        if tasks:
            await asyncio.wait(tasks)

    # What happens.

    def initialised(self, failure: Delivered | None) -> None:
        """Tell that the runtime is ready, or isn't going to be."""
        status: dict[str, Any] = {"status": "success"} if failure is None else {"status": "error"}
        if failure is not None:
            status["errorType"] = failure.error_type
        self._tell("platform.initRuntimeDone", {**self._phase, **status})

    def settled(self, extensions: Sequence[Extension]) -> None:
        """Tell that the initialisation is over; nobody subscribes any more."""
        for each in extensions:
            self._tell("platform.extension", {"name": each.name, "state": "Ready", "events": sorted(each.events)})
        spent_ms = round((self._clock.monotonic() - self._began) * 1_000, 3)
        self._tell("platform.initReport", {**self._phase, "metrics": {"durationMs": spent_ms}, "status": "success"})
        self._open = False
        self._early.clear()

    def started(self, number: str) -> None:
        """Tell that an invocation begins."""
        self._tell("platform.start", {"requestId": number, "version": self._facts.version})

    def printed(self, kind: str, line: Line) -> None:
        """Tell what the "function" or an "extension" has printed."""
        if self._deliveries or self._open:
            self._tell(kind, line.text, line.at_us)

    def ended(self, number: str, outcome: Outcome, memory_mib: int) -> None:
        """Tell what became of an invocation."""
        status: dict[str, Any] = {"status": _STATUS.get(outcome.ended, "failure")}
        if outcome.error_type:
            status["errorType"] = outcome.error_type
        spent_ms = round(outcome.seconds * 1_000, 3)
        size = len(outcome.payload) if outcome.streamed is None else outcome.streamed
        done = {"durationMs": spent_ms, "producedBytes": size}
        self._tell("platform.runtimeDone", {"requestId": number, **status, "metrics": done})
        metrics: dict[str, Any] = {
            "durationMs": spent_ms,
            "billedDurationMs": billed_ms(outcome),
            "memorySizeMB": memory_mib,
            "maxMemoryUsedMB": min(memory_mib, max(1, math.ceil(outcome.peak_bytes / _MIB))),
        }
        if outcome.init_seconds is not None:
            metrics["initDurationMs"] = round(outcome.init_seconds * 1_000, 3)
        self._tell("platform.report", {"requestId": number, **status, "metrics": metrics})

    def _tell(self, kind: str, record: Any, at_us: int | None = None) -> None:
        at = iso(self._clock.now() if at_us is None else at_us)
        family = kind.partition(".")[0]
        event = msgspec.json.encode({"time": at, "type": kind, "record": record})
        if self._open and len(self._early) < EARLY_MAX:
            self._early.append((family, event))
        for kinds, delivery, _ in self._deliveries.values():
            if family not in kinds:
                continue
            delivery.add(event)
            count, size = delivery.lost
            if count:
                delivery.lost = (0, 0)
                lost = {"reason": "The extension took no events", "droppedRecords": count, "droppedBytes": size}
                delivery.add(msgspec.json.encode({"time": at, "type": "platform.logsDropped", "record": lost}))


_STATUS: Final = {
    Ended.OK: "success",
    Ended.ERROR: "error",
    Ended.INIT_ERROR: "error",
    Ended.TIMEOUT: "timeout",
}


def _fault(asked: Subscription) -> str | None:
    """Return what is wrong with a subscription, if anything is."""
    if asked.schema_version not in SCHEMAS:
        return f"schemaVersion has to be one of {', '.join(SCHEMAS)}"
    if not asked.types or not _KINDS.issuperset(asked.types):
        return f"types have to be of {', '.join(sorted(_KINDS))}"
    buffering = asked.buffering
    for name, value, (least, most, _) in (
        ("maxItems", buffering.max_items, _ITEMS),
        ("maxBytes", buffering.max_bytes, _BYTES),
        ("timeoutMs", buffering.timeout_ms, _MILLISECONDS),
    ):
        if value is not None and not least <= value <= most:
            return f"{name} has to be between {least} and {most}"
    if asked.destination.protocol not in ("HTTP", "TCP"):
        return "protocol has to be HTTP or TCP"
    return None


def _buffering(asked: BufferingInput) -> Buffering:
    return Buffering(
        asked.max_items or _ITEMS[2],
        asked.max_bytes or _BYTES[2],
        (asked.timeout_ms or _MILLISECONDS[2]) / 1_000,
    )
