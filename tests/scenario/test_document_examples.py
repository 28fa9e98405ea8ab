"""The examples of the source document's section on databases, each on the clouds' own SDKs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from examples.documents import __main__ as documents
from fogbank.cli.env import variables
from tests.conformance.azure.cosmos.conftest import client_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fogbank.testing.server import ThreadedServer

CONFORMANCE = Path(__file__).parents[1] / "conformance"
NODE_MODULES = [CONFORMANCE / cloud / "js" / "node_modules" for cloud in ("aws", "gcp", "azure/cosmos")]
USER = {"id": "123", "name": "Ada Lovelace", "email": "ada@example.com"}


@pytest.fixture
def environment(server: ThreadedServer, account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have programs find the server by what `fogbank env` prints, in an account of their own."""
    for name, value in {**variables(server.url), "AWS_ACCESS_KEY_ID": account}.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def own_database(server: ThreadedServer, project: str) -> Iterator[str]:
    """The name of a database of Cosmos DB, which is deleted at the end."""
    yield project
    with client_of(server) as client:
        client.delete_database(project)


@pytest.mark.usefixtures("environment")
def test_one_user_on_three_clouds(project: str, own_database: str) -> None:
    assert documents.dynamodb() == USER
    assert documents.firestore(project) == USER
    assert documents.cosmos(own_database) == USER


@pytest.mark.usefixtures("environment")
def test_one_user_on_three_clouds_in_javascript(own_database: str) -> None:
    node = shutil.which("node")
    if node is None or not all(folder.is_dir() for folder in NODE_MODULES):
        pytest.skip("needs Node and the packages of tests/conformance (make toolchains)")
    script = str(Path(documents.__file__).with_name("documents.js"))
    environment = {**os.environ, "NODE_PATH": os.pathsep.join(map(str, NODE_MODULES))}
    done = subprocess.run(
        [node, script, own_database], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    read = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    assert {name: json.loads(text) for name, text in read.items()} == dict.fromkeys(
        ("dynamodb", "firestore", "cosmos"), USER
    )
