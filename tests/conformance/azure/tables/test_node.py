"""Table Storage and tables of Cosmos DB with Microsoft's client for JavaScript."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fogbank.clouds.azure.cosmos.access import EMULATOR_KEY
from fogbank.clouds.azure.storage.accounts import DEVELOPMENT, DEVELOPMENT_KEY
from tests.conformance.azure.tables.conftest import address_of, new_name

if TYPE_CHECKING:
    from fogbank.testing.server import ThreadedServer

JS = Path(__file__).parent / "js"


@pytest.fixture(autouse=True)
def _toolchain() -> None:
    if shutil.which("node") is None:
        pytest.skip("needs Node: there is none on PATH")
    if not (JS / "node_modules").is_dir():
        pytest.skip("needs Node: the packages of tests/conformance/azure/tables/js are not installed (make toolchains)")


def run(endpoint: str, account: str, key: str, *options: str) -> None:
    settings = {"ENDPOINT": endpoint, "ACCOUNT": account, "KEY": key, "TABLE": new_name()}
    done = subprocess.run(
        ["node", "--test", *options, str(JS / "tables.mjs")], env={**os.environ, **settings}, capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_client_for_javascript(server: ThreadedServer) -> None:
    run(address_of(server), DEVELOPMENT, DEVELOPMENT_KEY)


def test_the_same_for_tables_of_cosmos(server: ThreadedServer) -> None:
    # Access policies are none of theirs.
    run(f"{server.url}/localhost", "localhost", EMULATOR_KEY, "--test-name-pattern=^(entities|batches)")
