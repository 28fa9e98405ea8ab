"""The variables by which SDKs and tools find a server, by cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from fogbank.clouds.azure.cosmos.access import EMULATOR_KEY
from fogbank.clouds.azure.hosts import APP_SERVICE_PATH, COSMOS_EMULATOR
from fogbank.clouds.azure.storage.accounts import DEVELOPMENT, DEVELOPMENT_KEY
from fogbank.clouds.gcp.access_tokens import DEFAULT_PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterable

ACCOUNT: Final = "000000000000"
REGION: Final = "us-east-1"
SECRET: Final = "fogbank"  # noqa: S105 - it is nobody's


def aws(url: str) -> dict[str, str]:
    """Variables of AWS's SDKs and tools (AWS SDKs and Tools Reference Guide, "Settings reference")."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
    }


def azure(url: str) -> dict[str, str]:
    """Variables of Azure's: what its SDKs read, or its own samples where they read nothing.

    Those for Cosmos DB are the ones of https://github.com/Azure-Samples/cosmos-db-nosql-dotnet-samples, the connection
    string is that of https://learn.microsoft.com/azure/cosmos-db/table/quickstart-dotnet; that of Storage stands in
    https://learn.microsoft.com/azure/storage/queues/storage-quickstart-queues-python.
    """
    return {
        "AZURE_STORAGE_CONNECTION_STRING": storage_connection(url),
        "COSMOS_CONNECTION_STRING": cosmos_table_connection(url),
        "COSMOS_ENDPOINT": url,
        "COSMOS_KEY": EMULATOR_KEY,
        "IDENTITY_ENDPOINT": f"{url}{APP_SERVICE_PATH}",
        "IDENTITY_HEADER": SECRET,
    }


def gcp(url: str) -> dict[str, str]:
    """Variables of Google's: emulators' hosts, where clients look for such."""
    place = urlsplit(url).netloc
    return {
        "PUBSUB_EMULATOR_HOST": place,
        "FIRESTORE_EMULATOR_HOST": place,
        "CLOUD_TASKS_EMULATOR_HOST": place,
        "GOOGLE_CLOUD_PROJECT": DEFAULT_PROJECT,
    }


CLOUDS: Final = {"aws": aws, "azure": azure, "gcp": gcp}


def variables(url: str, clouds: Iterable[str] = CLOUDS) -> dict[str, str]:
    """Return names and values."""
    return {name: value for cloud in clouds for name, value in CLOUDS[cloud](url).items()}


def cosmos_table_connection(url: str) -> str:
    """Return the connection string for the tables of Cosmos DB's emulator."""
    scheme, place, *_ = urlsplit(url)
    return (
        f"DefaultEndpointsProtocol={scheme};AccountName={COSMOS_EMULATOR};AccountKey={EMULATOR_KEY};"
        f"TableEndpoint={scheme}://{place}/{COSMOS_EMULATOR}/;"
    )


def storage_connection(url: str) -> str:
    """Return the connection string of Azure Storage's development account."""
    scheme, place, *_ = urlsplit(url)
    return (
        f"DefaultEndpointsProtocol={scheme};AccountName={DEVELOPMENT};AccountKey={DEVELOPMENT_KEY};"
        f"QueueEndpoint={scheme}://{place}/{DEVELOPMENT};TableEndpoint={scheme}://{place}/{DEVELOPMENT};"
    )
