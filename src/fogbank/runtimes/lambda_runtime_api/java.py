"""Java functions: run by a Java of this machine, with a client of our own on the channel.

AWS Lambda Developer Guide, "Building Lambda functions with Java"; "Customize Java runtime startup behavior for Lambda
functions" (what stands in JAVA_TOOL_OPTIONS takes the place of the options here).
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fogbank.runtimes.model import Launch, Places

# AWS Lambda Developer Guide, "Lambda runtimes".
JAVA_RUNTIMES: Final = ("java11", "java17", "java21", "java25")
OLDEST: Final = 11
# What a JVM holds beside its heap of 85 % of the function's memory, as Lambda's has; it isn't counted.
RESERVE_MIB: Final = 64
_HEAP_PERCENT: Final = 85
# Where distributions put them, several beside each other.
INSTALLED: Final = Path("/usr/lib/jvm")
_VERSION: Final = re.compile(r'^JAVA_VERSION="(\d+)([^"]*)"', re.MULTILINE)
_INSTALL: Final = (
    "install a JDK (apt install default-jdk-headless, or adoptium.net), put its java on PATH, or name its folder in"
    " JAVA_HOME"
)
# Options, and what in JAVA_TOOL_OPTIONS says that the function sets the same itself.
_OPTIONS: Final = (
    ("-XX:+UseSerialGC", r"-XX:[+-]Use\w+GC"),
    ("-XX:TieredStopAtLevel=1", r"Tiered"),
    ("-XX:-UsePerfData", r"UsePerfData"),
    # Since Java 18 reflection makes code for each method it calls, which takes tens of milliseconds.
    ("-Djdk.reflect.useNativeAccessorOnly=true", r"useNativeAccessorOnly"),
)
# From this version on, a JVM can be told to leave archives where they were made for, so that instances share them.
_MAPS_IN_PLACE: Final = 17
_OWN_HEAP: Final = re.compile(r"-Xmx|MaxHeapSize|MaxRAM")
_OWN_ARCHIVE: Final = re.compile(r"-Xshare|SharedArchiveFile|AOTCache|AOTMode")


class Java(NamedTuple):
    """A Java of this machine: its folder and its version."""

    home: Path
    major: int
    version: str

    @property
    def program(self) -> str:
        """The path of its launcher."""
        return str(self.home / "bin" / "java")

    @property
    def compiler(self) -> Path:
        """The path of its compiler, which only a JDK has."""
        return self.home / "bin" / "javac"


def find_java(runtime: str) -> Java:
    """Return the Java of the version that a runtime names, else a later one, else the latest that there is.

    Raises `FileNotFoundError` where there is none.
    """
    wanted = int(runtime.removeprefix("java"))
    found = [java for java in javas() if java.major >= OLDEST]
    if not found:
        msg = f"there is no Java on this machine: {_INSTALL}"
        raise FileNotFoundError(msg)
    # Of the same version, the one that was named first.
    return min(found, key=lambda java: (java.major < wanted, abs(java.major - wanted)))


def find_compiler(java: Java) -> str:
    """Return a Java compiler: this Java's own, else another's; raises `FileNotFoundError`."""
    for each in (java, *javas()):
        if each.major >= OLDEST and os.access(each.compiler, os.X_OK):
            return str(each.compiler)
    msg = f"there is a Java on this machine ({java.home}), but no Java compiler, which is needed once: {_INSTALL}"
    raise FileNotFoundError(msg)


def javas() -> Iterator[Java]:
    """Yield the Javas of this machine: JAVA_HOME's, the one on PATH, those where distributions put them."""
    homes = [Path(named)] if (named := os.environ.get("JAVA_HOME")) else []
    if program := shutil.which("java"):
        homes.append(Path(program).resolve().parents[1])
    if INSTALLED.is_dir():
        homes += sorted(INSTALLED.iterdir())
    for home in homes:
        try:
            match = _VERSION.search((home / "release").read_text())
        except OSError:
            continue
        if match and os.access(home / "bin" / "java", os.X_OK):
            yield Java(home, int(match[1]), match[1] + match[2])


def describe_java(java: Java, runtime: str) -> str:
    """Return what the log says of the Java, also where the function asks for another version."""
    note = f"java:{java.version}"
    if java.major != int(runtime.removeprefix("java")):
        note += f" (the function asks for {runtime}; this is the Java that this machine has)"
    return note


def java_command(java: Java, launch: Launch, client: Path, archive: Path, channel: int, places: Places) -> list[str]:
    """Return the command that starts an instance; `client` is the jar, `archive` its classes as the JVM maps them."""
    given = launch.environment.get("JAVA_TOOL_OPTIONS", "")
    options = [option for option, own in _OPTIONS if not re.search(own, given)]
    if not _OWN_HEAP.search(given):
        options.append(f"-XX:MaxHeapSize={launch.memory_mib * 1_024 * _HEAP_PERCENT // 100}k")
    if archive.exists() and not _OWN_ARCHIVE.search(given):
        options += ["-Xshare:auto", f"-XX:SharedArchiveFile={archive}"]
        if java.major >= _MAPS_IN_PLACE:
            options += ["-XX:+UnlockDiagnosticVMOptions", "-XX:ArchiveRelocationMode=0"]
    options += [f"-Djava.io.tmpdir={places.temporary}", f"-Dfogbank.layers={places.layers}"]
    return [java.program, *options, "-jar", str(client), str(channel)]
