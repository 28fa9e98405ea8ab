"""Microsoft.Storage's operations: storage accounts and their keys; every other one is refused by name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.azure.arm.resources import (
    find_operation,
    location_of,
    new_key,
    not_found,
    read_body,
    resource_id,
    scope_of,
    tags_of,
    with_key,
)
from fogbank.clouds.azure.errors import AzureError, bad_request, json_response, unsupported
from fogbank.clouds.azure.storage import accounts
from fogbank.clouds.azure.storage.accounts import DEVELOPMENT, KEY_NAMES, KIND, address_of
from fogbank.engines.documents import collections
from fogbank.engines.identity import keyed_resources
from fogbank.engines.identity.keyed_resources import AddressTakenError, KeyedConfig, KeyedResourceNotFoundError
from fogbank.engines.messaging import queues
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from fogbank.clouds.azure.arm.calls import ArmCall
    from fogbank.clouds.azure.arm.resources import Run
    from fogbank.clouds.azure.parts import Parts
    from fogbank.engines.identity.keyed_resources import KeyedResource
    from fogbank.storage import Tx

PROVIDER: Final = "microsoft.storage"
_TYPE: Final = "Microsoft.Storage/storageAccounts"
_NAME: Final = re.compile(r"[a-z0-9]{3,24}")
_KINDS: Final = frozenset({"StorageV2", "Storage"})
# What has no consequences for queues and tables on one machine is kept and shown.
_PROPERTIES: Final = frozenset({
    "accessTier", "allowBlobPublicAccess", "allowCrossTenantReplication", "allowSharedKeyAccess",
    "defaultToOAuthAuthentication", "minimumTlsVersion", "publicNetworkAccess", "supportsHttpsTrafficOnly",
    "dnsEndpointType", "largeFileSharesState", "provisioningState", "primaryEndpoints", "primaryLocation",
    "statusOfPrimary", "creationTime", "encryption",
})  # fmt: skip
_DELETED_AT_ONCE: Final = 100


async def handle(parts: Parts, call: ArmCall) -> Response:
    """Run the operation that a request asks for, or raise the `AzureError` that it is refused with."""
    return await find_operation(OPERATIONS, call, "Microsoft.Storage")(parts, call)


async def put_account(parts: Parts, call: ArmCall) -> Response:
    """Create an account, or change what is known of it."""
    name = call.path[1]
    kind = call.body.get("kind") if isinstance(call.body, dict) else None
    if not _NAME.fullmatch(name):
        message = (
            f"{name} is not a valid storage account name. Storage account name must be between 3 and 24 characters in"
            " length and use numbers and lower-case letters only."
        )
        raise AzureError(400, "AccountNameInvalid", message)
    body, properties = read_body(call, _PROPERTIES, ("identity",))
    if properties.get("allowSharedKeyAccess") is False:
        raise unsupported("the value false of the property properties.allowSharedKeyAccess")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise unsupported(f"the kind {kind!r}; it must be one of {', '.join(sorted(_KINDS))}")
    sku = body.get("sku") or {}
    if not isinstance(sku, dict) or not isinstance(sku.get("name"), str):
        raise bad_request("The sku must have a name.")
    facts = {
        "group": call.group,
        "kind": kind,
        "sku": sku["name"],
        "location": location_of(body),
        "properties": msgspec.json.encode(properties).decode(),
    }
    keys = {key: new_key(parts.ids) for key in KEY_NAMES}
    try:
        if name == DEVELOPMENT:
            raise AddressTakenError(name)
        config = KeyedConfig(keys, facts, tags_of(body))
        await parts.store.run(keyed_resources.create, address_of(name), KIND, scope_of(call), name, config)
    except AddressTakenError:
        await _known(parts, call)
        tags = tags_of(body)

        def change(config: KeyedConfig) -> KeyedConfig:
            return KeyedConfig(config.keys, {**config.facts, **facts}, tags)

        await parts.store.run(keyed_resources.update, address_of(name), change)
    return json_response(200, _show(call, await _find(parts, call)))


async def _known(parts: Parts, call: ArmCall) -> None:
    try:
        await _find(parts, call)
    except AzureError:
        message = f"The storage account named {call.path[1]} is already taken."
        raise AzureError(409, "StorageAccountAlreadyTaken", message) from None


async def get_account(parts: Parts, call: ArmCall) -> Response:
    """Show an account."""
    return json_response(200, _show(call, await _find(parts, call)))


async def list_accounts(parts: Parts, call: ArmCall) -> Response:
    """List the accounts of a resource group, or of a subscription."""
    found = await parts.store.read(keyed_resources.list_resources, KIND, scope_of(call))
    mine = [each for each in found if not call.group or each.scope == scope_of(call)]
    return json_response(200, {"value": [_show(call, each) for each in mine]})


async def delete_account(parts: Parts, call: ArmCall) -> Response:
    """Delete an account with its queues and tables."""
    try:
        await _find(parts, call)
    except AzureError:
        return Response(204, [])
    while not await parts.store.run(_delete, call.path[1]):
        pass
    return Response(200, [])


async def _delete(tx: Tx, now_us: int, name: str) -> bool:
    """Delete some of an account's queues and tables, and the account with the last of them."""
    scope = accounts.scope_of(name)
    found = await queues.list_queues(tx, now_us, scope, "", "", _DELETED_AT_ONCE)
    for queue in found:
        await queues.delete(tx, now_us, (queue.scope, queue.name))
    tables = await collections.list_names(tx, now_us, scope, "", _DELETED_AT_ONCE)
    for table in tables:
        await collections.delete(tx, now_us, (scope, table))
    if _DELETED_AT_ONCE in (len(found), len(tables)):
        return False
    await keyed_resources.delete(tx, now_us, address_of(name))
    return True


async def list_keys(parts: Parts, call: ArmCall) -> Response:
    """Show an account's keys."""
    return json_response(200, _keys(await _find(parts, call)))


async def regenerate_key(parts: Parts, call: ArmCall) -> Response:
    """Replace one of an account's keys."""
    await _find(parts, call)
    name = call.body.get("keyName") if isinstance(call.body, dict) else None
    if name not in KEY_NAMES:
        raise bad_request(f"The keyName must be one of {', '.join(KEY_NAMES)}.")
    key = new_key(parts.ids)
    address = address_of(call.path[1])
    changed = await parts.store.run(keyed_resources.update, address, lambda config: with_key(config, name, key))
    return json_response(200, _keys(changed))


async def _find(parts: Parts, call: ArmCall) -> KeyedResource:
    try:
        if not _NAME.fullmatch(call.path[1]):
            raise KeyedResourceNotFoundError(call.path[1])
        return await parts.store.read(keyed_resources.find, KIND, scope_of(call), call.path[1])
    except KeyedResourceNotFoundError:
        raise not_found(call, _TYPE, call.path[1]) from None


def _keys(account: KeyedResource) -> dict[str, Any]:
    keys = [{"keyName": name, "value": value, "permissions": "FULL"} for name, value in account.config.keys.items()]
    return {"keys": keys}


def _show(call: ArmCall, account: KeyedResource) -> dict[str, Any]:
    facts = account.config.facts
    sku = facts["sku"]
    return {
        "id": resource_id(account.scope, facts["group"], _TYPE, account.name),
        "name": account.name,
        "type": _TYPE,
        "location": facts["location"],
        "kind": facts["kind"],
        "sku": {"name": sku, "tier": sku.partition("_")[0]},
        "tags": account.config.tags,
        "properties": {
            **msgspec.json.decode(facts["properties"]),
            "provisioningState": "Succeeded",
            "primaryLocation": facts["location"],
            "statusOfPrimary": "available",
            "primaryEndpoints": dict.fromkeys(("queue", "table"), f"{call.scheme}://{call.host}/{account.name}/"),
        },
    }


OPERATIONS: Final[dict[tuple[str, str], Run]] = {
    ("GET", "storageaccounts"): list_accounts,
    ("GET", "storageaccounts/"): get_account,
    ("PUT", "storageaccounts/"): put_account,
    ("DELETE", "storageaccounts/"): delete_account,
    ("POST", "storageaccounts//listkeys"): list_keys,
    ("POST", "storageaccounts//regeneratekey"): regenerate_key,
}
