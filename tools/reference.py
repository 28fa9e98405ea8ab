#!/usr/bin/env python3
"""Write the parts of docs/reference that can be known from the code and from the tests.

`cli.md` comes from the commands themselves, `aws.md` from the services' inputs, the models of AWS, and what passing
tests have sent with boto3 and been answered (`.cache/conformance`, written by a test run with FOGBANK_RECORD=1).
`google.md` comes from the services' descriptors and what there is of their methods.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from fogbank.cli import main as cli
from fogbank.clouds.aws.parts import Parts
from fogbank.clouds.aws.registry import REGISTRY
from fogbank.clouds.aws.services import aws_services
from fogbank.clouds.gcp.parts import Parts as GcpParts
from fogbank.clouds.gcp.services import gcp_services
from fogbank.wire.aws.models import load_model
from fogbank.wire.grpc.types import protobuf_types

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fogbank.clouds.aws.api import Service

ROOT: Final = Path(__file__).resolve().parent.parent
REFERENCE: Final = ROOT / "docs" / "reference"
RECORDS: Final = ROOT / ".cache" / "conformance"
WIDTH: Final = 100

# Services are made to be described only; some note which state of the store they begin with.
NO_STORE: Any = SimpleNamespace(generation=0)


def cli_page() -> str:
    """Return the help of every command."""
    lines = ["# The command line", "", "Every command says this itself with `--help`.", ""]
    lines += [
        "Settings of the server can also stand in `fogbank.toml` in the present folder, in a table `[server]`, or in",
        "environment variables: `port = 4567`, or `FOGBANK_PORT=4567`. A flag wins over the environment, the",
        "environment over the file.",
        "",
    ]
    width = {"max_content_width": WIDTH, "terminal_width": WIDTH}
    context = click.Context(cli, info_name="fogbank", **width, **cli.context_settings)
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        lines += _command_help(command, context, name)
    return "\n".join(lines)


def _command_help(command: click.Command, parent: click.Context, name: str) -> Iterator[str]:
    """Yield the help of a command, and of those below it."""
    context = click.Context(command, parent=parent, info_name=name, max_content_width=WIDTH, terminal_width=WIDTH)
    yield from (f"## {context.command_path}", "", "```text", command.get_help(context), "```", "")
    if isinstance(command, click.Group):
        for each in command.list_commands(context):
            inner = command.get_command(context, each)
            assert inner is not None
            yield from _command_help(inner, context, each)


def recorded() -> dict[str, dict[str, set[str]]]:
    """Return which parameters were sent to which operations of which services, and answered."""
    sent: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for path in RECORDS.glob("*.json"):
        for service, operation, parameters in json.loads(path.read_text()):
            sent[service][operation].update(parameters)
    return sent


def aws_page(sent: dict[str, dict[str, set[str]]]) -> str:
    """Return what is supported of AWS's services."""
    lines = [
        "# AWS: what is supported",
        "",
        "Made by `make reference` from what the operations take and from what passing tests have sent with boto3.",
        "**Bold** parameters were sent by a test and answered; the others are supported, but no test shows it.",
        "What stands under *refused*, and every operation that isn't here, is answered with an error that names it.",
        "",
    ]
    no_parts: Any = Parts(*[None] * len(Parts._fields))._replace(store=NO_STORE)  # type: ignore[arg-type]
    for name, make in sorted(aws_services(no_parts).items()):
        lines += _service(make(), sent.get(REGISTRY[name].model, {}))
    return "\n".join(lines)


def google_page() -> str:
    """Return which methods of Google's services are supported."""
    types = protobuf_types()
    nothing: Any = [None] * (len(GcpParts._fields))
    parts = GcpParts(*nothing)._replace(types=types, store=NO_STORE)
    lines = [
        "# Google Cloud: what is supported",
        "",
        "Made by `make reference` from the services' descriptors and from what is implemented. Everything is there",
        "over gRPC, and over REST wherever Google has a path for it. What is refused is answered with",
        "`UNIMPLEMENTED`, as are fields of requests that aren't supported, by their names.",
        "",
    ]
    for service in sorted(gcp_services(parts), key=lambda each: each.name):
        names = [method.name for method in types.service(service.name).methods]
        refused = [name for name in names if name not in service.functions]
        lines += [f"## {service.name}", ""]
        lines += [f"Methods: {', '.join(name for name in names if name in service.functions) or 'none'}.", ""]
        lines += [f"Refused: {', '.join(refused)}.", ""] if refused else []
    return "\n".join(lines)


def _service(service: Service[Any], sent: dict[str, set[str]]) -> Iterator[str]:
    model = load_model(service.model)
    missing = sorted(model.operations.keys() - service.operations.keys())
    yield f"## {model.metadata.service_id}"
    yield ""
    yield f"{len(service.operations)} of {len(model.operations)} operations."
    yield ""
    yield "| Operation | Parameters | Refused |"
    yield "|---|---|---|"
    for name, operation in sorted(service.operations.items()):
        shape = model.operation(name)
        known = [] if shape.input is None else list(model.shape(shape.input).members)
        taken = {field.encode_name for field in msgspec.structs.fields(operation.input)}
        tested = sent.get(name, set())
        shown = ", ".join(f"**{each}**" if each in tested else each for each in known if each in taken)
        refused = ", ".join(each for each in known if each not in taken)
        mark = "" if name in sent else " (untested)"
        yield f"| {name}{mark} | {shown} | {refused} |"
    yield ""
    if missing:
        yield f"Operations refused: {', '.join(missing)}."
        yield ""


def main() -> int:
    """Write the pages."""
    REFERENCE.mkdir(exist_ok=True)
    (REFERENCE / "cli.md").write_text(cli_page())
    (REFERENCE / "aws.md").write_text(aws_page(recorded()))
    (REFERENCE / "google.md").write_text(google_page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
