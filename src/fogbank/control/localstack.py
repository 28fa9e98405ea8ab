"""LocalStack's own endpoints, for tools and test libraries that ask them.

(https://docs.localstack.cloud/references/internal-endpoints/ and /references/init-hooks/#status-endpoint)
"""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank import __version__
from fogbank.control.records import iso
from fogbank.control.replies import RefusedError, allow, json_reply, read_query
from fogbank.kernel.clock import SECOND_US
from fogbank.runtimes.hooks.hooks import STAGES, State

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.runtimes.hooks.hooks import Hooks, Script
    from fogbank.wire.http import Request, Response

HEALTH: Final = "/_localstack/health"
INFO: Final = "/_localstack/info"
INIT: Final = "/_localstack/init"
STATE: Final = "/_localstack/state"
PATHS: Final = (HEALTH, INFO, INIT, STATE)
EDITION: Final = "community"
BODY_BYTES_MAX: Final = 4_096
_STATES: Final = {
    State.WAITING: "UNKNOWN",
    State.RUNNING: "RUNNING",
    State.SUCCESSFUL: "SUCCESSFUL",
    State.FAILED: "ERROR",
}


class LocalStackEndpoint:
    """Answers for health, information, init hooks, and a reset of the state."""

    def __init__(
        self, services: Sequence[str], hooks: Hooks, reset: Callable[[], Awaitable[None]], clock: Clock, ids: Ids
    ) -> None:
        self._services = services
        self._hooks = hooks
        self._reset = reset
        self._clock = clock
        self._began = clock.monotonic()
        self._session = ids.uuid()

    async def handle(self, request: Request, path: str) -> Response:
        """Answer a request, or raise `RefusedError`."""
        if path == HEALTH:
            return await self._health(request)
        if path == INFO:
            allow(request, path, "GET", "HEAD")
            return json_reply(200, self._info())
        if path == INIT or path.startswith(f"{INIT}/"):
            allow(request, path, "GET", "HEAD")
            return json_reply(200, self._init(path.removeprefix(INIT).strip("/")))
        if path == f"{STATE}/reset":
            allow(request, path, "POST")
            await self._reset()
            return json_reply(200, {})
        raise RefusedError(404, f"There is nothing at {path}.")

    async def _health(self, request: Request) -> Response:
        allow(request, HEALTH, "GET", "HEAD", "POST")
        if request.method == "POST":
            try:
                body = msgspec.json.decode(await request.read(BODY_BYTES_MAX))
            except msgspec.DecodeError:
                body = None
            action = body.get("action") if isinstance(body, dict) else body
            raise RefusedError(501, f"Fogbank does not support the action {action} of {HEALTH}.")
        read_query(request, "reload")
        services = dict.fromkeys(self._services, "running")
        return json_reply(200, {"services": services, "edition": EDITION, "version": __version__})

    def _info(self) -> dict[str, Any]:
        return {
            "version": __version__,
            "edition": EDITION,
            "is_license_activated": False,
            "session_id": self._session,
            "machine_id": "fogbank",
            "system": platform.system().lower(),
            "is_docker": os.path.exists("/.dockerenv"),  # noqa: PTH110 - of a file that is nobody's
            "server_time_utc": iso(self._clock.now() // SECOND_US * SECOND_US).removesuffix("Z"),
            "uptime": int(self._clock.monotonic() - self._began),
        }

    def _init(self, stage: str) -> dict[str, Any]:
        """Return which stages are over and what became of their scripts; of one stage, or of all."""
        if not stage:
            completed = {name.upper(): done for name, done in self._hooks.completed.items()}
            return {"completed": completed, "scripts": [_show(script) for script in self._hooks.scripts]}
        if stage.lower() not in STAGES:
            raise RefusedError(404, f"There is no stage {stage}.")
        scripts = [_show(script) for script in self._hooks.scripts if script.stage == stage.lower()]
        return {"completed": self._hooks.completed[stage.lower()], "scripts": scripts}


def missing_services(wanted: str, services: Sequence[str]) -> list[str]:
    """Return notes on services that somebody counts on, as in LocalStack's SERVICES, and that there aren't."""
    names = {name.strip().partition(":")[0].lower() for name in wanted.split(",")} - {""}
    missing = sorted(names - set(services))
    return [f"SERVICES: there is no {name} here" for name in missing]


def _show(script: Script) -> dict[str, str]:
    return {"stage": script.stage.upper(), "name": script.path.name, "state": _STATES[script.state]}
