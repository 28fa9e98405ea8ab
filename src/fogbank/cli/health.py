"""`fogbank health`: ask a running server how it is."""

from __future__ import annotations

import click

from fogbank.cli.client import ask, url_option
from fogbank.cli.output import json_option, print_json


@click.command("health")
@url_option
@json_option
def command(url: str, *, as_json: bool) -> None:
    """Print the version and the services of a running server."""
    health = ask(url, "GET", "/_fogbank/health")
    if as_json:
        print_json({"url": url, **health})
        return
    print(f"Fogbank {health['version']} at {url}")
    for name, state in health["services"].items():
        print(f"  {name:<12} {state}")
