"""`fogbank health`: ask a running server how it is."""

from __future__ import annotations

import click

from fogbank.cli.client import ask, url_option


@click.command("health")
@url_option
def command(url: str) -> None:
    """Print the version and the services of a running server."""
    health = ask(url, "GET", "/_fogbank/health")
    print(f"Fogbank {health['version']} at {url}")
    for name, state in health["services"].items():
        print(f"  {name:<12} {state}")
