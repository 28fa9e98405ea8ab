"""The image, held against the Dockerfile's own words; built only where an engine runs."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "container"
BUILD_SECONDS_MAX = 1_800
# What Testcontainers' modules wait for in the log (testcontainers-java, modules localstack, gcloud and azure).
WAITED_FOR = (r".*Ready\.\n", r"(?s).*started.*$", r"(?s).*running.*$", r"(?s).*Started\r\n$")
INSTRUCTIONS = {
    "FROM", "RUN", "WORKDIR", "COPY", "ENV", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT",
}  # fmt: skip


class Step(NamedTuple):
    """One instruction of a Dockerfile, its continued lines joined."""

    word: str
    text: str


def steps() -> list[Step]:
    text = re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [Step(*line.split(maxsplit=1)) for line in lines]


def of(word: str) -> list[str]:
    return [step.text for step in steps() if step.word == word]


def test_every_instruction_is_one() -> None:
    assert {step.word for step in steps()} <= INSTRUCTIONS
    assert steps()[0].word == "FROM"


def test_what_is_copied_is_there_and_is_sent_to_the_builder() -> None:
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = [source for text in of("COPY") if "--from" not in text for source in shlex.split(text)[:-1]]
    assert {"src", "pyproject.toml", "container/gcloud"} <= set(copied)
    for source in copied:
        assert (ROOT / source).exists(), source
        assert source.split("/")[0] in sent, source
    project = (ROOT / "pyproject.toml").read_text()
    for needed in re.findall(r'(?:readme = |license-files = \[)"([^"]+)"', project):
        assert needed in copied, needed


def test_it_runs_as_nobody_special_and_says_how_it_is() -> None:
    assert of("USER") == ["fogbank"]
    assert of("EXPOSE") == ["4566 4567"]
    assert json.loads(of("HEALTHCHECK")[0].partition("CMD ")[2]) == ["fogbank", "health"]
    (entry,) = json.loads(of("ENTRYPOINT")[0])
    assert Path(entry).parent == Path("/usr/local/bin")
    assert os.access(SCRIPTS / Path(entry).name, os.X_OK)


def test_the_compose_file_publishes_to_this_machine_only() -> None:
    composed: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    service = composed["services"]["fogbank"]
    assert (ROOT / service["build"] / "Dockerfile").exists()
    assert service["ports"] == ["127.0.0.1:4566:4566", "127.0.0.1:4567:4567"]
    named, _, place = service["volumes"][0].partition(":")
    assert named in composed["volumes"]
    assert [place] == of("VOLUME")


def environment(tmp_path: Path) -> dict[str, str]:
    """Where `fogbank` is a program that prints what it is asked for."""
    fake = tmp_path / "fogbank"
    fake.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    fake.chmod(0o755)
    return {**os.environ, "PATH": f"{tmp_path}:{SCRIPTS}:{os.environ['PATH']}"}


def asked(tmp_path: Path, *command: str) -> list[str]:
    run = subprocess.run(command, env=environment(tmp_path), capture_output=True, text=True, check=True)
    return run.stdout.splitlines()


def test_arguments_are_flags_or_another_program(tmp_path: Path) -> None:
    entry = str(SCRIPTS / "docker-entrypoint.sh")
    up = ["up", "--host", "0.0.0.0", "--insecure", "--announce", "testcontainers"]
    assert asked(tmp_path, entry) == up
    assert asked(tmp_path, entry, "--memory", "--strict") == [*up, "--memory", "--strict"]
    assert asked(tmp_path, entry, "fogbank", "health") == ["health"]


@pytest.mark.parametrize(
    "command",
    [
        "gcloud beta emulators pubsub start --host-port 0.0.0.0:8085",
        "gcloud emulators pubsub start --host-port=0.0.0.0:8085 --project=p",
        "gcloud beta emulators pubsub start --project p --host-port 0.0.0.0:8085",
    ],
)
def test_what_modules_run_for_googles_emulators(tmp_path: Path, command: str) -> None:
    entry = str(SCRIPTS / "docker-entrypoint.sh")
    flags = ["up", "--host", "0.0.0.0", "--port", "8085", "--insecure", "--memory", "--announce", "testcontainers"]
    assert asked(tmp_path, entry, "/bin/sh", "-c", command) == flags


@pytest.mark.parametrize(
    "command",
    ["gcloud", "gcloud projects list", "gcloud beta emulators bigtable start --host-port 0.0.0.0:1",
     "gcloud beta emulators pubsub start", "gcloud beta emulators pubsub start --host-port 0.0.0.0:1 --data-dir /d"],
)  # fmt: skip
def test_other_commands_of_gcloud_are_refused(tmp_path: Path, command: str) -> None:
    run = subprocess.run(shlex.split(command), env=environment(tmp_path), capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (2, "")
    assert "this is Fogbank's image" in run.stderr


def test_it_announces_itself_as_modules_expect() -> None:
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    process = subprocess.Popen(
        [SCRIPTS / "docker-entrypoint.sh", "--memory", "--port", "0"],
        env={**os.environ, "PATH": programs},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line.decode())
        if lines[-1].startswith("Started"):
            break
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 0
    for waited_for in WAITED_FOR:
        assert any(re.fullmatch(waited_for, line) for line in lines), waited_for
    assert next(line for line in lines if line.startswith("  Endpoint")).split()[1].startswith("http://0.0.0.0:")


@pytest.mark.timeout(BUILD_SECONDS_MAX)
def test_the_image_is_built_and_answers() -> None:
    engine = shutil.which("docker")
    if engine is None or subprocess.run([engine, "info"], capture_output=True, check=False, timeout=60).returncode:
        pytest.skip("needs an engine for containers: `docker info` has none")
    build = [engine, "build", "--quiet", str(ROOT)]
    image = subprocess.run(build, capture_output=True, text=True, check=True, timeout=BUILD_SECONDS_MAX).stdout.strip()
    told = subprocess.run(
        [engine, "run", "--rm", image, "fogbank", "--version"], capture_output=True, text=True, check=True, timeout=120
    )
    assert told.stdout.startswith("fogbank")
