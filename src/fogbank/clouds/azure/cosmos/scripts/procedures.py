"""Stored procedures, executed.

"REST: Execute stored procedure" (https://learn.microsoft.com/rest/api/cosmos-db/execute-a-stored-procedure): the body
of the request is a list of arguments, that of the reply what the procedure has set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.clouds.azure.cosmos.calls import decode_json, json_response
from fogbank.clouds.azure.cosmos.errors import bad_request
from fogbank.clouds.azure.cosmos.items.items import RID
from fogbank.clouds.azure.cosmos.items.keys import PARTITION_KEY, check_levels, read_levels
from fogbank.clouds.azure.cosmos.items.shown import charged, session_headers
from fogbank.clouds.azure.cosmos.items.writing import check_rid
from fogbank.clouds.azure.cosmos.scripts.definitions import SPROCS
from fogbank.clouds.azure.cosmos.scripts.transactions import Transaction, find_script, log_headers, transact

if TYPE_CHECKING:
    from fogbank.clouds.azure.cosmos.calls import CosmosCall
    from fogbank.clouds.azure.cosmos.items.keys import Levels
    from fogbank.clouds.azure.cosmos.resources.definitions import Layout
    from fogbank.clouds.azure.cosmos.scripts.running import Outcome
    from fogbank.clouds.azure.parts import Parts
    from fogbank.wire.http import Response


async def execute(parts: Parts, call: CosmosCall) -> Response:
    """Execute a stored procedure."""
    data = await call.read_body()
    arguments = decode_json(data) if data else []
    if not isinstance(arguments, list):
        raise bad_request("The arguments of a stored procedure must be a list.")
    given = read_levels(call.header(PARTITION_KEY))
    script = await find_script(parts, call, SPROCS, call.path[5])
    request = {"body": arguments, "values": {}, "operationType": "ExecuteJavaScript"}
    settings = {"request": request, "response": {"body": "", "values": {}, "operationType": "ExecuteJavaScript"}}

    def levels(layout: Layout) -> Levels:
        check_rid(layout, call.header(RID))
        return check_levels(given, layout.levels)

    async def work(transaction: Transaction) -> Outcome:
        return await transaction.run(str(script.fields["body"]), arguments, settings)

    outcome, draft = await transact(parts, call, levels, work)
    headers = [*session_headers(draft.last), charged(1 + draft.charge), *log_headers(call, [outcome.log])]
    return json_response(200, draft.settled(outcome.response), headers)
