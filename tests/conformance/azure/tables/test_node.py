"""Table Storage with Microsoft's client for JavaScript."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

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


def test_the_client_for_javascript(server: ThreadedServer) -> None:
    settings = {"ENDPOINT": address_of(server), "ACCOUNT": DEVELOPMENT, "KEY": DEVELOPMENT_KEY, "TABLE": new_name()}
    done = subprocess.run(
        ["node", "--test", str(JS / "tables.mjs")], env={**os.environ, **settings}, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
