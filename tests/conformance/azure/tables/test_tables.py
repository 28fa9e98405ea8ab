"""Tables of an account: their names, their pages, their policies."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceExistsError
from azure.data.tables import (
    AccountSasPermissions,
    ResourceTypes,
    TableAccessPolicy,
    TableAnalyticsLogging,
    TableClient,
    TableRetentionPolicy,
    TableSasPermissions,
    TableServiceClient,
    generate_account_sas,
    generate_table_sas,
)

from tests.conformance.azure.tables.conftest import KEY, address_of, code_of, new_name, service_of

if TYPE_CHECKING:
    from fogbank.testing.server import ThreadedServer

LATER = datetime.now(UTC) + timedelta(hours=1)


def test_names(service: TableServiceClient) -> None:
    name = new_name()
    service.create_table(name)
    assert [each.name for each in service.query_tables(f"TableName eq '{name}'")] == [name]
    with pytest.raises(ResourceExistsError) as error:
        service.create_table(name.lower())
    assert code_of(error) == (409, "TableAlreadyExists")
    service.get_table_client(name.upper()).create_entity({"PartitionKey": "a", "RowKey": "b"})
    assert len(list(service.get_table_client(name).list_entities())) == 1
    assert service.create_table_if_not_exists(name).table_name == name
    service.delete_table(name.lower())
    service.delete_table(name)  # The client hears of a table that isn't there, and says nothing.
    with pytest.raises(HttpResponseError) as error:
        service.get_table_client(name).create_entity({"PartitionKey": "a", "RowKey": "b"})
    assert code_of(error) == (404, "TableNotFound")


@pytest.mark.parametrize("name", ["1abc", "a-b", "ab", "a" * 64, "tables"])
def test_names_that_none_has(service: TableServiceClient, name: str) -> None:
    with pytest.raises((ValueError, HttpResponseError)):
        service.create_table(name)


def test_pages_of_tables(timed_server: ThreadedServer) -> None:
    with service_of(timed_server) as service:
        for number in range(7):
            service.create_table(f"Table{number}")
        pages = service.list_tables(results_per_page=3).by_page()
        assert [[each.name for each in page] for page in pages] == [
            ["Table0", "Table1", "Table2"],
            ["Table3", "Table4", "Table5"],
            ["Table6"],
        ]
        found = service.query_tables("TableName ge @low and TableName lt 'Table5'", parameters={"low": "Table3"})
        assert [each.name for each in found] == ["Table3", "Table4"]


def test_what_is_not_authentic(server: ThreadedServer) -> None:
    wrong = AzureNamedKeyCredential(KEY.named_key.name, "d3Jvbmc=")
    with TableServiceClient(address_of(server), credential=wrong, retry_total=0) as service:
        with pytest.raises(ClientAuthenticationError) as error:
            service.create_table(new_name())
        assert code_of(error) == (403, "AuthenticationFailed")


def test_service_properties(timed_server: ThreadedServer) -> None:
    with service_of(timed_server) as service:
        assert service.get_service_properties()["analytics_logging"].write is False
        logging = TableAnalyticsLogging(write=True, retention_policy=TableRetentionPolicy(enabled=True, days=5))
        service.set_service_properties(analytics_logging=logging)
        kept = service.get_service_properties()
        assert kept["analytics_logging"].write is True
        assert kept["analytics_logging"].retention_policy.days == 5
        assert kept["cors"] == []


def test_policies_and_signatures(service: TableServiceClient, table: TableClient, server: ThreadedServer) -> None:
    table.set_table_access_policy({"readers": TableAccessPolicy(expiry=LATER, permission="r"), "none": None})
    kept = table.get_table_access_policy()
    assert kept["readers"] is not None
    assert kept["readers"].permission == "r"
    table.create_entity({"PartitionKey": "a", "RowKey": "b"})
    name = table.table_name
    token = generate_table_sas(KEY, name, policy_id="readers")
    with TableClient(address_of(server), name, credential=AzureSasCredential(token), retry_total=0) as reader:
        assert len(list(reader.list_entities())) == 1
        with pytest.raises(HttpResponseError) as error:
            reader.create_entity({"PartitionKey": "a", "RowKey": "c"})
        assert code_of(error) == (403, "AuthorizationPermissionMismatch")
    with TableClient(address_of(server), new_name(), credential=AzureSasCredential(token), retry_total=0) as other:
        with pytest.raises(HttpResponseError) as error:
            list(other.list_entities())
        assert code_of(error) == (403, "AuthorizationFailure")


def test_a_signature_for_a_range_of_keys(table: TableClient, server: ThreadedServer) -> None:
    for partition in "abc":
        for row in "12":
            table.create_entity({"PartitionKey": partition, "RowKey": row})
    token = generate_table_sas(
        KEY, table.table_name, permission=TableSasPermissions(read=True, add=True, update=True), expiry=LATER,
        start_pk="a", start_rk="2", end_pk="b", end_rk="1",
    )  # fmt: skip
    with TableClient(address_of(server), table.table_name, credential=AzureSasCredential(token)) as limited:
        found = [each["PartitionKey"] + each["RowKey"] for each in limited.list_entities()]
        assert found == ["a2", "b1"]
        limited.upsert_entity({"PartitionKey": "a", "RowKey": "9"})
        with pytest.raises(HttpResponseError) as error:
            limited.upsert_entity({"PartitionKey": "c", "RowKey": "0"})
        assert code_of(error) == (403, "AuthorizationFailure")
        with pytest.raises(HttpResponseError) as error:
            limited.delete_entity("a", "9")
        assert code_of(error) == (403, "AuthorizationPermissionMismatch")


def test_an_account_s_signature(server: ThreadedServer, table: TableClient) -> None:
    token = generate_account_sas(
        KEY, ResourceTypes(object=True), AccountSasPermissions(read=True, add=True), LATER
    )  # fmt: skip
    with TableClient(address_of(server), table.table_name, credential=AzureSasCredential(token)) as signed:
        signed.submit_transaction([("create", {"PartitionKey": "a", "RowKey": "b"})])
        assert signed.get_entity("a", "b")["RowKey"] == "b"
        with pytest.raises(HttpResponseError) as error:
            signed.upsert_entity({"PartitionKey": "a", "RowKey": "b"})
        assert code_of(error) == (403, "AuthorizationPermissionMismatch")
        with pytest.raises(HttpResponseError) as error:
            signed.create_table()
        assert code_of(error) == (403, "AuthorizationResourceTypeMismatch")
