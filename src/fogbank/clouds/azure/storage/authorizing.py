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
    from fogbank.clouds.azure.storage.calls import StorageCall
    from fogbank.clouds.azure.storage.sas import Grant, Needs, Policy

_READING: Final = frozenset({"GET", "HEAD"})


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
    try:
        account = await accounts.find(parts.store, call.account, implied=is_implied(request))
    except KeyedResourceNotFoundError:
        message = f"The storage account '{call.account}' does not exist on this server."
        raise StorageError(404, "ResourceNotFound", message) from None
    if not account.keys and (scheme or "sig" in call.query):
        # Made by nobody here: its keys aren't known.
        pass
    elif scheme in ("SharedKey", "SharedKeyLite"):
        name, _, signature = credential.partition(":")
        if name != account.name:
            raise not_authentic(f"The account '{name}' is not the one that the request is for.")
        shared_key.check(request, account.name, account.keys, scheme, signature, table=call.service == TABLE)
    elif scheme != "Bearer":
        grant = await _check_signature(parts, call, account.keys, needs, policies_of)
    if call.secondary and request.method not in _READING:
        raise StorageError(
            403, "InsufficientAccountPermissions", "Write operations are not allowed against the secondary."
        )
    return grant


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
