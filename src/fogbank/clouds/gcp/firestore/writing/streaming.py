"""The Write stream, on which clients that keep a queue of writes send one batch after another.

google/firestore/v1/firestore.proto, `Write`: the first request opens the stream; each later one has the newest token
that the client knows, and is a commit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp.firestore.names import read_database
from fogbank.clouds.gcp.firestore.rules.guarding import guard_of
from fogbank.clouds.gcp.firestore.service import invalid, set_time
from fogbank.clouds.gcp.firestore.writing.commits import commit_writes, show_results

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fogbank.clouds.gcp.firestore.service import Firestore
    from fogbank.wire.grpc.service import Call

_TOKEN_BYTES: Final = 8


async def write(firestore: Firestore, call: Call, requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """Make writes as they come; the first batch that fails ends the stream."""
    first = await anext(requests, None)
    if first is None:
        return
    database = read_database(first.database)
    if first.writes:
        raise invalid("The first request of a write stream has no writes.")
    if first.stream_id:
        raise invalid("Fogbank doesn't resume write streams: open a new one without stream_id.")
    guard = guard_of(firestore, call, database)
    response = firestore.message("WriteResponse")
    token = 1
    yield response(stream_id=firestore.ids.hex(_TOKEN_BYTES), stream_token=_token(token))
    async for request in requests:
        if request.database and request.database != first.database:
            raise invalid("A stream writes to one database.")
        answer = response()
        planned, done = await commit_writes(firestore, database, request.writes, guard)
        show_results(answer, planned, done)
        set_time(answer.commit_time, done.time_us)
        token += 1
        answer.stream_token = _token(token)
        yield answer


def _token(number: int) -> bytes:
    return number.to_bytes(_TOKEN_BYTES, "big")
