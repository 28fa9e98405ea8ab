"""Running functions as Azure Functions does: apps in Python and Node.js, by the official libraries, over a channel.

"Azure Functions Python developer guide", "Folder structure" and "Package management": an app is in /home/site/wwwroot,
the packages that it brings are below it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.kernel.clock import SECOND_US
from fogbank.runtimes.contract import Start
from fogbank.runtimes.model import Ended, Line, Mounts
from fogbank.runtimes.node_js.start import INSIDE, node_start
from fogbank.runtimes.nursery import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fogbank.runtimes.link import Link
    from fogbank.runtimes.model import Invocation, Launch, Outcome, Places, Workspace

MIB: Final = 1_048_576
BY_REQUEST: Final = "This function was programmatically called via the host APIs."
PYTHON: Final = Kind(
    "fogbank.runtimes.inside.azure_functions_python",
    ("azure.functions", "asyncio", "json", "logging", "encodings.idna"),
)
NODE_WORKER: Final = INSIDE / "azure_functions_node.js"
NODE_MODULES: Final = (str(INSIDE / "node_fetch.js"),)


class AzureFunctionsContract:
    """Azure Functions' contract."""

    mounts: Final = Mounts("/home/site/wwwroot")
    # "Azure Functions HTTP trigger", "Limits": 100 MB for a request; a response may be as long.
    result_bytes_max: Final = 100 * MIB
    init_seconds_max: Final = 60.0

    def start(self, launch: Launch, workspace: Workspace) -> Start:
        """Return how an instance is started; raises `OSError`."""
        if language_of(launch.environment) == "node":
            return node_start(NODE_WORKER, launch, workspace, modules=NODE_MODULES)
        return Start(PYTHON)

    def environment(self, launch: Launch, places: Places, stream: str, link: Link | None) -> dict[str, str]:
        """Return all environment variables of an instance."""
        return {
            **launch.environment,
            "AzureWebJobsScriptRoot": places.code,
            "HOME": places.temporary,
            "TMPDIR": places.temporary,
            "WEBSITE_INSTANCE_ID": stream.rpartition("]")[2],
        }

    def path(self, places: Places) -> Sequence[str]:
        """Return where modules are looked for first."""
        return [places.code, f"{places.code}/.python_packages/lib/site-packages"]

    def context(self, launch: Launch, invocation: Invocation) -> Mapping[str, Any]:
        """Return what is told to the worker with an event."""
        return invocation.context

    def report(
        self, launch: Launch, invocation: Invocation, outcome: Outcome, began_us: int, now_us: int
    ) -> Sequence[Line]:
        """Return the log of an invocation: what was printed, and how it ended where the worker couldn't say."""
        return report(launch, invocation, outcome, began_us, now_us)


def report(launch: Launch, invocation: Invocation, outcome: Outcome, began_us: int, now_us: int) -> list[Line]:
    """Return the log of an invocation: what was printed, between the lines of Azure's own host."""
    if outcome.ended is Ended.INIT_ERROR:
        text = f"Worker failed to index functions\n{_failure(launch, outcome)}"
        return [*outcome.lines, _line(now_us, "Error", text)]
    if "index" in invocation.context:
        return list(outcome.lines)
    name, number = f"Functions.{invocation.context['function']}", invocation.id
    reason = invocation.context.get("reason", BY_REQUEST)
    lines = [line for line in outcome.lines if line.at_us < began_us]
    lines.append(_line(began_us, "Information", f"Executing '{name}' (Reason='{reason}', Id={number})"))
    lines += [line for line in outcome.lines if line.at_us >= began_us]
    duration = f"Duration={round(outcome.seconds * 1_000)}ms"
    if outcome.ended is Ended.OK:
        lines.append(_line(now_us, "Information", f"Executed '{name}' (Succeeded, Id={number}, {duration})"))
        return lines
    if outcome.ended is Ended.TIMEOUT:
        limit = f"{launch.timeout_seconds:.0f} seconds"
        text = f"Timeout value of {limit} exceeded by function '{name}' (Id: '{number}'). Initiating cancellation."
        lines.append(_line(now_us, "Error", text))
    lines.append(
        _line(now_us, "Error", f"Executed '{name}' (Failed, Id={number}, {duration})\n{_failure(launch, outcome)}")
    )
    return lines


def language_of(environment: Mapping[str, str]) -> str:
    """Return the language worker of an app, by its settings."""
    return environment.get("FUNCTIONS_WORKER_RUNTIME", "python").lower()


def _failure(launch: Launch, outcome: Outcome) -> str:
    """Say why an invocation failed, as Azure's worker words it where it could say so itself."""
    if outcome.ended in (Ended.ERROR, Ended.INIT_ERROR):
        try:
            error = msgspec.json.decode(outcome.payload)
            kind, message, stack = error["errorType"], error["errorMessage"], error["stackTrace"]
        except (msgspec.DecodeError, KeyError, TypeError):
            return "Result: Failure"
        return f"Result: Failure\nException: {kind}: {message}\nStack: {stack}"
    if outcome.ended is Ended.MEMORY:
        return f"{language_of(launch.environment)} used more memory than it may and was ended"
    if outcome.ended is Ended.TOO_LARGE:
        return f"the result has more than {AzureFunctionsContract.result_bytes_max} bytes"
    return f"{language_of(launch.environment)} exited with code {outcome.status}"


def _line(at_us: int, level: str, text: str) -> Line:
    return Line(at_us, f"{_second(at_us // SECOND_US)}   [{level}]   {text}")


@lru_cache(maxsize=4)
def _second(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
