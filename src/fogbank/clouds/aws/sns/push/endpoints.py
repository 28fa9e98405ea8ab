"""Amazon SNS operations on endpoints: apps on devices.

Amazon SNS API Reference, "CreatePlatformEndpoint", "SetEndpointAttributes"; Developer Guide, "Creating an Amazon SNS
platform endpoint" (docs.aws.amazon.com/sns/latest/dg/mobile-platform-endpoint.html).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.paging import page
from fogbank.clouds.aws.sns.errors import invalid
from fogbank.clouds.aws.sns.push import events, records
from fogbank.clouds.aws.sns.push.records import APPLE, Endpoint, Place, read_application_arn, read_endpoint_arn
from fogbank.clouds.aws.sns.topics import read_next_token
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.clouds.aws.sns.service import Sns
    from fogbank.storage import Tx

PAGE_MAX: Final = 100
TOKEN_BYTES_MAX: Final = 8_192
USER_DATA_BYTES_MAX: Final = 2_048
_APPLE_TOKEN: Final = re.compile(r"[0-9A-Fa-f]{1,400}")
_ENABLED: Final = "Enabled"
_USER_DATA: Final = "CustomUserData"


class CreatePlatformEndpoint(Input):
    """Input of CreatePlatformEndpoint."""

    PlatformApplicationArn: str
    Token: str
    CustomUserData: str | None = None
    Attributes: dict[str, str] | None = None


@operation(CreatePlatformEndpoint)
async def create_platform_endpoint(sns: Sns, call: Call, request: CreatePlatformEndpoint) -> Reply:
    """Create an endpoint, or return the one that has the token, unless its attributes differ from those given."""
    del call
    place = read_application_arn(request.PlatformApplicationArn)
    attributes = dict(request.Attributes or {})
    if request.CustomUserData is not None:
        attributes[_USER_DATA] = request.CustomUserData
    attributes["Token"] = request.Token
    numbers = (sns.ids.uuid(), sns.ids.sequence(), sns.ids.sequence())
    number = await records.settle(sns.store, _create, place, attributes, *numbers)
    return {"EndpointArn": place.endpoint_arn(number)}


async def _create(
    tx: Tx, now_us: int, place: Place, attributes: Mapping[str, str], number: str, sequence: int, other: int
) -> str:
    await records.get_application(tx, now_us, place)
    endpoint = _apply(place, Endpoint(""), attributes)
    owner = await records.owner_of(tx, now_us, place, endpoint.token)
    if owner is not None:
        there = await records.find_endpoint(tx, now_us, place, owner)
        assert there is not None
        if _apply(place, there, attributes) != there:
            raise _taken(place, owner)
        return owner
    await records.add_endpoint(tx, now_us, place, number, endpoint, sequence)
    await events.tell(tx, now_us, place, events.CREATED, place.endpoint_arn(number), other)
    return number


class GetEndpointAttributes(Input):
    """Input of GetEndpointAttributes."""

    EndpointArn: str


@operation(GetEndpointAttributes)
async def get_endpoint_attributes(sns: Sns, call: Call, request: GetEndpointAttributes) -> Reply:
    """Return the attributes of an endpoint."""
    del call
    endpoint = await sns.store.read(records.find_endpoint, *read_endpoint_arn(request.EndpointArn))
    if endpoint is None:
        raise _no_such_endpoint()
    return {"Attributes": _show(endpoint)}


class SetEndpointAttributes(Input):
    """Input of SetEndpointAttributes."""

    EndpointArn: str
    Attributes: dict[str, str]


@operation(SetEndpointAttributes)
async def set_endpoint_attributes(sns: Sns, call: Call, request: SetEndpointAttributes) -> Reply:
    """Set attributes of an endpoint; others stay as they are."""
    del call
    place, number = read_endpoint_arn(request.EndpointArn)
    numbers = (sns.ids.sequence(), sns.ids.sequence())
    await records.settle(sns.store, _set, place, number, request.Attributes, *numbers)
    return None


async def _set(
    tx: Tx, now_us: int, place: Place, number: str, attributes: Mapping[str, str], sequence: int, other: int
) -> None:
    before = await records.find_endpoint(tx, now_us, place, number)
    if before is None:
        raise _no_such_endpoint()
    after = _apply(place, before, attributes)
    owner = await records.owner_of(tx, now_us, place, after.token)
    if owner not in (None, number):
        raise _taken(place, str(owner))
    if after != before:
        await records.change_endpoint(tx, now_us, place, number, before, after, sequence)
        await events.tell(tx, now_us, place, events.UPDATED, place.endpoint_arn(number), other)


class ListEndpointsByPlatformApplication(Input):
    """Input of ListEndpointsByPlatformApplication."""

    PlatformApplicationArn: str
    NextToken: str | None = None


@operation(ListEndpointsByPlatformApplication)
async def list_endpoints_by_platform_application(
    sns: Sns, call: Call, request: ListEndpointsByPlatformApplication
) -> Reply:
    """List the endpoints of an application with their attributes, a hundred at a time."""
    del call
    place = read_application_arn(request.PlatformApplicationArn)
    after = read_next_token(request.NextToken)
    await sns.store.read(records.get_application, place)
    found = await sns.store.read(records.list_endpoints, place, after, PAGE_MAX + 1)

    def summary(each: tuple[str, Endpoint]) -> dict[str, Any]:
        return {"EndpointArn": place.endpoint_arn(each[0]), "Attributes": _show(each[1])}

    return page("Endpoints", found, PAGE_MAX, lambda each: each[0], summary)


class DeleteEndpoint(Input):
    """Input of DeleteEndpoint."""

    EndpointArn: str


@operation(DeleteEndpoint)
async def delete_endpoint(sns: Sns, call: Call, request: DeleteEndpoint) -> Reply:
    """Delete an endpoint; one that isn't there counts as deleted. Its subscriptions stay."""
    del call
    await sns.store.run(_delete, *read_endpoint_arn(request.EndpointArn), sns.ids.sequence())
    return None


async def _delete(tx: Tx, now_us: int, place: Place, number: str, sequence: int) -> None:
    endpoint = await records.find_endpoint(tx, now_us, place, number)
    if endpoint is not None:
        await records.remove_endpoint(tx, now_us, place, number, endpoint)
        await events.tell(tx, now_us, place, events.DELETED, place.endpoint_arn(number), sequence)


def _apply(place: Place, endpoint: Endpoint, attributes: Mapping[str, str]) -> Endpoint:
    """Return an endpoint with attributes set."""
    changes: dict[str, Any] = {}
    for name, value in attributes.items():
        if name == "Token":
            changes["token"] = _read_token(place, value)
        elif name == _ENABLED:
            if value.lower() not in ("true", "false"):
                raise invalid(f"Attributes Reason: {name}: Invalid value: {value}")
            changes["enabled"] = value.lower() == "true"
        elif name == _USER_DATA:
            if len(value.encode()) > USER_DATA_BYTES_MAX:
                raise invalid(f"{name} Reason: must be at most {USER_DATA_BYTES_MAX} bytes long in UTF-8 encoding")
            changes["user_data"] = value
        else:
            raise invalid(f"Attributes Reason: Invalid attribute name: {name}")
    return msgspec.structs.replace(endpoint, **changes)


def _read_token(place: Place, token: str) -> str:
    """Return a token if it can be; Apple's are in lower case."""
    if not token:
        raise invalid("Token Reason: cannot be empty")
    if len(token.encode()) > TOKEN_BYTES_MAX:
        raise invalid(f"Token Reason: must be at most {TOKEN_BYTES_MAX} bytes long in UTF-8 encoding")
    if place.platform not in APPLE:
        return token
    if not _APPLE_TOKEN.fullmatch(token):
        raise invalid("Token Reason: iOS device tokens must be no more than 400 hexadecimal characters")
    return token.lower()


def _show(endpoint: Endpoint) -> dict[str, str]:
    shown = {_ENABLED: "true" if endpoint.enabled else "false", "Token": endpoint.token}
    return {**shown, _USER_DATA: endpoint.user_data} if endpoint.user_data else shown


def _taken(place: Place, number: str) -> AwsError:
    return invalid(
        f"Token Reason: Endpoint {place.endpoint_arn(number)} already exists with the same Token,"
        " but different attributes."
    )


def _no_such_endpoint() -> AwsError:
    return AwsError("NotFound", "Endpoint does not exist", 404)


OPERATIONS: Final = (
    create_platform_endpoint,
    delete_endpoint,
    get_endpoint_attributes,
    list_endpoints_by_platform_application,
    set_endpoint_attributes,
)
