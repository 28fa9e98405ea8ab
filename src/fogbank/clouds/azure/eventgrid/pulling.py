"""Pull delivery: events of a namespace's subscription are received under locks ("Pull delivery with Event Grid")."""

from __future__ import annotations

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.azure.errors import json_response
from fogbank.clouds.azure.eventgrid.errors import EventGridError
from fogbank.engines.messaging import messages, queues
from fogbank.engines.messaging.errors import (
    HandleInvalidError,
    LeaseNotHeldError,
    MessageGoneError,
    QueueNotFoundError,
)
from fogbank.engines.messaging.model import Handle

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from fogbank.clouds.azure.parts import Parts
    from fogbank.engines.messaging.model import Name, Queue
    from fogbank.storage import Tx
    from fogbank.wire.http import Request, Response

    Act = Callable[[Tx, int, Queue, Handle, float], Coroutine[Any, Any, None]]

EVENTS_MAX: Final = 100
WAIT_SECONDS: Final = 60
WAIT_SECONDS_RANGE: Final = (10, 120)
DELAYS: Final = (0, 10, 60, 600, 3_600)
BODY_BYTES_MAX: Final = 1_048_576
_TOKEN: Final = struct.Struct(">qqq")
_LOST: Final = "Lock has expired, or the event was already settled."


def token_of(handle: Handle) -> str:
    """Return a lease as a lock token."""
    return urlsafe_b64encode(_TOKEN.pack(*handle)).decode()


def _read_token(token: str) -> Handle | None:
    try:
        return Handle(*_TOKEN.unpack(urlsafe_b64decode(token)))
    except (ValueError, struct.error):
        return None


def _invalid(message: str) -> EventGridError:
    return EventGridError(400, "BadRequest", message)


def _number(query: dict[str, str], name: str, low: int, high: int, default: int) -> int:
    text = query.get(name)
    if not text:
        return default
    if not text.isdecimal() or not low <= int(text) <= high:
        raise _invalid(f"The {name} must be {low} to {high}.")
    return int(text)


async def handle(parts: Parts, request: Request, queue: Name, action: str, query: dict[str, str]) -> Response:
    """Answer a request to a subscription."""
    try:
        if action == "receive":
            return await _receive(parts, queue, query)
        if action not in ACTIONS:
            raise EventGridError(404, "NotFound", f"Fogbank does not support the operation :{action}.")
        delay = 0
        if action == "release":
            delay = _number(query, "releaseDelayInSeconds", 0, DELAYS[-1], 0)
            if delay not in DELAYS:
                raise _invalid(f"The releaseDelayInSeconds must be one of {', '.join(map(str, DELAYS))}.")
        tokens = await _tokens(request)
        return json_response(200, await parts.store.run(_settle, queue, tokens, ACTIONS[action], delay))
    except QueueNotFoundError:
        name = queue[1].rpartition("/")[2]
        raise EventGridError(404, "NotFound", f"The event subscription {name} does not exist.") from None


async def _receive(parts: Parts, queue: Name, query: dict[str, str]) -> Response:
    count = _number(query, "maxEvents", 1, EVENTS_MAX, 1)
    wait = _number(query, "maxWaitTime", *WAIT_SECONDS_RANGE, WAIT_SECONDS)
    receipt = await parts.receiver.receive(queue, count, None, wait)
    value = [
        {
            "brokerProperties": {"lockToken": token_of(received.handle), "deliveryCount": received.receives},
            "event": msgspec.Raw(received.message.body),
        }
        for received in receipt.messages
    ]
    return json_response(200, {"value": value})


async def _tokens(request: Request) -> list[str]:
    try:
        body = msgspec.json.decode(await request.read(BODY_BYTES_MAX))
    except (msgspec.DecodeError, UnicodeDecodeError):
        body = None
    tokens = body.get("lockTokens") if isinstance(body, dict) else None
    if not isinstance(tokens, list) or not tokens or not all(isinstance(each, str) for each in tokens):
        raise _invalid("The body must have lockTokens, a list of texts.")
    return tokens


async def _settle(tx: Tx, now_us: int, name: Name, tokens: list[str], act: Act, delay: float) -> dict[str, Any]:
    """Do the same with each lock; those that are no longer held are told of."""
    queue = await queues.find(tx, now_us, name)
    done, failed = [], []
    for token in tokens:
        held = _read_token(token)
        problem = ("TokenInvalid", "The lock token is invalid.") if held is None else None
        if held is not None:
            try:
                await act(tx, now_us, queue, held, delay)
            except HandleInvalidError:
                problem = ("TokenInvalid", "The lock token is that of another event subscription.")
            except (LeaseNotHeldError, MessageGoneError):
                problem = ("TokenLost", _LOST)
        if problem is None:
            done.append(token)
        else:
            failed.append({"lockToken": token, "error": {"code": problem[0], "message": problem[1]}})
    return {"failedLockTokens": failed, "succeededLockTokens": done}


async def _acknowledge(tx: Tx, now_us: int, queue: Queue, held: Handle, _delay: float) -> None:
    name = (queue.scope, queue.name)
    if not await messages.acknowledge(tx, now_us, name, held):
        await messages.refuse(tx, now_us, name, held)


async def _release(tx: Tx, now_us: int, queue: Queue, held: Handle, delay: float) -> None:
    await messages.give_up(tx, now_us, (queue.scope, queue.name), held, delay)


async def _renew(tx: Tx, now_us: int, queue: Queue, held: Handle, _delay: float) -> None:
    await messages.extend(tx, now_us, (queue.scope, queue.name), held, queue.config.lease_seconds)


# What is rejected would be dead-lettered, which nothing is without a destination for that.
ACTIONS: Final[dict[str, Act]] = {
    "acknowledge": _acknowledge,
    "reject": _acknowledge,
    "release": _release,
    "renewlock": _renew,
}
