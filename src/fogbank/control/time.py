"""`/_fogbank/clock`: what time it is for the server, and moving it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec

from fogbank.connectors.time_control import SharedTimeError
from fogbank.control.records import iso
from fogbank.control.replies import RefusedError, allow, json_reply, read_query
from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from fogbank.connectors.time_control import TimeControl
    from fogbank.kernel.clock import Clock
    from fogbank.wire.http import Request, Response

PATH: Final = "/_fogbank/clock"
# A hundred years.
SECONDS_MAX: Final = 100 * 366 * 86_400
BODY_BYTES_MAX: Final = 1_024


class _Move(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be done; `seconds` goes with `advance` only."""

    action: Literal["advance", "next", "freeze", "resume"]
    seconds: Annotated[float, msgspec.Meta(ge=0, le=SECONDS_MAX)] | None = None


class ClockEndpoint:
    """`GET` shows the clock; `POST {"action": "advance", "seconds": 900}` moves it.

    Other actions are `next`, `freeze` and `resume`. The reply to a move comes when everything that fell due has fired.
    """

    def __init__(self, time: TimeControl) -> None:
        self._time = time

    async def handle(self, request: Request, path: str) -> Response:
        """Answer a request, or raise `RefusedError`."""
        if path != PATH:
            raise RefusedError(404, f"There is nothing at {path}.")
        allow(request, path, "GET", "HEAD", "POST")
        read_query(request)
        if request.method != "POST":
            return json_reply(200, self._show())
        try:
            move = msgspec.json.decode(await request.read(BODY_BYTES_MAX), type=_Move)
        except msgspec.DecodeError as error:
            raise RefusedError(400, f"The body is no move of the clock: {error}.") from None
        if (move.seconds is not None) != (move.action == "advance"):
            raise RefusedError(400, "seconds goes with advance, and with nothing else.")
        try:
            moved = await self._move(move)
        except SharedTimeError:
            raise RefusedError(
                409, "The clock can't be moved: the database may have other servers, with clocks of their own."
            ) from None
        return json_reply(200, {"moved": moved, **self._show()})

    async def _move(self, move: _Move) -> bool:
        if move.action == "next":
            return await self._time.advance_to_next()
        if move.action == "advance":
            await self._time.advance(int((move.seconds or 0) * SECOND_US))
        elif move.action == "freeze":
            await self._time.freeze()
        else:
            await self._time.resume()
        return True

    def _show(self) -> dict[str, Any]:
        clock = self._time.clock
        due_us = clock.next_due_us
        return {
            "now": iso(clock.now()),
            "frozen": clock.frozen,
            "ahead_seconds": round(_ahead_us(clock) / SECOND_US, 3),
            "next": None if due_us is None else iso(due_us),
        }


def _ahead_us(clock: Clock) -> int:
    """Return how far a clock is ahead of the machine's; a span, however long it takes to look."""
    offset_us, frozen_us = clock.setting
    return offset_us if frozen_us is None else frozen_us - clock.wall()
