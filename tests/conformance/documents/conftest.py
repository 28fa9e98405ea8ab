"""The servers that models are held against."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fogbank.settings import Settings
from fogbank.testing.server import ThreadedServer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def on_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThreadedServer]:
    """A server whose replies wait for the disk, so that many share a commit."""
    with ThreadedServer(Settings(port=0, data=tmp_path_factory.mktemp("data"))) as running:
        yield running


@pytest.fixture(scope="module")
def on_postgres(postgres_url: str) -> Iterator[ThreadedServer]:
    with ThreadedServer(Settings(port=0, database=postgres_url)) as running:
        running.reset()
        yield running
