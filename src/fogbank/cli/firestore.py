"""`fogbank firestore`: files of Firestore's indexes and of its security rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import click

from fogbank.cli.client import ask, url_option
from fogbank.cli.output import json_option, print_json

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PATH: Final = "/_fogbank/firestore"


@click.group("firestore")
def command() -> None:
    """Firestore's indexes and security rules, as Firebase keeps them in files."""


@command.group("indexes")
def indexes() -> None:
    """Definitions of indexes: firestore.indexes.json."""


def _database_options(function: Callable[..., Any]) -> Callable[..., Any]:
    project = click.option("--project", required=True, help="The project that the database belongs to.")
    database = click.option("--database", default="(default)", show_default=True, help="The database.")
    return project(database(function))


def _path(what: str, project: str, database: str, **more: str) -> str:
    return f"{PATH}/{what}?" + urlencode({"database": f"projects/{project}/databases/{database}", **more})


def _file() -> Any:
    from pathlib import Path  # noqa: PLC0415 - loaded on first use

    return click.Path(exists=True, dir_okay=False, path_type=Path)


@indexes.command("import")
@url_option
@_database_options
@click.argument("file", metavar="FILE", type=_file())
@json_option
def import_indexes(url: str, project: str, database: str, file: Path, *, as_json: bool) -> None:
    """Define the indexes of FILE, a firestore.indexes.json, beside those that there are."""
    answer = ask(url, "POST", _path("indexes", project, database), file.read_bytes())
    if as_json:
        print_json(answer)
    else:
        print(f"{answer['defined']} composite indexes are new.")


@indexes.command("export")
@url_option
@_database_options
@click.option("--missing", is_flag=True, help="Also those that queries would have needed (--firestore-index-check).")
@json_option
def export_indexes(url: str, project: str, database: str, *, missing: bool, as_json: bool) -> None:
    """Print the indexes that are defined, as a firestore.indexes.json."""
    # The file is JSON either way.
    del as_json
    print_json(ask(url, "GET", _path("indexes", project, database, missing="true" if missing else "false")))


@command.group("rules")
def rules() -> None:
    """Security rules: what web and mobile clients may do."""


@rules.command("set")
@url_option
@_database_options
@click.argument("file", metavar="FILE", type=_file())
@json_option
def set_rules(url: str, project: str, database: str, file: Path, *, as_json: bool) -> None:
    """Have the rules of FILE hold for a database from now on."""
    answer = ask(url, "PUT", _path("rules", project, database), file.read_bytes())
    if as_json:
        print_json(answer)
    else:
        print(f"The rules of {file} hold for {database} of {project}.")


@rules.command("show")
@url_option
@_database_options
@json_option
def show_rules(url: str, project: str, database: str, *, as_json: bool) -> None:
    """Print the rules that hold for a database."""
    found = ask(url, "GET", _path("rules", project, database))["rules"]
    if as_json:
        print_json({"rules": found})
    else:
        print("There are no rules: everything is allowed." if found is None else found)
