"""One client's socket: it says who it is, then sends traversals, one after another."""

from __future__ import annotations

import hmac
import logging
import re
from base64 import b64decode
from binascii import Error as Base64Error
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from fogbank.clouds.azure.cosmos.access import keys_of
from fogbank.clouds.azure.cosmos.calls import scope_of
from fogbank.clouds.azure.cosmos.errors import CosmosError, owner_not_found
from fogbank.clouds.azure.gremlin.graphs import MoreNumbersError, open_graph
from fogbank.clouds.azure.gremlin.messages import (
    AUTHENTICATE,
    MALFORMED,
    NO_CONTENT,
    PARTIAL,
    SCRIPT_ERROR,
    SERVER_ERROR,
    SUCCESS,
    UNAUTHORIZED,
    Message,
    MessageError,
    read_message,
    write_message,
)
from fogbank.clouds.azure.gremlin.shown import show
from fogbank.engines.documents.errors import CollectionNotFoundError
from fogbank.languages.gremlin.errors import CompileError, GremlinError, SyntaxFaultError
from fogbank.languages.gremlin.running import Program, compile_text, run
from fogbank.storage import StoreUnavailableError

if TYPE_CHECKING:
    from fogbank.clouds.azure.parts import Parts
    from fogbank.engines.documents.model import Name
    from fogbank.storage import Tx
    from fogbank.wire.websocket.socket import WebSocket

_log = logging.getLogger(__name__)
_USER: Final = re.compile(r"/dbs/([^/]+)/colls/([^/]+)/?")
BATCH: Final = 64
# A part of a response ends when it has so many bytes, whatever the client wants; all together have no more than these.
PART_BYTES: Final = 1 << 20
RESPONSE_BYTES_MAX: Final = 64 << 20
# "Azure Cosmos DB for Gremlin server response headers": the result is too large.
TOO_LARGE: Final = 1001
# And: the message is none that the service understands.
MALFORMED_GRAPH: Final = 1004
_CONFLICT: Final = "Conflicting request to resource has been attempted. Retry to avoid conflicts."
BATCH_MAX: Final = 10_000
NUMBERS: Final = 32
NUMBERS_MAX: Final = 20_000
# What a request may have; more is refused by name.
_ARGUMENTS: Final = frozenset({
    "gremlin", "bindings", "aliases", "language", "batchSize", "userAgent", "evaluationTimeout",
    "scriptEvaluationTimeout", "materializeProperties",
})  # fmt: skip
_MICROS_PER_MILLI: Final = 1_000


class Graph(NamedTuple):
    """The graph that a client is let at, and whether its key is for reading only."""

    name: Name
    readonly: bool


class Answered(NamedTuple):
    """What a traversal made, and about what it cost."""

    results: list[Any]
    charge: float


class GremlinSession:
    """A client's conversation with the graphs of an account."""

    def __init__(self, parts: Parts, account: str) -> None:
        self._parts = parts
        self._account = account
        self._graph: Graph | None = None
        # The request that waits until the client has said who it is.
        self._waiting: Message | None = None

    async def talk(self, socket: WebSocket) -> None:
        """Answer requests until the client goes."""
        async for data in socket:
            try:
                message = read_message(data)
            except MessageError as error:
                await self._refuse(socket, error.id, MALFORMED, "MalformedRequest", str(error), MALFORMED_GRAPH)
                continue
            if message.op == "authentication":
                await self._authenticate(socket, message)
            elif message.op != "eval" or message.processor:
                told = f"The op '{message.op}' of the processor '{message.processor}' is not supported."
                await self._refuse(socket, message.id, MALFORMED, "MalformedRequest", told, MALFORMED_GRAPH)
            elif self._graph is None:
                self._waiting = message
                await socket.send(write_message(message.id, AUTHENTICATE, {}))
            else:
                await self._evaluate(socket, message, self._graph)

    async def _authenticate(self, socket: WebSocket, message: Message) -> None:
        """Take a user, which is a graph's path, and a password, which is a key of the account (RFC 4616)."""
        user, key = _credentials(message.args.get("sasl"))
        path = _USER.fullmatch(user)
        keys, readonly = await keys_of(self._parts.store, self._account)
        is_reader = any(hmac.compare_digest(each, key) for each in readonly)
        if path is None or not (is_reader or any(hmac.compare_digest(each, key) for each in keys)):
            told = "Unauthorized: Invalid credentials provided"
            await self._refuse(socket, message.id, UNAUTHORIZED, "Unauthorized", told, UNAUTHORIZED)
            return
        self._graph = Graph((scope_of(self._account), f"{path[1]}/{path[2]}"), is_reader)
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            await socket.send(write_message(message.id, NO_CONTENT, {}))
        else:
            await self._evaluate(socket, waiting, self._graph)

    async def _evaluate(self, socket: WebSocket, message: Message, graph: Graph) -> None:
        """Run a traversal, and send what it makes in parts."""
        started_us = self._parts.clock.now()
        try:
            answered = await self._run(message, graph)
        except Exception as error:  # noqa: BLE001 - told to the client, and logged unless it is the client's
            await self._tell(socket, message, error)
            return
        size = message.args.get("batchSize")
        size = min(size, BATCH_MAX) if type(size) is int and size > 0 else BATCH
        spent_ms = (self._parts.clock.now() - started_us) / _MICROS_PER_MILLI
        attributes = self._attributes(SUCCESS, answered.charge, spent_ms)
        # What it cost is told with the first part, and in sum with each.
        free = {**attributes, "x-ms-request-charge": 0.0, "x-ms-server-time-ms": 0.0}
        if not answered.results:
            await socket.send(write_message(message.id, NO_CONTENT, attributes))
            return
        total = sent = 0
        part: list[msgspec.Raw] = []
        for at, result in enumerate(answered.results):
            part.append(msgspec.Raw(msgspec.json.encode(show(result))))
            total += len(bytes(part[-1]))
            if total > RESPONSE_BYTES_MAX:
                told = f"The response is larger than {RESPONSE_BYTES_MAX} bytes."
                await self._refuse(socket, message.id, SERVER_ERROR, "GraphRuntimeException", told, TOO_LARGE)
                return
            if at + 1 == len(answered.results):
                await socket.send(write_message(message.id, SUCCESS, attributes, part))
            elif len(part) == size or total >= PART_BYTES * (1 + sent):
                await socket.send(write_message(message.id, PARTIAL, attributes, part))
                part, sent, attributes = [], sent + 1, free

    async def _run(self, message: Message, graph: Graph) -> Answered:
        text, bindings = _read_arguments(message)
        program = compile_text(text, bindings)
        if program.mutates and graph.readonly:
            raise CosmosError(403, "The given key has insufficient privileges to perform the requested operation.")
        store, seed = self._parts.store, self._parts.ids.bytes(16)
        if not program.mutates:
            return await store.scan(_execute, graph.name, program, seed, [])
        count = NUMBERS
        while True:
            try:
                return await store.run(_execute, graph.name, program, seed, self._parts.ids.sequences(count))
            except MoreNumbersError:
                if count >= NUMBERS_MAX:
                    raise CosmosError(413, f"A traversal creates at most {NUMBERS_MAX} elements.") from None
                count = min(8 * count, NUMBERS_MAX)

    def _attributes(self, status: int, charge: float, spent_ms: float) -> dict[str, Any]:
        """Return what the service tells beside ("Azure Cosmos DB for Gremlin server response headers")."""
        return {
            "x-ms-status-code": status,
            "x-ms-request-charge": charge,
            "x-ms-total-request-charge": charge,
            "x-ms-server-time-ms": spent_ms,
            "x-ms-total-server-time-ms": spent_ms,
            "x-ms-activity-id": self._parts.ids.request(),
        }

    async def _tell(self, socket: WebSocket, message: Message, error: Exception) -> None:
        """Send what went wrong in the service's words."""
        if isinstance(error, SyntaxFaultError | CompileError):
            kind = "Syntax" if isinstance(error, SyntaxFaultError) else "Compilation"
            told = f"Gremlin Query {kind} Error: {error}"
            await self._refuse(socket, message.id, SCRIPT_ERROR, "GraphCompileException", told, SCRIPT_ERROR)
        elif isinstance(error, GremlinError):
            told = f"Gremlin Query Execution Error: {error}"
            await self._refuse(socket, message.id, SERVER_ERROR, "GraphRuntimeException", told, SERVER_ERROR)
        elif isinstance(error, MessageError):
            await self._refuse(socket, message.id, MALFORMED, "MalformedRequest", str(error), MALFORMED_GRAPH)
        elif isinstance(error, CollectionNotFoundError):
            await self._tell(socket, message, owner_not_found())
        elif isinstance(error, CosmosError):
            told = _CONFLICT if error.status == 409 else error.message
            kind = f"{error.code}Exception"
            await self._refuse(socket, message.id, SERVER_ERROR, kind, told, error.status, error.substatus)
        elif isinstance(error, StoreUnavailableError):
            _log.error("the store is unavailable: %s", error)
            await self._tell(socket, message, CosmosError(503, f"The store is unavailable: {error}"))
        else:
            _log.error("a traversal failed", exc_info=error)
            await self._tell(socket, message, CosmosError(500, "There was an internal error."))

    async def _refuse(
        self, socket: WebSocket, identifier: str, code: int, kind: str, told: str, status: int, substatus: int = 0
    ) -> None:
        attributes = {**self._attributes(status, 0.0, 0.0), "x-ms-substatus-code": substatus}
        message = (
            f"\r\n\nActivityId : {attributes['x-ms-activity-id']}\nExceptionType : {kind}\n"
            f"ExceptionMessage :\r\n\t{told}\r\n\tGremlinRequestId : {identifier}\n"
        )
        await socket.send(write_message(identifier, code, attributes, message=message))


def _credentials(sasl: Any) -> tuple[str, str]:
    """Return the user and the password of SASL's PLAIN mechanism, empty ones for what is none."""
    try:
        parts = b64decode(sasl if isinstance(sasl, str) else "", validate=True).decode("latin-1").split("\0")
    except (Base64Error, ValueError):
        return "", ""
    return (parts[1], parts[2]) if len(parts) == 3 and parts[2].isascii() else ("", "")


def _read_arguments(message: Message) -> tuple[str, dict[str, Any]]:
    """Return the text and the bindings of a request; raises `MessageError`."""
    args = message.args
    for name in args:
        if name not in _ARGUMENTS:
            raise MessageError(f"Fogbank does not support the argument '{name}'.", message.id)
    language = args.get("language") or "gremlin-groovy"
    if language != "gremlin-groovy":
        raise MessageError(f"The language '{language}' is not supported: it must be gremlin-groovy.", message.id)
    aliases = args.get("aliases") or {}
    if not isinstance(aliases, dict) or any(pair != ("g", "g") for pair in aliases.items()):
        raise MessageError("An alias of the graph can only be g for g.", message.id)
    text, bindings = args.get("gremlin"), args.get("bindings") or {}
    if not isinstance(text, str) or not isinstance(bindings, dict):
        raise MessageError("A message must have the argument 'gremlin', which is a text.", message.id)
    return text, bindings


async def _execute(tx: Tx, now_us: int, name: Name, program: Program, seed: bytes, numbers: list[int]) -> Answered:
    """Run a traversal in one transaction."""
    graph = await open_graph(tx, now_us, name, seed, numbers, writes=program.mutates)
    results = await run(program, graph, int.from_bytes(seed[:8], "big"))
    return Answered(results, round(2.0 + 0.05 * graph.looked + 5.0 * program.mutates, 2))
