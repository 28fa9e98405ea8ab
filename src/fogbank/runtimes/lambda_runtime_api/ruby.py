"""Ruby functions: run by the machine's Ruby, with a client of our own on the channel."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from fogbank.runtimes import inside

if TYPE_CHECKING:
    from fogbank.runtimes.model import Places

# AWS Lambda Developer Guide, "Lambda runtimes".
RUBY_RUNTIMES: Final = ("ruby3.2", "ruby3.3", "ruby3.4")
WORKER: Final = Path(inside.__file__).with_name("lambda_ruby.rb")
_VERSION: Final = re.compile(r"ruby (\d+\.\d+)(\S*)")


class Ruby(NamedTuple):
    """The machine's Ruby: its folder and its version."""

    program: str
    home: Path
    series: str
    version: str


def find_ruby() -> Ruby:
    """Return the machine's Ruby; raises `FileNotFoundError` where there is none."""
    program = shutil.which("ruby")
    if program is None:
        msg = "there is no Ruby on this machine: install it (apt install ruby, or ruby-lang.org) or put it on PATH"
        raise FileNotFoundError(msg)
    return _described(program)


@cache
def _described(program: str) -> Ruby:
    said = subprocess.run([program, "-v"], capture_output=True, text=True, check=False, timeout=10).stdout  # noqa: S603
    match = _VERSION.match(said)
    if match is None:
        msg = f"{program} does not say which Ruby it is: {said[:200]!r}"
        raise FileNotFoundError(msg)
    return Ruby(program, Path(program).resolve().parents[1], match[1], match[1] + match[2])


def describe_ruby(ruby: Ruby, runtime: str) -> str:
    """Return what the log says of the Ruby, also where the function asks for another version."""
    note = f"ruby:{ruby.version}"
    if runtime != f"ruby{ruby.series}":
        note += f" (the function asks for {runtime}; this is the Ruby that this machine has)"
    return note


def ruby_environment(runtime: str, places: Places) -> dict[str, str]:
    """Return where a function's libraries are looked for.

    AWS Lambda Developer Guide, "Defined runtime environment variables"; "Working with .zip file archives for Ruby
    Lambda functions" (gems stand below the version that they were installed with).
    """
    series = dict.fromkeys((runtime.removeprefix("ruby"), find_ruby().series))
    gems = [f"{places.code}/vendor/bundle/ruby/{each}.0" for each in series]
    libraries = [places.code]
    if places.layers:
        gems += [f"{places.layers}/ruby/gems/{each}.0" for each in series]
        libraries.append(f"{places.layers}/ruby/lib")
    return {"GEM_PATH": ":".join(gems), "RUBYLIB": ":".join(libraries)}


def ruby_command(ruby: Ruby) -> list[str]:
    """Return the command that starts an instance; the client loads RubyGems itself, if it is needed."""
    return [ruby.program, "--disable-gems", "-E", "UTF-8", str(WORKER)]
