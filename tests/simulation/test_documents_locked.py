"""Transactions of Firestore that want the same documents, some left lying, on the virtual clock.

Whoever waits for whom, every pair of accounts keeps its rule, which only both of them together can break (write skew),
no deposit is lost, and everything comes to an end. The checker knows what clients were told, and what is left.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import Any

import pytest

from fogbank.clouds.gcp.firestore.listening.watching import Watches
from fogbank.clouds.gcp.firestore.reading import batch_get_documents
from fogbank.clouds.gcp.firestore.service import Firestore
from fogbank.clouds.gcp.firestore.shape import firestore_types
from fogbank.clouds.gcp.firestore.transactions import IDLE_SECONDS, WHOLE_SECONDS, Transactions
from fogbank.clouds.gcp.firestore.writing import commits
from fogbank.kernel.clock import SECOND_US, Clock
from fogbank.kernel.ids import Ids
from fogbank.storage import open_store
from fogbank.wire.grpc.service import Call
from fogbank.wire.grpc.status import Code, GrpcError

DATABASE = "projects/p/databases/(default)"
PAIRS = 2
OPENING, WITHDRAWN = 6, 2
CLIENTS, TURNS = 6, 8
MODES = {"optimistic": (1,), "pessimistic": (2,), "both": (1, 2)}


@dataclass
class World:
    """Accounts, each of a pair; the sum of a pair isn't to be negative."""

    chance: random.Random
    modes: tuple[int, ...]
    clock: Clock
    firestore: Firestore
    balances: list[int]
    aborted: int = 0

    def message(self, kind: str, **fields: Any) -> Any:
        return self.firestore.message(kind)(database=DATABASE, **fields)

    def call(self) -> Call:
        return Call("http://localhost", [("authorization", "Bearer owner")])

    async def pause(self) -> None:
        for _ in range(self.chance.randrange(4)):
            await asyncio.sleep(0)

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)
            await self.firestore.store.drain()

    async def begin(self, retried: bytes = b"") -> bytes:
        options = {"read_write": {"retry_transaction": retried, "concurrency_mode": self.chance.choice(self.modes)}}
        request = self.message("BeginTransactionRequest", options=options)
        begun = await commits.begin_transaction(self.firestore, self.call(), request)
        return bytes(begun.transaction)

    async def read(self, pair: int, transaction: bytes = b"") -> list[int]:
        """Return the balances of a pair, read one after another."""
        read = []
        for account in range(2):
            request = self.message("BatchGetDocumentsRequest", documents=[name(pair, account)])
            if transaction:
                request.transaction = transaction
            async for answer in batch_get_documents(self.firestore, self.call(), request):
                found = self.firestore.message("BatchGetDocumentsResponse").FromString(answer.SerializeToString())
                read.append(found.found.fields["n"].integer_value)
            await self.pause()
        return read

    async def commit(self, transaction: bytes, *writes: Any) -> None:
        request = self.message("CommitRequest", writes=writes)
        request.transaction = transaction
        await commits.commit(self.firestore, self.call(), request)

    async def withdraw(self) -> None:
        """Take something from one account of a pair that has enough together, however often that is aborted."""
        pair, account = self.chance.randrange(PAIRS), self.chance.randrange(2)
        transaction = b""
        while True:
            try:
                transaction = await self.begin(transaction)
                read = await self.read(pair, transaction)
                # Without locks the two may be of different times: the commit tells.
                if sum(read) < WITHDRAWN:
                    request = self.message("RollbackRequest", transaction=transaction)
                    await commits.rollback(self.firestore, self.call(), request)
                    return
                await self.commit(transaction, written(pair, account, read[account] - WITHDRAWN))
            except GrpcError as error:
                if not is_run_again(error):
                    raise
                self.aborted += 1
                await self.pause()
            else:
                self.balances[pair] -= WITHDRAWN
                return

    async def deposit(self) -> None:
        pair, account = self.chance.randrange(PAIRS), self.chance.randrange(2)
        transform = {"field_path": "n", "increment": {"integer_value": 1}}
        await self.commit(b"", {"transform": {"document": name(pair, account), "field_transforms": [transform]}})
        self.balances[pair] += 1

    async def leave(self) -> None:
        """Read, and never come back."""
        await self.read(self.chance.randrange(PAIRS), await self.begin())

    async def client(self) -> None:
        for _ in range(TURNS):
            act = self.chance.choices((self.withdraw, self.deposit, self.leave), (10, 5, 1))[0]
            try:
                await act()
            except GrpcError as error:
                # Time went on while it read, and it was idle.
                if not is_run_again(error):
                    raise
            await self.pause()

    async def pass_time(self) -> None:
        while True:
            for _ in range(50):
                await self.pause()
            await self.clock.advance(self.chance.choice((1, IDLE_SECONDS, WHOLE_SECONDS)) * SECOND_US, self.settle)


def is_run_again(error: GrpcError) -> bool:
    """Whether clients run a transaction again: after it was aborted, or was over (as Google's own tell by the text)."""
    return error.code is Code.ABORTED or (error.code is Code.INVALID_ARGUMENT and "has expired" in str(error))


def name(pair: int, account: int) -> str:
    return f"{DATABASE}/documents/accounts/{pair}-{account}"


def written(pair: int, account: int, balance: int) -> dict[str, Any]:
    return {"update": {"name": name(pair, account), "fields": {"n": {"integer_value": balance}}}}


@pytest.mark.parametrize("modes", MODES)
@pytest.mark.parametrize("seed", range(4))
async def test_no_write_skew(modes: str, seed: int) -> None:
    clock = Clock(frozen_at_us=1_795_348_800_000_000)
    ids = Ids(clock, seed=seed)
    store = await open_store(clock)
    transactions = Transactions(store, clock, ids)
    firestore = Firestore(store, clock, ids, firestore_types(), transactions, Watches(store, clock))
    world = World(random.Random(seed), MODES[modes], clock, firestore, [OPENING] * PAIRS)
    for pair in range(PAIRS):
        await world.commit(b"", *(written(pair, account, OPENING // 2) for account in range(2)))
    time = asyncio.get_running_loop().create_task(world.pass_time())
    await asyncio.wait_for(asyncio.gather(*(world.client() for _ in range(CLIENTS))), 60)
    time.cancel()
    await asyncio.gather(time, return_exceptions=True)
    assert [sum(await world.read(pair)) for pair in range(PAIRS)] == world.balances
    assert min(world.balances) >= 0
    # Of those that were left lying, none holds up anybody.
    await clock.advance(WHOLE_SECONDS * SECOND_US, world.settle)
    await asyncio.wait_for(world.deposit(), 60)
    await world.settle()
    await store.close()
