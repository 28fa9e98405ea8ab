"""`fogbank completion`: what a shell needs to complete commands and options."""

from __future__ import annotations

from typing import Final

import click
from click.shell_completion import get_completion_class

from fogbank.cli.output import json_option, print_json

# By this variable a shell asks the command itself for completions.
_VARIABLE: Final = "_FOGBANK_COMPLETE"
_SHELLS: Final = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(_SHELLS))
@json_option
@click.pass_context
def command(context: click.Context, shell: str, *, as_json: bool) -> None:
    """Print the script that has SHELL complete fogbank's commands, such as for eval "$(fogbank completion bash)"."""
    kind = get_completion_class(shell)
    assert kind is not None, "it is one of click's own"
    completion = kind(context.find_root().command, {}, "fogbank", _VARIABLE)
    script = completion.source_template % completion.source_vars()
    if as_json:
        print_json({"shell": shell, "script": script})
    else:
        print(script)
