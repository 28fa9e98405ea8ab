"""How much of a function may run at once, and how much of it is kept ready.

AWS Lambda Developer Guide, "Understanding Lambda function scaling", "Configuring reserved concurrency for a
function" and "Configuring provisioned concurrency for a function"; an account's limit is AWS's default of 1,000.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.lambda_.configuration import ZIP_BYTES_MAX, modified, snapshotted
from fogbank.clouds.aws.lambda_.errors import conflict, invalid, no_such_function
from fogbank.clouds.aws.lambda_.finding import PAGE_MAX, find, find_version, lock, read_marker, renew_instances
from fogbank.clouds.aws.lambda_.names import LATEST, FunctionName, read_name, read_unqualified
from fogbank.clouds.aws.paging import write_token
from fogbank.engines.functions import aliases, facts, functions, totals, versions
from fogbank.engines.functions.errors import AliasNotFoundError, FunctionNotFoundError
from fogbank.engines.functions.versions import FACTS_MAX, PROVISIONED
from fogbank.runtimes.code import UNPACKED_BYTES_MAX
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from fogbank.clouds.aws.lambda_.service import Lambda
    from fogbank.engines.functions.facts import Fact
    from fogbank.engines.functions.model import Function
    from fogbank.storage import Tx

ACCOUNT_MAX: Final = 1_000
UNRESERVED_MIN: Final = 100
STORED_BYTES_MAX: Final = 80_530_636_800
_BELOW_MINIMUM: Final = (
    "Specified {} for function decreases account's UnreservedConcurrentExecution below its minimum value of"
    f" [{UNRESERVED_MIN}]."
)


class PutFunctionConcurrency(Input):
    """Input of PutFunctionConcurrency."""

    FunctionName: str
    ReservedConcurrentExecutions: int


@operation(PutFunctionConcurrency)
async def put_function_concurrency(lambda_: Lambda, call: Call, request: PutFunctionConcurrency) -> Reply:
    """Reserve a share of the account's concurrency for a function, which is also all that it gets."""
    name = read_unqualified(call, request.FunctionName)
    await _reserve(lambda_, name, request.ReservedConcurrentExecutions)
    return {"ReservedConcurrentExecutions": request.ReservedConcurrentExecutions}


class GetFunctionConcurrency(Input):
    """Input of GetFunctionConcurrency."""

    FunctionName: str


@operation(GetFunctionConcurrency)
async def get_function_concurrency(lambda_: Lambda, call: Call, request: GetFunctionConcurrency) -> Reply:
    """Return what is reserved for a function; nothing is an empty reply."""
    function = await find(lambda_, read_unqualified(call, request.FunctionName))
    return {"ReservedConcurrentExecutions": function.config.concurrency_max}


class DeleteFunctionConcurrency(Input):
    """Input of DeleteFunctionConcurrency."""

    FunctionName: str


@operation(DeleteFunctionConcurrency)
async def delete_function_concurrency(lambda_: Lambda, call: Call, request: DeleteFunctionConcurrency) -> Reply:
    """Let a function share what is reserved for nobody."""
    await _reserve(lambda_, read_unqualified(call, request.FunctionName), None)
    return None


class GetAccountSettings(Input):
    """Input of GetAccountSettings."""


@operation(GetAccountSettings)
async def get_account_settings(lambda_: Lambda, call: Call, _request: GetAccountSettings) -> Reply:
    """Return the account's limits and what it uses of them."""
    used = await lambda_.store.scan(totals.of_scope, call.scope)
    return {
        "AccountLimit": {
            "TotalCodeSize": STORED_BYTES_MAX,
            "CodeSizeUnzipped": UNPACKED_BYTES_MAX,
            "CodeSizeZipped": ZIP_BYTES_MAX,
            "ConcurrentExecutions": ACCOUNT_MAX,
            "UnreservedConcurrentExecutions": ACCOUNT_MAX - used.reserved,
        },
        "AccountUsage": {"TotalCodeSize": used.code_bytes, "FunctionCount": used.functions},
    }


class PutProvisionedConcurrencyConfig(Input):
    """Input of PutProvisionedConcurrencyConfig."""

    FunctionName: str
    Qualifier: str
    ProvisionedConcurrentExecutions: int


@operation(PutProvisionedConcurrencyConfig)
async def put_provisioned_concurrency_config(
    lambda_: Lambda, call: Call, request: PutProvisionedConcurrencyConfig
) -> Reply:
    """Keep instances of a version or alias ready."""
    name = read_name(call, request.FunctionName, request.Qualifier)
    if not name.target:
        raise invalid("Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
    count = request.ProvisionedConcurrentExecutions
    fact = await lambda_.store.run(_provision, name, lambda_.ids.sequence(), count)
    await renew_instances(lambda_, name)
    return {
        "RequestedProvisionedConcurrentExecutions": count,
        "AvailableProvisionedConcurrentExecutions": 0,
        "AllocatedProvisionedConcurrentExecutions": 0,
        "Status": "IN_PROGRESS",
        "LastModified": modified(fact.modified_us),
    }


class GetProvisionedConcurrencyConfig(Input):
    """Input of GetProvisionedConcurrencyConfig."""

    FunctionName: str
    Qualifier: str


@operation(GetProvisionedConcurrencyConfig)
async def get_provisioned_concurrency_config(
    lambda_: Lambda, call: Call, request: GetProvisionedConcurrencyConfig
) -> Reply:
    """Return how many instances of a version or alias are kept ready."""
    name = read_name(call, request.FunctionName, request.Qualifier)
    _check_published(name)
    function = await find_version(lambda_, name)
    fact = await lambda_.store.read(facts.find, function.root, PROVISIONED, name.target)
    if fact is None:
        raise _none_provisioned()
    return await _show(lambda_, name, function, fact)


class DeleteProvisionedConcurrencyConfig(Input):
    """Input of DeleteProvisionedConcurrencyConfig."""

    FunctionName: str
    Qualifier: str


@operation(DeleteProvisionedConcurrencyConfig)
async def delete_provisioned_concurrency_config(
    lambda_: Lambda, call: Call, request: DeleteProvisionedConcurrencyConfig
) -> Reply:
    """Keep no instances of a version or alias any longer; nothing that was kept is nothing to say."""
    name = read_name(call, request.FunctionName, request.Qualifier)
    _check_published(name)
    function = await find_version(lambda_, name)
    await lambda_.store.run(
        facts.change, function.root, PROVISIONED, name.target, lambda_.ids.sequence(), lambda _: None
    )
    await renew_instances(lambda_, name)
    return None


class ListProvisionedConcurrencyConfigs(Input):
    """Input of ListProvisionedConcurrencyConfigs."""

    FunctionName: str
    Marker: str | None = None
    MaxItems: int | None = None


@operation(ListProvisionedConcurrencyConfigs)
async def list_provisioned_concurrency_configs(
    lambda_: Lambda, call: Call, request: ListProvisionedConcurrencyConfigs
) -> Reply:
    """List the versions and aliases of a function that are kept ready."""
    name = read_unqualified(call, request.FunctionName)
    function = await find(lambda_, name)
    limit = min(request.MaxItems or PAGE_MAX, PAGE_MAX)
    after = read_marker(request.Marker, str, None)
    found = await lambda_.store.read(facts.list_facts, function.id, PROVISIONED, after, limit + 1)
    shown = [
        {"FunctionArn": f"{name.arn}:{fact.qualifier}", **await _show(lambda_, name, function, fact)}
        for fact in found[:limit]
    ]
    reply: dict[str, Any] = {"ProvisionedConcurrencyConfigs": shown}
    if len(found) > limit:
        reply["NextMarker"] = write_token(found[limit - 1].qualifier)
    return reply


async def _reserve(lambda_: Lambda, name: FunctionName, count: int | None) -> None:
    await lambda_.store.run(_set_reserved, name, count)
    await renew_instances(lambda_, name)


async def _set_reserved(tx: Tx, now_us: int, name: FunctionName, count: int | None) -> None:
    function = await lock(tx, now_us, name)
    if count is not None:
        used = await totals.of_scope(tx, now_us, name.key[0], without=name.name)
        if ACCOUNT_MAX - used.reserved - count < UNRESERVED_MIN:
            raise invalid(_BELOW_MINIMUM.format("ReservedConcurrentExecutions"))
        ready = await _provisioned(tx, now_us, function)
        if count < sum(ready.values()):
            raise invalid(
                f"ReservedConcurrentExecutions  {count} should not be lower than function's total provisioned"
                f" concurrency [{sum(ready.values())}]."
            )
    await functions.set_facts(
        tx, now_us, name.key, lambda config: msgspec.structs.replace(config, concurrency_max=count)
    )


async def _provision(tx: Tx, now_us: int, name: FunctionName, revision: int, count: int) -> Fact:
    number = await lock(tx, now_us, name)
    try:
        version = await versions.find(tx, now_us, name.key, name.target)
    except FunctionNotFoundError:
        raise no_such_function(name.qualified_arn) from None
    if not version.version:
        raise invalid("Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
    ready = await _provisioned(tx, now_us, number)
    ready.pop(name.target, None)
    await _check_overlap(tx, now_us, number, name.target, version.version, ready)
    if snapshotted(version.config):
        raise invalid("Provisioned Concurrency is not supported for SnapStart enabled functions.")
    total = sum(ready.values()) + count
    reserved = version.config.concurrency_max
    if reserved is not None:
        if total > reserved:
            raise invalid(
                "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for"
                " function"
            )
    else:
        unreserved = ACCOUNT_MAX - (await totals.of_scope(tx, now_us, name.key[0], without=name.name)).reserved
        if total > unreserved:
            raise invalid(
                "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency"
                f" [{unreserved}]."
            )
        if unreserved - total < UNRESERVED_MIN:
            raise invalid(_BELOW_MINIMUM.format("ConcurrentExecutions"))
    value = msgspec.msgpack.encode(count)
    fact = await facts.change(tx, now_us, number, PROVISIONED, name.target, revision, lambda _: value)
    assert fact is not None
    return fact


async def _check_overlap(
    tx: Tx, now_us: int, function: int, qualifier: str, version: str, ready: dict[str, int]
) -> None:
    """Refuse to keep a version ready both by its number and by an alias."""
    if qualifier != version:
        if version in ready:
            raise conflict(
                "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version"
            )
        return
    for other in ready:
        if not other.isdecimal():
            try:
                alias = await aliases.find(tx, now_us, function, other)
            except AliasNotFoundError:
                continue
            if version == alias.config.version or version in alias.config.weights:
                raise conflict("Version is pointed by a Provisioned Concurrency alias")


async def _provisioned(tx: Tx, now_us: int, function: int) -> dict[str, int]:
    found = await facts.list_facts(tx, now_us, function, PROVISIONED, None, FACTS_MAX)
    return {fact.qualifier: msgspec.msgpack.decode(fact.value, type=int) for fact in found}


def _check_published(name: FunctionName) -> None:
    if name.qualifier == LATEST:
        raise invalid("The function resource provided must be an alias or a published version.")


def _none_provisioned() -> AwsError:
    message = "No Provisioned Concurrency Config found for this function"
    return AwsError("ProvisionedConcurrencyConfigNotFoundException", message, 404)


async def _show(lambda_: Lambda, name: FunctionName, function: Function, fact: Fact) -> dict[str, Any]:
    """Return what is kept ready, and how far that has come ("ProvisionedConcurrencyConfigListItem")."""
    count = msgspec.msgpack.decode(fact.value, type=int)
    kept = await lambda_.store.read(_kept_for, name, function.root, fact.qualifier)
    found = [(version.instances_min, lambda_.invoker.prepared(version)) for version in kept]
    missing = sum(max(0, wanted - prepared.ready) for wanted, prepared in found)
    shown: dict[str, Any] = {
        "RequestedProvisionedConcurrentExecutions": count,
        "AvailableProvisionedConcurrentExecutions": max(0, count - missing),
        "AllocatedProvisionedConcurrentExecutions": max(0, count - missing),
        "Status": "IN_PROGRESS" if missing else "READY",
        "LastModified": modified(fact.modified_us),
    }
    if missing and any(prepared.failed for _, prepared in found):
        shown |= {"Status": "FAILED", "StatusReason": "FUNCTION_ERROR_INIT_FAILURE"}
    return shown


async def _kept_for(tx: Tx, now_us: int, name: FunctionName, function: int, qualifier: str) -> list[Function]:
    """Return the versions that are kept ready for the sake of one of them, or of an alias."""
    numbers = {qualifier}
    try:
        if not qualifier.isdecimal():
            alias = await aliases.find(tx, now_us, function, qualifier)
            numbers = {alias.config.version, *alias.config.weights}
        return [await versions.find(tx, now_us, name.key, number) for number in sorted(numbers)]
    except (AliasNotFoundError, FunctionNotFoundError):
        # Deleted since it was found.
        return []


OPERATIONS: Final = (
    delete_function_concurrency,
    delete_provisioned_concurrency_config,
    get_account_settings,
    get_function_concurrency,
    get_provisioned_concurrency_config,
    list_provisioned_concurrency_configs,
    put_function_concurrency,
    put_provisioned_concurrency_config,
)
