"""Tables of Cosmos DB: its accounts with the capability EnableTable, and where they differ from storage accounts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.core.pipeline.policies import RetryPolicy
from azure.data.tables import (
    EdmType,
    TableSasPermissions,
    TableServiceClient,
    TableTransactionError,
    UpdateMode,
    generate_table_sas,
)
from azure.data.tables.aio import TableServiceClient as AsyncTableServiceClient
from azure.mgmt.cosmosdb import CosmosDBManagementClient

from fogbank.cli.running.variables import variables
from fogbank.clouds.azure.cosmos.access import EMULATOR_KEY
from fogbank.settings import Settings
from fogbank.testing.server import ThreadedServer
from tests.conformance.azure.conftest import GROUP, LOCATION, Credential
from tests.conformance.azure.tables.conftest import code_of, new_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from azure.data.tables import TableClient

    from tests.conformance.azure.conftest import Azure

PLAIN: dict[str, Any] = {"enforce_https": False}
LATER = datetime.now(UTC) + timedelta(hours=1)


class Account(NamedTuple):
    """An account with tables, and the client that manages it."""

    name: str
    connection: str
    management: CosmosDBManagementClient

    @property
    def where(self) -> tuple[str, str]:
        return GROUP, self.name


def body(*capabilities: str) -> dict[str, Any]:
    properties = {
        "databaseAccountOfferType": "Standard",
        "locations": [{"locationName": LOCATION}],
        "capabilities": [{"name": name} for name in capabilities],
    }
    return {"location": LOCATION, "kind": "GlobalDocumentDB", "properties": properties}


@pytest.fixture
def management(azure: Azure) -> Iterator[CosmosDBManagementClient]:
    with CosmosDBManagementClient(
        Credential(), azure.subscription, base_url=azure.server.url, polling_interval=0,
        retry_policy=RetryPolicy.no_retries(),
    ) as made:  # fmt: skip
        yield made


@pytest.fixture
def account(azure: Azure, management: CosmosDBManagementClient) -> Account:
    name = f"tables-{azure.prefix}"
    accounts = management.database_accounts
    accounts.begin_create_or_update(GROUP, name, body("EnableTable"), **PLAIN).result()
    strings = accounts.list_connection_strings(GROUP, name, **PLAIN).connection_strings
    found = {each.description: each.connection_string for each in strings}
    return Account(name, found["Primary Table Connection String"], management)


@pytest.fixture
def service(account: Account, resolved: None) -> Iterator[TableServiceClient]:
    with TableServiceClient.from_connection_string(account.connection, retry_total=0) as made:
        yield made


@pytest.fixture
def table(server: ThreadedServer) -> Iterator[TableClient]:
    """A table of the account that is always there."""
    with emulated(server) as service, service.create_table(new_name()) as made:
        yield made


def emulated(server: ThreadedServer) -> TableServiceClient:
    connection = variables(server.url)["COSMOS_CONNECTION_STRING"]
    return TableServiceClient.from_connection_string(connection, retry_total=0)


def row(key: str = "r", **more: object) -> dict[str, Any]:
    return {"PartitionKey": "p", "RowKey": key, **more}


def test_an_account_with_tables(account: Account, service: TableServiceClient) -> None:
    assert service._cosmos_endpoint
    assert service.account_name == account.name
    table = service.create_table("People")
    table.create_entity(
        row("1", name="Ada", at=datetime(2020, 1, 2, tzinfo=UTC), big=(2**40, EdmType.INT64), raw=b"\x00")
    )
    # The client for Cosmos DB sends POST with X-HTTP-Method in the place of PATCH.
    table.update_entity(row("1", born=1815), mode=UpdateMode.MERGE)
    table.upsert_entity(row("2", name="Bob"), mode=UpdateMode.MERGE)
    found = table.get_entity("p", "1")
    assert (found["name"], found["born"], found["big"].value, found["raw"]) == ("Ada", 1815, 2**40, b"\x00")
    assert [each["RowKey"] for each in table.query_entities("born lt 1900")] == ["1"]
    table.submit_transaction(
        [("update", row("1", born=1816), {"mode": UpdateMode.MERGE}), ("delete", row("2")), ("create", row("3"))]
    )
    assert [each["RowKey"] for each in table.list_entities()] == ["1", "3"]
    assert table.get_entity("p", "1")["born"] == 1816
    with pytest.raises(TableTransactionError) as error:
        table.submit_transaction([("create", row("3")), ("create", row("4"))])
    assert (error.value.index, error.value.error_code) == (0, "EntityAlreadyExists")
    assert "RequestID:" in str(error.value)
    service.delete_table("People")
    with pytest.raises(ResourceNotFoundError):
        table.get_entity("p", "1")


def test_keys(account: Account, azure: Azure, resolved: None) -> None:
    accounts = account.management.database_accounts
    shown = accounts.get(*account.where, **PLAIN)
    endpoint = f"http://{account.name}.table.cosmos.localhost:{urlsplit(azure.server.url).port}/"
    assert [each.name for each in shown.capabilities] == ["EnableTable"]
    assert shown.properties["tableEndpoint"] == endpoint
    keys = accounts.list_keys(*account.where, **PLAIN)
    strings = accounts.list_connection_strings(*account.where, **PLAIN).connection_strings
    assert [(each.type, each.key_kind) for each in strings] == [
        (kind, key)
        for kind in ("Sql", "Table")
        for key in ("Primary", "Secondary", "PrimaryReadonly", "SecondaryReadonly")
    ]
    assert account.connection == (
        f"DefaultEndpointsProtocol=http;AccountName={account.name};AccountKey={keys.primary_master_key};"
        f"TableEndpoint={endpoint};"
    )
    with TableServiceClient.from_connection_string(account.connection, retry_total=0) as service:
        service.create_table("t").create_entity(row())
        with TableServiceClient.from_connection_string(strings[-1].connection_string, retry_total=0) as reader:
            assert len(list(reader.get_table_client("t").list_entities())) == 1
            with pytest.raises(HttpResponseError) as error:
                reader.get_table_client("t").create_entity(row("2"))
            assert code_of(error) == (403, "Forbidden")
        accounts.begin_regenerate_key(*account.where, {"keyKind": "primary"}, **PLAIN).result()
        with pytest.raises(HttpResponseError) as error:
            list(service.list_tables())
        assert code_of(error) == (403, "AuthenticationFailed")


def test_an_account_goes_with_its_tables(account: Account, service: TableServiceClient) -> None:
    service.create_table("t")
    account.management.database_accounts.begin_delete(*account.where, **PLAIN).result()
    with pytest.raises(ResourceNotFoundError):
        list(service.list_tables())
    account.management.database_accounts.begin_create_or_update(*account.where, body("EnableTable"), **PLAIN).result()
    assert list(account.management.table_resources.list_tables(*account.where, **PLAIN)) == []


def test_tables_in_resource_manager(account: Account, service: TableServiceClient) -> None:
    tables = account.management.table_resources
    definition = {"location": LOCATION, "properties": {"resource": {"id": "Rows"}, "options": {"throughput": 500}}}
    made = tables.begin_create_update_table(*account.where, "Rows", definition, **PLAIN).result()
    assert (made.name, made.resource.id) == ("Rows", "Rows")
    assert made.type == "Microsoft.DocumentDB/databaseAccounts/tables"
    assert made.id.endswith(f"/databaseAccounts/{account.name}/tables/Rows")
    service.get_table_client("Rows").create_entity(row())
    # What is there stays as it is.
    again = tables.begin_create_update_table(*account.where, "Rows", definition, **PLAIN).result()
    assert again.resource.etag == made.resource.etag
    assert len(list(service.get_table_client("Rows").list_entities())) == 1
    service.create_table("other")
    assert [each.name for each in tables.list_tables(*account.where, **PLAIN)] == ["Rows", "other"]
    assert tables.get_table_throughput(*account.where, "Rows", **PLAIN).resource.throughput == 500
    more = {"location": LOCATION, "properties": {"resource": {"autoscaleSettings": {"maxThroughput": 4000}}}}
    changed = tables.begin_update_table_throughput(*account.where, "Rows", more, **PLAIN).result()
    assert (changed.resource.throughput, changed.resource.autoscale_settings.max_throughput) == (400, 4000)
    for call in (tables.get_table, tables.get_table_throughput):
        with pytest.raises(ResourceNotFoundError):
            call(*account.where, "missing", **PLAIN)
    with pytest.raises(ResourceNotFoundError, match="No throughput"):
        tables.get_table_throughput(*account.where, "other", **PLAIN)
    tables.begin_delete_table(*account.where, "Rows", **PLAIN).result()
    assert [each.name for each in service.list_tables()] == ["other"]
    with pytest.raises(HttpResponseError, match="does not support the operation POST"):
        tables.begin_migrate_table_to_autoscale(*account.where, "other", **PLAIN).result()


@pytest.mark.parametrize(
    ("resource", "words"),
    [
        ({"id": "Other"}, "must be its name"),
        ({"id": "Rows", "createMode": "Restore"}, "properties.resource.createMode"),
    ],
)
def test_tables_that_are_refused(account: Account, resource: dict[str, Any], words: str) -> None:
    definition = {"location": LOCATION, "properties": {"resource": resource}}
    with pytest.raises(HttpResponseError, match=words) as error:
        account.management.table_resources.begin_create_update_table(*account.where, "Rows", definition, **PLAIN)
    assert error.value.status_code == 400


def test_accounts_without_tables(azure: Azure, management: CosmosDBManagementClient, resolved: None) -> None:
    name = f"plain-{azure.prefix}"
    management.database_accounts.begin_create_or_update(GROUP, name, body(), **PLAIN).result()
    strings = management.database_accounts.list_connection_strings(GROUP, name, **PLAIN).connection_strings
    assert {each.type for each in strings} == {"Sql"}
    with pytest.raises(HttpResponseError, match="lacks the capability EnableTable"):
        list(management.table_resources.list_tables(GROUP, name, **PLAIN))
    place = urlsplit(azure.server.url).port
    for account, words in ((name, "lacks the capability EnableTable"), ("nobody", "does not exist")):
        key = AzureNamedKeyCredential(account, EMULATOR_KEY)
        endpoint = f"http://{account}.table.cosmos.localhost:{place}"
        with (
            TableServiceClient(endpoint, credential=key, retry_total=0) as service,
            pytest.raises(ResourceNotFoundError, match=words),
        ):
            service.create_table("t")


def test_accounts_that_are_implied(azure: Azure) -> None:
    name = azure.prefix
    headers = {"authorization": "Bearer t", "accept": "application/json", "x_ms_version": "2019-02-02"}

    def ask(method: str, path: str, host: str, body: Any = None) -> Any:
        return azure.control(method, path, body, host=host, **headers)

    # A storage account of the same name has tables of its own.
    cosmos, storage = f"{name}.table.cosmos.azure.com:443", "implied.table.core.windows.net"
    assert ask("POST", "/Tables", cosmos, {"TableName": "dbs"}).status == 201
    answer = ask("POST", "/dbs", cosmos, row())
    assert answer.status == 201
    assert answer.json()["odata.metadata"] == f"http://{cosmos}/$metadata#dbs/@Element"
    assert answer.headers["location"] == f"http://{cosmos}/dbs(PartitionKey='p',RowKey='r')"
    assert ask("GET", "/dbs()", f"{name}.table.cosmosdb.azure.com").json()["value"][0]["RowKey"] == "r"
    assert ask("GET", "/dbs()", storage).status == 404
    assert ask("GET", "/Tables", "localhost:8902").status == 200


def test_names(table: TableClient, server: ThreadedServer) -> None:
    with emulated(server) as service:
        upper, lower = service.create_table("Its-a.Table_é"), service.create_table("its-a.Table_é")
        upper.create_entity(row())
        assert list(lower.list_entities()) == []
        assert upper.get_entity("p", "r")["RowKey"] == "r"
        with pytest.raises(ResourceExistsError) as error:
            service.create_table("Its-a.Table_é")
        assert code_of(error) == (409, "TableAlreadyExists")
        assert {"Its-a.Table_é", "its-a.Table_é"} <= {each.name for each in service.list_tables(results_per_page=1)}
        upper.delete_table()
        lower.delete_table()
        for name in ("a/b", "a#b", "a ", "x" * 255):
            # The client words what it knows of names itself.
            with pytest.raises(ValueError, match="Cosmos table names"):
                service.create_table(name)


def test_limits(table: TableClient) -> None:
    table.create_entity(row("large", text="é" * 40_000, **{f"p{number}": number for number in range(300)}))
    assert len(table.get_entity("p", "large")["text"]) == 40_000
    table.create_entity(row("r" * 255))
    table.create_entity(row("larger", raw=bytes(1_200_000)))
    for entity, status, code in (
        (row("é" * 128), 400, "PropertyValueTooLarge"),
        ({"PartitionKey": "x" * 2_049, "RowKey": ""}, 400, "PropertyValueTooLarge"),
        (row("x", text="x" * (2 * 1024 * 1024)), 413, "RequestBodyTooLarge"),
        *((row("x", **{name: 1}), 400, "PropertyNameInvalid") for name in ("id", "ID", "rid", "etag", "ResourceId")),
    ):
        with pytest.raises(HttpResponseError) as error:
            table.create_entity(entity)
        assert (error.value.status_code, error.value.response.headers["x-ms-error-code"]) == (status, code)
    # What is merged counts as a whole.
    with pytest.raises(HttpResponseError) as error:
        table.update_entity(row("larger", more=bytes(600_000)), mode=UpdateMode.MERGE)
    assert error.value.status_code == 413
    with pytest.raises(HttpResponseError) as error:
        table.submit_transaction([("upsert", row(f"{number}", raw=bytes(600_000))) for number in range(3)])
    assert error.value.status_code == 413
    assert len(list(table.list_entities(results_per_page=5_000))) == 3


def test_what_tables_of_cosmos_lack(server: ThreadedServer, table: TableClient, azure: Azure) -> None:
    with emulated(server) as service:
        for call in (service.get_service_properties, table.get_table_access_policy):
            with pytest.raises(HttpResponseError, match="not implemented") as error:
                call()
            assert error.value.status_code == 501
    headers = {"authorization": "Bearer t", "accept": "application/json", "x_ms_version": "2019-02-02"}
    answer = azure.control("OPTIONS", f"/localhost/{table.table_name}", **headers)
    assert (answer.status, answer.json()["odata.error"]["code"]) == (501, "NotImplemented")
    assert azure.control("GET", "/localhost/?restype=service&comp=stats", **headers).status == 501


def test_shared_access_signatures(server: ThreadedServer, table: TableClient) -> None:
    key = AzureNamedKeyCredential("localhost", EMULATOR_KEY)
    token = generate_table_sas(key, table.table_name, permission=TableSasPermissions(read=True), expiry=LATER)
    table.create_entity(row())
    with TableServiceClient(f"{server.url}/localhost", credential=AzureSasCredential(token), retry_total=0) as service:
        assert len(list(service.get_table_client(table.table_name).list_entities())) == 1
        for name in (table.table_name.lower(), table.table_name):
            with pytest.raises(HttpResponseError) as error:
                service.get_table_client(name).create_entity(row("2"))
            assert error.value.status_code == 403
        with pytest.raises(HttpResponseError) as error:
            list(service.get_table_client(table.table_name.lower()).list_entities())
        assert error.value.status_code == 403


async def test_the_client_for_asyncio(server: ThreadedServer) -> None:
    connection = variables(server.url)["COSMOS_CONNECTION_STRING"]
    async with AsyncTableServiceClient.from_connection_string(connection, retry_total=0) as service:
        table = await service.create_table(new_name())
        await table.submit_transaction([("upsert", row(f"{number}", n=number)) for number in range(5)])
        assert [each["n"] async for each in table.query_entities("n gt 2", results_per_page=1)] == [3, 4]
        await table.delete_table()


def test_tables_of_cosmos_on_postgres(postgres_url: str) -> None:
    settings = Settings(port=0, database=postgres_url)
    with ThreadedServer(settings) as one, ThreadedServer(settings) as other, emulated(one) as here:
        name = new_name()
        here.create_table(name.upper()).create_entity(row())
        here.create_table(name.lower() + "z")
        with emulated(other) as there:
            assert len(list(there.get_table_client(name.upper()).list_entities())) == 1
            found = [each.name for each in there.list_tables(results_per_page=1)]
            assert {name.upper(), name.lower() + "z"} <= set(found)
            assert found == sorted(found)
