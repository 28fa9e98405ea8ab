"""What commands refuse before they ask any server: by the name of what was given, and with the status of misuse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from fogbank.cli import main

if TYPE_CHECKING:
    from pathlib import Path

# Nobody listens there: who asks all the same ends with 1.
NOWHERE = "http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("clock", "advance", "101y"), "101y is further than time can be moved at once, which is 100 years"),
        (("clock", "advance", "15"), "15 is no span of time"),
        (("snapshot", "save", ""), "A snapshot has a name"),
        (("snapshot", "delete", ""), "A snapshot has a name"),
        (("faults", "add", "latency"), "latency takes --latency MS."),
        (("faults", "add", "throttle", "--latency", "5"), "--latency goes with latency, not with throttle."),
        (("faults", "add", "latency", "--latency", "200-50"), "200-50 ends before it begins"),
        (("faults", "add", "throttle", "--cloud", "amazon"), "there is no cloud amazon; there are aws, azure, gcp"),
        (("export", "-", "-o", "json"), "name a file"),
    ],
)
def test_what_can_not_be_is_told_by_name(arguments: tuple[str, ...], told: str) -> None:
    result = CliRunner().invoke(main, [*arguments, "--url", NOWHERE])
    assert result.exit_code == 2
    assert told in result.output


def test_a_cloud_is_a_pattern_of_any_case() -> None:
    result = CliRunner().invoke(main, ["faults", "add", "throttle", "--cloud", "A*", "--url", NOWHERE])
    assert (result.exit_code, "No Fogbank answers" in result.output) == (1, True)


def test_a_certificate_is_printed_for_a_dash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["ca", "--ca", "ca", "export", "-"])
    assert result.output.startswith("-----BEGIN CERTIFICATE-----")
    assert [each.name for each in tmp_path.iterdir()] == ["ca"]
