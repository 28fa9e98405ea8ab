"""`fogbank route`: send a topic of one cloud to a queue, topic or function of another."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

import click
import msgspec

from fogbank.cli.client import ask, url_option
from fogbank.cli.output import json_option, json_options, print_json
from fogbank.cli.tables import table

PATH: Final = "/_fogbank/routes"
HEADS: Final = ("ID", "FROM", "TO", "FILTER")


@click.group("route")
def command() -> None:
    """Send topics of one cloud to queues, topics and functions of another."""


@command.command("add")
@url_option
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.option("--filter", "pattern", metavar="JSON", help="Only CloudEvents that this pattern matches.")
@json_option
def add(url: str, source: str, target: str, pattern: str | None, *, as_json: bool) -> None:
    """Send what is published to the topic FROM to TO, as CloudEvents.

    Each is named as its own cloud names it: by its ARN, by a name that begins with projects/, by an Azure resource
    ID, a Storage queue by its address. The filter is a pattern as EventBridge has them, such as
    {"data": {"MessageAttributes": {"kind": {"Value": ["order"]}}}}.
    """
    wanted: dict[str, Any] = {"from": source, "to": target}
    if pattern is not None:
        try:
            wanted["filter"] = msgspec.json.decode(pattern)
        except msgspec.DecodeError as error:
            msg = f"The filter is no JSON: {error}"
            raise click.ClickException(msg) from None
    route = ask(url, "POST", PATH, msgspec.json.encode(wanted))
    if as_json:
        print_json(route)
    else:
        print(f"{route['id']}: {route['from']} -> {route['to']}")


@command.command("list")
@url_option
@json_options
def list_routes(url: str, *, as_json: bool) -> None:
    """List the routes."""
    found: list[dict[str, Any]] = []
    after: str | None = ""
    while after is not None:
        page = ask(url, "GET", f"{PATH}?after={quote(after, safe='')}")
        found += page["routes"]
        after = page["next"]
    if as_json:
        print_json(found)
    elif found:
        print(table(HEADS, [_row(route) for route in found]))
    else:
        print("There is no route.")


@command.command("remove")
@url_option
@click.argument("identifier", metavar="ID")
@json_option
def remove(url: str, identifier: str, *, as_json: bool) -> None:
    """Remove a route; what is under way still arrives."""
    answer = ask(url, "DELETE", f"{PATH}/{quote(identifier, safe='')}")
    if as_json:
        print_json(answer)
    else:
        print(f"The route {identifier} is removed.")


def _row(route: dict[str, Any]) -> tuple[str, ...]:
    pattern = "" if route["filter"] is None else msgspec.json.encode(route["filter"]).decode()
    return route["id"], route["from"], route["to"], pattern
