"""User-defined functions, and queries that call them.

"User-defined functions" (https://learn.microsoft.com/azure/cosmos-db/nosql/query/udfs). What a query calls runs on a
thread beside the server, on items that were read before; all calls of a query have one budget of processor time.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.azure.cosmos.errors import CosmosError, bad_request, query_refused, too_many_requests
from fogbank.clouds.azure.cosmos.items.shown import show_item
from fogbank.clouds.azure.cosmos.queries.continuations import Position
from fogbank.clouds.azure.cosmos.queries.running import Request, Results, page_of, read_some
from fogbank.clouds.azure.cosmos.scripts import definitions
from fogbank.clouds.azure.cosmos.scripts.definitions import SCRIPTS, UDFS, Scripts
from fogbank.languages.cosmos_sql.compiling import FUNCTIONS
from fogbank.languages.cosmos_sql.errors import QueryError
from fogbank.languages.cosmos_sql.running import ROOT
from fogbank.languages.cosmos_sql.values import UNDEFINED
from fogbank.languages.javascript import sandbox
from fogbank.languages.javascript.sandbox import Budget, Sandbox, ScriptError, ScriptTimeoutError, TooManyScriptsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from fogbank.clouds.azure.cosmos.queries.requests import Query
    from fogbank.clouds.azure.cosmos.resources.definitions import Layout
    from fogbank.engines.documents.model import Document, Name
    from fogbank.languages.cosmos_sql.values import Value
    from fogbank.languages.javascript.sandbox import Worker
    from fogbank.storage import Store

# "Azure Cosmos DB service quotas": the most that a script may take, in seconds.
SECONDS_MAX: Final = 5.0
# So many items may a query look at that calls functions.
LOOKED_AT_MAX: Final = 100_000
# Undefined arguments are told by their places; an undefined result is no text.
_CALL: Final = """
((run, text, missing) => {
    const given = JSON.parse(text);
    for (const place of JSON.parse(missing)) given[place] = undefined;
    return JSON.stringify(run(...given));
})
"""


class Functions:
    """The functions of a container, for one query or one script. What calls them does so on one worker's thread."""

    def __init__(self, store: Store, container: Name, budget: Budget, now_us: int) -> None:
        self._store = store
        self._scripts = Scripts((container[0], SCRIPTS), container, UDFS)
        self._budget = budget
        self._now_us = now_us
        self._bodies: dict[str, str] = {}
        self._loaded: dict[str, Any] = {}
        self._sandbox: Sandbox | None = None
        self._run: Any = None

    async def prepare(self, names: Iterable[str]) -> None:
        """Have functions ready to be called, or raise the error for one that isn't there."""
        for name in sorted(set(names) - self._bodies.keys()):
            _layout, found = await self._store.read(definitions.find, self._scripts, name)
            if found is None:
                raise bad_request(f"The user-defined function '{name}' is not registered in the container.")
            self._bodies[name] = str(found.fields["body"])

    def call(self, name: str, arguments: Sequence[Value]) -> Value:
        """Return what a function makes of its arguments."""
        missing = [place for place, each in enumerate(arguments) if each is UNDEFINED]
        given = msgspec.json.encode([None if each is UNDEFINED else each for each in arguments]).decode()
        try:
            if self._sandbox is None:
                self._sandbox = Sandbox(self._budget, self._now_us)
                self._run = self._sandbox.load(_CALL)
            if name not in self._loaded:
                self._loaded[name] = self._sandbox.load_function(self._bodies[name])
            found = self._sandbox.call(self._run, self._loaded[name], given, str(missing))
        except ScriptTimeoutError:
            raise timed_out() from None
        except ScriptError as error:
            raise failed(str(error)) from None
        return msgspec.json.decode(found) if isinstance(found, str) else UNDEFINED

    def gather(self, query: Query, layout: Layout, found: Sequence[Document]) -> list[Value]:
        """Return the results of a query over items; those that need no function may be run here, too."""
        base = {**query.parameters, FUNCTIONS: self.call}
        try:
            return query.program.run(({**base, ROOT: show_item(layout, each)} for each in found), base)
        except QueryError as error:
            raise query_refused(error) from None

    def close(self) -> None:
        """Let go of the world that they were called in; to be done on its thread, too."""
        self._loaded.clear()
        self._run = self._sandbox = None


def timed_out() -> CosmosError:
    """A script has taken too long."""
    message = f"The script execution did not complete within the allotted time of {SECONDS_MAX:g} seconds."
    return CosmosError(408, message)


def failed(what: str) -> CosmosError:
    """A script has thrown something."""
    return bad_request(f"Encountered exception while executing Javascript. Exception = {what}")


async def run_query(store: Store, now_us: int, request: Request, layout: Layout) -> Results:
    """Return a page of the results of a query that calls functions."""
    functions = Functions(store, request.name, Budget(SECONDS_MAX), now_us)
    await functions.prepare(request.query.program.functions)
    found: list[Document] = []
    rest: Position | None = Position(request.position.query)
    while rest is not None:
        some, rest = await store.scan(read_some, request._replace(position=rest))
        found += some
        if len(found) > LOOKED_AT_MAX:
            raise CosmosError(413, f"A query that calls functions may look at {LOOKED_AT_MAX} items at the most.")
    with worker_of_request() as worker:
        try:
            results = await worker.run(functions.gather, request.query, layout, found)
        finally:
            await worker.run(functions.close)
    return page_of(request, layout, results, len(found))


@contextmanager
def worker_of_request() -> Iterator[Worker]:
    """Have a thread for a request's scripts, or raise the error for when there are too many."""
    try:
        with sandbox.reserved() as worker:
            yield worker
    except TooManyScriptsError:
        raise too_many_requests() from None
