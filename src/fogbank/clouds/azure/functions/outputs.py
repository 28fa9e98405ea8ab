"""What functions hand over by their output bindings, carried out before an invocation counts as a success.

"Azure Queue storage output bindings for Azure Functions": a queue that isn't there is made.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.azure.functions.apps import read_app, settings_of
from fogbank.clouds.azure.functions.cosmos.properties import TYPE as COSMOS
from fogbank.clouds.azure.functions.eventgrid.output import publish
from fogbank.clouds.azure.functions.storage.connections import ConnectionNameError
from fogbank.clouds.azure.functions.storage.queue_triggers import queue_of
from fogbank.clouds.azure.queues.messages import LIVES_SECONDS, new_message_at
from fogbank.clouds.azure.queues.queues import MESSAGE_BYTES_MAX, NEW_QUEUE, check_name
from fogbank.clouds.azure.storage import accounts
from fogbank.clouds.azure.storage.errors import StorageError
from fogbank.engines.messaging import messages, queues
from fogbank.engines.messaging.messages import Send
from fogbank.runtimes.model import Ended

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.engines.functions.model import Function
    from fogbank.engines.messaging.model import Name
    from fogbank.kernel.ids import Ids
    from fogbank.runtimes.model import Invocation, Outcome
    from fogbank.storage import Store, Tx

QUEUE: Final = "queue"
EVENT_GRID: Final = "eventgrid"


class OutputError(Exception):
    """What a function handed over can't be delivered; the message says why."""


async def complete(
    parts: tuple[Store, Ids], now_us: int, function: Function, invocation: Invocation, outcome: Outcome
) -> Outcome:
    """Carry out the outputs of an invocation; returns its outcome, which is a failure if they can't be."""
    if outcome.ended is not Ended.OK:
        return outcome
    store, ids = parts
    try:
        await _publish(parts, now_us, function, str(invocation.context["function"]), outcome.head["outputs"])
        batches = _batches(function, str(invocation.context["function"]), outcome.head["outputs"])
        await store.run(_put, [(name, [(ids.sequence(), body) for body in bodies]) for name, bodies in batches])
    except (OutputError, ConnectionNameError, StorageError) as error:
        report = {"errorType": "OutputBindingError", "errorMessage": str(error), "stackTrace": ""}
        return outcome._replace(ended=Ended.ERROR, payload=msgspec.json.encode(report), head={})
    return outcome


async def _publish(
    parts: tuple[Store, Ids], now_us: int, function: Function, name: str, outputs: Mapping[str, Mapping[str, str]]
) -> None:
    entry = read_app(function).entry(name)
    bindings = {str(each.get("name")): each for each in (entry.bindings if entry is not None else ())}
    for output, value in outputs.items():
        binding = bindings.get(output, {})
        kind = str(binding.get("type", "")).lower()
        if kind not in (EVENT_GRID, COSMOS):
            continue
        run = publish
        if kind == COSMOS:
            from fogbank.clouds.azure.functions.cosmos.output import save as run  # noqa: PLC0415 - loaded on first use
        problem = await run(parts, now_us, binding, settings_of(function.config), contents(value))
        if problem:
            msg = f"{output}: {problem}"
            raise OutputError(msg)


def _batches(function: Function, name: str, outputs: Mapping[str, Mapping[str, str]]) -> list[tuple[Name, list[bytes]]]:
    """Return which messages go to which queues."""
    app = read_app(function)
    entry = app.entry(name)
    settings = settings_of(function.config)
    bindings = {str(each.get("name")): each for each in (entry.bindings if entry is not None else ())}
    found = []
    for output, value in outputs.items():
        binding = bindings.get(output, {})
        if str(binding.get("type", "")).lower() != QUEUE:
            continue
        queue = queue_of(binding, settings)
        check_name(queue[1])
        bodies = [encode_body(body, app.host.queues.encoding) for body in contents(value)]
        if any(len(body) > MESSAGE_BYTES_MAX for body in bodies):
            msg = f"{output}: a message of a queue has at most {MESSAGE_BYTES_MAX} bytes"
            raise OutputError(msg)
        found.append((queue, bodies))
    return found


def contents(value: Mapping[str, str]) -> list[bytes]:
    """Return the messages that an output is: a list has several."""
    if "bytes" in value:
        return [b64decode(value["bytes"])]
    if "json" not in value:
        return [value["string"].encode()]
    read = msgspec.json.decode(value["json"])
    return [_text(each).encode() for each in (read if isinstance(read, list) else [read])]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def encode_body(body: bytes, encoding: str) -> bytes:
    """Return a message's content as it stands in the queue."""
    return body if encoding == "none" else b64encode(body)


async def _put(tx: Tx, now_us: int, batches: list[tuple[Name, list[tuple[int, bytes]]]]) -> None:
    for name, bodies in batches:
        if not bodies:
            continue
        account = name[0].split("/")[2]
        if not await accounts.exists(tx, now_us, account):
            msg = f"there is no storage account {account} on this server"
            raise OutputError(msg)
        await queues.create(tx, now_us, name, bodies[0][0], NEW_QUEUE)
        sends = [
            Send(new_message_at(sequence, body, now_us, LIVES_SECONDS), sequence, 0, len(body), LIVES_SECONDS)
            for sequence, body in bodies
        ]
        await messages.send(tx, now_us, name, sends)
