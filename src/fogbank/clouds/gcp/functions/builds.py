"""What Google's build does with a function's source before it runs: it is checked, and gets what it depends on.

Google Cloud, "Specify dependencies in Node.js" (packages are installed from package.json with npm, the framework is
added where it isn't named), "The Node.js runtime", "Source code structure", and "Specify dependencies in Python"
(packages are installed from requirements.txt with pip). Scripts are not run, neither the source's own (`gcp-build`)
nor those of packages, which have to be there as wheels, since a build stands outside of functions' sandboxes.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import io
import os
import re
import shutil
import signal
import stat
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from fogbank.clouds.gcp.functions import sources
from fogbank.clouds.gcp.functions.runtimes import language_of
from fogbank.clouds.gcp.functions.sources import ARCHIVE_BYTES_MAX, Source, build_failed
from fogbank.runtimes.code import InvalidArchiveError, check_archive, unpack
from fogbank.storage.blobs import digest_of

FRAMEWORK: Final = "@google-cloud/functions-framework"
# What clients wait for the answer to a deployment, less some.
BUILD_SECONDS_MAX: Final = 50.0
REQUIREMENTS: Final = "requirements.txt"
# A comment, or the framework, which is there.
_PROVIDED: Final = re.compile(r"\s*(?:#|functions[-_]framework\b(?!\s*@))", re.IGNORECASE)
_TOLD_MAX: Final = 2_000
_NEWEST: Final = (1980, 1, 1, 0, 0, 0)


async def build(source: Source, runtime: str, main: str) -> Source:
    """Return a source that can run; raises `GrpcError` where Google's build fails. `main` is "" for the usual."""
    if language_of(runtime) != "nodejs":
        sources.check(source, main)
        return source if source.folder else await _with_requirements(source)
    files = _files(source)
    package = _package(files)
    _check_main(files, package, main)
    if files.has(f"node_modules/{FRAMEWORK}/package.json"):
        return source
    if source.folder:
        raise build_failed(f"{FRAMEWORK} is not in {source.folder}/node_modules: run npm install {FRAMEWORK} there")
    if package.get("scripts", {}).get("gcp-build"):
        raise build_failed("Fogbank does not run the script gcp-build of package.json")
    dependencies = {**package.get("devDependencies", {}), **package.get("dependencies", {})}
    return await _install(source, [] if FRAMEWORK in dependencies else [FRAMEWORK])


async def _with_requirements(source: Source) -> Source:
    """Return a Python source with the packages that its requirements.txt names, besides the framework."""
    files = _files(source)
    if not files.has(REQUIREMENTS):
        return source
    lines = files.read(REQUIREMENTS).decode("utf-8", "replace").splitlines()
    if all(not line.strip() or _PROVIDED.match(line) for line in lines):
        return source
    if importlib.util.find_spec("pip") is None:
        raise build_failed(f"pip is needed to install what {REQUIREMENTS} names, and it isn't where Fogbank runs")
    loop = asyncio.get_running_loop()
    with tempfile.TemporaryDirectory(prefix="fogbank-build-") as place:
        folder = await loop.run_in_executor(None, unpack, [source.code], Path(place) / "source")
        packages = Path(place) / "packages"
        options = ["--quiet", "--disable-pip-version-check", "--only-binary=:all:", "--target", str(packages)]
        await _run([sys.executable, "-m", "pip", "install", *options, "--requirement", REQUIREMENTS], folder)
        await loop.run_in_executor(None, _add, packages, folder)
        code = await loop.run_in_executor(None, _packed, folder)
    return _checked(code)


def _add(packages: Path, folder: Path) -> None:
    """Put packages beside the source's own files, which win."""
    for path in packages.iterdir():
        if not (folder / path.name).exists():
            shutil.move(path, folder / path.name)


def _checked(code: bytes) -> Source:
    try:
        check_archive(code)
    except InvalidArchiveError as error:
        raise build_failed(f"with its packages the source is too large: {error}") from None
    if len(code) > ARCHIVE_BYTES_MAX:
        raise build_failed(f"with its packages the source has more than {ARCHIVE_BYTES_MAX} bytes")
    return Source(code, digest_of(code))


class _Files(NamedTuple):
    """The files of a source: a folder's, or those of an archive."""

    source: Source
    names: frozenset[str]

    def has(self, path: str) -> bool:
        """Whether there is a file."""
        return (Path(self.source.folder) / path).is_file() if self.source.folder else path in self.names

    def read(self, path: str) -> bytes:
        """Return a file's content."""
        if self.source.folder:
            return (Path(self.source.folder) / path).read_bytes()
        with zipfile.ZipFile(io.BytesIO(self.source.code)) as archive:
            return archive.read(path)


def _files(source: Source) -> _Files:
    if source.folder:
        return _Files(source, frozenset())
    try:
        check_archive(source.code)
    except InvalidArchiveError as error:
        raise build_failed(f"the source is no archive that can be unpacked: {error}") from None
    with zipfile.ZipFile(io.BytesIO(source.code)) as archive:
        return _Files(source, frozenset(archive.namelist()))


def _package(files: _Files) -> dict[str, Any]:
    if not files.has("package.json"):
        return {}
    try:
        package = msgspec.json.decode(files.read("package.json"))
        tables = [package.get(name, {}) for name in ("dependencies", "devDependencies", "scripts")]
        if not all(isinstance(table, dict) for table in tables) or not isinstance(package.get("main", ""), str):
            raise TypeError
    except (msgspec.DecodeError, AttributeError, TypeError):
        raise build_failed("package.json is not valid") from None
    return dict(package)


def _check_main(files: _Files, package: dict[str, Any], main: str) -> None:
    usual = "index.js" if files.has("index.js") else "function.js"
    path = os.path.normpath(main or package.get("main") or usual)
    if path.startswith(("/", "..")) or not path.isprintable():
        raise build_failed(f"{path!r} is not a file in the source")
    if not any(files.has(each) for each in (path, f"{path}.js", f"{path}/index.js")):
        raise build_failed(f"{path} does not exist")


async def _install(source: Source, more: list[str]) -> Source:
    """Return a source with its `node_modules`, as npm installs them."""
    npm = shutil.which("npm")
    if npm is None:
        raise build_failed(
            f"npm is needed to install {FRAMEWORK} and what package.json names, and there is none on this machine:"
            " install it (apt install npm), or deploy a source with its node_modules"
        )
    loop = asyncio.get_running_loop()
    with tempfile.TemporaryDirectory(prefix="fogbank-build-") as place:
        folder = await loop.run_in_executor(None, unpack, [source.code], Path(place) / "source")
        command = [npm, "install", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--no-save", *more]
        await _run(command, folder)
        code = await loop.run_in_executor(None, _packed, folder)
    return _checked(code)


async def _run(command: list[str], folder: Path) -> None:
    """Run a step of a build; raises `GrpcError` with what it said."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    what = " ".join([Path(command[0]).name, *command[1:]])
    try:
        said, _ = await asyncio.wait_for(process.communicate(), BUILD_SECONDS_MAX)
    except TimeoutError:
        raise build_failed(f"{what} took longer than {BUILD_SECONDS_MAX:.0f} seconds") from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    if process.returncode:
        text = said.decode("utf-8", "replace").strip()[-_TOLD_MAX:]
        raise build_failed(f"{what} ended with status {process.returncode}: {text}")


def _packed(folder: Path) -> bytes:
    """Return a folder as an archive, links and modes included; the same bytes for the same content."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in sorted(folder.rglob("*")):
            mode = path.lstat().st_mode
            entry = zipfile.ZipInfo(str(path.relative_to(folder)), _NEWEST)
            entry.external_attr = mode << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            if stat.S_ISLNK(mode):
                archive.writestr(entry, str(path.readlink()))
            elif stat.S_ISREG(mode):
                archive.writestr(entry, path.read_bytes())
    return buffer.getvalue()
