"""Clients that aren't Python packages: found where they are, or the test is skipped and says what it needs."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conformance.aws.command_line import CommandLine

if TYPE_CHECKING:
    from fogbank.testing.server import ThreadedServer

HERE = Path(__file__).parent


@pytest.fixture
def node() -> str:
    """The path of Node, where the SDK's packages are installed, too."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("needs Node: there is none on PATH")
    if not (HERE / "js" / "node_modules").is_dir():
        pytest.skip("needs Node: the packages of tests/conformance/aws/js are not installed (make toolchains)")
    return program


@pytest.fixture
def aws(server: ThreadedServer, account: str, tmp_path: Path) -> CommandLine:
    """`aws("sqs", "list-queues")` runs the AWS CLI in the test's own account."""
    program = shutil.which("aws", path=str(Path(sys.executable).parent))
    assert program is not None, "the AWS CLI is one of the development dependencies"
    return CommandLine(program, server.url, account, tmp_path)
