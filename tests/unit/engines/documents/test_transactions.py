"""Reads and writes as one, on every store: nobody sees or decides on the half of a transaction."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import pytest

from fogbank.engines.documents import collections, documents, requests, transactions
from fogbank.engines.documents.documents import Write, Written
from fogbank.engines.documents.errors import (
    OtherRequestError,
    RefusedError,
    SameDocumentError,
    TooLargeTogetherError,
)
from fogbank.engines.documents.keys import NO_SORT_KEY, encode_partition
from fogbank.engines.documents.model import Collection, CollectionConfig, Document, Key, KeyField
from fogbank.engines.documents.requests import Request
from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.engines.documents.transactions import Outcome
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store

    Change = Callable[[Document | None], Document | None]

NAME = ("aws/1/here", "things")
PAIRS = 6
BYTES_MAX = 1_000


class FullError(Exception):
    """What a change refuses by."""


def at(key: str) -> Callable[[Collection], Key]:
    return lambda _collection: Key(encode_partition(key), NO_SORT_KEY)


def here(before: Document | None) -> Document:
    return Document(1, {"n": 1 if before is None else int(before.fields["n"]) + 1})  # type: ignore[arg-type]


def only_without(before: Document | None) -> Document | None:
    if before is not None:
        raise FullError
    return None


class Bench:
    """Transactions on one collection, with the boring arguments filled in."""

    def __init__(self, store: Store, ids: Ids) -> None:
        self.store, self.ids = store, ids

    async def write(
        self, *changes: tuple[str, Change], request: Request | None = None, bytes_max: int = BYTES_MAX
    ) -> Outcome:
        writes = [Write(NAME, self.ids.sequence(), at(key), change) for key, change in changes]
        return await self.store.run(transactions.write, writes, FullError, bytes_max, request)

    async def read(self, *keys: str, bytes_max: int = BYTES_MAX) -> list[Document | None]:
        return await self.store.read(transactions.read, [(NAME, at(key)) for key in keys], FullError, bytes_max)

    async def numbers(self, *keys: str) -> list[object]:
        return [None if each is None else each.fields["n"] for each in await self.read(*keys)]


@pytest.fixture
async def bench(store: Store, ids: Ids) -> Bench:
    await store.run(collections.create, NAME, ids.sequence(), CollectionConfig(KeyField("id", "text")))
    return Bench(store, ids)


async def test_writes_are_made_together_and_checks_leave_no_trace(bench: Bench) -> None:
    outcome = await bench.write(("a", here), ("b", only_without), ("c", lambda _: None))
    one = Document(1, {"n": 1})
    assert outcome == (False, [Written(None, one), Written(None, None), Written(None, None)])
    assert await bench.read("a", "b", "c") == [one, None, None]
    assert await bench.write(("a", lambda _: None), ("b", here)) == (False, [Written(one, None), Written(None, one)])
    assert await bench.numbers("a", "b") == [None, 1]


async def test_all_refusals_are_told_in_their_order(bench: Bench) -> None:
    await bench.write(("b", here))

    def unlocatable(_collection: Collection) -> Key:
        raise FullError

    with pytest.raises(RefusedError) as caught:
        await bench.write(("c", here), ("b", only_without), ("a", here))
    assert [type(each) for each in caught.value.refusals] == [type(None), FullError, type(None)]
    assert await bench.numbers("a", "b", "c") == [None, 1, None]
    wanted = [(NAME, at("b")), (NAME, unlocatable)]
    with pytest.raises(RefusedError) as caught:
        await bench.store.read(transactions.read, wanted, FullError, BYTES_MAX)
    assert [type(each) for each in caught.value.refusals] == [type(None), FullError]


async def test_limits(bench: Bench) -> None:
    with pytest.raises(SameDocumentError):
        await bench.write(("a", here), ("b", here), ("a", only_without))
    with pytest.raises(SameDocumentError):
        await bench.read("a", "a")
    with pytest.raises(TooLargeTogetherError):
        await bench.write(("a", here), ("b", here), bytes_max=1)
    assert await bench.numbers("a", "b") == [None, None]
    await bench.write(("a", here), ("b", here), bytes_max=2)
    with pytest.raises(TooLargeTogetherError):
        await bench.read("a", "b", bytes_max=1)


async def test_of_the_same_request_at_the_same_time_one_is_carried_out(bench: Bench, clock: Clock) -> None:
    request = Request("scope", "token", b"digest", 60)
    outcomes = await asyncio.gather(*(bench.write(("a", here), request=request) for _ in range(8)))
    assert sorted(outcome.repeated for outcome in outcomes) == [False] + 7 * [True]
    assert await bench.numbers("a") == [1]
    with pytest.raises(OtherRequestError):
        await bench.write(("a", here), request=request._replace(digest=b"other"))
    assert not (await bench.write(("a", here), request=request._replace(scope="elsewhere"))).repeated
    await clock.advance(61 * SECOND_US, bench.store.drain)
    await bench.store.run(requests.forget_expired)
    assert not (await bench.write(("a", here), request=request._replace(digest=b"other"))).repeated


async def test_two_who_each_need_the_other_to_be_missing_never_both_succeed(bench: Bench) -> None:
    """Write skew: each creates one document, if there is no other."""

    async def take(mine: str, other: str) -> bool:
        try:
            await bench.write((mine, here), (other, only_without))
        except RefusedError:
            return False
        return True

    taken = await asyncio.gather(
        *(take(*names) for pair in range(PAIRS) for names in ((f"x{pair}", f"y{pair}"), (f"y{pair}", f"x{pair}")))
    )
    for pair in range(PAIRS):
        assert sum(taken[2 * pair : 2 * pair + 2]) == 1
        assert (await bench.numbers(f"x{pair}", f"y{pair}")).count(None) == 1


async def test_a_check_holds_against_single_writers_until_the_end(bench: Bench) -> None:
    """A document is only made while another is missing; that one is made by those who aren't in a transaction."""

    async def guarded(pair: int) -> bool:
        try:
            await bench.write((f"b{pair}", here), (f"a{pair}", only_without))
        except RefusedError:
            return False
        return True

    async def single(pair: int) -> bool:
        """Make it, and say whether the other was there already."""
        await bench.store.run(documents.put, NAME, bench.ids.sequence(), at(f"a{pair}"), Document(1, {"n": 1}))
        return (await bench.numbers(f"b{pair}")) != [None]

    outcomes = await asyncio.gather(*(work(pair) for pair in range(PAIRS) for work in (guarded, single)))
    for pair in range(PAIRS):
        made, seen = outcomes[2 * pair : 2 * pair + 2]
        assert made == seen, "what was made while the other was missing was made before it"


async def test_no_update_is_lost_whoever_writes(bench: Bench) -> None:
    async def single(key: str) -> None:
        await bench.store.run(documents.write, NAME, bench.ids.sequence(), at(key), here)

    await asyncio.gather(
        *(bench.write(("a", here), ("b", here)) for _ in range(6)),
        *(bench.write(("b", here), ("a", here)) for _ in range(6)),
        *(single(key) for key in 3 * ["a", "b"]),
    )
    assert await bench.numbers("a", "b") == [15, 15]


async def test_readers_see_all_of_a_transaction_or_nothing(bench: Bench) -> None:
    done = asyncio.Event()

    async def writing() -> None:
        for _ in range(20):
            await bench.write(("a", here), ("b", here))
        done.set()

    async def reading() -> int:
        looks = 0
        while not done.is_set():
            one, other = await bench.numbers("a", "b")
            assert one == other
            looks += 1
            # A store in memory answers without waiting.
            await asyncio.sleep(0)
        return looks

    _, looks = await asyncio.gather(writing(), reading())
    assert looks


async def test_a_refusal_forgets_the_request(bench: Bench) -> None:
    request = Request("scope", "token", b"digest", 60)
    await bench.write(("a", here))
    with pytest.raises(RefusedError):
        await bench.write(("a", only_without), request=request)
    assert not (await bench.write(("a", partial(here)), request=request)).repeated
