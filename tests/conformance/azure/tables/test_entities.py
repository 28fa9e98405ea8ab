"""Entities: types, entity tags, limits."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import EdmType, EntityProperty, UpdateMode

from tests.conformance.azure.tables.conftest import code_of

if TYPE_CHECKING:
    from azure.data.tables import TableClient

    from fogbank.testing.server import ThreadedServer

ENTITY: dict[str, Any] = {
    "PartitionKey": "it's",
    "RowKey": "é & +",
    "text": "a <text>",
    "yes": True,
    "int": -5,
    "long": EntityProperty(2**60, EdmType.INT64),
    "double": 1.5,
    "whole": 3.0,
    "never": math.inf,
    "guid": UUID("c9da6455-213d-42c9-9a79-3e9149a57833"),
    "at": datetime(2008, 7, 10, 1, 2, 3, 450_000, tzinfo=UTC),
    "bytes": b"\x00\xff",
}


def test_types(table: TableClient) -> None:
    created = table.create_entity(ENTITY)
    found = table.get_entity("it's", "é & +")
    assert dict(found) == ENTITY
    assert type(found["whole"]) is float
    assert found["long"].edm_type == EdmType.INT64
    assert found.metadata["etag"] == created["etag"]
    assert found["at"].tables_service_value == "2008-07-10T01:02:03.45Z"
    table.upsert_entity({"PartitionKey": "n", "RowKey": "", "not": math.nan, "low": -math.inf})
    other = table.get_entity("n", "")
    assert math.isnan(other["not"])
    assert other["low"] == -math.inf


def test_the_life_of_an_entity(timed: TableClient, timed_server: ThreadedServer) -> None:
    keys = {"PartitionKey": "a", "RowKey": "b"}
    first = timed.create_entity({**keys, "x": 1, "y": "old"})
    with pytest.raises(ResourceExistsError) as error:
        timed.create_entity(keys)
    assert code_of(error) == (409, "EntityAlreadyExists")
    timed_server.advance(10)
    second = timed.update_entity({**keys, "y": "new", "z": None}, UpdateMode.MERGE)
    found = timed.get_entity("a", "b")
    assert (found["x"], found["y"], "z" in found) == (1, "new", False)
    assert found.metadata["timestamp"] == datetime(2026, 11, 22, 12, 0, 10, tzinfo=UTC)
    assert first["etag"] != second["etag"] == found.metadata["etag"]
    only = MatchConditions.IfNotModified
    with pytest.raises(ResourceModifiedError) as error:
        timed.update_entity({**keys, "x": 2}, UpdateMode.REPLACE, etag=first["etag"], match_condition=only)
    assert code_of(error) == (412, "UpdateConditionNotSatisfied")
    timed.update_entity({**keys, "x": 2}, UpdateMode.REPLACE, etag=second["etag"], match_condition=only)
    assert dict(timed.get_entity("a", "b")) == {**keys, "x": 2}
    with pytest.raises(ResourceModifiedError):
        timed.delete_entity("a", "b", etag=first["etag"], match_condition=only)
    timed.delete_entity("a", "b")
    with pytest.raises(ResourceNotFoundError) as error:
        timed.get_entity("a", "b")
    assert code_of(error) == (404, "ResourceNotFound")
    with pytest.raises(ResourceNotFoundError):
        timed.update_entity(keys)
    timed.upsert_entity({**keys, "x": 1})
    timed.upsert_entity({**keys, "y": 1})
    assert set(timed.get_entity("a", "b")) == {"PartitionKey", "RowKey", "x", "y"}
    timed.upsert_entity({**keys, "z": 1}, UpdateMode.REPLACE)
    assert set(timed.get_entity("a", "b")) == {"PartitionKey", "RowKey", "z"}


def test_some_properties(table: TableClient) -> None:
    table.create_entity(ENTITY)
    found = table.get_entity("it's", "é & +", select=["text", "long", "nothing"])
    assert dict(found) == {"text": "a <text>", "long": ENTITY["long"], "nothing": None}


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({"PartitionKey": "a/b"}, "OutOfRangeInput"),
        ({"RowKey": "\t"}, "OutOfRangeInput"),
        ({"RowKey": "a" * 513}, "PropertyValueTooLarge"),
        ({"x": "a" * 32_769}, "PropertyValueTooLarge"),
        ({"x": b"a" * 65_537}, "PropertyValueTooLarge"),
        ({f"p{number}": 1 for number in range(253)}, "TooManyProperties"),
        ({f"p{number}": "a" * 32_000 for number in range(17)}, "EntityTooLarge"),
        ({"a-b": 1}, "PropertyNameInvalid"),
        ({"p" * 256: 1}, "PropertyNameTooLong"),
        ({"x": EntityProperty("1500-01-01T00:00:00Z", EdmType.DATETIME)}, "InvalidInput"),
    ],
)
def test_what_no_entity_may_be(table: TableClient, properties: dict[str, Any], code: str) -> None:
    with pytest.raises(HttpResponseError) as error:
        table.create_entity({"PartitionKey": "a", "RowKey": "b", **properties})
    assert code_of(error) == (400, code)


def test_what_an_entity_may_just_be(table: TableClient) -> None:
    most = {f"p{number}": "x" * 32_000 for number in range(15)} | {f"q{number}": 1 for number in range(237)}
    table.create_entity({"PartitionKey": "a" * 512, "RowKey": "", **most, "last": None})
    assert len(table.get_entity("a" * 512, "")) == 254
