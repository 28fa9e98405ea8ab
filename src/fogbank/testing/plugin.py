"""Fixtures for pytest, which are there wherever Fogbank is installed; what they need is imported when a test asks.

`-p no:fogbank` turns them off. A server in the test's process is one for all tests of a worker, and each test has
accounts of its own on it; see `docs/how-to/tests.md`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fogbank.settings import Settings
    from fogbank.testing.accounts import Account
    from fogbank.testing.aws import AwsClients
    from fogbank.testing.azure import AzureClients
    from fogbank.testing.gcp import GoogleClients
    from fogbank.testing.process import RunningServer
    from fogbank.testing.server import ThreadedServer
    from fogbank.testing.spy import Spy
    from fogbank.testing.time_travel import TimeTravel

IN_PROCESS: Final = "in-process"
PROCESS: Final = "process"
_TIMED: Final = "time_travel"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that says where the server is."""
    parser.getgroup("fogbank").addoption(
        "--fogbank",
        default=IN_PROCESS,
        metavar="WHERE",
        help=f"where the server of tests is: {IN_PROCESS} (default), {PROCESS}, or the URL of one that runs",
    )


@pytest.fixture(scope="session")
def fogbank_settings() -> Settings:
    """The settings of a server in the test's process: in memory, on a free port. Override it to have others."""
    from fogbank.settings import Settings  # noqa: PLC0415 - imported when a test asks

    return Settings(port=0, memory=True)


@pytest.fixture(scope="session")
def fogbank_server(request: pytest.FixtureRequest) -> Iterator[ThreadedServer | RunningServer]:
    """The server of all tests of this worker."""
    yield from _serve(request)


@pytest.fixture
def fogbank(request: pytest.FixtureRequest) -> Iterator[ThreadedServer | RunningServer]:
    """The server of this test: that of all tests, or one of its own if the test travels in time.

    It has `url`, `reset()`, `advance(seconds)`, `snapshot()` and `restore(snapshot)`.
    """
    if _TIMED in request.fixturenames:
        yield from _serve(request)
    else:
        yield request.getfixturevalue("fogbank_server")


@pytest.fixture
def fogbank_account() -> Account:
    """Accounts on all clouds that are this test's own."""
    from fogbank.testing.accounts import new_account  # noqa: PLC0415 - imported when a test asks

    return new_account()


@pytest.fixture
def fogbank_env(
    fogbank: ThreadedServer | RunningServer, fogbank_account: Account, monkeypatch: pytest.MonkeyPatch
) -> Mapping[str, str]:
    """Environment variables by which clients that the tested code makes find this test's server and accounts."""
    from fogbank.testing.variables import variables_of  # noqa: PLC0415 - imported when a test asks

    found = variables_of(fogbank.url, fogbank_account)
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    if "boto3" in sys.modules:
        # Its default session remembers who it was for another test.
        monkeypatch.setattr(sys.modules["boto3"], "DEFAULT_SESSION", None)
    return found


@pytest.fixture
def aws(fogbank: ThreadedServer | RunningServer, fogbank_account: Account) -> AwsClients:
    """`aws("sqs")` makes a client of boto3, in this test's own account."""
    from fogbank.testing.aws import AwsClients  # noqa: PLC0415 - imported when a test asks

    return AwsClients(fogbank, fogbank_account)


@pytest.fixture
def gcp(fogbank: ThreadedServer | RunningServer, fogbank_account: Account) -> Iterator[GoogleClients]:
    """`gcp.publisher()`, `gcp.firestore()` and so on make Google's clients, in this test's own project."""
    from fogbank.testing.gcp import GoogleClients  # noqa: PLC0415 - imported when a test asks

    clients = GoogleClients(fogbank, fogbank_account)
    yield clients
    clients.close()


@pytest.fixture
def azure(fogbank: ThreadedServer | RunningServer, fogbank_account: Account) -> Iterator[AzureClients]:
    """`azure.queues()`, `azure.cosmos()` and so on make Azure's clients, of accounts that are this test's own."""
    from fogbank.testing.azure import AzureClients  # noqa: PLC0415 - imported when a test asks

    clients = AzureClients(fogbank, fogbank_account)
    yield clients
    clients.close()


@pytest.fixture
def time_travel(fogbank: ThreadedServer | RunningServer, request: pytest.FixtureRequest) -> TimeTravel:
    """`time_travel(minutes=15)` moves time on, on a server of the test's own, where it stands still otherwise."""
    from fogbank.testing.time_travel import TimeTravel  # noqa: PLC0415 - imported when a test asks

    if _TIMED not in request.fixturenames:
        pytest.fail("time_travel has to be among the test's own fixtures: its server is another than the other tests'")
    return TimeTravel(fogbank)


@pytest.fixture
def spy(fogbank: ThreadedServer | RunningServer, fogbank_account: Account) -> Iterator[Spy]:
    """`spy.wait_for(queue="orders", body__type="paid")` waits for what the tested code sets off, in this test."""
    from fogbank.testing.spy import Spy  # noqa: PLC0415 - imported when a test asks

    watching = Spy(fogbank, fogbank_account)
    yield watching
    watching.close()


def _serve(request: pytest.FixtureRequest) -> Iterator[Any]:
    where = request.config.getoption("--fogbank")
    if where == IN_PROCESS:
        from fogbank.testing.server import ThreadedServer  # noqa: PLC0415 - imported when a test asks

        with ThreadedServer(request.getfixturevalue("fogbank_settings")) as server:
            yield server
        return
    from fogbank.testing.process import RunningServer, ServerProcess  # noqa: PLC0415 - imported when a test asks

    if where == PROCESS:
        with ServerProcess() as process:
            yield process
    elif request.scope == "session":
        yield RunningServer(where)
    else:
        pytest.skip("travels in time, which a server that others use, too, can't")
