"""The endpoint of debugging: which function waits for a debugger, from when on, and on which port."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.control.replies import RefusedError, allow, json_reply, read_number, read_query
from fogbank.engines.functions import functions
from fogbank.engines.functions.errors import FunctionNotFoundError
from fogbank.runtimes.debugging import HOST, DebuggingError
from fogbank.wire.http import BodyTooLargeError

if TYPE_CHECKING:
    from fogbank.engines.functions.model import Function
    from fogbank.runtimes.runner import FunctionRunner
    from fogbank.storage import Store
    from fogbank.wire.http import Request, Response

PATH: Final = "/_fogbank/debug"
BODY_BYTES_MAX: Final = 65_536
PORT_MIN: Final = 1_024
PORT_MAX: Final = 65_535
WAIT_SECONDS_MAX: Final = 30
WAITS_MAX: Final = 1_000_000_000


class Order(msgspec.Struct, forbid_unknown_fields=True):
    """A function, by its scope and name, and the port on which its instance is to wait."""

    function: str
    port: int


class DebugEndpoint:
    """Answers what is asked of debugging."""

    def __init__(self, store: Store, runner: FunctionRunner) -> None:
        self._store = store
        self._runner = runner

    async def handle(self, request: Request, path: str) -> Response:
        """Answer a request, or raise `RefusedError`."""
        if path != PATH:
            raise RefusedError(404, f"There is nothing at {path}.")
        allow(request, PATH, "GET", "POST", "DELETE")
        if request.method == "POST":
            read_query(request)
            return await self._begin(request)
        values = read_query(request, "function", "after", "wait")
        function = await self._find(values.get("function", ""))
        if request.method == "DELETE":
            if not self._runner.stop_debugging(function.id):
                raise _not_debugged(function)
            return json_reply(200, {"debugging": False})
        debugged = self._runner.debugging.find(function.id)
        if debugged is None:
            raise _not_debugged(function)
        after = read_number(values, "after", 0, WAITS_MAX, 0)
        seconds = read_number(values, "wait", 0, WAIT_SECONDS_MAX, 0)
        waits = await debugged.follow(after, seconds)
        return json_reply(200, {"host": HOST, "port": debugged.port, "waits": waits})

    async def _begin(self, request: Request) -> Response:
        try:
            order = msgspec.json.decode(await request.read(BODY_BYTES_MAX), type=Order)
        except (msgspec.DecodeError, msgspec.ValidationError, BodyTooLargeError) as error:
            raise RefusedError(400, str(error)) from None
        if not PORT_MIN <= order.port <= PORT_MAX:
            raise RefusedError(400, f"port must be a whole number from {PORT_MIN} to {PORT_MAX}, not {order.port}.")
        function = await self._find(order.function)
        try:
            await self._runner.debug(function.id, function.config.runtime, order.port)
        except DebuggingError as error:
            raise RefusedError(409, str(error)) from None
        code = self._runner.code_place(function.config.contract, function.config.folder)
        return json_reply(200, {"host": HOST, "port": order.port, "code": code})

    async def _find(self, text: str) -> Function:
        scope, _, name = text.rpartition("/")
        if not scope or not name:
            raise RefusedError(400, "function must be a function's scope and name, with a / between them.")
        try:
            return await self._store.read(functions.find, (scope, name))
        except FunctionNotFoundError:
            raise RefusedError(404, f"There is no function {name} in {scope}.") from None


def _not_debugged(function: Function) -> RefusedError:
    return RefusedError(409, f"The function {function.name} is not debugged.")
