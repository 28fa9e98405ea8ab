"""The command line: one lazily loaded module per command."""

from __future__ import annotations

from importlib import import_module
from typing import Final

import click

from fogbank import __version__

# Commands and their modules.
_COMMANDS: Final = {
    "ca": "running.ca",
    "clock": "state.clock",
    "completion": "seeing.completion",
    "docs": "docs",
    "doctor": "seeing.doctor",
    "env": "running.env",
    "explain": "seeing.explain",
    "export": "state.export",
    "faults": "seeing.faults",
    "firestore": "firestore",
    "functions": "functions",
    "health": "health",
    "import": "state.importing",
    "invocations": "invocations",
    "requests": "seeing.requests",
    "reset": "reset",
    "route": "route",
    "run": "running.run",
    "snapshot": "state.snapshot",
    "table": "table",
    "tail": "seeing.tail",
    "up": "up",
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"fogbank.cli.{_COMMANDS[cmd_name]}").command
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="fogbank")
def main() -> None:
    """A serverless cloud that anyone can run."""
