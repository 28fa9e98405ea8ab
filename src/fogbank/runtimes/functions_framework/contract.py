"""Running functions as Cloud Run functions does: on the official framework, over a channel.

Google Cloud, "Container runtime contract" (a start may take four minutes), "Cloud Run functions execution
environment" (the code stands in /workspace), "Troubleshoot Cloud Run functions" (what the log says of ends).
"""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.runtimes.contract import Start
from fogbank.runtimes.inside.functions_framework_python import PRELOAD
from fogbank.runtimes.model import Ended, Line, Mounts
from fogbank.runtimes.node_js.start import INSIDE, node_start
from fogbank.runtimes.nursery import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fogbank.runtimes.link import Link
    from fogbank.runtimes.model import Invocation, Launch, Outcome, Places, Workspace

PYTHON: Final = Kind("fogbank.runtimes.inside.functions_framework_python", PRELOAD)
NODE_WORKER: Final = INSIDE / "functions_framework_node.js"
NODE_MODULES: Final = (str(INSIDE / "functions_framework_warm_up.js"),)
_MIB: Final = 1_048_576


class FunctionsFrameworkContract:
    """The contract of Google's functions: Python, on our copy of the framework; Node.js, on the function's."""

    mounts: Final = Mounts("/workspace")
    result_bytes_max: Final = 32 * _MIB
    init_seconds_max: Final = 240.0

    def start(self, launch: Launch, workspace: Workspace) -> Start:
        """Return how an instance is started; raises `OSError`."""
        if launch.runtime.startswith("nodejs"):
            return node_start(NODE_WORKER, launch, workspace, modules=NODE_MODULES, own_place=self.mounts.code)
        ours = f"python{sys.version_info.major}{sys.version_info.minor}"
        if launch.runtime == ours:
            return Start(PYTHON)
        note = f"The function asks for {launch.runtime}; it runs on {ours}, the Python that Fogbank runs on."
        return Start(PYTHON, [_told("NOTICE", note)])

    def environment(self, launch: Launch, places: Places, stream: str, link: Link | None) -> dict[str, str]:
        """Return all environment variables of an instance."""
        del stream, link
        return {"HOME": places.temporary, "TMPDIR": places.temporary, **launch.environment}

    def path(self, places: Places) -> Sequence[str]:
        """Return where a function's modules are looked for first."""
        return [places.code]

    def context(self, launch: Launch, invocation: Invocation) -> Mapping[str, Any]:
        """Return the head of the request."""
        del launch
        return invocation.context

    def report(
        self, launch: Launch, invocation: Invocation, outcome: Outcome, began_us: int, now_us: int
    ) -> Sequence[Line]:
        """Return what was printed, and why the instance ended if it did."""
        del invocation, began_us
        why = _why(launch, outcome)
        return [*outcome.lines, Line(now_us, _told("ERROR", why))] if why else outcome.lines


def _why(launch: Launch, outcome: Outcome) -> str:
    if outcome.ended is Ended.TIMEOUT:
        return (
            "The request has been terminated because it has reached the maximum request timeout. To change this limit,"
            f" see https://cloud.google.com/run/docs/configuring/request-timeout ({launch.timeout_seconds:.0f} s)"
        )
    if outcome.ended is Ended.MEMORY:
        used = math.ceil(outcome.peak_bytes / _MIB)
        return (
            f"Memory limit of {launch.memory_mib} MiB exceeded with {used} MiB used. Consider increasing the memory"
            " limit, see https://cloud.google.com/run/docs/configuring/memory-limits"
        )
    if outcome.ended is Ended.EXIT:
        if outcome.status < 0:
            return f"Uncaught signal: {-outcome.status}."
        return f"Container called exit({outcome.status})."
    if outcome.ended is Ended.INIT_ERROR:
        return "The user-provided container failed to start: the function could not be loaded."
    if outcome.ended is Ended.TOO_LARGE:
        return f"Response size was too large: {outcome.status} bytes. Please consider reducing response size."
    return ""


def _told(severity: str, message: str) -> str:
    """Write a line as structured logging has it (Google Cloud, "Structured logging")."""
    return msgspec.json.encode({"severity": severity, "message": message}).decode()
