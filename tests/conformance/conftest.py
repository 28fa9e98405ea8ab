"""A server for real clients, and clients whose resources nobody else sees."""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING, Any

import pytest

from fogbank.settings import Settings
from fogbank.testing.server import ThreadedServer
from tests.conformance import recording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_accounts = itertools.count(1)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all temporary folders of tests: functions see it, too."""
    return tmp_path_factory.getbasetemp()


@pytest.fixture(autouse=True)
def _open_to_functions(request: pytest.FixtureRequest, shared: Path) -> None:
    """Let functions, which run as other users, write into the test's temporary folder."""
    if "tmp_path" in request.fixturenames:
        shared.chmod(0o711)
        request.getfixturevalue("tmp_path").chmod(0o777)


@pytest.fixture(scope="session")
def server(shared: Path) -> Iterator[ThreadedServer]:
    """One server in memory for all tests of a worker."""
    with ThreadedServer(Settings(port=0, memory=True, shared=shared)) as running:
        yield running


@pytest.fixture
def account() -> str:
    """An account of the test's own."""
    return f"{os.getpid() % 100_000:05d}{next(_accounts):07d}"


@pytest.fixture
def client(server: ThreadedServer, account: str) -> Callable[..., Any]:
    """`client("sqs")` makes a boto3 client of the test's own account."""
    return boto3_client(server, account)


@pytest.fixture
def timed_server(shared: Path) -> Iterator[ThreadedServer]:
    """A server of the test's own, whose clock stands still until it is advanced."""
    settings = Settings(port=0, memory=True, shared=shared)
    with ThreadedServer(settings, frozen_at_us=1_795_348_800_000_000, seed=1) as running:
        yield running


@pytest.fixture
def timed_client(timed_server: ThreadedServer, account: str) -> Callable[..., Any]:
    """`timed_client("sqs")` makes a boto3 client of the server whose clock stands still."""
    return boto3_client(timed_server, account)


def boto3_client(server: ThreadedServer, account: str) -> Callable[..., Any]:
    import boto3
    from botocore.config import Config

    def make(service: str, region: str = "us-east-1", **settings: Any) -> Any:
        made = boto3.client(
            service,
            endpoint_url=server.url,
            region_name=region,
            aws_access_key_id=account,
            aws_secret_access_key="secret",
            config=Config(retries={"max_attempts": 0}, **settings),
        )
        recording.record(made)
        return made

    return make


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Save what the clients of this worker sent."""
    recording.write(getattr(session.config, "workerinput", {}).get("workerid", "main"))
