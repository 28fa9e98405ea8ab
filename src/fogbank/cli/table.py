"""`fogbank table`: look into tables, collections and containers of all clouds, and write into them."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import click
import msgspec

from fogbank.cli.client import ask, url_option
from fogbank.cli.output import JSON, output_option

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    F = TypeVar("F", bound=Callable[..., Any])

PATH: Final = "/_fogbank/documents"
PAGE: Final = 100


def _page_options(function: F) -> F:
    function = output_option(function)
    function = click.option("--after", metavar="TOKEN", default="", help="Go on where an earlier list ended.")(function)
    limit = click.IntRange(1)
    return click.option("--limit", type=limit, default=PAGE, show_default=True, help="How many at most.")(function)


@click.group("table")
def command() -> None:
    """Look into tables, collections and containers of all clouds, and write into them.

    NAME is the name or ARN of a DynamoDB table, a path in Firestore such as
    projects/P/databases/(default)/documents/users, a Cosmos DB container, as cosmos:ACCOUNT/DATABASE/CONTAINER or
    by its resource ID, or a table of an Azure storage account, as tables:ACCOUNT/TABLE.
    """


@command.command("browse")
@url_option
@click.argument("name")
@_page_options
def browse(url: str, name: str, limit: int, after: str, output: str) -> None:
    """List documents, a page at a time."""
    _print(url, {"name": name}, limit, after, output)


@command.command("query")
@url_option
@click.argument("name")
@click.argument("partition")
@click.option("--sort-prefix", metavar="TEXT", default="", help="Only those whose sort keys or ids begin so.")
@_page_options
def query(url: str, name: str, partition: str, sort_prefix: str, limit: int, after: str, output: str) -> None:
    """Read one partition, in the order of sort keys.

    PARTITION is the value of a DynamoDB table's partition key (bytes in base64); that of a container's, or a JSON
    array of its levels; in Firestore, the rest of a collection's path.
    """
    asked = {"name": name, "partition": partition, "sort_prefix": sort_prefix}
    _print(url, asked, limit, after, output)


@command.command("put")
@url_option
@click.argument("name")
@click.argument("document", metavar="JSON")
@output_option
def put(url: str, name: str, document: str, output: str) -> None:
    """Create or replace a document; - reads it from the standard input.

    What JSON has no word for is written as {"$binary": "..."}, {"$set": [...]}, {"$number": "..."},
    {"$timestamp": "..."}, {"$geopoint": {"latitude": ..., "longitude": ...}}, {"$reference": "..."} or
    {"$vector": [...]}. A document of Firestore has its id as `__name__`, or gets one.
    """
    body = sys.stdin.buffer.read() if document == "-" else document.encode("utf-8", "surrogateescape")
    written = ask(url, "POST", f"{PATH}?{urlencode({'name': name})}", body)
    print(_line(written) if output == JSON else f"{shown_key(written['key'])} is written.")


def shown_key(parts: list[Any]) -> str:
    """Return a document's key for people to read."""
    return " ".join(part if isinstance(part, str) else _line(part) for part in parts)


def _pages(url: str, asked: dict[str, str], limit: int, after: str) -> Iterator[tuple[list[dict[str, Any]], str]]:
    """Yield pages of up to so many documents together, each with where the next one begins."""
    left, token = limit, after
    while True:
        values = {**asked, "limit": str(min(left, PAGE)), **({"after": token} if token else {})}
        page = ask(url, "GET", f"{PATH}?{urlencode(values)}")
        left, token = left - len(page["documents"]), page["next"] or ""
        yield page["documents"], token
        if not token or left <= 0:
            return


def _print(url: str, asked: dict[str, str], limit: int, after: str, output: str) -> None:
    """Print documents as they come, and where more follow."""
    count, follows = 0, ""
    for documents, token in _pages(url, asked, limit, after):
        follows = token
        for each in documents:
            if output == JSON:
                print(("," if count else "[") + "\n  " + _line(each["document"]), end="")
            else:
                print(f"{shown_key(each['key'])}  {_line(each['document'])}")
            count += 1
    if output == JSON:
        print("\n]" if count else "[]")
    elif not count:
        print("There are no documents.")
    if follows:
        click.echo(f"More follow: --after {shlex.quote(follows)}", err=True)


def _line(value: Any) -> str:
    return msgspec.json.encode(value).decode()
