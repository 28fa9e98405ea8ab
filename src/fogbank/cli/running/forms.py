"""The forms in which variables are printed."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.cli.running.variables import ACCOUNT, REGION, SECRET
from fogbank.clouds.gcp.access_tokens import DEFAULT_PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

# Services by the names that Terraform's providers have for their endpoints.
_TERRAFORM_AWS: Final = ("dynamodb", "events", "iam", "lambda", "logs", "pipes", "scheduler", "sns", "sqs", "sts")
_TERRAFORM_GCP: Final = {
    "cloud_functions": "v1",
    "cloud_scheduler": "v1",
    "cloud_tasks": "v2",
    "cloudfunctions2": "v2",
    "eventarc": "v1",
    "firestore": "v1",
    "pubsub": "v1",
}


def shell(values: Mapping[str, str]) -> str:
    """Commands of POSIX shells."""
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in values.items())


def dotenv(values: Mapping[str, str]) -> str:
    """A `.env` file."""
    return "\n".join(f'{name}="{value}"' for name, value in values.items())


def as_json(values: Mapping[str, str]) -> str:
    """One object of names and values."""
    return _pretty(values)


def powershell(values: Mapping[str, str]) -> str:
    """Commands of PowerShell."""
    quoted = {name: value.replace("'", "''") for name, value in values.items()}
    return "\n".join(f"$Env:{name} = '{value}'" for name, value in quoted.items())


def compose(values: Mapping[str, str]) -> str:
    """The `environment` of a service in a compose file, where `$` has a meaning of its own."""
    quoted = {name: _quote(value.replace("$", "$$")) for name, value in values.items()}
    return "\n".join(["environment:", *(f"  {name}: {value}" for name, value in quoted.items())])


def github(values: Mapping[str, str]) -> str:
    """The `env` of a job or a step of GitHub Actions."""
    return "\n".join(["env:", *(f"  {name}: {_quote(value)}" for name, value in values.items())])


def appsettings(values: Mapping[str, str]) -> str:
    """A `local.settings.json`: settings of a function app on this machine."""
    settings: dict[str, Any] = {"IsEncrypted": False, "Values": dict(values)}
    connection = values.get("AZURE_STORAGE_CONNECTION_STRING")
    if connection is not None:
        settings["Values"]["AzureWebJobsStorage"] = connection
    return _pretty(settings)


FORMS: Final[dict[str, Callable[[Mapping[str, str]], str]]] = {
    "shell": shell,
    "dotenv": dotenv,
    "json": as_json,
    "powershell": powershell,
    "compose": compose,
    "github": github,
    "appsettings": appsettings,
}


def terraform(url: str, clouds: Iterable[str]) -> str:
    """Provider blocks for Terraform; there is none for Azure, whose provider asks for more than there is."""
    blocks = []
    if "aws" in clouds:
        endpoints = [f"    {name} = {_quote(url)}" for name in _TERRAFORM_AWS]
        settings = {
            "region": _quote(REGION),
            "access_key": _quote(ACCOUNT),
            "secret_key": _quote(SECRET),
            "skip_credentials_validation": "true",
            "skip_metadata_api_check": '"true"',
            "skip_requesting_account_id": "true",
        }
        blocks.append("\n".join(['provider "aws" {', *_assign(settings), "  endpoints {", *endpoints, "  }", "}"]))
    if "gcp" in clouds:
        endpoints_of_gcp = {
            f"{name}_custom_endpoint": _quote(f"{url}/{version}/") for name, version in _TERRAFORM_GCP.items()
        }
        settings = {
            "project": _quote(DEFAULT_PROJECT),
            "region": _quote("us-central1"),
            "access_token": _quote(SECRET),
            **endpoints_of_gcp,
        }
        blocks.append("\n".join(['provider "google" {', *_assign(settings), "}"]))
    return "\n\n".join(blocks)


def _assign(settings: Mapping[str, str]) -> list[str]:
    return [f"  {name} = {value}" for name, value in settings.items()]


def _quote(value: str) -> str:
    return msgspec.json.encode(value).decode()


def _pretty(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value)).decode()
