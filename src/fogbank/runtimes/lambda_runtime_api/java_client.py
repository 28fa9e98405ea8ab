"""Our client for Java functions, made ready for a Java of this machine when it is first needed.

It is compiled, run once with a sample function, and the classes that were loaded are archived as the JVM can map
them into memory (JEP 310, "Application Class-Data Sharing"). What is made is kept in the user's cache folder, since
all servers need the same. Without an archive everything works, more slowly.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fogbank.runtimes import inside
from fogbank.runtimes.inside.channel import encode
from fogbank.runtimes.lambda_runtime_api.java import OLDEST, find_compiler

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fogbank.runtimes.lambda_runtime_api.java import Java

SOURCES: Final = Path(inside.__file__).with_name("lambda_java")
PREPARE_SECONDS_MAX: Final = 120.0
# The channel is made of a descriptor that is inherited, which takes a constructor that java.io keeps to itself.
_MANIFEST: Final = "Manifest-Version: 1.0\nMain-Class: fogbank.Client\nAdd-Opens: java.base/java.io\n\n"
_TRAINED: Final = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djdk.reflect.useNativeAccessorOnly=true")
_EVENTS: Final = (b'{"name": "sample", "numbers": [1, 2.5], "more": {"a": null}}', b"{}")
_SAID_CHARS_MAX: Final = 2_000


def cache_folder() -> Path:
    """Return where clients are kept (XDG Base Directory Specification)."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(named) if Path(named).is_absolute() else Path.home() / ".cache") / "fogbank" / "java"


class JavaClient:
    """The client for one Java. `folder` has all that instances need of it."""

    def __init__(self, java: Java) -> None:
        self.java = java
        digest = sha256(f"{java.home} {java.version} {_MANIFEST}".encode())
        for source in _sources():
            digest.update(source.read_bytes())
        self.folder = cache_folder() / digest.hexdigest()[:24]
        self.jar = self.folder / "client.jar"
        self.archive = self.folder / "client.jsa"
        self._making: asyncio.Task[None] | None = None

    async def prepare(self) -> None:
        """Make it, unless that has been done; raises `OSError` with what is missing or went wrong."""
        if self._done.exists():
            return
        if self._making is None or self._making.done():
            self._making = asyncio.get_running_loop().create_task(self._make())
        await asyncio.shield(self._making)

    @property
    def _done(self) -> Path:
        return self.folder / "done"

    async def _make(self) -> None:
        if not self.jar.exists():
            await self._compile()
        # Its place and its time are noted in the archive, so it is made where the client will stay.
        with contextlib.suppress(OSError):
            await self._archive()
        self._done.touch()

    async def _compile(self) -> None:
        compiler = find_compiler(self.java)
        part = self.folder.with_name(f"{self.folder.name}.{os.getpid()}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        try:
            for sources, target in ((SOURCES.glob("*.java"), "client"), (SOURCES.glob("*/*.java"), ".")):
                options = ["--release", str(OLDEST), "-XDstringConcat=inline", "-Xlint:-options", "-d"]
                await _run([compiler, *options, str(part / target), *map(str, sorted(sources))])
            with zipfile.ZipFile(part / "client.jar", "w") as jar:
                jar.writestr("META-INF/MANIFEST.MF", _MANIFEST)
                for path in sorted((part / "client").rglob("*.class")):
                    jar.write(path, str(path.relative_to(part / "client")))
            with contextlib.suppress(OSError):
                # Another server may have been faster; then its work is taken.
                part.rename(self.folder)
            for path in (self.folder, self.jar):
                path.chmod(0o755)
        finally:
            shutil.rmtree(part, ignore_errors=True)

    async def _archive(self) -> None:
        """Run a sample function, and archive what was loaded for it."""
        part = self.folder / f"{os.getpid()}.part"
        classes = self.folder / f"{os.getpid()}.classes"
        try:
            await self._train(f"-XX:DumpLoadedClassList={classes}")
            dump = [
                "-Xshare:dump",
                "-XX:+UseG1GC",
                f"-XX:SharedClassListFile={classes}",
                f"-XX:SharedArchiveFile={part}",
            ]
            await _run([self.java.program, *dump, "-cp", str(self.jar)])
            part.chmod(0o644)
            part.rename(self.archive)
        finally:
            for path in (part, classes):
                path.unlink(missing_ok=True)

    async def _train(self, *options: str) -> None:
        ours, theirs = socket.socketpair()
        environment = {"_HANDLER": "sample.Sample::handle", "LAMBDA_TASK_ROOT": str(self.folder)}
        for event in _EVENTS:
            ours.sendall(encode({"kind": "invoke", "id": "sample", "deadline_ms": 0, "context": {}}, event))
        ours.shutdown(socket.SHUT_WR)
        with ours, theirs:
            command = [self.java.program, *_TRAINED, *options, "-jar", str(self.jar), str(theirs.fileno())]
            await _run(command, environment, [theirs.fileno()])


def _sources() -> list[Path]:
    return sorted(SOURCES.rglob("*.java"))


async def _run(
    command: Sequence[str], environment: Mapping[str, str] | None = None, descriptors: Sequence[int] = ()
) -> None:
    """Run a program to its end; raises `OSError` with the end of what it said, if it fails."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=environment,
        pass_fds=descriptors,
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), PREPARE_SECONDS_MAX)
    except TimeoutError:
        process.kill()
        await process.wait()
        msg = f"{command[0]} took longer than {PREPARE_SECONDS_MAX:.0f} seconds"
        raise OSError(msg) from None
    if process.returncode:
        msg = f"{command[0]} failed ({process.returncode}): {said.decode(errors='replace')[-_SAID_CHARS_MAX:]}"
        raise OSError(msg)
