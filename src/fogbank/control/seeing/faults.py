"""`/_fogbank/faults`: rules that have requests fail on purpose; they are gone with a reset or the server's end."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.control.replies import RefusedError, allow, json_reply, read_query
from fogbank.wire.watching.faults import RULES_MAX, Rule, TooManyRulesError

if TYPE_CHECKING:
    from fogbank.wire.http import Request, Response
    from fogbank.wire.watching.faults import Faults, Standing

PATH: Final = "/_fogbank/faults"
BODY_BYTES_MAX: Final = 16_384
_ONE: Final = re.compile(rf"{PATH}/(\d{{1,9}})")


class FaultsEndpoint:
    """`GET` lists the rules, `POST` adds one, `DELETE` removes all of them, or below the path that of a number."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    async def handle(self, request: Request, path: str) -> Response:
        """Answer a request, or raise `RefusedError`."""
        read_query(request)
        if match := _ONE.fullmatch(path):
            allow(request, path, "DELETE")
            if not self._faults.remove(int(match[1])):
                raise RefusedError(404, f"There is no fault {match[1]}.")
            return json_reply(200, {"removed": 1})
        if path != PATH:
            raise RefusedError(404, f"There is nothing at {path}.")
        allow(request, path, "GET", "HEAD", "POST", "DELETE")
        if request.method == "POST":
            return json_reply(200, _show(self._add(await request.read(BODY_BYTES_MAX))))
        if request.method == "DELETE":
            return json_reply(200, {"removed": self._faults.clear()})
        return json_reply(200, {"faults": [_show(standing) for standing in self._faults.rules()]})

    def _add(self, body: bytes) -> Standing:
        try:
            rule = msgspec.json.decode(body, type=Rule)
        except msgspec.DecodeError as error:
            raise RefusedError(400, f"The body is no fault: {error}.") from None
        if wrong := rule.wrong():
            raise RefusedError(400, f"The body is no fault: {wrong}")
        try:
            return self._faults.add(rule)
        except TooManyRulesError:
            raise RefusedError(409, f"There are {RULES_MAX} faults already, and there may be no more.") from None


def _show(standing: Standing) -> dict[str, Any]:
    rule = {name: value for name, value in msgspec.structs.asdict(standing.rule).items() if value is not None}
    return {"id": standing.number, **rule, "fitted": standing.fitted, "struck": standing.struck}
