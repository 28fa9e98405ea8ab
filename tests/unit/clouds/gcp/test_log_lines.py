from __future__ import annotations

import pytest

from fogbank.clouds.gcp.log_lines import read_line


@pytest.mark.parametrize(
    ("text", "severity", "has_fields"),
    [
        ("plain", 0, False),
        ("{not json}", 0, False),
        ('["severity"]', 0, False),
        ('{"message": "m"}', 0, True),
        ('{"severity": "error"}', 500, True),
        ('{"severity": "ODD"}', 0, True),
        ('{"severity": 300}', 300, True),
        ('{"severity": 9000}', 0, True),
        ('{"severity": true}', 0, True),
        ('{"severity": null}', 0, True),
        (f'{{"a": {"[" * 40}1{"]" * 40}}}', 0, False),
        (f'{{"a": {"[" * 5_000}1{"]" * 5_000}}}', 0, False),
        ('{"a": 123456789012345678901234567890}', 0, False),
    ],
)
def test_severity_and_fields(text: str, severity: int, has_fields: bool) -> None:
    found, fields = read_line(text)
    assert found == severity
    assert (fields is not None) is has_fields
