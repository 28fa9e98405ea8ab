"""Which functions have extensions: programs in their layers, or code of their own that speaks of the API."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from fogbank.runtimes.lambda_runtime_api.extensions.link import Programs
from fogbank.runtimes.lambda_runtime_api.extensions.registry import Extensions, Facts
from fogbank.runtimes.lambda_runtime_api.extensions.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.runtimes.contract import Beside, IsOwn
    from fogbank.runtimes.link import Link
    from fogbank.runtimes.model import Launch, Places, Workspace

# How a program finds the API (AWS Lambda Developer Guide, "Lambda Extensions API").
_VARIABLE: Final = b"AWS_LAMBDA_RUNTIME_API"
_ENDINGS: Final = frozenset({".py", ".js", ".mjs", ".cjs", ".rb"})
_FILES_MAX: Final = 50
_FILE_BYTES_MAX: Final = 262_144
_known: Final[dict[Path, bool]] = {}
_KNOWN_MAX: Final = 1_024


def extension_names(workspace: Workspace) -> list[str]:
    """Return the programs in /opt/extensions; raises `PermissionError` for one that can't be executed."""
    folder = None if workspace.layers is None else workspace.layers / "extensions"
    if folder is None or not folder.is_dir():
        return []
    names = sorted(path.name for path in folder.iterdir() if path.is_file())
    for name in names:
        if not os.access(folder / name, os.X_OK):
            msg = f"the extension /opt/extensions/{name} is not executable"
            raise PermissionError(msg)
    return names


def speaks_of_api(workspace: Workspace, *, changes: bool) -> bool:
    """Whether a function's own code may have an internal extension; it `changes` where it is a local folder."""
    known = None if changes else _known.get(workspace.code)
    if known is None:
        if len(_known) >= _KNOWN_MAX:
            _known.clear()
        files = [path for path in sorted(workspace.code.glob("*")) if path.suffix in _ENDINGS and path.is_file()]
        known = any(_VARIABLE in path.read_bytes()[:_FILE_BYTES_MAX] for path in files[:_FILES_MAX])
        _known[workspace.code] = known
    return known


def opener(
    clock: Clock, ids: Ids, launch: Launch, names: list[str]
) -> Callable[[Link | None, Places, IsOwn], Awaitable[Beside]]:
    """Return how what is beside an instance is made."""
    account = launch.identity.split(":")[4] if launch.identity.count(":") > 4 else ""
    facts = Facts(launch.name, launch.version, launch.handler, account)

    async def open_beside(link: Link | None, places: Places, is_own: IsOwn) -> Beside:
        commands = [f"{places.layers}/extensions/{name}" for name in names]
        kind = "provisioned-concurrency" if launch.instances_min else "on-demand"
        programs = Programs(clock, Extensions(ids, facts, names), Telemetry(clock, facts, kind), commands)
        await programs.open(link, is_own)
        return programs

    return open_beside
