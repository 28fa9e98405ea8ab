"""`fogbank export`: the whole state of a running server, as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from fogbank.cli.client import fetch, url_option
from fogbank.cli.output import json_option, print_json
from fogbank.cli.progress import Counted, Progress
from fogbank.storage.images.files import part_of, publish

PATIENCE_SECONDS: Final = 3_600.0


@click.command("export")
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@url_option
@json_option
def command(file: Path, url: str, *, as_json: bool) -> None:
    """Write all that a running server holds into FILE, which this and any later version of Fogbank imports."""
    file = file.absolute()
    try:
        with part_of(file.parent, file.name) as part:
            with part.open("wb") as target, Progress("Exporting", quiet=as_json) as progress:
                size = fetch(url, "/_fogbank/export", Counted(target, progress), PATIENCE_SECONDS)
            publish(part, file)
    except OSError as error:
        msg = f"{file}: {error.strerror}"
        raise click.ClickException(msg) from None
    if as_json:
        print_json({"file": str(file), "bytes": size})
    else:
        print(f"Exported into {file}, {size} bytes.")
