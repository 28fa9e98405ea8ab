"""Azure's reference names the operations that there are."""

from __future__ import annotations

import re
from pathlib import Path

from fogbank.clouds.azure.web.service import OPERATIONS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "azure.md"
ROW = re.compile(r"^\| `([A-Z]+) (\S+)` \|", re.MULTILINE)


def test_every_operation_is_listed_and_no_other() -> None:
    listed = {(method, re.sub(r"\b[A-Z]+\b", "", path)) for method, path in ROW.findall(PAGE.read_text())}
    assert listed == set(OPERATIONS)
