"""Amazon DynamoDB on PostgreSQL, where the store is another."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from fogbank.settings import Settings
from fogbank.testing.server import ThreadedServer
from tests.conformance.aws.dynamodb import test_capacity, test_partiql, test_transactions
from tests.conformance.conftest import boto3_client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Make = Callable[..., Any]

music, run = test_partiql.music, test_partiql.run
item, put, check = test_transactions.item, test_transactions.put, test_transactions.check


@pytest.fixture(scope="module")
def postgres_server(postgres_url: str, shared: Path) -> Iterator[ThreadedServer]:
    with ThreadedServer(Settings(port=0, database=postgres_url, shared=shared)) as running:
        running.reset()
        yield running


@pytest.fixture
def client(postgres_server: ThreadedServer, account: str) -> Make:
    return boto3_client(postgres_server, account)


def test_money_is_moved_and_never_made(client: Make, ddb: Any, things: str) -> None:
    test_transactions.test_money_is_moved_and_never_made(client, ddb, things)


def test_a_transaction_runs_all_statements_or_none(ddb: Any, music: str, refused: Any) -> None:
    test_partiql.test_a_transaction_runs_all_statements_or_none(ddb, music, refused)


def test_updating(ddb: Any, run: Any, refused: Any) -> None:
    test_partiql.test_updating(ddb, run, refused)


def test_a_maximum_is_set_and_removed(ddb: Any, refused: Any) -> None:
    test_capacity.test_a_maximum_is_set_and_removed(ddb, refused)


def test_of_two_who_each_need_the_other_to_be_missing_one_succeeds(client: Make, ddb: Any, things: str) -> None:
    """Write skew, with a client of its own for each."""
    pairs = 5

    def take(mine: int, other: int) -> None:
        own = client("dynamodb")
        start.wait()
        try:
            own.transact_write_items(
                TransactItems=[put(things, mine), check(things, other, "attribute_not_exists(id)")]
            )
        except own.exceptions.TransactionCanceledException:
            refused.append(mine)

    refused: list[int] = []
    start = threading.Barrier(2 * pairs)
    takers = [
        threading.Thread(target=take, args=names)
        for pair in range(pairs)
        for names in ((2 * pair, 2 * pair + 1), (2 * pair + 1, 2 * pair))
    ]
    for taker in takers:
        taker.start()
    for taker in takers:
        taker.join()
    made = sorted(int(found["id"]["S"]) for found in ddb.scan(TableName=things)["Items"])
    assert sorted(made + refused) == list(range(2 * pairs))
    assert [number // 2 for number in made] == list(range(pairs))
