"""The page for those who come from LocalStack names every variable that is read."""

from __future__ import annotations

from pathlib import Path

from fogbank.control.localstack import PATHS
from fogbank.settings.localstack import VARIABLES

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "localstack.md"


def test_every_variable_and_endpoint_is_there() -> None:
    text = PAGE.read_text()
    assert not [name for name in VARIABLES if f"`{name}`" not in text]
    assert not [path for path in PATHS if path not in text]
