"""`fogbank import`: the whole state of a running server, from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from fogbank.cli.client import ask, url_option
from fogbank.cli.output import json_option, print_json
from fogbank.cli.progress import Counted, Progress

PATIENCE_SECONDS: Final = 3_600.0


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@url_option
@click.option("--yes", is_flag=True, help="Don't ask.")
@json_option
def command(file: Path, url: str, *, yes: bool, as_json: bool) -> None:
    """Replace all that a running server holds by what was exported into FILE."""
    if not yes:
        click.confirm(f"Replace everything in {url}?", abort=True, err=True)
    total = file.stat().st_size
    with file.open("rb") as source, Progress("Importing", quiet=as_json, total=total) as progress:
        taken = ask(url, "POST", "/_fogbank/import", Counted(source, progress), PATIENCE_SECONDS)
    if as_json:
        print_json(taken)
        return
    print(f"Everything is as it was exported at {taken['taken']} by Fogbank {taken['version']}.")
