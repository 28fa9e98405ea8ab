"""Runs of Terraform with the AWS provider against a server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

from fogbank.cli.running.forms import terraform
from fogbank.cli.running.variables import ACCOUNT
from tests.conformance.aws.functions import zipped

PROVIDER = "registry.terraform.io/hashicorp/aws"
FILES = Path(__file__).parent / "terraform"
SECONDS_MAX = 300
CHANGES, NO_CHANGES = 2, 0
# The provider asks again and again until a queue has looked the same for a while: all wait at the same time.
PARALLEL = 40


def find_terraform() -> Path | None:
    found = shutil.which("terraform")
    return None if found is None else Path(found)


def find_provider() -> Path | None:
    """Return the plugin folder that has the AWS provider."""
    places = [Path(os.environ["TF_PLUGIN_DIR"])] if "TF_PLUGIN_DIR" in os.environ else []
    places += [Path.home() / ".terraform.d/plugins", Path("/usr/share/terraform/plugins")]
    places += [Path("/usr/local/share/terraform/plugins"), *sorted(Path("/opt").glob("*"))]
    return next((place for place in places if any(place.glob(f"{PROVIDER}/*"))), None)


class Change(NamedTuple):
    """What a plan would do to a resource of a service: `create`, `update`, `replace` or `delete` it."""

    service: str
    resource: str
    action: str


class Terraform:
    """The configurations of all services, each a module in a folder of `terraform`, applied together."""

    def __init__(self, program: Path, plugins: Path, endpoint: str, account: str, folder: Path) -> None:
        self._program = program
        self._folder = folder
        shutil.copytree(FILES, folder, dirs_exist_ok=True)
        (folder / "function.zip").write_bytes(zipped("def handler(event, context): return event"))
        # The provider is told of the server as `fogbank env --format terraform` has it.
        (folder / "fogbank.tf").write_text(terraform(endpoint, ["aws"]).replace(ACCOUNT, account))
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "CHECKPOINT_DISABLE": "1",
            "TF_IN_AUTOMATION": "1",
            "TF_CLI_ARGS": "-no-color",
        }
        self._run("init", "-input=false", f"-plugin-dir={plugins}")

    def apply(self, **variables: object) -> None:
        """Make everything as the configurations say."""
        self._run("apply", "-input=false", "-auto-approve", f"-parallelism={PARALLEL}", *_flags(variables))

    def plan(self, **variables: object) -> list[Change]:
        """Return what applying would change: nothing, if all is as it was made."""
        done = self._run(
            "plan", "-input=false", "-json", "-detailed-exitcode", *_flags(variables), allowed=(NO_CHANGES, CHANGES)
        )
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        changes = [_change(line["change"]) for line in lines if line["type"] == "planned_change"]
        assert bool(changes) == (done.returncode == CHANGES), done.stdout
        return changes

    def destroy(self, **variables: object) -> None:
        """Remove everything."""
        self._run("destroy", "-input=false", "-auto-approve", f"-parallelism={PARALLEL}", *_flags(variables))

    def resources(self) -> set[str]:
        """Return the addresses of everything that Terraform thinks there is."""
        return set(self._run("state", "list").stdout.split())

    def _run(self, command: str, *arguments: str, allowed: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
        line = [str(self._program), command, *arguments]
        done = subprocess.run(
            line,
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )
        assert done.returncode in allowed, f"terraform {command} failed:\n{done.stdout}\n{done.stderr}"
        return done


def _change(planned: dict[str, Any]) -> Change:
    resource = planned["resource"]
    return Change(resource["module"].removeprefix("module."), resource["resource"], planned["action"])


def _flags(variables: dict[str, object]) -> list[str]:
    return [f"-var={name}={value}" for name, value in variables.items()]
