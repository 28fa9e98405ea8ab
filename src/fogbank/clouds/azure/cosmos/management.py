"""Accounts in Azure Resource Manager: `Microsoft.DocumentDB/databaseAccounts`, their keys and connection strings.

"Azure Cosmos DB resource provider REST API, Database accounts"
(https://learn.microsoft.com/rest/api/cosmos-db-resource-provider/database-accounts).
"""

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
from fogbank.clouds.azure.cosmos.access import KEY_NAMES, KIND, READONLY_KEY_NAMES
from fogbank.clouds.azure.cosmos.calls import EMULATOR
from fogbank.clouds.azure.cosmos.calls import scope_of as data_of
from fogbank.clouds.azure.cosmos.resources.accounts import BACKUP, CONSISTENCY, LEVEL, LEVELS, address_of
from fogbank.clouds.azure.cosmos.resources.containers import CONTAINERS_MAX
from fogbank.clouds.azure.cosmos.resources.retention import read_backup, settle
from fogbank.clouds.azure.cosmos.tables import management as tables
from fogbank.clouds.azure.cosmos.tables.accounts import CAPABILITY as TABLE
from fogbank.clouds.azure.cosmos.tables.accounts import TABLES, has_tables
from fogbank.clouds.azure.errors import AzureError, bad_request, json_response, unsupported
from fogbank.clouds.azure.gremlin import management as graphs
from fogbank.clouds.azure.tables.resources import cosmos_scope
from fogbank.engines.documents import collections
from fogbank.engines.identity import keyed_resources
from fogbank.engines.identity.keyed_resources import AddressTakenError, KeyedConfig, KeyedResourceNotFoundError
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.clouds.azure.arm.calls import ArmCall
    from fogbank.clouds.azure.arm.resources import Run
    from fogbank.clouds.azure.parts import Parts
    from fogbank.engines.identity.keyed_resources import KeyedResource
    from fogbank.storage import Tx

PROVIDER: Final = "microsoft.documentdb"
_TYPE: Final = "Microsoft.DocumentDB/databaseAccounts"
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{1,42}[a-z0-9]")
# What has no consequences on one machine is kept and shown.
_PROPERTIES: Final = frozenset({
    "backupPolicy", "capabilities", "capacity", "capacityMode", "consistencyPolicy", "databaseAccountOfferType",
    "defaultIdentity", "disableKeyBasedMetadataWriteAccess", "disableLocalAuth", "documentEndpoint",
    "enableAnalyticalStorage", "enableAutomaticFailover", "enableFreeTier", "enableMultipleWriteLocations",
    "gremlinEndpoint", "ipRules", "tableEndpoint",
    "isVirtualNetworkFilterEnabled", "locations", "minimalTlsVersion", "networkAclBypass", "provisioningState",
    "publicNetworkAccess", "virtualNetworkRules",
})  # fmt: skip
_REFUSED_IF_TRUE: Final = ("disableLocalAuth", "enableAnalyticalStorage", "enableMultipleWriteLocations")
GREMLIN: Final = "EnableGremlin"
TABLE_DOMAIN: Final = "table.cosmos"
_CAPABILITIES: Final = ("EnableServerless", GREMLIN, TABLE)
_KINDS_OF_KEYS: Final = {
    "primary": "primaryMasterKey",
    "secondary": "secondaryMasterKey",
    "primaryreadonly": "primaryReadonlyMasterKey",
    "secondaryreadonly": "secondaryReadonlyMasterKey",
}
_DESCRIPTIONS: Final = {
    "primaryMasterKey": "Primary SQL Connection String",
    "secondaryMasterKey": "Secondary SQL Connection String",
    "primaryReadonlyMasterKey": "Primary Read-Only SQL Connection String",
    "secondaryReadonlyMasterKey": "Secondary Read-Only SQL Connection String",
}
# Where an account's other APIs are reached: by the capability, the name of the endpoint and the host's.
_ENDPOINTS: Final = {GREMLIN: ("gremlinEndpoint", "gremlin"), TABLE: ("tableEndpoint", TABLE_DOMAIN)}
_COLLECTIONS_AT_ONCE: Final = 100


async def handle(parts: Parts, call: ArmCall) -> Response:
    """Run the operation that a request asks for, or raise the `AzureError` that it is refused with."""
    return await find_operation(OPERATIONS, call, "Microsoft.DocumentDB")(parts, call)


async def put_account(parts: Parts, call: ArmCall) -> Response:
    """Create an account, or change what is known of it."""
    name = call.path[1]
    if not _NAME.fullmatch(name):
        message = (
            f"Invalid name for the database account: '{name}'. It has 3 to 44 lower-case letters, numbers and hyphens."
        )
        raise AzureError(400, "BadRequest", message)
    body, properties = read_body(call, _PROPERTIES, ("identity", "sku"))
    kind = body.get("kind") or "GlobalDocumentDB"
    if kind != "GlobalDocumentDB":
        raise unsupported(f"the kind {kind!r}; it must be GlobalDocumentDB")
    facts = {
        "group": call.group,
        "location": location_of(body),
        CONSISTENCY: _check(properties),
        BACKUP: str(read_backup(properties)),
        "properties": msgspec.json.encode(properties).decode(),
        TABLES: "yes" if TABLE in _names(properties) else "",
    }
    keys = {key: new_key(parts.ids) for key in (*KEY_NAMES, *READONLY_KEY_NAMES)}
    try:
        if name == EMULATOR:
            raise AddressTakenError(name)
        config = KeyedConfig(keys, facts, tags_of(body))
        await parts.store.run(keyed_resources.create, address_of(name), KIND, scope_of(call), name, config)
    except AddressTakenError:
        await _mine(parts, call)
        tags = tags_of(body)

        def change(config: KeyedConfig) -> KeyedConfig:
            if facts[BACKUP] == "0" and config.facts.get(BACKUP, "0") != "0":
                raise bad_request("Continuous backups of an account can't be made periodic again.")
            return KeyedConfig(config.keys, {**config.facts, **facts}, tags)

        await parts.store.run(_update, name, change)
    return json_response(200, _show(call, await _find(parts, call)))


async def _update(tx: Tx, now_us: int, name: str, change: Callable[[KeyedConfig], KeyedConfig]) -> None:
    """Change what is known of an account, and for how long its containers keep their writes."""
    await keyed_resources.update(tx, now_us, address_of(name), change)
    scope = data_of(name.lower())
    for each in await collections.list_names(tx, now_us, scope, "", CONTAINERS_MAX):
        if "/" in each:
            await settle(tx, now_us, (scope, each))


def _check(properties: dict[str, Any]) -> str:
    """Return the level of consistency that an account is to have, or raise the error for what can't be had."""
    for name in _REFUSED_IF_TRUE:
        if properties.get(name) is True:
            raise unsupported(f"the value true of the property properties.{name}")
    locations = properties.get("locations") or []
    if not isinstance(locations, list) or len(locations) > 1:
        raise unsupported("more than one of properties.locations")
    capabilities = properties.get("capabilities") or []
    for each in capabilities if isinstance(capabilities, list) else [capabilities]:
        if not isinstance(each, dict) or each.get("name") not in _CAPABILITIES:
            raise unsupported(f"the capability {each.get('name') if isinstance(each, dict) else each}")
    if {GREMLIN, TABLE} <= set(_names(properties)):
        raise bad_request(f"The capabilities {GREMLIN} and {TABLE} can't be had together.")
    policy = properties.get("consistencyPolicy") or {}
    level = policy.get("defaultConsistencyLevel", LEVEL) if isinstance(policy, dict) else None
    if level not in LEVELS:
        raise bad_request(f"The defaultConsistencyLevel must be one of {', '.join(LEVELS)}.")
    return str(level)


def _names(properties: dict[str, Any]) -> list[str]:
    """Return the names of the capabilities that an account has."""
    return [each["name"] for each in properties.get("capabilities") or []]


async def _mine(parts: Parts, call: ArmCall) -> None:
    try:
        await _find(parts, call)
    except AzureError:
        message = f"Dns record for {call.path[1]} under zone Document is already taken."
        raise AzureError(409, "Conflict", message) from None


async def get_account(parts: Parts, call: ArmCall) -> Response:
    """Show an account."""
    return json_response(200, _show(call, await _find(parts, call)))


async def list_accounts(parts: Parts, call: ArmCall) -> Response:
    """List the accounts of a resource group, or of a subscription."""
    found = await parts.store.read(keyed_resources.list_resources, KIND, scope_of(call))
    mine = [each for each in found if not call.group or each.scope == scope_of(call)]
    return json_response(200, {"value": [_show(call, each) for each in mine]})


async def delete_account(parts: Parts, call: ArmCall) -> Response:
    """Delete an account with its databases."""
    try:
        await _find(parts, call)
    except AzureError:
        return Response(204, [])
    while not await parts.store.run(_delete, call.path[1].lower()):
        pass
    # The provider answers with 202 or 204; nothing is left to wait for.
    return Response(204, [])


async def _delete(tx: Tx, now_us: int, name: str) -> bool:
    """Delete some of an account's collections, and the account with the last of them."""
    for scope in (data_of(name), cosmos_scope(name)):
        found = await collections.list_names(tx, now_us, scope, "", _COLLECTIONS_AT_ONCE)
        for each in found:
            await collections.delete(tx, now_us, (scope, each))
        if len(found) == _COLLECTIONS_AT_ONCE:
            return False
    await keyed_resources.delete(tx, now_us, address_of(name))
    return True


async def list_keys(parts: Parts, call: ArmCall) -> Response:
    """Show an account's keys."""
    account = await _find(parts, call)
    return json_response(200, {name: account.config.keys[name] for name in (*KEY_NAMES, *READONLY_KEY_NAMES)})


async def list_readonly_keys(parts: Parts, call: ArmCall) -> Response:
    """Show an account's keys for reading."""
    account = await _find(parts, call)
    return json_response(200, {name: account.config.keys[name] for name in READONLY_KEY_NAMES})


async def list_connection_strings(parts: Parts, call: ArmCall) -> Response:
    """Show an account's connection strings."""
    account = await _find(parts, call)
    endpoint = _endpoint(call, account.name)
    found = [
        {"connectionString": f"AccountEndpoint={endpoint};AccountKey={account.config.keys[name]};",
         "description": description, "keyKind": _kind_of(name), "type": "Sql"}
        for name, description in _DESCRIPTIONS.items()
    ]  # fmt: skip
    if has_tables(account):
        found += _table_strings(call, account)
    return json_response(200, {"connectionStrings": found})


def _kind_of(key: str) -> str:
    return key[:1].upper() + key[1:].removesuffix("MasterKey")


def _table_strings(call: ArmCall, account: KeyedResource) -> list[dict[str, str]]:
    """Return the connection strings that clients of tables have."""
    endpoint = _endpoint(call, account.name, TABLE_DOMAIN)
    return [
        {
            "connectionString": (
                f"DefaultEndpointsProtocol={call.scheme};AccountName={account.name};"
                f"AccountKey={account.config.keys[name]};TableEndpoint={endpoint};"
            ),
            "description": description.replace("SQL", "Table"),
            "keyKind": _kind_of(name),
            "type": "Table",
        }
        for name, description in _DESCRIPTIONS.items()
    ]


async def regenerate_key(parts: Parts, call: ArmCall) -> Response:
    """Replace one of an account's keys."""
    await _find(parts, call)
    kind = call.body.get("keyKind") if isinstance(call.body, dict) else None
    name = _KINDS_OF_KEYS.get(str(kind).lower())
    if name is None:
        raise bad_request("The keyKind must be one of primary, secondary, primaryReadonly, secondaryReadonly.")
    key = new_key(parts.ids)
    address = address_of(call.path[1])
    await parts.store.run(keyed_resources.update, address, lambda config: with_key(config, name, key))
    return Response(200, [])


async def _find(parts: Parts, call: ArmCall) -> KeyedResource:
    try:
        return await parts.store.read(keyed_resources.find, KIND, scope_of(call), call.path[1].lower())
    except KeyedResourceNotFoundError:
        raise not_found(call, _TYPE, call.path[1]) from None


def _endpoint(call: ArmCall, name: str, service: str = "documents") -> str:
    """Return where an account is reached on this server: by a host name of its own, on the port of the request."""
    _, colon, port = call.host.rpartition(":")
    return f"{call.scheme}://{name}.{service}.localhost{':' + port if colon and port.isdigit() else ''}/"


def _show(call: ArmCall, account: KeyedResource) -> dict[str, Any]:
    facts = account.config.facts
    endpoint, place = _endpoint(call, account.name), facts["location"]
    location = {
        "id": f"{account.name}-{place}",
        "locationName": place,
        "documentEndpoint": endpoint,
        "provisioningState": "Succeeded",
        "failoverPriority": 0,
        "isZoneRedundant": False,
    }
    properties = msgspec.json.decode(facts["properties"])
    for capability in _names(properties):
        if capability in _ENDPOINTS:
            name, domain = _ENDPOINTS[capability]
            properties[name] = _endpoint(call, account.name, domain)
    return {
        "id": resource_id(account.scope, facts["group"], _TYPE, account.name),
        "name": account.name,
        "type": _TYPE,
        "location": place,
        "kind": "GlobalDocumentDB",
        "tags": account.config.tags,
        "properties": {
            "capabilities": [],
            **properties,
            "provisioningState": "Succeeded",
            "documentEndpoint": endpoint,
            "databaseAccountOfferType": "Standard",
            "consistencyPolicy": {"defaultConsistencyLevel": facts[CONSISTENCY]},
            "locations": [location],
            "writeLocations": [location],
            "readLocations": [location],
        },
    }


OPERATIONS: Final[dict[tuple[str, str], Run]] = {
    ("GET", "databaseaccounts"): list_accounts,
    ("GET", "databaseaccounts/"): get_account,
    ("PUT", "databaseaccounts/"): put_account,
    ("DELETE", "databaseaccounts/"): delete_account,
    ("POST", "databaseaccounts//listkeys"): list_keys,
    ("POST", "databaseaccounts//readonlykeys"): list_readonly_keys,
    ("GET", "databaseaccounts//readonlykeys"): list_readonly_keys,
    ("POST", "databaseaccounts//listconnectionstrings"): list_connection_strings,
    ("POST", "databaseaccounts//regeneratekey"): regenerate_key,
    **graphs.OPERATIONS,
    **tables.OPERATIONS,
}
