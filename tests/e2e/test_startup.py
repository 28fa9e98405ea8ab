"""What starting costs: the modules that are loaded before the server is ready."""

from __future__ import annotations

from fogbank.clouds.aws.registry import REGISTRY
from tests.servers import ServerProcess

# Each costs more than all of ours together, or belongs to a service that nobody may call.
HEAVY = (
    "asyncpg",
    "awslambdaric",
    "boto3",
    "botocore",
    "ctypes",
    "google",
    "grpc",
    "hpack",
    "hypothesis",
    "pytest",
    "rich",
)


def loaded_modules() -> set[str]:
    """Start the server with every import reported; returns the names of the modules that were loaded."""
    environment = {"PYTHONPROFILEIMPORTTIME": "1"}
    with ServerProcess("--memory", environment=environment) as running:
        _, errors = running.stop()
    return {line.rpartition("|")[2].strip() for line in errors.splitlines() if line.startswith("import time:")}


def test_no_heavy_module_is_on_the_start_path() -> None:
    loaded = {name.partition(".")[0] for name in loaded_modules()}
    assert "fogbank" in loaded
    assert loaded.isdisjoint(HEAVY), sorted(loaded & set(HEAVY))


def test_dialects_are_loaded_when_they_are_first_used() -> None:
    services = tuple(f"fogbank.clouds.aws.{entry.package}" for entry in REGISTRY.values())
    assert len(services) > 1
    services += ("fogbank.clouds.gcp.functions", "fogbank.wire.grpc", "fogbank.wire.google")
    assert not [name for name in loaded_modules() if name.startswith(services)]
