"""Running functions as Azure Functions does: apps in Python, by the official library, over a channel.

"Azure Functions Python developer guide", "Folder structure" and "Package management": an app is in /home/site/wwwroot,
the packages that it brings are below it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.runtimes.contract import Start
from fogbank.runtimes.model import Ended, Line, Mounts
from fogbank.runtimes.nursery import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fogbank.runtimes.link import Link
    from fogbank.runtimes.model import Invocation, Launch, Outcome, Places, Workspace

MIB: Final = 1_048_576
PYTHON: Final = Kind(
    "fogbank.runtimes.inside.azure_functions_python",
    ("azure.functions", "asyncio", "concurrent.futures.thread", "json", "logging", "encodings.idna"),
)


class AzureFunctionsContract:
    """Azure Functions' contract."""

    mounts: Final = Mounts("/home/site/wwwroot")
    # "Azure Functions HTTP trigger", "Limits": 100 MB for a request; a response may be as long.
    result_bytes_max: Final = 100 * MIB
    init_seconds_max: Final = 60.0

    def start(self, launch: Launch, workspace: Workspace) -> Start:
        """Return how an instance is started."""
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
        lines = list(outcome.lines)
        name = f"Functions.{invocation.context.get('function', '')}"
        if outcome.ended is Ended.TIMEOUT:
            limit = f"{launch.timeout_seconds:.0f} seconds"
            text = f"Timeout value of {limit} exceeded by function '{name}' (Id: '{invocation.id}')."
            lines.append(Line(now_us, f"[Error]   {text} Initiating cancellation."))
        elif outcome.ended is Ended.MEMORY:
            lines.append(Line(now_us, f"[Error]   python used more than {launch.memory_mib} MiB and was ended."))
        elif outcome.ended is Ended.EXIT:
            lines.append(Line(now_us, f"[Error]   python exited with code {outcome.status} during '{name}'."))
        elif outcome.ended is Ended.TOO_LARGE:
            lines.append(Line(now_us, f"[Error]   The result of '{name}' has more than {self.result_bytes_max} bytes."))
        return lines
