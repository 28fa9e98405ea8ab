"""Shared access signatures: "Create an account SAS", "Create a service SAS" for queues and tables.

(https://learn.microsoft.com/rest/api/storageservices/create-service-sas).

A signature holds from its start to its expiry on the server's clock; what it leaves out may stand in a stored access
policy of the queue or table.
"""

from __future__ import annotations

import hmac
import ipaddress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from fogbank.clouds.azure.keys import sign
from fogbank.clouds.azure.storage.calls import QUEUE, TABLE
from fogbank.clouds.azure.storage.errors import StorageError, not_authentic, unsupported
from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fogbank.clouds.azure.storage.calls import StorageCall

# The letters of services in accounts' signatures.
SERVICES: Final = {QUEUE: "q", TABLE: "t"}
_DELEGATED: Final = ("skoid", "sktid", "skt", "ske", "sks", "skv")
_SIGNED: Final = ("si", "sip", "spr", "sv")
_BOUNDS: Final = (("spk", "srk"), ("epk", "erk"))
_FORMATS: Final = ("%Y-%m-%dT%H:%M:%S.%fZ", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ", "%Y-%m-%d")
# The version from which the encryption scope is part of what an account's signature signs.
_WITH_SCOPE: Final = "2020-12-06"


class Needs(NamedTuple):
    """What a signature must allow for an operation: any one of these permissions, or with `every` each of them.

    `kind` is the kind of resource in an account's signature: service, container or object. An operation without
    `service` permissions is not for service signatures.
    """

    kind: str = ""
    account: str = ""
    service: str = ""
    every: bool = False


class Grant(NamedTuple):
    """What a signature allows: permissions, and in a table the keys from `first` to `last`, both included.

    Keys are a partition key, or one and a row key; an empty one is no bound.
    """

    permissions: str
    of_account: bool
    first: tuple[str, ...] = ()
    last: tuple[str, ...] = ()

    def check(self, needs: Needs) -> None:
        """Raise the error for an operation that isn't allowed."""
        wanted, given = set(needs.account if self.of_account else needs.service), set(self.permissions)
        if not wanted or not (wanted <= given if needs.every else wanted & given):
            raise _mismatch("permission")

    def covers(self, partition: str, row: str) -> bool:
        """Whether an entity is within the keys that are allowed."""
        key = (partition, row)
        return key[: len(self.first)] >= self.first and (not self.last or key[: len(self.last)] <= self.last)


class Policy(NamedTuple):
    """A stored access policy; what it leaves open is empty."""

    start: str = ""
    expiry: str = ""
    permission: str = ""


def _mismatch(what: str) -> StorageError:
    code = {"permission": "Permission", "resource type": "ResourceType", "service": "Service", "protocol": "Protocol"}
    message = f"This request is not authorized to perform this operation using this {what}."
    return StorageError(403, f"Authorization{code[what]}Mismatch", message)


def check_account(call: StorageCall, keys: Sequence[str], needs: Needs, now_us: int) -> Grant:
    """Return what an account's signature allows, or raise the error if that isn't the operation."""
    query = call.query
    _check_delegation(query)
    names = ["sp", "ss", "srt", "st", "se", "sip", "spr", "sv"]
    if query.get("sv", "") >= _WITH_SCOPE:
        names.append("ses")
    text = "".join(f"{each}\n" for each in (call.account, *(query.get(name, "") for name in names)))
    _check_signature(query["sig"], keys, text)
    _check_frame(call, query.get("st", ""), query.get("se", ""), now_us)
    if SERVICES[call.service] not in query.get("ss", ""):
        raise _mismatch("service")
    if not needs.kind:
        raise _mismatch("permission")
    if needs.kind not in query.get("srt", ""):
        raise _mismatch("resource type")
    grant = Grant(query.get("sp", ""), of_account=True)
    grant.check(needs)
    return grant


def check_service(
    call: StorageCall, keys: Sequence[str], needs: Needs, now_us: int, policies: Mapping[str, Policy]
) -> Grant:
    """Return what a queue's or table's signature allows, or raise the error if that isn't the operation."""
    query = call.query
    _check_delegation(query)
    resource, names = _signed_resource(call)
    signed = [query.get(name, "") for name in ("sp", "st", "se")]
    path = f"/{call.service}/{call.account}/{resource}"
    text = "\n".join([*signed, path, *(query.get(name, "") for name in names)])
    _check_signature(query["sig"], keys, text)
    permission, start, expiry = signed
    identifier = query.get("si")
    if identifier is not None:
        policy = policies.get(identifier)
        if policy is None:
            raise not_authentic(f"Access policy not found for the signed identifier '{identifier}'.")
        for given, stored in zip(signed, (policy.permission, policy.start, policy.expiry), strict=True):
            if given and stored:
                raise not_authentic(
                    "Access policy fields can be associated with signature or SAS identifier, not both."
                )
        permission, start, expiry = (
            permission or policy.permission,
            start or policy.start,
            expiry or policy.expiry,
        )
    _check_frame(call, start, expiry, now_us)
    if not resource:
        raise _mismatch("permission")
    first, last = (tuple(query[name] for name in pair if query.get(name)) for pair in _BOUNDS)
    grant = Grant(permission, False, first, last)
    grant.check(needs)
    return grant


def _signed_resource(call: StorageCall) -> tuple[str, tuple[str, ...]]:
    """Return what a service's signature is for, and the names of the parameters that it signs."""
    if call.service == TABLE:
        return call.query.get("tn", "").lower(), (*_SIGNED, *_BOUNDS[0], *_BOUNDS[1])
    return (call.path[0] if call.path else ""), _SIGNED


def _check_delegation(query: Mapping[str, str]) -> None:
    if any(name in query for name in _DELEGATED):
        raise unsupported("user delegation SAS")


def _check_signature(signature: str, keys: Sequence[str], text: str) -> None:
    # A plus sign that a client didn't escape has become a space.
    given = signature.replace(" ", "+")
    if not any(hmac.compare_digest(sign(key, text).encode(), given.encode(errors="replace")) for key in keys):
        raise not_authentic(f"Signature did not match. String to sign used was {text}")


def _check_frame(call: StorageCall, start: str, expiry: str, now_us: int) -> None:
    query = call.query
    ends_us = _moment(expiry, "se")
    begins_us = _moment(start, "st") if start else 0
    if not begins_us <= now_us < ends_us:
        now = datetime.fromtimestamp(now_us // SECOND_US, UTC)
        raise not_authentic(
            "Signature not valid in the specified time frame:"
            f" Start [{start}] - Expiry [{expiry}] - Current [{now:%a, %d %b %Y %H:%M:%S GMT}]"
        )
    if query.get("spr") == "https" and call.request.scheme != "https":
        raise _mismatch("protocol")
    allowed = query.get("sip")
    if allowed and not _within(call.request.client, allowed):
        raise StorageError(
            403,
            "AuthorizationSourceIPMismatch",
            f"This request is not authorized to perform this operation using this source IP {call.request.client}.",
        )


def _moment(text: str, name: str) -> int:
    for form in _FORMATS:
        try:
            found = datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
        return int(found.timestamp() * SECOND_US)
    raise not_authentic(f"{name} is not in a valid ISO 8601 format: '{text}'.")


def _within(address: str, allowed: str) -> bool:
    low, _, high = allowed.partition("-")
    try:
        return ipaddress.ip_address(low) <= ipaddress.ip_address(address) <= ipaddress.ip_address(high or low)  # type: ignore[operator]
    except (ValueError, TypeError):
        return False
