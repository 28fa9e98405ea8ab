"""What is over is kept: all of it, soon, bounded, and without holding anybody up."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from fogbank.connectors import invocation_history
from fogbank.connectors.invocation_history import InvocationHistory
from fogbank.engines.functions import history
from fogbank.engines.functions.history import NEWEST, PART_BYTES_MAX, Choice, Kept
from fogbank.engines.functions.model import Function, FunctionConfig
from fogbank.runtimes.model import Ended, Invocation, Launch, Line, Outcome
from fogbank.runtimes.runner import BusyError
from fogbank.storage import StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store

SCOPE = "aws/000000000000/us-east-1"
OK = Outcome(Ended.OK, b'"done"', 0.25, 0.5, peak_bytes=7, lines=[Line(3, "START"), Line(4, "END")])


async def grant() -> Mapping[str, str]:
    return {}


def function(name: str = "f") -> Function:
    return Function(SCOPE, name, 1, 1, FunctionConfig("lambda", "python3.12", "a.b", b"", 0), 0, 0)


LAUNCH = Launch((1, 1), "lambda", "python3.12", "a.b", b"", {}, grant, 128, 3, "f", "$LATEST", "arn", (SCOPE, "g"))


@pytest.fixture
async def recorder(store: Store, clock: Clock, ids: Ids) -> AsyncIterator[InvocationHistory]:
    made = InvocationHistory(store, clock, ids)
    made.start()
    yield made
    await made.close()


async def run(
    recorder: InvocationHistory, outcome: Outcome | BaseException = OK, name: str = "f", **invocation: Any
) -> Outcome:
    async def running() -> Outcome:
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    given = Invocation(**({"id": "one", "event": b"{}", "context": {}} | invocation))
    return await recorder.keep(function(name), LAUNCH, given, "request", running())


async def kept(store: Store) -> list[Kept]:
    found = await store.scan(history.latest, Choice(), NEWEST, 20_000)
    return [await store.scan(history.find, str(each.number)) for each in found]


async def test_an_outcome_is_kept_and_handed_on(store: Store, recorder: InvocationHistory, clock: Clock) -> None:
    context = {"path": "/x", "headers": [("a", "b")]}
    assert await run(recorder, id="7", event=b"[1]", context=context) is OK
    await recorder.flush()
    [record] = await kept(store)
    assert (record.id, record.function, record.scope) == ("7", "f", SCOPE)
    summary, content = record.summary, record.content
    assert content is not None
    assert (summary.version, summary.contract, summary.source) == ("$LATEST", "lambda", "request")
    assert (summary.ended, summary.seconds, summary.init_seconds, summary.peak_bytes) == ("ok", 0.25, 0.5, 7)
    assert (summary.began_us, summary.event_bytes, summary.payload_bytes) == (clock.now(), 3, 6)
    assert summary.billed_ms == 750
    assert (content.event, content.payload, content.cut) == (b"[1]", b'"done"', [])
    assert content.context == {"path": "/x", "headers": [["a", "b"]]}
    assert content.lines == [(3, "START"), (4, "END")]


async def test_what_is_refused_is_not_kept_and_what_is_given_up_is(store: Store, recorder: InvocationHistory) -> None:
    with pytest.raises(BusyError):
        await run(recorder, BusyError())
    with pytest.raises(asyncio.CancelledError):
        await run(recorder, asyncio.CancelledError())
    await recorder.flush()
    assert [record.summary.ended for record in await kept(store)] == ["abandoned"]


async def test_what_is_long_is_cut_and_the_end_of_the_log_stays(store: Store, recorder: InvocationHistory) -> None:
    long = b"x" * (PART_BYTES_MAX + 1)
    lines = [Line(at, f"{at}" + "y" * 100_000) for at in range(5)]
    await run(recorder, Outcome(Ended.OK, long, lines=lines), event=long)
    await run(recorder, Outcome(Ended.OK, long[1:]), event=long[1:])
    await recorder.flush()
    whole, cut = await kept(store)
    assert cut.content is not None
    assert whole.content is not None
    assert cut.content.cut == ["event", "payload", "logs"]
    assert (cut.content.event, cut.content.payload) == (long[1:], long[1:])
    assert [line[0] for line in cut.content.lines] == [3, 4]
    assert (cut.summary.event_bytes, cut.summary.payload_bytes) == (len(long), len(long))
    assert (whole.content.cut, whole.content.event) == ([], long[1:])


async def test_many_are_written_together_without_being_asked(
    store: Store, recorder: InvocationHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes: list[int] = []

    async def counted(tx: Any, now_us: int, entries: Any, functions: Any, *, sweep: bool) -> None:
        writes.append(len(entries))
        await keep(tx, now_us, entries, functions, sweep=sweep)

    keep = history.keep
    monkeypatch.setattr(history, "keep", counted)
    with store.signals.listen(history.topic()) as listener:
        for number in range(120):
            await run(recorder, id=f"id-{number}")
        while len(await kept(store)) < 120:
            await listener.wait(NEWEST)
    assert writes == [50, 50, 20]


async def test_a_thousand_of_a_function_stay(store: Store, recorder: InvocationHistory) -> None:
    await run(recorder, name="other")
    for number in range(1_200):
        await run(recorder, id=str(number))
        if number % 100 == 0:
            await recorder.flush()
            assert len(await store.scan(history.latest, Choice("f"), NEWEST, 20_000)) <= history.PER_FUNCTION_MAX
    await recorder.flush()
    of_f = await store.scan(history.latest, Choice("f"), NEWEST, 20_000)
    assert 900 <= len(of_f) <= history.PER_FUNCTION_MAX
    assert of_f[0].id == "1199"
    assert len(await store.scan(history.latest, Choice("other"), NEWEST, 20_000)) == 1


async def test_a_store_that_fails_for_a_while_loses_nothing(
    store: Store, recorder: InvocationHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing(*_: Any, **__: Any) -> None:
        raise StoreUnavailableError

    with monkeypatch.context() as broken:
        broken.setattr(history, "keep", failing)
        await run(recorder, id="1")
        await run(recorder, id="2")
        await asyncio.sleep(0.3)
    await recorder.flush()
    assert [record.id for record in await kept(store)] == ["2", "1"]


async def test_what_can_t_be_encoded_or_waits_too_long_costs_only_itself(
    store: Store, recorder: InvocationHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await run(recorder, context={"bad": "\udc80"}) is OK
    monkeypatch.setattr(invocation_history, "WAITING_MAX", 2)
    for number in range(4):
        await run(recorder, id=str(number))
    await recorder.flush()
    assert [record.id for record in await kept(store)] == ["3", "2"]


async def test_what_waits_is_forgotten_on_demand_and_written_on_close(store: Store, clock: Clock, ids: Ids) -> None:
    recorder = InvocationHistory(store, clock, ids)
    recorder.start()
    await run(recorder, id="forgotten")
    recorder.forget()
    await run(recorder, id="kept")
    await recorder.close()
    assert [record.id for record in await kept(store)] == ["kept"]
