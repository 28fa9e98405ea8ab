"""What the fixtures of the pytest plugin cost a test: `python -m bench.testing`.

Each case is many tests that ask for some fixtures; the first, which starts the server and imports SDKs, doesn't count.
Figures are what setting up and tearing down take, and the body where it makes a client.
"""

from __future__ import annotations

import contextlib
import io
import statistics
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import pytest

TESTS = 100
# Milliseconds that half of the tests may take at the most; None where the cost is of a server, or an SDK's own.
CASES = {
    "nothing": ("", "pass", None),
    "fogbank, fogbank_account": ("fogbank, fogbank_account", "pass", 5.0),
    "aws": ("aws", "pass", 5.0),
    "aws, spy": ("aws, spy", "pass", 5.0),
    "aws, gcp, azure, spy": ("aws, gcp, azure, spy", "pass", 5.0),
    "fogbank_env": ("fogbank_env", "pass", 5.0),
    "aws: a client of boto3": ("aws", "aws('sqs')", None),
    "aws: a client, a queue": ("aws", "aws('sqs').create_queue(QueueName='orders')", None),
    "a snapshot gone back to": ("fogbank", "fogbank.restore(fogbank.snapshot())", 10.0),
    "time_travel": ("time_travel", "pass", None),
}


class Durations:
    """Takes note of how long each case's tests took, in milliseconds."""

    def __init__(self) -> None:
        self.by_test: dict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        assert report.passed, report.longreprtext
        self.by_test[report.nodeid] += report.duration * 1_000


def measure(fixtures: str, body: str) -> list[float]:
    """Run one case; returns what each test took, the first left out."""
    source = f"""
import pytest

@pytest.mark.parametrize("turn", range({TESTS + 1}))
def test(turn{", " if fixtures else ""}{fixtures}):
    {body}
"""
    durations = Durations()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()) as told:
        # Each a module of its own: those that were imported stay.
        (Path(folder) / f"test_{len(sys.modules)}.py").write_text(source)
        flags = ["-q", "-p", "no:cacheprovider", "-p", "no:asyncio", "--import-mode=importlib", "--rootdir", folder]
        status = pytest.main([*flags, folder], plugins=[durations])
    assert status == 0, told.getvalue()
    return list(durations.by_test.values())[1:]


def main() -> int:
    missed = False
    print(f"{'fixtures':<28}  p50 ms  p90 ms  budget")
    for name, (fixtures, body, budget_ms) in CASES.items():
        taken = sorted(measure(fixtures, body))
        median = statistics.median(taken)
        kept = budget_ms is None or median <= budget_ms
        missed = missed or not kept
        told = "" if budget_ms is None else f"{budget_ms:g} ms {'kept' if kept else 'missed'}"
        print(f"{name:<28}  {median:6.2f}  {taken[int(0.9 * len(taken))]:6.2f}  {told}", flush=True)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
