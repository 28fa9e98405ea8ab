"""How bad a line is, by what the runtimes of AWS and Azure write."""

from __future__ import annotations

import pytest

from fogbank.runtimes.azure_functions import log_lines as azure
from fogbank.runtimes.lambda_runtime_api import log_lines as aws


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ("[ERROR]\t2026-11-22T12:00:00.000Z\tid\tbad", 500),
        ("[odd]\tx", 0),
        ("START RequestId: 1 Version: $LATEST", 0),
        ("2026-11-22T12:00:00.000Z\tid\tWARN\tcareful", 400),
        ('{"timestamp": "x", "level": "FATAL", "message": "m"}', 600),
        ('{"message": "m"}', 0),
        ("", 0),
    ],
)
def test_lines_of_lambda(text: str, severity: int) -> None:
    assert aws.severity_of(text) == severity


@pytest.mark.parametrize(
    ("text", "severity"),
    [("2026-11-22T12:00:00Z   [Error]   bad", 500), ("2026-11-22T12:00:00Z   [Odd]   x", 0), ("printed", 0)],
)
def test_lines_of_function_apps(text: str, severity: int) -> None:
    assert azure.severity_of(text) == severity
