"""What commands that may take long show on a terminal, and only there."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from tests.servers import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ERASED = "\r\x1b[K"


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess("--memory") as running:
        yield running


def on_a_terminal(*arguments: str, url: str = "", term: str = "xterm") -> tuple[str, str]:
    """Run a command whose standard error is a terminal; returns what it printed, and what the terminal was sent."""
    ours, theirs = pty.openpty()
    shown = bytearray()

    def read() -> None:
        try:
            while part := os.read(ours, 65_536):
                shown.extend(part)
        except OSError:
            # Nobody has the terminal open any more.
            pass

    environment = {**os.environ, "TERM": term} | ({"FOGBANK_URL": url} if url else {})
    command = [sys.executable, "-m", "fogbank", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, text=True, env=environment) as process:
        os.close(theirs)
        reader = threading.Thread(target=read)
        reader.start()
        printed, _ = process.communicate(timeout=60)
        reader.join()
    os.close(ours)
    assert process.returncode == 0, shown
    return printed, shown.decode()


def test_all_that_may_take_long_shows_that_it_works(server: ServerProcess, tmp_path: Path) -> None:
    file = str(tmp_path / "state")
    for arguments, line in (
        (("snapshot", "save", "a"), r"Saving a  \|  0 s"),
        (("snapshot", "restore", "a"), r"Going back to a  \|  0 s"),
        (("export", file), r"Exporting  .  \d+ KiB  0 s"),
        (("import", file, "--yes"), r"Importing  \[-{24}\]   0%  0 s"),
    ):
        printed, shown = on_a_terminal(*arguments, url=server.url)
        assert re.search(line, shown), shown
        # It is gone at the end, and nothing of it is in what a program would read.
        assert shown.endswith(ERASED)
        assert printed.count("\n") == 1
        assert "\x1b" not in printed


def test_nothing_is_shown_with_json_or_where_lines_cant_be_erased(server: ServerProcess) -> None:
    assert on_a_terminal("snapshot", "save", "b", "-o", "json", url=server.url)[1] == ""
    assert on_a_terminal("snapshot", "save", "b", url=server.url, term="dumb")[1] == ""


def test_a_server_that_is_started_for_a_program() -> None:
    printed, shown = on_a_terminal("run", "--", "echo", "hello")
    assert printed == "hello\n"
    assert "Starting a server  |  0 s" in shown
    # And nothing else: what the program prints is all there is.
    assert shown.endswith(ERASED)
