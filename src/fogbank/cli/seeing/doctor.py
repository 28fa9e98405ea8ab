"""`fogbank doctor`: whether this machine has what a server needs, and what is in its way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from fogbank.cli.output import json_option, painted, print_json
from fogbank.settings import SettingsError, load_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.cli.seeing.checks import Finding

_MARKS: Final = {"ok": ("ok", "green"), "note": ("note", "yellow"), "wrong": ("WRONG", "red")}
_WIDTH: Final = 12


@click.command("doctor")
@click.option("--host", help="Address that the server is to listen on (127.0.0.1).")
@click.option("--port", type=int, help="Port that it is to listen on (4566).")
@click.option("--tls-port", type=int, help="Port for TLS (the port after --port).")
@click.option("--ca", type=click.Path(file_okay=False), help="Folder of the certificate authority.")
@click.option("--data", type=click.Path(file_okay=False), help="Folder that keeps everything (.fogbank).")
@click.option("--database", metavar="URL", help="Or a PostgreSQL database: postgresql://…")
@json_option
@click.pass_context
def command(context: click.Context, /, *, as_json: bool, **flags: Any) -> None:
    """Look for what a server with these settings would stumble over.

    Looks at ports, the certificate authority, sandboxes, runtimes, the data folder, the clock and the driver of
    PostgreSQL. Exits with 1 if something won't work.
    """
    from fogbank.cli.seeing.checks import Finding, examine  # noqa: PLC0415 - other commands need none of it

    try:
        findings: Sequence[Finding] = examine(load_settings(flags))
    except SettingsError as error:
        findings = [Finding("settings", "wrong", str(error), "Correct the flag, the variable or fogbank.toml.")]
    wrong = any(finding.state == "wrong" for finding in findings)
    if as_json:
        print_json({"works": not wrong, "checks": [finding._asdict() for finding in findings]})
    else:
        for finding in findings:
            print_finding(finding)
    context.exit(1 if wrong else 0)


def print_finding(finding: Finding) -> None:
    """Print what was found, and what helps."""
    mark, colour = _MARKS[finding.state]
    print(f"{painted(f'{mark:<6}', colour)}{finding.check:<{_WIDTH}}{finding.text}")
    if finding.cure:
        print(f"{'':<{6 + _WIDTH}}{finding.cure}")
