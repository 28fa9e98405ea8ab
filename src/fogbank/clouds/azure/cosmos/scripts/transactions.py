"""Requests with scripts in them, as transactions: run again where something came between, all or nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar
from urllib.parse import quote

from fogbank.clouds.azure.cosmos.errors import CosmosError, not_found
from fogbank.clouds.azure.cosmos.resources.definitions import layout_of
from fogbank.clouds.azure.cosmos.scripts import definitions
from fogbank.clouds.azure.cosmos.scripts.definitions import SCRIPTS, Scripts
from fogbank.clouds.azure.cosmos.scripts.drafts import Draft, begin
from fogbank.clouds.azure.cosmos.scripts.functions import SECONDS_MAX, Functions, worker_of_request
from fogbank.clouds.azure.cosmos.scripts.requests import Answering
from fogbank.clouds.azure.cosmos.scripts.running import Script, run_script
from fogbank.languages.javascript.sandbox import Budget

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from fogbank.clouds.azure.cosmos.calls import CosmosCall
    from fogbank.clouds.azure.cosmos.items.keys import Levels
    from fogbank.clouds.azure.cosmos.resources.definitions import Layout
    from fogbank.clouds.azure.cosmos.scripts.running import Outcome
    from fogbank.clouds.azure.parts import Parts
    from fogbank.engines.documents.model import Document
    from fogbank.languages.javascript.sandbox import Worker

T = TypeVar("T")

# So often is a request tried whose items others change meanwhile.
ATTEMPTS_MAX: Final = 10
# It waits up to so long after the first attempt, and twice as long after the second.
PAUSE_SECONDS: Final = 0.005
_CHANGED: Final = (
    "Conflicting request to resource has been attempted. Retry to avoid conflicts."
)  # fmt: skip


class Transaction(NamedTuple):
    """A request's draft, and what runs its scripts."""

    call: CosmosCall
    draft: Draft
    worker: Worker
    budget: Budget
    functions: Functions

    async def run(self, body: str, arguments: Sequence[Any], settings: dict[str, Any]) -> Outcome:
        """Run a script; `settings` are the request and the response that it finds."""
        path = self.call.path
        altlink = f"dbs/{path[1]}/colls/{path[3]}"
        answering = Answering(self.draft, altlink, self.call.now_us, self.worker, self.functions)
        links = {"selfLink": self.draft.layout.link.removesuffix("docs/"), "altLink": altlink}
        logging = self.call.is_set(b"x-ms-documentdb-script-enable-logging")
        script = Script(body, arguments, {**settings, **links, "logging": logging})
        return await run_script(script, answering, self.worker, self.budget, self.call.now_us)


async def transact(
    parts: Parts,
    call: CosmosCall,
    levels: Callable[[Layout], Levels],
    work: Callable[[Transaction], Awaitable[T]],
) -> tuple[T, Draft]:
    """Do work within a logical partition, all or nothing; returns its result, and what has become of the draft."""
    for attempt in range(1, ATTEMPTS_MAX + 1):
        collection, base = await parts.store.read(begin, call.container)
        draft = Draft(parts, collection, base, levels(layout_of(collection.config)), call.now_us)
        with worker_of_request() as worker:
            budget = Budget(SECONDS_MAX)
            functions = Functions(parts.store, call.container, budget, call.now_us)
            try:
                found = await work(Transaction(call, draft, worker, budget, functions))
            except CosmosError:
                # What it has read in several steps may never have been so at once.
                if await draft.is_current():
                    raise
            else:
                if await draft.commit():
                    return found, draft
            finally:
                await worker.run(functions.close)
        await asyncio.sleep(parts.ids.jitter(0, attempt * PAUSE_SECONDS))
    raise CosmosError(449, _CHANGED)


async def find_script(parts: Parts, call: CosmosCall, kind: str, identifier: str) -> Document:
    """Return a script of a request's container, or raise the error for one that isn't there."""
    scripts = Scripts((call.scope, SCRIPTS), call.container, kind)
    _layout, found = await parts.store.read(definitions.find, scripts, identifier)
    if found is None:
        raise not_found()
    return found


def log_headers(call: CosmosCall, logs: Sequence[str]) -> list[tuple[bytes, bytes]]:
    """Return the header that has what scripts have logged, if the client wants it."""
    if not call.is_set(b"x-ms-documentdb-script-enable-logging"):
        return []
    return [(b"x-ms-documentdb-script-log-results", quote("\n".join(filter(None, logs))).encode())]
