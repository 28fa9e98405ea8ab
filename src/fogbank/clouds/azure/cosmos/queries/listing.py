"""Lists of what is no item: databases, containers, offers. Queries run over all of them; pages are counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fogbank.clouds.azure.cosmos.errors import bad_request, query_refused
from fogbank.clouds.azure.cosmos.items.shown import charged, feed_response
from fogbank.clouds.azure.cosmos.queries.requests import CONTINUATION, everything, page_size, read_query
from fogbank.languages.cosmos_sql.errors import QueryError
from fogbank.languages.cosmos_sql.running import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.clouds.azure.cosmos.calls import CosmosCall
    from fogbank.wire.http import Response


async def answer_list(call: CosmosCall, kind: str, rid: str, resources: Sequence[dict[str, Any]]) -> Response:
    """Answer with a page of resources, or of what a query makes of them; `kind` is the name of the list."""
    query = everything(call) if call.request.method == "GET" else await read_query(call)
    try:
        found = query.program.run(({**query.parameters, ROOT: each} for each in resources), query.parameters)
    except QueryError as error:
        raise query_refused(error) from None
    given = call.header(CONTINUATION)
    if given and not given.isdigit():
        raise bad_request("The continuation token is invalid.")
    start = int(given or 0)
    end = start + page_size(call)
    headers = [charged(2)]
    if end < len(found):
        headers.append((CONTINUATION, str(end).encode()))
    return feed_response(kind, rid, found[start:end], headers)
