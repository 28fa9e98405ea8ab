"""Accounts in Azure Resource Manager, and their keys at the service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.policies import RetryPolicy
from azure.cosmos import CosmosClient, PartitionKey
from azure.cosmos.exceptions import CosmosHttpResponseError
from azure.mgmt.cosmosdb import CosmosDBManagementClient

from tests.conformance.azure.conftest import GROUP, LOCATION, Credential

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conformance.azure.conftest import Azure

PLAIN = {"enforce_https": False}


@pytest.fixture
def accounts(azure: Azure) -> Iterator[Any]:
    made = CosmosDBManagementClient(
        Credential(), azure.subscription, base_url=azure.server.url, polling_interval=0,
        retry_policy=RetryPolicy.no_retries(),
    )  # fmt: skip
    yield made.database_accounts
    made.close()


def body(**properties: Any) -> dict[str, Any]:
    locations = [{"locationName": LOCATION}]
    own = {"databaseAccountOfferType": "Standard", "locations": locations, **properties}
    return {"location": LOCATION, "kind": "GlobalDocumentDB", "properties": own, "tags": {"a": "b"}}


@pytest.mark.usefixtures("resolved")
def test_an_account_and_its_keys(azure: Azure, accounts: Any) -> None:
    name = f"cosmos-{azure.prefix}"
    made = accounts.begin_create_or_update(
        GROUP, name, body(consistencyPolicy={"defaultConsistencyLevel": "Strong"}), **PLAIN
    ).result()
    assert (made.name, made.tags, made.properties.provisioning_state) == (name, {"a": "b"}, "Succeeded")
    assert f"//{name}.documents.localhost:" in made.properties.document_endpoint
    assert [each.name for each in accounts.list_by_resource_group(GROUP, **PLAIN)] == [name]
    assert [each.name for each in accounts.list(**PLAIN)] == [name]
    keys = accounts.list_keys(GROUP, name, **PLAIN)
    strings = accounts.list_connection_strings(GROUP, name, **PLAIN).connection_strings
    assert strings[0].connection_string == (
        f"AccountEndpoint={made.properties.document_endpoint};AccountKey={keys.primary_master_key};"
    )
    with CosmosClient.from_connection_string(strings[0].connection_string, consistency_level="Strong") as client:
        database = client.create_database("d")
        container = database.create_container("c", PartitionKey("/pk"))
        permitted = {"id": "p", "permissionMode": "All", "resource": container.container_link}
        database.create_user({"id": "u"}).create_permission(permitted)
        container.create_item({"id": "1", "pk": "a"})
        client.client_connection._global_endpoint_manager._refresh_thread.join()
    with CosmosClient(made.properties.document_endpoint, keys.primary_readonly_master_key, retry_total=0) as reader:
        seen = reader.get_database_client("d").get_container_client("c")
        assert seen.read_item("1", "a")["id"] == "1"
        with pytest.raises(CosmosHttpResponseError) as error:
            seen.create_item({"id": "2", "pk": "a"})
        assert error.value.status_code == 403
        with pytest.raises(CosmosHttpResponseError) as error:
            reader.get_database_client("d").get_user_client("u").get_permission("p")
        assert error.value.status_code == 403
        reader.client_connection._global_endpoint_manager._refresh_thread.join()
    accounts.begin_regenerate_key(GROUP, name, {"keyKind": "primary"}, **PLAIN).result()
    assert accounts.list_keys(GROUP, name, **PLAIN).primary_master_key != keys.primary_master_key
    with pytest.raises(CosmosHttpResponseError) as error:
        CosmosClient(made.properties.document_endpoint, keys.primary_master_key, retry_total=0)
    assert error.value.status_code == 401
    accounts.begin_delete(GROUP, name, **PLAIN).result()
    with pytest.raises(HttpResponseError) as gone:
        accounts.get(GROUP, name, **PLAIN)
    assert gone.value.status_code == 404


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({"capabilities": [{"name": "EnableTable"}, {"name": "EnableGremlin"}]}, "can't be had together"),
        ({"capabilities": [{"name": "EnableCassandra"}]}, "the capability EnableCassandra"),
        ({"enableMultipleWriteLocations": True}, "properties.enableMultipleWriteLocations"),
        ({"locations": [{"locationName": "a"}, {"locationName": "b"}]}, "more than one of properties.locations"),
        ({"keyVaultKeyUri": "https://vault"}, "properties.keyVaultKeyUri"),
    ],
)
def test_accounts_that_are_refused(azure: Azure, accounts: Any, properties: Any, words: str) -> None:
    with pytest.raises(HttpResponseError, match=words) as error:
        accounts.begin_create_or_update(GROUP, f"cosmos-{azure.prefix}", body(**properties), **PLAIN)
    assert error.value.status_code == 400
