"""Entity group transactions: up to 100 writes to entities of one partition, all or none, in one `multipart/mixed` body.

"Performing entity group transactions"
(https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions). What fails is told with its
place in the change set before the message. A batch may have one query in the place of a change set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from fogbank.clouds.azure.storage.calls import read_call
from fogbank.clouds.azure.storage.errors import StorageError
from fogbank.clouds.azure.tables.entities import written_headers
from fogbank.clouds.azure.tables.errors import OTHER_PARTITIONS, invalid_input, not_implemented, refusal
from fogbank.clouds.azure.tables.limits import limits_of
from fogbank.clouds.azure.tables.multipart import Part, boundary_of, read_parts, read_request, write_parts
from fogbank.clouds.azure.tables.payloads import read_frame, show_entity
from fogbank.clouds.azure.tables.resources import name_of, read_resource
from fogbank.clouds.azure.tables.tables import NAME, preferred, prefers_nothing
from fogbank.clouds.azure.tables.writing import INSERT, check_grant, read_write
from fogbank.engines.documents import collections, transactions
from fogbank.engines.documents.documents import Write
from fogbank.engines.documents.errors import RefusedError
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.clouds.azure.parts import Parts
    from fogbank.clouds.azure.storage.calls import StorageCall
    from fogbank.clouds.azure.storage.sas import Grant
    from fogbank.clouds.azure.tables.writing import EntityWrite
    from fogbank.engines.documents.documents import Written
    from fogbank.engines.documents.model import Name
    from fogbank.storage import Tx

OPERATIONS_MAX: Final = 100
_METHODS: Final = frozenset({"POST", "PUT", "MERGE", "PATCH", "DELETE"})


class BatchError(StorageError):
    """An operation of a batch is refused, and so all are; `place` is that of the operation."""

    def __init__(self, place: int, error: StorageError, content_id: str = "") -> None:
        super().__init__(error.status, error.code, f"{place}:{error.message}", error.details)
        self.content_id = content_id


class Step(NamedTuple):
    """One operation: its request as it stands in the batch, the call that it is, its table, its write."""

    content_id: str
    call: StorageCall
    name: Name
    write: EntityWrite


async def read_batch(call: StorageCall) -> list[Part]:
    """Return the requests of a batch, in their order."""
    data = await call.request.read(limits_of(call).batch_bytes)
    outer = read_parts(data, boundary_of(call.request.header(b"content-type")))
    if len(outer) != 1:
        raise invalid_input("A batch has one change set, or one query.")
    media = outer[0].headers.get("content-type", "")
    if media.lower().startswith("multipart/mixed"):
        parts = read_parts(outer[0].body, boundary_of(media))
        if not parts:
            raise invalid_input("The change set is empty.")
        return parts
    return outer


def read_step(part: Part, outer: StorageCall, host: str, grant: Grant | None) -> Step:
    """Return an operation of a change set; raises the error for what can't be one."""
    request, content_id = read_request(part, outer.request)
    method = request.header(b"x-http-method").upper() or request.method
    if method not in _METHODS:
        raise invalid_input(f"A change set has no {method}.")
    call = read_call(request, host, outer.service)
    if (call.account, call.cosmos) != (outer.account, outer.cosmos):
        raise invalid_input("All operations of a batch are of one account.")
    resource = read_resource(call)
    if resource.kind not in ("entity", "entities") or (resource.kind == "entities") != (method == "POST"):
        raise not_implemented(f"{method} {request.raw_path} in a batch")
    try:
        given = None if method == "DELETE" else msgspec.json.decode(request.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise invalid_input("The body must be JSON.") from None
    write = read_write(method, resource, request.header(b"if-match"), given, limits_of(call))
    check_grant(grant, write)
    return Step(content_id, call, name_of(call, resource.table), write)


def read_steps(parts: Sequence[Part], outer: StorageCall, host: str, grant: Grant | None) -> list[Step]:
    """Return the operations of a change set; raises `BatchError`."""
    if len(parts) > OPERATIONS_MAX:
        message = "The batch request operation exceeds the maximum 100 changes per change set."
        raise BatchError(OPERATIONS_MAX - 1, StorageError(400, "InvalidInput", message))
    steps: list[Step] = []
    seen: set[tuple[str, str]] = set()
    for place, part in enumerate(parts):
        try:
            step = read_step(part, outer, host, grant)
            key = (step.write.partition, step.write.row)
            if steps and (step.write.partition, step.name) != (steps[0].write.partition, steps[0].name):
                raise refusal(OTHER_PARTITIONS)
            if key in seen:
                message = (
                    f"A command with RowKey '{key[1]}' is already present in the batch. An entity can appear only once"
                    " in a batch."
                )
                raise StorageError(400, "InvalidDuplicateRow", message)
        except StorageError as error:
            raise BatchError(place, error, part.headers.get("content-id", "")) from None
        seen.add(key)
        steps.append(step)
    return steps


async def run_steps(parts: Parts, steps: Sequence[Step]) -> Response:
    """Write what a change set asks for, all or none; raises `BatchError`."""
    name = steps[0].name
    numbers = parts.ids.sequences(len(steps))
    writes = [
        Write(name, number, step.write.locate, step.write.change) for step, number in zip(steps, numbers, strict=True)
    ]
    try:
        table, written = await parts.store.run(_run, name, writes)
    except RefusedError as refused:
        for place, error in enumerate(refused.refusals):
            if isinstance(error, StorageError):
                raise BatchError(place, error, steps[place].content_id) from None
        raise
    answers = [_answer(step, table, each) for step, each in zip(steps, written, strict=True)]
    return write_parts(parts.ids.uuid(), answers)


async def _run(tx: Tx, now_us: int, name: Name, writes: Sequence[Write]) -> tuple[str, list[Written]]:
    collection = await collections.find(tx, now_us, name)
    outcome = await transactions.write(tx, now_us, writes, StorageError, 1 << 40)
    return collection.config.labels[NAME], outcome.written


def _answer(step: Step, table: str, written: Written) -> tuple[str, Response]:
    headers = written_headers(step.call, table, step.write, written)
    if step.write.kind != INSERT or prefers_nothing(step.call):
        return step.content_id, Response(204, [*headers, *(preferred(step.call) if step.write.kind == INSERT else ())])
    assert written.after is not None
    frame = read_frame(step.call)
    shown = {"odata.metadata": f"{frame.root}/$metadata#{table}/@Element"} if frame.level != "nometadata" else {}
    shown |= show_entity(frame, table, written.after)
    content = f"application/json;odata={frame.level};streaming=true;charset=utf-8".encode()
    return step.content_id, Response(201, [(b"Content-Type", content), *headers], msgspec.json.encode(shown))
