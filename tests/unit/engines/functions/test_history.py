"""The history of invocations: kept, found, listed, and bounded, on every store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fogbank.engines.functions import history
from fogbank.engines.functions.errors import InvocationNotFoundError
from fogbank.engines.functions.history import NEWEST, Choice, Content, Entry, Summary

if TYPE_CHECKING:
    from fogbank.storage import Store

SCOPE = "aws/000000000000/us-east-1"
OTHER = "aws/000000000000/eu-west-1"
ALL = Choice()


def entry(number: int, function: str = "f", scope: str = SCOPE, **changes: Any) -> Entry:
    values = {
        "version": "$LATEST", "contract": "lambda", "source": "request", "began_us": 7, "ended": "ok",
        "error_type": "", "status": 0, "seconds": 0.0015, "init_seconds": None, "peak_bytes": 5,
        "event_bytes": 2, "payload_bytes": 4,
    }  # fmt: skip
    content = Content(changes.pop("event", b"{}"), {"a": ["b"]}, b"null", {"status": 200}, [(9, "line")], ["logs"])
    identifier = changes.pop("id", f"id-{number}")
    return history.make_entry(number, identifier, (scope, function), Summary(**(values | changes)), content)


async def keep(store: Store, *entries: Entry, functions: tuple[str, ...] = (), sweep: bool = False) -> None:
    await store.run(history.keep, list(entries), [(SCOPE, function) for function in functions], sweep=sweep)


async def numbers(store: Store, choice: Choice = ALL, before: int = NEWEST, limit: int = 100) -> list[int]:
    return [kept.number for kept in await store.scan(history.latest, choice, before, limit)]


async def test_what_is_kept_is_found_whole(store: Store) -> None:
    await keep(store, entry(1, init_seconds=0.0006, ended="timeout", error_type="E"))
    for identifier in ("1", "id-1"):
        kept = await store.read(history.find, identifier)
        assert (kept.number, kept.id, kept.function, kept.scope) == (1, "id-1", "f", SCOPE)
        assert kept.summary.billed_ms == 3
        assert not kept.summary.ok
        assert kept.content == Content(b"{}", {"a": ["b"]}, b"null", {"status": 200}, [(9, "line")], ["logs"])


async def test_an_id_stands_for_its_latest_attempt(store: Store) -> None:
    await keep(store, entry(1, id="same"), entry(2, id="same"))
    assert (await store.read(history.find, "same")).number == 2
    assert (await store.read(history.find, "1")).number == 1


@pytest.mark.parametrize("identifier", ["nothing", "5", "9" * 40, ""])
async def test_what_isn_t_kept_isn_t_found(store: Store, identifier: str) -> None:
    await keep(store, entry(1))
    with pytest.raises(InvocationNotFoundError):
        await store.read(history.find, identifier)


async def test_lists_by_function_scope_and_end_in_either_direction(store: Store) -> None:
    await keep(
        store,
        entry(1),
        entry(2, "g"),
        entry(3, ended="error"),
        entry(4, scope=OTHER),
        entry(5, "g", ended="exit"),
    )
    assert await numbers(store) == [5, 4, 3, 2, 1]
    assert await numbers(store, before=4, limit=2) == [3, 2]
    assert await numbers(store, Choice("f")) == [4, 3, 1]
    assert await numbers(store, Choice("f", OTHER)) == [4]
    assert await numbers(store, Choice(ok=False)) == [5, 3]
    assert await numbers(store, Choice("f", ok=True)) == [4, 1]
    later = await store.scan(history.following, Choice("g"), 1, 1)
    assert [kept.number for kept in later] == [2]
    assert later[0].content is None


async def test_a_function_s_oldest_go_when_it_is_counted(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "_FUNCTION_SWEPT_TO", 3)
    await keep(store, entry(1, "g"), *(entry(number) for number in range(2, 8)), entry(8, scope=OTHER))
    assert len(await numbers(store)) == 8
    await keep(store, entry(9), functions=("f", "g"))
    assert await numbers(store) == [9, 8, 7, 6, 1]


@pytest.mark.parametrize(("limit", "value"), [("_ALL_SWEPT_TO", 4), ("_BYTES_SWEPT_TO", 4_600)])
async def test_the_oldest_of_all_go(store: Store, monkeypatch: pytest.MonkeyPatch, limit: str, value: int) -> None:
    monkeypatch.setattr(history, limit, value)
    monkeypatch.setattr(history, "_OLDEST_AT_ONCE", 2)
    await keep(store, *(entry(number, f"f{number % 3}", event=b"x" * 1_000) for number in range(1, 12)), sweep=True)
    assert await numbers(store) == [11, 10, 9, 8]


async def test_new_records_are_told(store: Store) -> None:
    with store.signals.listen(history.topic()) as listener:
        await keep(store, entry(1))
        assert listener.told


async def test_a_reset_empties_it(store: Store) -> None:
    await keep(store, entry(1))
    await store.reset()
    assert await numbers(store) == []
