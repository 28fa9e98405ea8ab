"""`fogbank env`: the variables that point SDKs at a running server."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import click
import msgspec

from fogbank.cli.client import url_option
from fogbank.clouds.azure.cosmos.access import EMULATOR_KEY
from fogbank.clouds.azure.storage.accounts import DEVELOPMENT, DEVELOPMENT_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def variables(url: str) -> dict[str, str]:
    """Return names and values, as the SDKs and tools know them.

    Those for Cosmos DB, whose clients read none, are the ones of Microsoft's own samples
    (https://github.com/Azure-Samples/cosmos-db-nosql-dotnet-samples).
    """
    place = urlsplit(url).netloc
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "000000000000",
        "AWS_SECRET_ACCESS_KEY": "fogbank",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "PUBSUB_EMULATOR_HOST": place,
        "FIRESTORE_EMULATOR_HOST": place,
        "COSMOS_ENDPOINT": url,
        "COSMOS_KEY": EMULATOR_KEY,
        "AZURE_STORAGE_CONNECTION_STRING": _connection_string(url),
    }


def _connection_string(url: str) -> str:
    """Return how clients reach the development account ("Configure Azure Storage connection strings")."""
    scheme = urlsplit(url).scheme
    endpoints = "".join(f"{service}Endpoint={url.rstrip('/')}/{DEVELOPMENT};" for service in ("Queue", "Table"))
    return f"DefaultEndpointsProtocol={scheme};AccountName={DEVELOPMENT};AccountKey={DEVELOPMENT_KEY};{endpoints}"


def _shell(values: Mapping[str, str]) -> str:
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in values.items())


def _dotenv(values: Mapping[str, str]) -> str:
    return "\n".join(f'{name}="{value}"' for name, value in values.items())


def _json(values: Mapping[str, str]) -> str:
    return msgspec.json.format(msgspec.json.encode(values)).decode()


def _powershell(values: Mapping[str, str]) -> str:
    quoted = {name: value.replace("'", "''") for name, value in values.items()}
    return "\n".join(f"$Env:{name} = '{value}'" for name, value in quoted.items())


FORMATS: Final[dict[str, Callable[[Mapping[str, str]], str]]] = {
    "shell": _shell,
    "dotenv": _dotenv,
    "json": _json,
    "powershell": _powershell,
}


@click.command("env")
@url_option
@click.option("--format", "form", type=click.Choice(list(FORMATS)), default="shell", show_default=True)
def command(url: str, form: str) -> None:
    """Print the environment variables that point SDKs and tools at the server."""
    print(FORMATS[form](variables(url)))
