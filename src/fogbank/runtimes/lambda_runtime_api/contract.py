"""Running functions as AWS Lambda does.

AWS Lambda Developer Guide, "Understanding the Lambda execution environment lifecycle" (initialisation may take ten
seconds, or the function's own timeout where that is longer), "Defined runtime environment variables", "Lambda
runtimes".
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from fogbank.runtimes.contract import Start
from fogbank.runtimes.inside.channel import CHANNEL_OF_PROGRAMS
from fogbank.runtimes.lambda_runtime_api.custom import CUSTOM_RUNTIMES, custom_command
from fogbank.runtimes.lambda_runtime_api.endpoint import RESPONSE_BYTES_MAX, RuntimeEndpoint
from fogbank.runtimes.lambda_runtime_api.extensions.finding import extension_names, opener, speaks_of_api
from fogbank.runtimes.lambda_runtime_api.java import RESERVE_MIB, describe_java, find_java, java_command
from fogbank.runtimes.lambda_runtime_api.java_client import JavaClient
from fogbank.runtimes.lambda_runtime_api.node import FLAGS, WORKER
from fogbank.runtimes.lambda_runtime_api.python import describe_python, python_kind, python_path
from fogbank.runtimes.lambda_runtime_api.report import report
from fogbank.runtimes.lambda_runtime_api.ruby import describe_ruby, find_ruby, ruby_command, ruby_environment
from fogbank.runtimes.model import Mounts
from fogbank.runtimes.node_js.start import node_start

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.runtimes.lambda_runtime_api.java import Java
    from fogbank.runtimes.link import Link
    from fogbank.runtimes.model import Invocation, Launch, Line, Outcome, Places, Workspace
    from fogbank.runtimes.nursery import Kind


def initialization_type(launch: Launch) -> str:
    """Return how instances come to be, as a function is told."""
    if launch.snapshot:
        return "snap-start"
    return "provisioned-concurrency" if launch.instances_min else "on-demand"


class LambdaContract:
    """AWS Lambda's contract.

    Python, on AWS's own client, Node.js, Java and Ruby run over channels; all else over the Runtime API.
    """

    mounts: Final = Mounts("/var/task", "/opt")
    result_bytes_max: Final = RESPONSE_BYTES_MAX
    init_seconds_max: Final = 10.0

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock = clock
        self._ids = ids
        self._java_clients: dict[Java, JavaClient] = {}

    def start(self, launch: Launch, workspace: Workspace) -> Start:
        """Return how an instance is started; raises `OSError`."""
        start = self._start_alone(launch, workspace)
        names = extension_names(workspace)
        if not names and not self._may_speak_of_api(launch, workspace):
            return start
        if launch.snapshot:
            msg = "Fogbank does not support extensions together with SnapStart"
            raise OSError(msg)
        if names:
            # Its runtime begins when they have registered, so it can't have been started before.
            start = start._replace(kind=start.kind._replace(program=()))
        return start._replace(beside=opener(self._clock, self._ids, launch, names))

    def _may_speak_of_api(self, launch: Launch, workspace: Workspace) -> bool:
        """Whether something within the runtime may call its APIs; archives of Java's aren't looked into."""
        if launch.runtime in CUSTOM_RUNTIMES or launch.runtime.startswith("java"):
            return True
        return speaks_of_api(workspace, changes=bool(launch.folder))

    def _start_alone(self, launch: Launch, workspace: Workspace) -> Start:
        """Return how an instance is started that has nothing beside it."""
        if launch.runtime.startswith("python"):
            return Start(python_kind(workspace), [f"INIT_START Runtime Version: {describe_python(launch.runtime)}"])
        if launch.runtime.startswith("java"):
            return self._start_java(python_kind(workspace), launch)
        if launch.runtime.startswith("ruby"):
            ruby = find_ruby()
            lines = [f"INIT_START Runtime Version: {describe_ruby(ruby, launch.runtime)}"]
            return Start(python_kind(workspace), lines, lambda _: ruby_command(ruby), folders=_unseen(ruby.home))
        lines = [f"INIT_START Runtime Version: {launch.runtime}"]
        if launch.runtime.startswith("nodejs"):
            return node_start(WORKER, launch, workspace, lines, flags=FLAGS)
        return Start(
            python_kind(workspace), lines, custom_command(workspace), partial(RuntimeEndpoint.opened, self._clock)
        )

    def _start_java(self, kind: Kind, launch: Launch) -> Start:
        java = find_java(launch.runtime)
        client = self._java_clients.get(java)
        if client is None:
            client = self._java_clients[java] = JavaClient(java)
        return Start(
            kind,
            [f"INIT_START Runtime Version: {describe_java(java, launch.runtime)}"],
            lambda places: java_command(java, launch, client.jar, client.archive, CHANNEL_OF_PROGRAMS, places),
            folders=[str(client.folder), *_unseen(java.home)],
            prepare=client.prepare,
            reserve_mib=RESERVE_MIB,
        )

    def environment(self, launch: Launch, places: Places, stream: str, link: Link | None) -> dict[str, str]:
        """Return all environment variables of an instance."""
        environment = {
            **launch.environment,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{launch.runtime}",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(launch.memory_mib),
            "AWS_LAMBDA_FUNCTION_NAME": launch.name,
            "AWS_LAMBDA_FUNCTION_VERSION": launch.version,
            "AWS_LAMBDA_INITIALIZATION_TYPE": initialization_type(launch),
            "AWS_LAMBDA_LOG_GROUP_NAME": launch.log[1],
            "AWS_LAMBDA_LOG_STREAM_NAME": stream,
            "LAMBDA_RUNTIME_DIR": places.code,
            "LAMBDA_TASK_ROOT": places.code,
            "TMPDIR": places.temporary,
            "_HANDLER": launch.handler,
        }
        if launch.runtime.startswith("nodejs"):
            environment["NODE_PATH"] = f"{places.layers}/nodejs/node_modules" if places.layers else ""
        elif launch.runtime.startswith("ruby"):
            environment = {**ruby_environment(launch.runtime, places), **environment}
        elif launch.runtime.startswith("python"):
            environment["_LAMBDA_TELEMETRY_LOG_FD"] = "1"
        if places.layers:
            environment["PATH"] = f"{environment.get('PATH', '/usr/bin:/bin')}:{places.layers}/bin"
            environment["LD_LIBRARY_PATH"] = f"{places.code}:{places.code}/lib:{places.layers}/lib"
        return environment

    def path(self, places: Places) -> Sequence[str]:
        """Return where a Python function's modules are looked for first: its code, then its layers."""
        return python_path(places)

    def context(self, launch: Launch, invocation: Invocation) -> Mapping[str, Any]:
        """Return the headers that the runtime gets with an event."""
        return {"Lambda-Runtime-Invoked-Function-Arn": launch.identity, **invocation.context}

    def report(
        self, launch: Launch, invocation: Invocation, outcome: Outcome, began_us: int, now_us: int
    ) -> Sequence[Line]:
        """Return the log of an invocation, Lambda's own lines included."""
        return report(launch, invocation, outcome, began_us, now_us)


def _unseen(home: Path) -> list[str]:
    """Return a program's folder, unless it is among the system's, which all functions see."""
    return [] if home.is_relative_to("/usr") else [str(home)]
