"""`fogbank ca`: the local certificate authority, and how this machine comes to trust it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import click

from fogbank.cli.output import json_option, print_json
from fogbank.wire.tls.authority import Authority, default_folder

# Where distributions look for what an administrator trusts, and what makes them read it again.
_STORES: Final = (
    (Path("/usr/local/share/ca-certificates"), ".crt", ("update-ca-certificates",)),
    (Path("/etc/pki/ca-trust/source/anchors"), ".pem", ("update-ca-trust",)),
    (Path("/etc/ca-certificates/trust-source/anchors"), ".crt", ("trust", "extract-compat")),
)
_KEYCHAIN: Final = "/Library/Keychains/System.keychain"


@click.group("ca")
@click.option("--ca", "folder", type=click.Path(file_okay=False, path_type=Path), envvar="FOGBANK_CA", show_envvar=True,
              help="The authority's folder (~/.config/fogbank/ca).")  # fmt: skip
@click.pass_context
def command(context: click.Context, folder: Path | None) -> None:
    """Show, export or trust the local certificate authority; it is made if there is none."""
    context.obj = Authority(folder or default_folder())


@command.command("path")
@json_option
@click.pass_obj
def path(authority: Authority, *, as_json: bool) -> None:
    """Print where the certificate is."""
    found = _found(authority)
    if as_json:
        print_json({"path": str(found)})
    else:
        print(found)


@command.command("export")
@click.argument("file", type=click.Path(dir_okay=False, writable=True, allow_dash=True, path_type=Path), required=False)
@json_option
@click.pass_obj
def export(authority: Authority, file: Path | None, *, as_json: bool) -> None:
    """Write the certificate (never the key) to a file, or print it, also where FILE is -."""
    if str(file) == "-":
        file = None
    pem = _found(authority).read_bytes()
    if file is not None:
        try:
            file.write_bytes(pem)
        except OSError as error:
            msg = f"{file}: {error.strerror}"
            raise click.ClickException(msg) from None
    if as_json:
        print_json({"certificate": pem.decode(), "file": None if file is None else str(file)})
    elif file is None:
        print(pem.decode(), end="")


@command.command("trust")
@click.option("--print", "only_print", is_flag=True, help="Print the commands, and run none.")
@json_option
@click.pass_obj
def trust(authority: Authority, *, only_print: bool, as_json: bool) -> None:
    """Have this machine trust the certificate; takes an administrator's rights."""
    commands = _commands(_found(authority))
    for each in commands:
        if only_print:
            if not as_json:
                print(*each)
            continue
        try:
            subprocess.run(each, check=True)  # noqa: S603 - the commands are ours
        except (OSError, subprocess.CalledProcessError) as error:
            msg = f"{' '.join(each)}: {error}. It may take an administrator's rights (sudo)."
            raise click.ClickException(msg) from None
    if as_json:
        print_json({"trusted": not only_print, "commands": commands})
    elif not only_print:
        print("Trusted. Programs that are running take note when they start again.")


def _found(authority: Authority) -> Path:
    try:
        return authority.path
    except OSError as error:
        msg = f"The authority can't be made: {error}"
        raise click.ClickException(msg) from None


def _commands(certificate: Path) -> list[tuple[str, ...]]:
    """Return what has to be run here."""
    if sys.platform == "darwin":
        return [("security", "add-trusted-cert", "-d", "-r", "trustRoot", "-k", _KEYCHAIN, str(certificate))]
    for folder, suffix, refresh in _STORES:
        if folder.is_dir() and shutil.which(refresh[0]):
            return [("install", "-m", "644", str(certificate), str(folder / f"fogbank{suffix}")), refresh]
    msg = f"How this system keeps what it trusts isn't known here; have it trust {certificate} by its own means."
    raise click.ClickException(msg)
