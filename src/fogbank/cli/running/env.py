"""`fogbank env`: the variables that point SDKs at a running server."""

from __future__ import annotations

import click

from fogbank.cli.client import url_option
from fogbank.cli.output import json_option
from fogbank.cli.running.forms import FORMS, terraform
from fogbank.cli.running.variables import CLOUDS, variables

TERRAFORM = "terraform"


@click.command("env")
@url_option
@click.option("--format", "form", type=click.Choice([*FORMS, TERRAFORM]), default="shell", show_default=True)
@click.option(
    "--cloud", "clouds", type=click.Choice(list(CLOUDS)), multiple=True, help="Only this cloud's; may be repeated."
)
@json_option
def command(url: str, form: str, clouds: tuple[str, ...], *, as_json: bool) -> None:
    """Print the environment variables that point SDKs and tools at the server."""
    form = "json" if as_json else form
    chosen = clouds or tuple(CLOUDS)
    print(terraform(url, chosen) if form == TERRAFORM else FORMS[form](variables(url, chosen)))
