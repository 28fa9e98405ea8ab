"""What was logged: servers of other tests may still run in threads of their own, and log what they like."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def logged_here(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the test's own thread has logged."""
    return [record.getMessage() for record in caplog.records if record.thread == threading.get_ident()]
