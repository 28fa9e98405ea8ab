"""`fogbank reset`: empty a running server."""

from __future__ import annotations

import click

from fogbank.cli.client import ask, url_option


@click.command("reset")
@url_option
@click.option("--yes", is_flag=True, help="Don't ask.")
def command(url: str, *, yes: bool) -> None:
    """Delete every resource of a running server."""
    if not yes:
        click.confirm(f"Delete everything in {url}?", abort=True)
    ask(url, "POST", "/_fogbank/reset")
    print("Everything is deleted.")
