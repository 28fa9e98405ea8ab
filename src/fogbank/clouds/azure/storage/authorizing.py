"""Who may send a request: one who has a key of the account, or a signature that somebody made with one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.clouds.azure.implied import is_implied
from fogbank.clouds.azure.storage import accounts, sas, shared_key
from fogbank.clouds.azure.storage.calls import TABLE
from fogbank.clouds.azure.storage.errors import StorageError, not_authentic
from fogbank.engines.identity.keyed_resources import KeyedResourceNotFoundError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fogbank.clouds.azure.parts import Parts
    from fogbank.clouds.azure.storage.accounts import Account
    from fogbank.clouds.azure.storage.calls import StorageCall
    from fogbank.clouds.azure.storage.sas import Grant, Needs, Policy

_READING: Final = frozenset({"GET", "HEAD"})
_READ_ONLY: Final = "The given key has insufficient privileges to perform the requested operation."


async def authorize(
    parts: Parts,
    call: StorageCall,
    needs: Needs,
    policies_of: Callable[[Parts, StorageCall], Awaitable[dict[str, Policy]]],
) -> Grant | None:
    """Raise the error for a request that nobody may send who has no key of the account; tokens aren't verified.

    Returns what a shared access signature allows, None for who may do everything. `policies_of` finds
    the stored access policies of what the request is for.
    """
    request, grant = call.request, None
    scheme, _, credential = request.header(b"authorization").partition(" ")
    account = await _find(parts, call)
    if not account.keys and (scheme or "sig" in call.query):
        # Made by nobody here: its keys aren't known.
        pass
    elif scheme in ("SharedKey", "SharedKeyLite"):
        name, _, signature = credential.partition(":")
        if name != account.name:
            raise not_authentic(f"The account '{name}' is not the one that the request is for.")
        keys = (*account.keys, *account.readonly)
        key = shared_key.check(request, account.name, keys, scheme, signature, table=call.service == TABLE)
        if key in account.readonly and request.method not in _READING:
            raise StorageError(403, "Forbidden", _READ_ONLY)
    elif scheme != "Bearer":
        grant = await _check_signature(parts, call, account.keys, needs, policies_of)
    if call.secondary and request.method not in _READING:
        raise StorageError(
            403, "InsufficientAccountPermissions", "Write operations are not allowed against the secondary."
        )
    return grant


async def _find(parts: Parts, call: StorageCall) -> Account:
    """Return the account that a request is for, or raise the error for none."""
    implied = is_implied(call.request)
    try:
        if call.cosmos:
            from fogbank.clouds.azure.cosmos.tables import accounts as cosmos  # noqa: PLC0415 - loaded on first use

            return await cosmos.find(parts.store, call.account, implied=implied)
        return await accounts.find(parts.store, call.account, implied=implied)
    except KeyedResourceNotFoundError:
        kind = "database" if call.cosmos else "storage"
        message = f"The {kind} account '{call.account}' does not exist on this server."
        raise StorageError(404, "ResourceNotFound", message) from None


async def _check_signature(
    parts: Parts,
    call: StorageCall,
    keys: tuple[str, ...],
    needs: Needs,
    policies_of: Callable[[Parts, StorageCall], Awaitable[dict[str, Policy]]],
) -> Grant:
    if "sig" not in call.query:
        raise StorageError(
            401,
            "NoAuthenticationInformation",
            "Server failed to authenticate the request. Please refer to the information in the www-authenticate"
            " header.",
        )
    if "ss" in call.query:
        return sas.check_account(call, keys, needs, parts.clock.now())
    policies = await policies_of(parts, call) if "si" in call.query and call.path else {}
    return sas.check_service(call, keys, needs, parts.clock.now(), policies)
