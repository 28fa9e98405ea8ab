"""`fogbank reset`: empty a running server."""

from __future__ import annotations

import click

from fogbank.cli.client import ask, url_option
from fogbank.cli.output import json_option, print_json


@click.command("reset")
@url_option
@click.option("--yes", is_flag=True, help="Don't ask.")
@json_option
def command(url: str, *, yes: bool, as_json: bool) -> None:
    """Delete every resource of a running server."""
    if not yes:
        click.confirm(f"Delete everything in {url}?", abort=True, err=True)
    answer = ask(url, "POST", "/_fogbank/reset")
    if as_json:
        print_json(answer)
    else:
        print("Everything is deleted.")
