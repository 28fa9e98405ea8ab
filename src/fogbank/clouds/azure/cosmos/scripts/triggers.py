"""Writes of items with triggers: scripts before and after them, in the transaction of the write.

"How to use triggers" (https://learn.microsoft.com/azure/cosmos-db/nosql/how-to-use-stored-procedures-triggers-udfs):
a request names its triggers, one of each type; a trigger of another operation isn't permitted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.azure.cosmos.calls import decode_json
from fogbank.clouds.azure.cosmos.errors import bad_request, unsupported
from fogbank.clouds.azure.cosmos.items import items
from fogbank.clouds.azure.cosmos.items.keys import check_levels, levels_of, match
from fogbank.clouds.azure.cosmos.items.shown import show_item
from fogbank.clouds.azure.cosmos.items.writing import check_rid, read_item
from fogbank.clouds.azure.cosmos.queries.requests import is_query
from fogbank.clouds.azure.cosmos.scripts.definitions import TRIGGERS
from fogbank.clouds.azure.cosmos.scripts.transactions import Transaction, find_script, log_headers, transact

if TYPE_CHECKING:
    from fogbank.clouds.azure.cosmos.calls import CosmosCall
    from fogbank.clouds.azure.cosmos.items.keys import Levels
    from fogbank.clouds.azure.cosmos.items.writing import ItemWrite
    from fogbank.clouds.azure.cosmos.resources.definitions import Layout
    from fogbank.clouds.azure.parts import Parts
    from fogbank.engines.documents.documents import Written
    from fogbank.engines.documents.model import Document
    from fogbank.wire.http import Response

PRE: Final = b"x-ms-documentdb-pre-trigger-include"
POST: Final = b"x-ms-documentdb-post-trigger-include"
# The operations that a trigger may be for, by what a request does.
_OPERATIONS: Final = {
    "create": ("All", "Create"), "upsert": ("All", "Upsert"), "replace": ("All", "Replace", "Update"),
    "delete": ("All", "Delete"),
}  # fmt: skip


async def write_item(parts: Parts, call: CosmosCall) -> Response:
    """Write an item with the triggers that a request names."""
    method, is_many = call.request.method, is_query(call) or call.is_set(b"x-ms-cosmos-is-batch-request")
    if call.path[4:5] != ("docs",) or method not in ("POST", "PUT", "DELETE") or is_many:
        raise unsupported("triggers but for creating, replacing and deleting single items")
    item = await items.read_write(call)
    before = await _find(parts, call, PRE, "Pre", item.kind)
    after = await _find(parts, call, POST, "Post", item.kind)

    def levels(layout: Layout) -> Levels:
        check_rid(layout, item.target.rid)
        return check_levels(item.target.levels, layout.levels)

    async def work(transaction: Transaction) -> tuple[Written, Any, list[str]]:
        return await _write(transaction, item, before, after)

    (written, body, logs), draft = await transact(parts, call, levels, work)
    if written.after is not None:
        written = written._replace(after=draft.numbered(written.after))
    response = items.answer(call, draft.layout, written)
    if body is not None:
        response.body = msgspec.json.encode(draft.settled(body))
    response.headers += log_headers(call, logs)
    return response


async def _find(parts: Parts, call: CosmosCall, header: bytes, kind: str, operation: str) -> Document | None:
    names = [name.strip() for name in call.header(header).split(",") if name.strip()]
    if not names:
        return None
    if len(names) > 1:
        raise bad_request(f"Only one {kind}-trigger can be run with an operation.")
    found = await find_script(parts, call, TRIGGERS, names[0])
    if found.fields["triggerType"] != kind:
        raise bad_request(f"The trigger '{names[0]}' is no {kind}-trigger.")
    wanted = str(found.fields["triggerOperation"])
    if wanted not in _OPERATIONS[operation]:
        message = f"The trigger '{names[0]}' is for the operation {wanted}; it is not permitted for"
        raise bad_request(f"{message} {operation.capitalize()}.")
    return found


async def _write(
    transaction: Transaction, item: ItemWrite, before: Document | None, after: Document | None
) -> tuple[Written, Any, list[str]]:
    """Run a trigger, the write, and another trigger; returns what was written, the body of a reply, and the logs."""
    operation = item.kind.capitalize()
    logs = []
    body = None if item.document is None else dict(item.document.fields)
    request = {"body": body, "values": {}, "operationType": operation}
    if before is not None:
        outcome = await transaction.run(str(before.fields["body"]), (), {"request": request})
        logs.append(outcome.log)
        if item.document is not None:
            item = _changed(item, outcome.request)
            request["body"] = outcome.request
    draft = transaction.draft
    if item.document is not None:
        match(levels_of(item.document.fields, draft.layout.levels), draft.levels)
    written = await draft.write(item.target.identifier, item)
    if after is None:
        return written, None, logs
    shown = None if written.after is None else show_item(draft.layout, written.after)
    response = {"body": shown, "values": {}, "operationType": operation}
    settings = {"request": request, "response": response}
    outcome = await transaction.run(str(after.fields["body"]), (), settings)
    return written, None if outcome.response == shown else outcome.response, [*logs, outcome.log]


def _changed(item: ItemWrite, body: Any) -> ItemWrite:
    """Return a write of what a trigger has made of the item."""
    fields = decode_json(body.encode()) if isinstance(body, str) else body
    document = read_item(fields, len(msgspec.json.encode(fields)))
    identifier = str(document.fields["id"])
    if item.kind == "replace" and identifier != item.target.identifier:
        raise bad_request("The id of an item can't be changed.")
    target = item.target._replace(identifier=identifier, fields=document.fields)
    return item._replace(target=target, document=document)
