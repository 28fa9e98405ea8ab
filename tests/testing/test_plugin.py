"""The plugin in a pytest of its own: where the server is, side by side with other workers, and what it costs unused."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from fogbank.testing.process import NotInProcessError, RunningServer, ServerProcess
from fogbank.testing.sdks import SdkMissingError, load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECONDS_MAX = 100
ORDERS = """
    import pytest

    @pytest.mark.parametrize("turn", range(4))
    def test_orders(aws, turn):
        sqs = aws("sqs")
        assert "QueueUrls" not in sqs.list_queues()
        url = sqs.create_queue(QueueName="orders")["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody=str(turn))
        (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
        assert message["Body"] == str(turn)
"""
TIMED = """
    def test_later(aws, time_travel):
        sqs = aws("sqs")
        url = sqs.create_queue(QueueName="later")["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody="tea", DelaySeconds=900)
        before = time_travel.now
        time_travel(minutes=15)
        assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "tea"
        assert (time_travel.now - before).total_seconds() == 900
"""
SPY = """
    def test_spy(spy):
        pass
"""


def run(folder: Path, source: str, *flags: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(textwrap.dedent(source))
    command = [sys.executable, "-m", "pytest", "-q", *flags, "-p", "no:cacheprovider", "test_it.py"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)


@pytest.fixture(scope="module")
def process() -> Iterator[ServerProcess]:
    with ServerProcess() as server:
        yield server


def test_side_by_side_with_a_server_for_each_worker(tmp_path: Path) -> None:
    done = run(tmp_path, ORDERS, "-n", "2")
    assert "4 passed" in done.stdout, done.stdout + done.stderr


def test_on_a_server_that_runs_already(tmp_path: Path, process: ServerProcess) -> None:
    done = run(tmp_path, ORDERS + TIMED, "--fogbank", process.url)
    assert "4 passed, 1 skipped" in done.stdout, done.stdout + done.stderr


def test_a_server_in_a_process_of_its_own(tmp_path: Path) -> None:
    done = run(tmp_path, ORDERS + TIMED + SPY, "--fogbank", "process")
    assert "5 passed, 1 error" in done.stdout, done.stdout + done.stderr
    assert "A spy sees what happens on a server in the test's own process only." in done.stdout


def test_it_can_be_turned_off(tmp_path: Path) -> None:
    done = run(tmp_path, ORDERS, "-p", "no:fogbank")
    assert "fixture 'aws' not found" in done.stdout


def test_unused_it_imports_nothing(tmp_path: Path) -> None:
    source = """
        import sys

        def test_nothing():
            loaded = {"boto3", "botocore", "asyncpg", "msgspec", "fogbank.app", "fogbank.settings", "fogbank.clouds"}
            assert not loaded & sys.modules.keys()
            assert "fogbank.testing.plugin" in sys.modules
    """
    done = run(tmp_path, source)
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_a_server_that_runs_elsewhere(process: ServerProcess) -> None:
    server = RunningServer(process.url)
    server.freeze()
    before = server.now()
    server.advance(60)
    assert server.now() - before == 60
    assert server.advance_to_next() in (True, False)
    server.resume()
    server.reset()
    with pytest.raises(ValueError, match="There is nothing at"):
        server.ask("GET", "/_fogbank/nothing")
    server.restore(server.snapshot())
    with pytest.raises(NotInProcessError):
        server.witness(print)


def test_a_server_that_does_not_start() -> None:
    with pytest.raises(OSError, match="ended with status"), ServerProcess(["--memory", "--sandbox", "sand"]) as server:
        raise AssertionError(server)


def test_an_sdk_that_is_not_there() -> None:
    with pytest.raises(SdkMissingError, match="pip install no-such-distribution"):
        load("no_such_sdk.clients", "no-such-distribution")
