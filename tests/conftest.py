"""Fixtures that every kind of test shares: clocks, ids, stores on all databases."""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from fogbank.kernel.clock import Clock
from fogbank.kernel.ids import Ids
from fogbank.storage import open_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from fogbank.storage import Store

# A Sunday in November 2026, in microseconds.
START_US = 1_795_348_800_000_000
# Examples are found anew in each run, but in CI the same ones each time.
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("here"), derandomize=True)
# Authorities that tests make are nobody's business but theirs.
os.environ["XDG_CONFIG_HOME"] = str(Path(tempfile.gettempdir()) / f"fogbank-tests-{os.getuid()}")
settings.load_profile("ci" if os.environ.get("CI") else "here")
LONG = ("test_terraform.py", "test_destinations.py", "test_pipeline.py", "test_crashes.py")
STORES = ("sqlite-file", "sqlite-memory", "postgres")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long, so that no worker is left alone with it in the end; with what waits most first."""
    last = len(LONG)
    items.sort(key=lambda item: next((place for place, name in enumerate(LONG) if name in item.nodeid), last))


@pytest.fixture
def clock() -> Clock:
    return Clock(frozen_at_us=START_US)


@pytest.fixture
def ids(clock: Clock) -> Ids:
    return Ids(clock, seed=1)


def find_postgres() -> Path | None:
    """Return the folder of PostgreSQL's server programs, the newest version's."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


@contextlib.contextmanager
def private_postgres() -> Iterator[str]:
    """Run a PostgreSQL cluster of our own, and remove it afterwards. Yields the URL of its database."""
    programs = find_postgres()
    if programs is None:
        pytest.skip("needs PostgreSQL: no initdb on PATH or in /usr/lib/postgresql")
    # The server refuses to run as root.
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    folder = Path(tempfile.mkdtemp(prefix="fogbank-pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, user)
    as_user = {"user": user} if os.geteuid() == 0 else {}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/"}
    data = folder / "data"
    # A collation that sorts as people do, not as bytes are: nothing may depend on it.
    version = subprocess.run([programs / "initdb", "--version"], check=True, capture_output=True, text=True).stdout
    collation = ["--locale-provider=icu", "--icu-locale=en-US"] if int(re.findall(r"\d+", version)[0]) >= 15 else []
    initdb = [programs / "initdb", "-D", data, "-A", "trust", "-U", "fogbank", "-E", "UTF8", "--no-sync", *collation]
    subprocess.run(initdb, check=True, **quiet, **as_user)
    settings = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={folder}", "-c", "fsync=off"]
    server = subprocess.Popen([programs / "postgres", "-D", data, *settings], **quiet, **as_user)
    try:
        for _ in range(200):
            ready = subprocess.run([programs / "pg_isready", "-q", "-h", folder], check=False)
            if ready.returncode == 0:
                break
            time.sleep(0.05)
        yield f"postgresql://fogbank@/postgres?host={folder}"
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    with private_postgres() as url:
        yield url


@pytest.fixture(params=STORES)
async def store(request: pytest.FixtureRequest, clock: Clock, tmp_path: Path) -> AsyncIterator[Store]:
    """A new, empty store; tests that take it run on all three."""
    if request.param == "postgres":
        opened = await open_store(clock, url=request.getfixturevalue("postgres_url"))
        await opened.reset()
    else:
        opened = await open_store(clock, folder=tmp_path if request.param == "sqlite-file" else None)
    yield opened
    await opened.close()
