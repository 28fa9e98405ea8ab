"""The command line, run as users run it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from fogbank import __version__
from tests.servers import RawClient, ServerProcess

if TYPE_CHECKING:
    from pathlib import Path


def fogbank(*arguments: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FOGBANK_")}
    return subprocess.run(
        [sys.executable, "-m", "fogbank", *arguments],
        capture_output=True,
        text=True,
        env=clean | environment,
        cwd=cwd,
        timeout=30,
        check=False,
    )


@pytest.fixture(scope="module")
def server() -> Any:
    with ServerProcess("--memory") as running:
        yield running


def test_up_prints_what_it_is_and_that_it_is_ready(tmp_path: Path) -> None:
    with ServerProcess("--data", str(tmp_path / "data")) as running:
        text = "\n".join(running.lines)
        assert text.startswith(f"Fogbank {__version__}\n")
        assert running.url in text
        assert f"{tmp_path}/data/fogbank.db, every answered write is on disk" in text
        assert "not verified" in text
        assert "not evaluated" in text
        assert "Sandbox" in text
        assert running.lines[-1] == "Ready."


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_up_stops_cleanly_and_keeps_everything(tmp_path: Path, how: signal.Signals) -> None:
    flags = ("--data", str(tmp_path / "data"))
    running = ServerProcess(*flags)
    with RawClient(running.url) as client:
        client.call("sqs", "CreateQueue", QueueName="kept")
    status, errors = running.stop(how)
    assert (status, errors) == (0, "Stopping.\n")
    with ServerProcess(*flags) as again, RawClient(again.url) as client:
        assert client.call("sqs", "ListQueues")["QueueUrls"] == [f"{again.url}/000000000000/kept"]


def test_a_folder_has_one_server_at_a_time(tmp_path: Path) -> None:
    with ServerProcess("--data", str(tmp_path / "data")):
        second = fogbank("up", "--port", "0", "--data", str(tmp_path / "data"))
    assert second.returncode == 1
    assert f"Another Fogbank uses the folder {tmp_path}/data." in second.stderr


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        failed = fogbank("up", "--memory", "--port", str(port))
        secure = fogbank("up", "--memory", "--port", "0", "--tls-port", str(port))
    assert failed.returncode == secure.returncode == 1
    assert f"Error: Port {port} is taken" in failed.stderr
    assert "; --port names another one" in failed.stderr
    assert "; --tls-port names another one" in secure.stderr


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "fogbank.db").write_text("not a database " * 400)
    failed = fogbank("up", "--port", "0", "--data", str(tmp_path))
    assert failed.returncode == 1
    assert failed.stderr == f"Error: {tmp_path}/fogbank.db can't be opened: file is not a database\n"


def test_where_nothing_can_be_exported_to_is_told_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    failed = fogbank("up", "--memory", "--port", "0", "--export-on-exit", str(tmp_path / "file" / "state"))
    assert failed.returncode == 1
    assert f"Error: nothing can be exported into {tmp_path}/file/state: " in failed.stderr


def test_an_address_that_is_not_this_machines_is_told() -> None:
    failed = fogbank("up", "--memory", "--port", "4566", "--host", "192.0.2.1", "--insecure")
    assert failed.returncode == 1
    assert "Error: Port 4566 can't be listened on: " in failed.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--port", "70000"), "port must be 0 to 65535"),
        (("--memory", "--database", "postgresql://x"), "memory and database exclude each other"),
        (("--database", "mysql://x"), "must be a URL that begins with postgresql://"),
        (("--host", "0.0.0.0"), "--insecure allows it"),
        (("--database", "postgresql://127.0.0.1:1/none"), "No connection to the database"),
    ],
)
def test_settings_that_can_t_be_are_refused(arguments: tuple[str, ...], message: str) -> None:
    failed = fogbank("up", *arguments)
    assert failed.returncode == 1
    assert message in failed.stderr
    assert "Traceback" not in failed.stderr


def test_settings_come_from_flags_environment_and_file_in_that_order(tmp_path: Path) -> None:
    from fogbank.settings import SettingsError, load_settings

    (tmp_path / "fogbank.toml").write_text('[server]\nport = 1000\nhost = "::1"\nmemory = true\n')
    settings = load_settings({"port": None}, {"FOGBANK_PORT": "2000", "OTHER": "x"}, tmp_path)
    assert (settings.port, settings.host, settings.memory) == (2000, "::1", True)
    assert load_settings({"port": 3000}, {"FOGBANK_PORT": "2000"}, tmp_path).port == 3000
    for text, message in (
        ("[server]\nprot = 1\n", "unknown setting prot"),
        ("not toml", "fogbank.toml"),
        ("port = 1\n", "port is neither in \\[server\\] nor in"),
        ("[sever]\nport = 1\n", "sever is neither"),
        ("server = 1\n", "server must be a table"),
        ("[server]\nport = 'x'\n", "port must be a number"),
        ("[server]\nmemory = 'x'\n", "memory must be true or false"),
    ):
        (tmp_path / "fogbank.toml").write_text(text)
        with pytest.raises(SettingsError, match=message):
            load_settings({}, {}, tmp_path)


def test_health_answers_with_version_and_services(server: ServerProcess) -> None:
    for path in ("/_fogbank/health", "/_localstack/health"):
        with urllib.request.urlopen(server.url + path) as reply:
            health = json.load(reply)
        assert health["version"] == __version__
        assert health["services"]["sqs"] == "running"
    told = fogbank("health", "--url", server.url)
    assert told.returncode == 0
    assert f"Fogbank {__version__}" in told.stdout
    assert "sqs" in told.stdout
    assert fogbank("health", FOGBANK_URL=server.url).stdout == told.stdout


def test_commands_that_find_no_server_say_so() -> None:
    failed = fogbank("health", "--url", "http://127.0.0.1:1")
    assert failed.returncode == 1
    assert "No Fogbank answers at http://127.0.0.1:1" in failed.stderr
    assert "fogbank up starts one" in failed.stderr


@pytest.mark.parametrize("url", ["nonsense", "127.0.0.1:4566", "http://127.0.0.1:abc", "http://127.0.0.1:1/path"])
@pytest.mark.parametrize("command", ["health", "env"])
def test_what_is_no_url_of_a_server_is_refused_by_the_options_name(command: str, url: str) -> None:
    failed = fogbank(command, "--url", url)
    assert (failed.returncode, failed.stdout) == (2, "")
    assert "Invalid value for '--url'" in failed.stderr
    assert f"{url} is not the URL of a server" in failed.stderr


def test_what_listens_may_be_something_else() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        def answer() -> None:
            connection, _ = other.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\n\r\nNone")

        answering = threading.Thread(target=answer)
        answering.start()
        failed = fogbank("health", "--url", f"http://127.0.0.1:{port}")
        answering.join()
    assert failed.returncode == 1
    assert "what listens there is something else" in failed.stderr


def test_a_url_may_end_with_a_slash() -> None:
    assert "IDENTITY_ENDPOINT=http://127.0.0.1:1/msi/token\n" in fogbank("env", "--url", "http://127.0.0.1:1/").stdout


def test_an_export_is_printed_for_a_dash(server: ServerProcess, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "fogbank", "export", "-", "--url", server.url]
    printed = subprocess.run(command, capture_output=True, cwd=tmp_path, timeout=30, check=True).stdout
    assert not list(tmp_path.iterdir())
    (tmp_path / "state.fogbank").write_bytes(printed)
    taken = fogbank("import", "state.fogbank", "--yes", "--url", server.url, cwd=tmp_path)
    assert (taken.returncode, taken.stderr) == (0, "")


def test_reset_empties_everything(server: ServerProcess) -> None:
    with RawClient(server.url) as client:
        client.call("sqs", "CreateQueue", QueueName="q")
        assert fogbank("reset", "--yes", "--url", server.url).returncode == 0
        assert client.call("sqs", "ListQueues") == {}
        client.call("sqs", "CreateQueue", QueueName="q")
        assert fogbank("reset", "--url", server.url).returncode == 1, "without --yes it asks, and nobody answers"
        assert client.call("sqs", "ListQueues") != {}
        with urllib.request.urlopen(urllib.request.Request(server.url + "/_fogbank/reset", method="POST")) as reply:
            assert reply.status == 200
        assert client.call("sqs", "ListQueues") == {}


@pytest.mark.parametrize("path", ["/_fogbank/nothing", "/_nothing"])
def test_unknown_control_paths_are_not_found(server: ServerProcess, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(server.url + path)


def test_env_points_sdks_at_the_server(server: ServerProcess) -> None:
    script = (
        'eval "$({0} -m fogbank env --url {1})"; {0} -c "import boto3; print(boto3.client(\'sts\')._endpoint.host)"'
    )
    shell = subprocess.run(
        ["sh", "-c", script.format(sys.executable, server.url)], capture_output=True, text=True, check=True
    )
    assert shell.stdout.strip() == server.url
    values = json.loads(fogbank("env", "--url", server.url, "--format", "json").stdout)
    assert values["AWS_ENDPOINT_URL"] == values["COSMOS_ENDPOINT"] == server.url
    assert f"http://{values['FIRESTORE_EMULATOR_HOST']}" == f"http://{values['PUBSUB_EMULATOR_HOST']}" == server.url
    dotenv = fogbank("env", "--url", server.url, "--format", "dotenv").stdout.splitlines()
    assert f'AWS_ENDPOINT_URL="{server.url}"' in dotenv
    powershell = fogbank("env", "--url", server.url, "--format", "powershell").stdout.splitlines()
    assert f"$Env:AWS_ENDPOINT_URL = '{server.url}'" in powershell
    assert len(values) == len(dotenv) == len(powershell)


def test_version_and_help() -> None:
    assert fogbank("--version").stdout == f"fogbank, version {__version__}\n"
    listed = fogbank("--help").stdout
    assert all(command in listed for command in ("up", "env", "health", "reset"))
    assert fogbank("nonsense").returncode == 2


def test_the_clock_is_shown_and_moved() -> None:
    with ServerProcess("--memory") as server:
        shown = fogbank("clock", "advance", "1h30m", "--url", server.url).stdout.splitlines()
        # The clock stands while what is due happens.
        assert 5_390 <= float(shown[1].split()[0]) <= 5_400
        assert fogbank("clock", "freeze", "--url", server.url).stdout.splitlines()[0].endswith(", frozen")
        shown = fogbank("clock", "show", "--url", server.url).stdout.splitlines()
        assert shown[-1] == "Next  nothing is due"
        assert fogbank("clock", "next", "--url", server.url).stdout.splitlines()[0] == "Nothing is due."
        assert "frozen" not in fogbank("clock", "resume", "--url", server.url).stdout
        wrong = fogbank("clock", "advance", "soon", "--url", server.url)
        assert "soon is no span of time such as 90s, 15m, 1h30m or 2d" in wrong.stderr
