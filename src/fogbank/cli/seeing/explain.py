"""`fogbank explain`: why a request failed, and what would make it pass."""

from __future__ import annotations

from typing import Final

import click

from fogbank.cli.client import ask, url_option
from fogbank.cli.output import json_option, painted, print_json
from fogbank.cli.seeing.requests import PATH, line, number_of

_WIDTH: Final = 100


@click.command("explain")
@url_option
@click.argument("identifier", metavar="[ID]", default="last")
@json_option
def command(url: str, identifier: str, *, as_json: bool) -> None:
    """Say why the last failed request failed, or the one of that number, and what would make it pass."""
    found = ask(url, "GET", f"{PATH}/{number_of(identifier)}/explanation")
    if as_json:
        print_json(found)
        return
    told = found["explanation"]
    print(line(found))
    for name, colour in (("why", "red"), ("cure", "green")):
        if told[name]:
            wrapped = click.wrap_text(told[name], _WIDTH, initial_indent="      ", subsequent_indent="      ")
            print(f"{painted(name.upper(), colour):<4}{wrapped[4:]}")
