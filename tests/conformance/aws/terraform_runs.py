"""Runs of Terraform with the AWS provider against a server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.conformance.aws.functions import zipped

PROVIDER = "registry.terraform.io/hashicorp/aws"
HERE = Path(__file__).parent
SECONDS_MAX = 300
CHANGES, NO_CHANGES = 2, 0


def find_terraform() -> Path | None:
    found = shutil.which("terraform")
    return None if found is None else Path(found)


def find_provider() -> Path | None:
    """Return the plugin folder that has the AWS provider."""
    places = [Path(os.environ["TF_PLUGIN_DIR"])] if "TF_PLUGIN_DIR" in os.environ else []
    places += [Path.home() / ".terraform.d/plugins", Path("/usr/share/terraform/plugins")]
    places += [Path("/usr/local/share/terraform/plugins"), *sorted(Path("/opt").glob("*"))]
    return next((place for place in places if any(place.glob(f"{PROVIDER}/*"))), None)


class Terraform:
    """One configuration, named after its file in the folder `terraform`."""

    def __init__(self, program: Path, plugins: Path, endpoint: str, account: str, folder: Path) -> None:
        self._program = program
        self._plugins = plugins
        self._folder = folder
        shutil.copy(HERE / "terraform" / "provider.tf", folder)
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "AWS_ACCESS_KEY_ID": account,
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": endpoint,
            "CHECKPOINT_DISABLE": "1",
            "TF_IN_AUTOMATION": "1",
            "TF_CLI_ARGS": "-no-color",
        }

    def use(self, name: str) -> None:
        """Take a configuration and make ready; a configuration finds a function's code in `function.zip`."""
        shutil.copy(HERE / "terraform" / f"{name}.tf", self._folder)
        (self._folder / "function.zip").write_bytes(zipped("def handler(event, context): return event"))
        self._run("init", "-input=false", f"-plugin-dir={self._plugins}")

    def apply(self, **variables: object) -> None:
        """Make everything as the configuration says."""
        self._run("apply", "-input=false", "-auto-approve", *_flags(variables))

    def drifts(self, **variables: object) -> str:
        """Return what a plan would change: nothing, if all is as it was made."""
        plan = self._run(
            "plan", "-input=false", "-detailed-exitcode", *_flags(variables), allowed=(NO_CHANGES, CHANGES)
        )
        return plan.stdout if plan.returncode == CHANGES else ""

    def destroy(self, **variables: object) -> None:
        """Remove everything."""
        self._run("destroy", "-input=false", "-auto-approve", *_flags(variables))

    def outputs(self) -> dict[str, Any]:
        return {name: each["value"] for name, each in json.loads(self._run("output", "-json").stdout).items()}

    def resources(self) -> list[str]:
        """Return the addresses of everything that Terraform thinks there is."""
        return self._run("state", "list").stdout.split()

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


def _flags(variables: dict[str, object]) -> list[str]:
    return [f"-var={name}={value}" for name, value in variables.items()]
