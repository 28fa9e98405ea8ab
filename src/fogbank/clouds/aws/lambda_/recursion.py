"""Functions that are invoked over and over by what they themselves cause: how that is noticed, and what is done.

AWS Lambda Developer Guide, "Use Lambda recursive loop detection to prevent infinite loops", and RecursiveInvocations-
Dropped in "Types of metrics for Lambda functions": the trace header says how often each function has been invoked in
a chain of requests; after about 16 times the next one is dropped. The header goes with SDKs' requests out of
functions, with messages of queues and topics, and comes back with events. AWS X-Ray Developer Guide, "Tracing
header": `Root=…;Parent=…;Sampled=…;Lineage=a87bd80c:1|68fd508a:5`.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.clouds.aws.api import TRACE_ID, Call, Input, Reply, operation
from fogbank.clouds.aws.lambda_.finding import find, lock
from fogbank.clouds.aws.lambda_.names import FunctionName, read_unqualified
from fogbank.clouds.aws.sqs.content import TRACE
from fogbank.connectors.invoker import LoopError
from fogbank.engines.functions import functions
from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fogbank.clouds.aws.lambda_.service import Lambda
    from fogbank.engines.functions.model import Function
    from fogbank.engines.messaging.model import Received
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Tx

PASSES_MAX: Final = 16
# Of a chain through more functions than these, those that came first are forgotten.
FUNCTIONS_MAX: Final = 32
_COUNT_MAX: Final = 99_999


class PutFunctionRecursionConfig(Input):
    """Input of PutFunctionRecursionConfig."""

    FunctionName: str
    RecursiveLoop: str


@operation(PutFunctionRecursionConfig)
async def put_function_recursion_config(lambda_: Lambda, call: Call, request: PutFunctionRecursionConfig) -> Reply:
    """Say whether a function may run in a loop."""
    name = read_unqualified(call, request.FunctionName)
    await lambda_.store.run(_set_loops, name, request.RecursiveLoop == "Allow")
    return {"RecursiveLoop": request.RecursiveLoop}


class GetFunctionRecursionConfig(Input):
    """Input of GetFunctionRecursionConfig."""

    FunctionName: str


@operation(GetFunctionRecursionConfig)
async def get_function_recursion_config(lambda_: Lambda, call: Call, request: GetFunctionRecursionConfig) -> Reply:
    """Return whether a function may run in a loop."""
    function = await find(lambda_, read_unqualified(call, request.FunctionName))
    return {"RecursiveLoop": "Allow" if function.config.loops else "Terminate"}


async def _set_loops(tx: Tx, now_us: int, name: FunctionName, loops: bool) -> None:
    await lock(tx, now_us, name)
    await functions.set_facts(tx, now_us, name.key, lambda config: msgspec.structs.replace(config, loops=loops))


def follow(function: Function, context: Mapping[str, str], now_us: int, ids: Ids) -> dict[str, str]:
    """Return an invocation's context with the trace header that the function gets; raises `LoopError`."""
    fields = _fields(context.get(TRACE_ID, ""))
    lineage = _lineage(fields)
    mark = _mark(function.scope, function.name)
    count = lineage.pop(mark, 0)
    if count >= PASSES_MAX and not function.config.loops:
        raise LoopError
    lineage[mark] = min(count + 1, _COUNT_MAX)
    root = fields.get("Root") or f"1-{now_us // SECOND_US:08x}-{ids.hex(12)}"
    header = _written(root, ids.hex(8), fields.get("Sampled", "0"), lineage)
    return {**context, TRACE_ID: header}


def context_of(batch: Iterable[Received]) -> dict[str, str]:
    """Return what a batch of messages brings into an invocation's context: the first trace, all that was passed."""
    headers = [header for received in batch if (header := received.message.system.get(TRACE))]
    if not headers:
        return {}
    if len(headers) == 1:
        return {TRACE_ID: headers[0]}
    first = _fields(headers[0])
    merged: dict[str, int] = {}
    for header in headers:
        for mark, count in _lineage(_fields(header)).items():
            merged[mark] = max(count, merged.get(mark, 0))
    return {TRACE_ID: _written(first.get("Root", ""), first.get("Parent", ""), first.get("Sampled", "0"), merged)}


def _written(root: str, parent: str, sampled: str, lineage: Mapping[str, int]) -> str:
    passed = "|".join(f"{mark}:{count}" for mark, count in list(lineage.items())[-FUNCTIONS_MAX:])
    fields = {"Root": root, "Parent": parent, "Sampled": sampled, "Lineage": passed}
    return ";".join(f"{name}={value}" for name, value in fields.items() if value)


def _fields(header: str) -> dict[str, str]:
    return {name: value for field in header.split(";") for name, equals, value in [field.partition("=")] if equals}


def _lineage(fields: Mapping[str, str]) -> dict[str, int]:
    """Return how often each function was passed, those that were passed last at the end."""
    found = {}
    for entry in fields.get("Lineage", "").split("|"):
        mark, _, count = entry.rpartition(":")
        if mark and count.isascii() and count.isdecimal():
            found[mark] = min(int(count), _COUNT_MAX) if len(count) <= len(str(_COUNT_MAX)) else _COUNT_MAX
    return found


@lru_cache(maxsize=1024)
def _mark(scope: str, name: str) -> str:
    """Return what stands for a function in lineages."""
    return sha256(f"{scope}/{name}".encode()).hexdigest()[:8]


OPERATIONS: Final = (get_function_recursion_config, put_function_recursion_config)
