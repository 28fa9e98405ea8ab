"""Queries: filters, pages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from azure.core.exceptions import HttpResponseError
from azure.data.tables import EdmType, EntityProperty

from fogbank.clouds.azure.tables import queries
from tests.conformance.azure.tables.conftest import code_of

if TYPE_CHECKING:
    from azure.data.tables import TableClient

GUID = UUID("c9da6455-213d-42c9-9a79-3e9149a57833")
AT = datetime(2020, 1, 2, tzinfo=UTC)


@pytest.fixture
def filled(table: TableClient) -> TableClient:
    for partition in ("a", "b", "c"):
        rows = [{"PartitionKey": partition, "RowKey": f"{row}", "n": row, "even": row % 2 == 0} for row in range(4)]
        table.submit_transaction([("create", row) for row in rows])
    more = {"long": EntityProperty(2**40, EdmType.INT64), "guid": GUID, "at": AT, "data": b"\x01\x02", "text": "it's"}
    table.upsert_entity({"PartitionKey": "b", "RowKey": "1", **more})
    return table


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("PartitionKey eq 'b' and RowKey ge '1' and RowKey lt '3'", "b1 b2"),
        ("PartitionKey gt 'a' and PartitionKey lt 'c'", "b0 b1 b2 b3"),
        ("PartitionKey ge 'b' and n eq 3", "b3 c3"),
        ("PartitionKey le 'a' and not (n lt 2)", "a2 a3"),
        ("'b' eq PartitionKey and even", "b0 b2"),
        ("even eq false and (PartitionKey eq 'a' or PartitionKey eq 'c')", "a1 a3 c1 c3"),
        ("long eq 1099511627776L", "b1"),
        ("long gt 5", "b1"),
        (f"guid eq guid'{GUID}'", "b1"),
        ("at ge datetime'2020-01-02T00:00:00Z' and at lt datetime'2020-01-02T00:00:00.0000001Z'", "b1"),
        ("data eq X'0102'", "b1"),
        ("text eq 'it''s'", "b1"),
        ("text ne 'x'", "b1"),
        ("n eq '1'", ""),
        ("n lt 1.5 and PartitionKey eq 'c'", "c0 c1"),
        ("Timestamp gt datetime'2000-01-01T00:00:00Z' and PartitionKey eq 'a' and RowKey eq '0'", "a0"),
        ("PartitionKey eq 'a' and PartitionKey eq 'b'", ""),
    ],
)
def test_filters(filled: TableClient, condition: str, found: str) -> None:
    assert " ".join(each["PartitionKey"] + each["RowKey"] for each in filled.query_entities(condition)) == found


@pytest.mark.parametrize(
    "condition",
    ["n eq", "n = 1", "n eq 1 eq 2", "'a'", "a eq b", "at eq datetime'x'", "(" * 200 + "n eq 1" + ")" * 200],
)
def test_what_is_no_filter(table: TableClient, condition: str) -> None:
    with pytest.raises(HttpResponseError) as error:
        list(table.query_entities(condition))
    assert code_of(error) == (400, "InvalidInput")


def test_pages(filled: TableClient) -> None:
    pages = filled.list_entities(results_per_page=5, select=["RowKey", "PartitionKey"]).by_page()
    assert [" ".join(each["PartitionKey"] + each["RowKey"] for each in page) for page in pages] == [
        "a0 a1 a2 a3 b0",
        "b1 b2 b3 c0 c1",
        "c2 c3",
    ]
    one = filled.query_entities("PartitionKey eq 'b'", results_per_page=3).by_page()
    assert [[each["RowKey"] for each in page] for page in one] == [["0", "1", "2"], ["3"]]
    token = one.continuation_token
    assert token is None
    with pytest.raises(HttpResponseError) as error:
        list(filled.list_entities(results_per_page=1_001))
    assert code_of(error) == (400, "InvalidInput")


def test_a_page_that_looked_at_much_ends_early(filled: TableClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "LOOKED_MAX", 4)
    monkeypatch.setattr(queries, "AT_ONCE", 2)
    pages = [[each["RowKey"] for each in page] for page in filled.query_entities("n eq 3").by_page()]
    assert [each for page in pages for each in page] == ["3", "3", "3"]
    assert len(pages) > 3
