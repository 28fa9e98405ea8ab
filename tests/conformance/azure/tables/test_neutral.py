"""Tables as `fogbank table` and `fogbank env` show them, and as a storage account has them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from azure.data.tables import EdmType, EntityProperty, TableServiceClient

from fogbank.cli.running.variables import variables
from tests.conformance.azure.conftest import GROUP
from tests.conformance.azure.tables.conftest import new_name

if TYPE_CHECKING:
    from azure.data.tables import TableClient

    from tests.conformance.azure.conftest import Azure

PATH = "/_fogbank/documents"


def test_tables_of_any_cloud(azure: Azure, table: TableClient) -> None:
    name = {"name": f"tables:devstoreaccount1/{table.table_name}"}
    at, long = datetime(2020, 1, 2, tzinfo=UTC), EntityProperty(2**40, EdmType.INT64)
    for row in range(3):
        table.create_entity({"PartitionKey": "a", "RowKey": f"r{row}", "at": at, "long": long, "data": b"\x01"})
    page = azure.control("GET", f"{PATH}?{urlencode({**name, 'limit': 2})}").json()
    assert page["documents"][1] == {
        "key": ["a", "r1"],
        "document": {
            "PartitionKey": "a",
            "RowKey": "r1",
            "at": {"$timestamp": "2020-01-02T00:00:00Z"},
            "long": 2**40,
            "data": {"$binary": "AQ=="},
        },
    }
    rest = azure.control("GET", f"{PATH}?{urlencode({**name, 'after': page['next']})}").json()
    assert [each["key"] for each in rest["documents"]] == [["a", "r2"]]
    one = azure.control("GET", f"{PATH}?{urlencode({**name, 'partition': 'a', 'sort_prefix': 'r1'})}").json()
    assert [each["key"] for each in one["documents"]] == [["a", "r1"]]
    written = {**page["documents"][0]["document"], "RowKey": "new"}
    assert azure.control("POST", f"{PATH}?{urlencode(name)}", written).json() == {"key": ["a", "new"]}
    found = table.get_entity("a", "new")
    assert (found["at"], found["long"], found["data"]) == (at, long, b"\x01")
    refused = azure.control("POST", f"{PATH}?{urlencode(name)}", {**written, "list": [1]})
    assert (refused.status, b"list" in refused.body) == (400, True)
    missing = azure.control("GET", f"{PATH}?{urlencode({'name': 'tables:devstoreaccount1/missing'})}")
    assert missing.status == 404


def test_the_connection_string_of_the_environment(azure: Azure) -> None:
    text = variables(azure.server.url)["AZURE_STORAGE_CONNECTION_STRING"]
    with TableServiceClient.from_connection_string(text) as service:
        name = new_name()
        service.create_table(name)
        assert name in [each.name for each in service.list_tables()]


def test_an_account_that_is_deleted_loses_its_tables(azure: Azure) -> None:
    account = new_name().lower()
    path = f"/resourceGroups/{GROUP}/providers/Microsoft.Storage/storageAccounts/{account}"
    made = azure.arm("PUT", path, {"kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "location": "westeurope"})
    endpoint = made.json()["properties"]["primaryEndpoints"]["table"]
    key = azure.arm("POST", f"{path}/listKeys").json()["keys"][0]["value"]
    text = f"AccountName={account};AccountKey={key};TableEndpoint={endpoint}"
    with TableServiceClient.from_connection_string(text, retry_total=0) as service:
        service.create_table("Kept")
        assert [each.name for each in service.list_tables()] == ["Kept"]
        assert service.get_service_properties()["cors"] == []
        assert azure.arm("DELETE", path).status == 200
        again = azure.arm("PUT", path, {"kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "location": "westeurope"})
        assert again.status == 200
        key = azure.arm("POST", f"{path}/listKeys").json()["keys"][0]["value"]
    text = f"AccountName={account};AccountKey={key};TableEndpoint={endpoint}"
    with TableServiceClient.from_connection_string(text, retry_total=0) as service:
        assert list(service.list_tables()) == []
