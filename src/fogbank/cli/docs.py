"""`fogbank docs`: documents on their way from one cloud's collection to another's."""

from __future__ import annotations

import shlex
from typing import Any, Final
from urllib.parse import urlencode

import click

from fogbank.cli.client import ask, url_option
from fogbank.cli.output import JSON, output_option, print_json
from fogbank.cli.progress import Progress
from fogbank.cli.table import PAGE
from fogbank.cli.tables import table

PATH: Final = "/_fogbank/documents/copy"
# Of documents that are skipped, so many are told one by one.
SKIPPED_MAX: Final = 20
PAGE_SECONDS_MAX: Final = 120.0
_HEADS: Final = ("WHAT", "HOW", ">VALUES", ">DOCUMENTS", "FIRST")


@click.group("docs")
def command() -> None:
    """Copy documents from one cloud's collection to another's."""


@command.command("copy")
@url_option
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.option("--after", metavar="TOKEN", default="", help="Go on where an earlier copy was stopped.")
@output_option
@click.pass_context
def copy(context: click.Context, url: str, source: str, target: str, after: str, output: str) -> None:
    """Copy what is in FROM into TO, which has to be there, and report what couldn't be carried over as it was.

    Both are named as `fogbank table` names them. Documents that are there already are replaced: doing it again
    changes nothing. Exits with 1 if documents had to be skipped.
    """
    report = _Report(source, target)
    token: str | None = after
    with Progress("Copying", quiet=output == JSON) as progress:
        while token is not None:
            values = {"from": source, "to": target, "limit": str(PAGE), **({"after": token} if token else {})}
            try:
                page = ask(url, "POST", f"{PATH}?{urlencode(values)}", timeout_seconds=PAGE_SECONDS_MAX)
            except click.ClickException as error:
                if report.copied + report.skipped == 0:
                    raise
                rest = f"go on with --after {shlex.quote(token)}."
                message = f"{error.message}\n{report.copied} documents are copied; {rest}"
                raise click.ClickException(message) from None
            report.add(page)
            token = page["next"]
            progress.tell(f"{report.copied} copied, {report.skipped} skipped")
    if output == JSON:
        print_json(report.whole())
    else:
        report.print()
    context.exit(1 if report.skipped else 0)


class _Report:
    """What became of a copy: counts, and of what was skipped the first few."""

    def __init__(self, source: str, target: str) -> None:
        self.copied = 0
        self.skipped = 0
        self._source = source
        self._target = target
        self._changes: dict[tuple[str, str], dict[str, Any]] = {}
        self._examples: list[dict[str, str]] = []

    def add(self, page: dict[str, Any]) -> None:
        self.copied += page["copied"]
        self.skipped += len(page["skipped"])
        self._examples += page["skipped"][: SKIPPED_MAX - len(self._examples)]
        for each in page["changes"]:
            known = self._changes.setdefault((each["kind"], each["how"]), {**each, "values": 0, "documents": 0})
            known["values"] += each["values"]
            known["documents"] += each["documents"]

    def whole(self) -> dict[str, Any]:
        return {
            "from": self._source,
            "to": self._target,
            "copied": self.copied,
            "skipped": self.skipped,
            "changes": list(self._changes.values()),
            "skipped_first": self._examples,
        }

    def print(self) -> None:
        print(f"{_documents(self.copied)} copied, {self.skipped} skipped.")
        if self._changes:
            rows = [
                (each["kind"], each["how"], str(each["values"]), str(each["documents"]), each["example"])
                for each in self._changes.values()
            ]
            print(f"\nNot carried over as they were:\n{table(_HEADS, rows)}")
        if self._examples:
            rest = self.skipped - len(self._examples)
            print("\nSkipped:\n" + table(("KEY", "WHY"), [(each["key"], each["reason"]) for each in self._examples]))
            if rest:
                print(f"and {rest} more")


def _documents(count: int) -> str:
    return "1 document" if count == 1 else f"{count} documents"
