"""Entity group transactions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from azure.core.exceptions import HttpResponseError
from azure.data.tables import TableTransactionError, UpdateMode

from tests.conformance.azure.tables.conftest import code_of

if TYPE_CHECKING:
    from azure.data.tables import TableClient


def row(key: str, **more: object) -> dict[str, object]:
    return {"PartitionKey": "p's", "RowKey": key, **more}


def test_all(table: TableClient) -> None:
    table.create_entity(row("gone"))
    table.create_entity(row("merged", x=1))
    found = table.submit_transaction(
        [
            ("create", row("new", a="é\r\n--changeset")),
            ("upsert", row("put", b=2)),
            ("update", row("merged", y=2), {"mode": UpdateMode.MERGE}),
            ("delete", row("gone")),
        ]
    )
    assert all("etag" in each for each in found[:3])
    assert found[0]["etag"] == table.get_entity("p's", "new").metadata["etag"]
    assert table.get_entity("p's", "new")["a"] == "é\r\n--changeset"
    assert dict(table.get_entity("p's", "merged")) == row("merged", x=1, y=2)
    assert {each["RowKey"] for each in table.list_entities()} == {"new", "put", "merged"}


def test_none(table: TableClient) -> None:
    table.create_entity(row("b"))
    with pytest.raises(TableTransactionError) as error:
        # The first that fails is told, whatever the order of keys.
        table.submit_transaction([("upsert", row("z")), ("create", row("b")), ("update", row("a"))])
    assert (error.value.index, error.value.error_code) == (1, "EntityAlreadyExists")
    assert [each["RowKey"] for each in table.list_entities()] == ["b"]
    with pytest.raises(TableTransactionError) as error:
        table.submit_transaction([("upsert", row("a")), ("upsert", row("a"))])
    assert (error.value.index, error.value.error_code) == (1, "InvalidDuplicateRow")
    with pytest.raises(TableTransactionError) as error:
        table.submit_transaction([("upsert", row(f"r{number}")) for number in range(101)])
    assert (error.value.index, error.value.error_code) == (99, "InvalidInput")
    assert [each["RowKey"] for each in table.list_entities()] == ["b"]


def test_without_a_table(table: TableClient) -> None:
    table.delete_table()
    with pytest.raises(HttpResponseError) as error:
        table.submit_transaction([("upsert", row("a"))])
    assert code_of(error) == (404, "TableNotFound")


def test_a_hundred(table: TableClient) -> None:
    table.submit_transaction([("create", row(f"r{number}")) for number in range(100)])
    assert len(list(table.list_entities())) == 100
