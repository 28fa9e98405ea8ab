"""`fogbank requests`: what a running server was asked, and what it answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import click

from fogbank.cli.client import ask, url_option
from fogbank.cli.output import json_option, painted, print_json
from fogbank.cli.tables import indented, pairs

if TYPE_CHECKING:
    from collections.abc import Callable

PATH: Final = "/_fogbank/requests"
PATIENCE_SECONDS: Final = 60.0
FAILED_FROM: Final = 400
_OPERATION_WIDTH: Final = 34


def filters(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say which requests are meant."""
    status = "Only those with this status: a number, 4xx, error or ok."
    for option in (
        click.option("--status", metavar="STATUS", help=status),
        click.option("--operation", metavar="PATTERN", help="Only these operations, such as Get*."),
        click.option("--service", metavar="PATTERN", help="Only this service, such as sqs."),
        click.option("--cloud", type=click.Choice(["aws", "azure", "gcp"]), help="Only this cloud's."),
    ):
        function = option(function)
    return function


@click.group("requests")
def command() -> None:
    """List and show the latest requests of a running server, which keeps five hundred in memory."""


@command.command("list")
@url_option
@filters
@click.option("--limit", type=click.IntRange(1, 500), default=20, show_default=True, help="How many at most.")
@json_option
def list_requests(url: str, limit: int, *, as_json: bool, **asked: str | None) -> None:
    """List the latest requests, the newest last."""
    found = ask_for(url, asked, limit=limit)["requests"]
    if as_json:
        print_json(found)
    elif found:
        for each in found:
            print(line(each))
    else:
        print("No request is kept that fits.")


@command.command("show")
@url_option
@click.argument("identifier", metavar="ID")
@json_option
def show(url: str, identifier: str, *, as_json: bool) -> None:
    """Show a request: its parameters, its result, what it took. ID is its number, or last for the last that failed."""
    found = ask(url, "GET", f"{PATH}/{number_of(identifier)}")
    if as_json:
        print_json(found)
    else:
        print(describe(found))


def ask_for(url: str, asked: dict[str, str | None], **more: int) -> Any:
    """Return a page of the requests that are asked for."""
    values = {name: value for name, value in asked.items() if value is not None}
    return ask(url, "GET", f"{PATH}?{urlencode({**values, **more})}", timeout_seconds=PATIENCE_SECONDS)


def number_of(identifier: str) -> str:
    """Return the number of a request as a path has it; raises a usage error for what is none."""
    if identifier != "last" and not (identifier.isascii() and identifier.isdecimal()):
        msg = f"{identifier} is neither the number of a request nor last."
        raise click.UsageError(msg)
    return identifier


def line(each: dict[str, Any]) -> str:
    """Return a request on one line."""
    failed = not 0 < each["status"] < FAILED_FROM
    status = str(each["status"] or "---")
    name = f"{each['service'] or each['cloud']} {each['operation']}"
    told = ": ".join(filter(None, (each["code"], each["message"]))) if failed else ""
    if each["faults"]:
        told = f"(fault {', '.join(map(str, each['faults']))}) {told}"
    what = each["resources"][0] if each["resources"] else ""
    text = f"{each['id']:>6}  {each['at'][11:23]}  {painted(status, 'red' if failed else 'green')}"
    return f"{text}  {took(each['took_us']):>9}  {name:<{_OPERATION_WIDTH}}  {what}  {told}".rstrip()


def took(took_us: int) -> str:
    """Return a time as people read it."""
    return f"{took_us} µs" if took_us < 10_000 else f"{took_us / 1_000:.1f} ms"


def describe(found: dict[str, Any]) -> str:
    """Return a request for people to read."""
    result = f"{found['status']}" if found["status"] else "no answer"
    told = ": ".join(filter(None, (found["code"], found["message"])))
    facts = [
        ("id", str(found["id"])),
        ("at", found["at"]),
        ("operation", f"{found['cloud']} {found['service']} {found['operation']}"),
        ("scope", found["scope"]),
        ("resources", ", ".join(found["resources"])),
        ("result", f"{result} {told}".rstrip()),
        ("took", f"{found['took_us']} µs"),
        ("request", f"{found['method']} {found['path']} ({found['protocol']})"),
        ("faults", ", ".join(map(str, found["faults"]))),
    ]
    cut = ", of which no more than the beginning is kept" if found["cut"] else ""
    parts = [pairs([fact for fact in facts if fact[1]]), f"parameters, {found['body_bytes']} bytes{cut}"]
    if found["parameters"] is not None:
        parts.append(indented(_readable(found["parameters"])))
    return "\n".join(parts)


def _readable(value: Any) -> str:
    import msgspec  # noqa: PLC0415 - a list needs none

    return msgspec.json.format(msgspec.json.encode(value)).decode()
