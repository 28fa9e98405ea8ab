"""Clients that aren't Python packages: found where they are, or the test is skipped and says what it needs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conformance.aws.terraform_runs import Terraform, find_provider, find_terraform

if TYPE_CHECKING:
    from fogbank.testing.server import ThreadedServer

HERE = Path(__file__).parent


@pytest.fixture
def terraform(server: ThreadedServer, account: str, tmp_path: Path) -> Terraform:
    """Terraform with the AWS provider, against the server, in the test's own account."""
    program, plugins = find_terraform(), find_provider()
    if program is None:
        pytest.skip("needs Terraform: there is none on PATH")
    if plugins is None:
        pytest.skip("needs the Terraform AWS provider: there is none in a local plugin folder")
    return Terraform(program, plugins, server.url, account, tmp_path)
