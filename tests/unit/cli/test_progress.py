"""The line that shows how far a command is."""

from __future__ import annotations

import io
import re
import time
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING

import pytest

from fogbank.cli.progress import Counted, Progress, say

if TYPE_CHECKING:
    from collections.abc import Callable


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")
    return Terminal()


def until(what: Callable[[], object]) -> None:
    end = time.monotonic() + 30
    while not what():
        assert time.monotonic() < end, "it wasn't shown"
        time.sleep(0.01)


def test_a_bar_that_turns_into_a_wheel_when_all_is_done(terminal: Terminal) -> None:
    with redirect_stderr(terminal), Progress("Importing", total=8) as progress:
        Counted(io.BytesIO(b"xxxx"), progress).read()
        until(lambda: re.search(r"Importing  \[#{12}-{12}\]  50%  \d+ s", terminal.getvalue()))
        progress.at(8)
        until(lambda: re.search(r"Importing  [-|/\\]  \d+ s", terminal.getvalue()))
    assert terminal.getvalue().endswith("\r\x1b[K")


def test_lines_fit_the_terminal(terminal: Terminal) -> None:
    with redirect_stderr(terminal), Progress("x" * 100):
        pass
    assert max(len(line) for line in terminal.getvalue().split("\r\x1b[K")) == 59


def test_what_is_said_meanwhile_has_a_line_of_its_own(terminal: Terminal) -> None:
    with redirect_stderr(terminal), redirect_stdout(terminal), Progress("Deploying f"):
        say("hello")
    assert "\r\x1b[Khello\n" in terminal.getvalue()


def test_it_ends_with_what_fails(terminal: Terminal) -> None:
    with redirect_stderr(terminal), pytest.raises(LookupError), Progress("Saving"):
        raise LookupError
    assert terminal.getvalue().endswith("\r\x1b[K")
    before = terminal.getvalue()
    say("")
    assert terminal.getvalue() == before


def test_quiet_shows_nothing(terminal: Terminal) -> None:
    with redirect_stderr(terminal), Progress("Saving", quiet=True) as progress:
        progress.tell("x")
    assert terminal.getvalue() == ""
