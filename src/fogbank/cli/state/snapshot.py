"""`fogbank snapshot`: the whole state of a running server, kept under names."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote, urlencode

import click

from fogbank.cli.client import ask, url_option
from fogbank.cli.output import json_option, json_options, print_json
from fogbank.cli.progress import Progress, in_units

PATH: Final = "/_fogbank/snapshots"
# What is large takes its time.
PATIENCE_SECONDS: Final = 3_600.0
_SIGNS: Final = {"added": "+", "removed": "-", "changed": "~", "same": " "}


@click.group("snapshot")
def command() -> None:
    """Keep all that a running server holds under a name, and go back to it."""


@command.command("save")
@click.argument("name")
@url_option
@json_option
def save(name: str, url: str, *, as_json: bool) -> None:
    """Keep everything as it is now under NAME, in place of what had that name; nothing stands still meanwhile."""
    with Progress(f"Saving {name}", quiet=as_json):
        saved = ask(url, "PUT", _path(name), timeout_seconds=PATIENCE_SECONDS)
    if as_json:
        print_json(saved)
    else:
        print(f"Saved {saved['name']}, {in_units(saved['bytes'])}.")


@command.command("restore")
@click.argument("name")
@url_option
@json_option
def restore(name: str, url: str, *, as_json: bool) -> None:
    """Go back to NAME: everything that came since is gone. The clock stays where it is."""
    with Progress(f"Going back to {name}", quiet=as_json):
        restored = ask(url, "POST", f"{_path(name)}/restore", timeout_seconds=PATIENCE_SECONDS)
    if as_json:
        print_json(restored)
    else:
        print(f"Everything is as it was in {name}.")


@command.command("list")
@url_option
@json_options
def show(url: str, *, as_json: bool) -> None:
    """Print the snapshots, by name."""
    found = ask(url, "GET", PATH)["snapshots"]
    if as_json:
        print_json(found)
        return
    width = max((len(each["name"]) for each in found), default=0)
    for each in found:
        print(f"{each['name']:{width}}  {each['taken']}  {in_units(each['bytes']):>10}  Fogbank {each['version']}")
    if not found:
        print("There are no snapshots.")


@command.command("diff")
@click.argument("name")
@click.argument("other", required=False)
@url_option
@json_options
def diff(name: str, other: str | None, url: str, *, as_json: bool) -> None:
    """Tell what is there now that wasn't in NAME, or isn't any more; or what is so in OTHER."""
    query = f"?{urlencode({'with': other})}" if other else ""
    found = ask(url, "GET", f"{_path(name)}/diff{query}", timeout_seconds=PATIENCE_SECONDS)["differences"]
    if as_json:
        print_json(found)
        return
    service = ""
    for each in found:
        if each["service"] != service:
            service = each["service"]
            print(service)
        place = each["scope"].partition("/")[2]
        print(f"  {_SIGNS[each['change']]} {each['kind']} {each['name']} ({place}){_contents(each)}")
    if not found:
        print("There are no differences.")


@command.command("delete")
@click.argument("name")
@url_option
@json_option
def delete(name: str, url: str, *, as_json: bool) -> None:
    """Remove NAME."""
    deleted = ask(url, "DELETE", _path(name))
    if as_json:
        print_json(deleted)
    else:
        print(f"{name} is deleted.")


def _path(name: str) -> str:
    if not name:
        msg = "A snapshot has a name, and this one is empty."
        raise click.UsageError(msg)
    return f"{PATH}/{quote(name, safe='')}"


def _contents(difference: dict[str, Any]) -> str:
    for what in ("messages", "documents", "entries"):
        counts = difference.get(what)
        if counts is not None and any(counts.values()):
            return f": {what} " + ", ".join(f"{_SIGNS[name]}{count}" for name, count in counts.items() if count)
    return ""
