"""Applications and endpoints as they are stored, and their ARNs.

An endpoint is found by the id in its ARN, and by its token, of which a hash is kept beside it.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from fogbank.clouds.aws.arns import Arn, parse_arn
from fogbank.clouds.aws.sns.errors import invalid
from fogbank.engines.messaging import records
from fogbank.engines.messaging.errors import RecordExistsError, RecordNotFoundError
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.storage import Store, Tx

APPLE: Final = ("APNS", "APNS_SANDBOX", "APNS_VOIP", "APNS_VOIP_SANDBOX", "MACOS", "MACOS_SANDBOX")
PLATFORMS: Final = ("ADM", "GCM", *APPLE)
_APPLICATIONS: Final = "sns/application"


class Place(NamedTuple):
    """Where an application is: its scope, its platform, its name."""

    scope: str
    platform: str
    name: str

    @property
    def key(self) -> str:
        """The name of its record; also the last part of its ARN, and of the kinds of its endpoints' records."""
        return f"{self.platform}/{self.name}"

    @property
    def endpoints(self) -> str:
        """The kind of its endpoints' records."""
        return f"sns/endpoint/{self.key}"

    @property
    def tokens(self) -> str:
        """The kind of the records that say which endpoint has a token."""
        return f"sns/token/{self.key}"

    @property
    def arn(self) -> str:
        """Its ARN."""
        _realm, account, region = self.scope.split("/")
        return str(Arn("aws", "sns", region, account, f"app/{self.key}"))

    def endpoint_arn(self, number: str) -> str:
        """Return the ARN of one of its endpoints."""
        _realm, account, region = self.scope.split("/")
        return str(Arn("aws", "sns", region, account, f"endpoint/{self.key}/{number}"))


class Application(msgspec.Struct, frozen=True, omit_defaults=True):
    """An application; its attributes include the credentials, which are never shown."""

    attributes: dict[str, str] = {}


class Endpoint(msgspec.Struct, frozen=True, omit_defaults=True):
    """An app on a device."""

    token: str
    enabled: bool = True
    user_data: str = ""


_APPLICATION: Final = msgspec.json.Decoder(Application)
_ENDPOINT: Final = msgspec.json.Decoder(Endpoint)


def read_application_arn(arn: str) -> Place:
    """Return where the application is that an ARN names."""
    parsed = _parse(arn, "PlatformApplicationArn")
    _app, platform, name = _parts(parsed.resource, "app", 3, "PlatformApplicationArn")
    return Place(parsed.scope, platform, name)


def read_endpoint_arn(arn: str, parameter: str = "EndpointArn") -> tuple[Place, str]:
    """Return the application and the id of the endpoint that an ARN names."""
    parsed = _parse(arn, parameter)
    _endpoint, platform, name, number = _parts(parsed.resource, "endpoint", 4, parameter)
    return Place(parsed.scope, platform, name), number


def _parse(arn: str, parameter: str) -> Arn:
    parsed = parse_arn(arn)
    if parsed is None:
        raise invalid(f"{parameter} Reason: An ARN must have at least 6 elements, not {arn.count(':') + 1}")
    if parsed.service != "sns":
        raise invalid(parameter)
    return parsed


def _parts(resource: str, kind: str, count: int, parameter: str) -> list[str]:
    parts = resource.split("/")
    if len(parts) != count or not all(parts):
        raise invalid(f"{parameter} Reason: Wrong number of slashes in relative portion of the ARN.")
    if parts[0] != kind:
        raise invalid(f"{parameter} Reason: Invalid ARN")
    return parts


async def settle(store: Store, operation: Callable[..., Any], *args: Any) -> Any:
    """Run an operation that makes records, and once more if somebody else made one of the same name meanwhile."""
    try:
        return await store.run(operation, *args)
    except RecordExistsError:
        return await store.run(operation, *args)


async def find_application(tx: Tx, now_us: int, place: Place) -> Application | None:
    """Return an application, None if there is none."""
    try:
        return _APPLICATION.decode((await records.find(tx, now_us, place.scope, _APPLICATIONS, place.key)).body)
    except RecordNotFoundError:
        return None


async def get_application(tx: Tx, now_us: int, place: Place) -> Application:
    """Return an application, or refuse."""
    found = await find_application(tx, now_us, place)
    if found is None:
        raise AwsError("NotFound", "PlatformApplication does not exist", 404)
    return found


async def put_application(tx: Tx, now_us: int, place: Place, application: Application, number: int = 0) -> None:
    """Keep an application; `number` is its record's if it is new."""
    body = msgspec.json.encode(application)
    try:
        await records.update(tx, now_us, place.scope, _APPLICATIONS, place.key, lambda _: body)
    except RecordNotFoundError:
        await records.add(tx, now_us, place.scope, _APPLICATIONS, place.key, number, body)


async def list_applications(tx: Tx, now_us: int, scope: str, after: str, limit: int) -> list[tuple[Place, Application]]:
    """Return applications in the order of platforms and names, those that follow `after`."""
    found = await records.list_records(tx, now_us, scope, _APPLICATIONS, after=after, limit=limit)
    return [(Place(scope, *each.name.split("/")), _APPLICATION.decode(each.body)) for each in found]


async def remove_application(tx: Tx, now_us: int, place: Place) -> None:
    """Forget an application with its endpoints."""
    await records.delete(tx, now_us, place.scope, _APPLICATIONS, place.key)
    await records.delete_all(tx, now_us, place.scope, place.endpoints)
    await records.delete_all(tx, now_us, place.scope, place.tokens)


async def find_endpoint(tx: Tx, now_us: int, place: Place, number: str) -> Endpoint | None:
    """Return an endpoint, None if there is none."""
    try:
        return _ENDPOINT.decode((await records.find(tx, now_us, place.scope, place.endpoints, number)).body)
    except RecordNotFoundError:
        return None


async def owner_of(tx: Tx, now_us: int, place: Place, token: str) -> str | None:
    """Return the id of the endpoint that has a token, None if none has."""
    try:
        return (await records.find(tx, now_us, place.scope, place.tokens, _hashed(token))).body.decode()
    except RecordNotFoundError:
        return None


async def add_endpoint(tx: Tx, now_us: int, place: Place, number: str, endpoint: Endpoint, sequence: int) -> None:
    """Keep a new endpoint; nobody else may have its token."""
    await records.add(tx, now_us, place.scope, place.endpoints, number, sequence, msgspec.json.encode(endpoint))
    await records.add(tx, now_us, place.scope, place.tokens, _hashed(endpoint.token), sequence, number.encode())


async def change_endpoint(
    tx: Tx, now_us: int, place: Place, number: str, before: Endpoint, after: Endpoint, sequence: int
) -> None:
    """Keep a changed endpoint; nobody else may have its token."""
    body = msgspec.json.encode(after)
    await records.update(tx, now_us, place.scope, place.endpoints, number, lambda _: body)
    if before.token != after.token:
        await records.delete(tx, now_us, place.scope, place.tokens, _hashed(before.token))
        await records.add(tx, now_us, place.scope, place.tokens, _hashed(after.token), sequence, number.encode())


async def remove_endpoint(tx: Tx, now_us: int, place: Place, number: str, endpoint: Endpoint) -> None:
    """Forget an endpoint."""
    await records.delete(tx, now_us, place.scope, place.endpoints, number)
    await records.delete(tx, now_us, place.scope, place.tokens, _hashed(endpoint.token))


async def list_endpoints(tx: Tx, now_us: int, place: Place, after: str, limit: int) -> list[tuple[str, Endpoint]]:
    """Return the ids and endpoints of an application in the order of the ids, those that follow `after`."""
    found = await records.list_records(tx, now_us, place.scope, place.endpoints, after=after, limit=limit)
    return [(each.name, _ENDPOINT.decode(each.body)) for each in found]


def _hashed(token: str) -> str:
    return sha256(token.encode()).hexdigest()
