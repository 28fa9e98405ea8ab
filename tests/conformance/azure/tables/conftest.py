"""Table Storage with Microsoft's own client."""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.data.tables import TableClient, TableServiceClient

from fogbank.clouds.azure.storage.accounts import DEVELOPMENT, DEVELOPMENT_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fogbank.testing.server import ThreadedServer

KEY = AzureNamedKeyCredential(DEVELOPMENT, DEVELOPMENT_KEY)
_numbers = itertools.count(1)


def new_name() -> str:
    return f"T{os.getpid()}x{next(_numbers)}"


def address_of(server: ThreadedServer) -> str:
    return f"{server.url}/{DEVELOPMENT}"


def service_of(server: ThreadedServer) -> TableServiceClient:
    return TableServiceClient(address_of(server), credential=KEY, retry_total=0)


def code_of(error: pytest.ExceptionInfo[Any]) -> tuple[int, str]:
    code = getattr(error.value, "error_code", None) or error.value.response.headers["x-ms-error-code"]
    return error.value.status_code, getattr(code, "value", code)


@pytest.fixture
def service(server: ThreadedServer) -> Iterator[TableServiceClient]:
    with service_of(server) as made:
        yield made


@pytest.fixture
def table(service: TableServiceClient) -> Iterator[TableClient]:
    with service.create_table(new_name()) as made:
        yield made


@pytest.fixture
def timed(timed_server: ThreadedServer) -> Iterator[TableClient]:
    with service_of(timed_server) as service, service.create_table(new_name()) as made:
        yield made
