"""`fogbank tail`: requests of a running server as they are answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from fogbank.cli.client import url_option
from fogbank.cli.output import json_option, print_line
from fogbank.cli.seeing.requests import ask_for, filters, line

if TYPE_CHECKING:
    from collections.abc import Iterator

WAIT_SECONDS: Final = 20


@click.command("tail")
@url_option
@filters
@click.option(
    "--limit", "past", type=click.IntRange(0, 500), default=10, show_default=True, help="How many to begin with."
)
@click.option("--no-follow", is_flag=True, help="Print those that there are, and end.")
@json_option
def command(url: str, past: int, *, no_follow: bool, as_json: bool, **asked: str | None) -> None:
    """Print requests as they are answered, until Ctrl-C; with -o json, one object a line."""
    for each in _follow(url, past, asked, follow=not no_follow):
        if as_json:
            print_line(each)
        else:
            print(line(each), flush=True)


def _follow(url: str, past: int, asked: dict[str, str | None], *, follow: bool) -> Iterator[dict[str, Any]]:
    """Yield the last requests, and those that follow."""
    page = ask_for(url, asked, limit=max(past, 1))
    yield from page["requests"] if past else ()
    while follow:
        page = ask_for(url, asked, after=page["last"], wait=WAIT_SECONDS)
        yield from page["requests"]
