"""`fogbank export`: the whole state of a running server, as a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import click

from fogbank.cli.client import fetch, url_option
from fogbank.cli.output import json_option, print_json
from fogbank.cli.progress import Counted, Progress
from fogbank.storage.images.files import part_of, publish

PATH: Final = "/_fogbank/export"
PATIENCE_SECONDS: Final = 3_600.0


@click.command("export")
@click.argument("file", type=click.Path(dir_okay=False, writable=True, allow_dash=True, path_type=Path))
@url_option
@json_option
def command(file: Path, url: str, *, as_json: bool) -> None:
    """Write all that a running server holds into FILE, which this and any later version of Fogbank imports.

    With - as FILE it is printed.
    """
    if str(file) == "-":
        if as_json:
            msg = "JSON and what is exported can't both be printed: name a file."
            raise click.UsageError(msg)
        with Progress("Exporting") as progress:
            fetch(url, PATH, Counted(sys.stdout.buffer, progress), PATIENCE_SECONDS)
        return
    file = file.absolute()
    try:
        with part_of(file.parent, file.name) as part:
            with part.open("wb") as target, Progress("Exporting", quiet=as_json) as progress:
                size = fetch(url, PATH, Counted(target, progress), PATIENCE_SECONDS)
            publish(part, file)
    except OSError as error:
        msg = f"{file}: {error.strerror}"
        raise click.ClickException(msg) from None
    if as_json:
        print_json({"file": str(file), "bytes": size})
    else:
        print(f"Exported into {file}, {size} bytes.")
