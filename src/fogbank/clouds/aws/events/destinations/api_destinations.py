"""API destinations: addresses that rules send to.

Amazon EventBridge User Guide, "API destinations as targets". AWS takes addresses with TLS only; here others do, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import Call, Input, Reply, epoch_seconds, operation
from fogbank.clouds.aws.arns import Arn, parse_arn
from fogbank.clouds.aws.events.destinations.connections import KIND as CONNECTION
from fogbank.clouds.aws.events.destinations.connections import connection_arn
from fogbank.clouds.aws.events.errors import invalid, not_found
from fogbank.clouds.aws.events.service import PAGE_MAX, Events, read_next
from fogbank.clouds.aws.paging import page
from fogbank.connectors.delivery.posting import is_address
from fogbank.engines.messaging import records
from fogbank.engines.messaging.errors import RecordNotFoundError

if TYPE_CHECKING:
    from fogbank.engines.messaging.records import Record
    from fogbank.storage import Tx

KIND: Final = "events/api-destination"
RATE_DEFAULT: Final = 300


class Destination(msgspec.Struct, frozen=True, omit_defaults=True):
    """An API destination, as its record has it."""

    id: str
    connection: str
    url: str
    method: str
    rate: int = RATE_DEFAULT
    description: str = ""


_DESTINATION: Final = msgspec.json.Decoder(Destination)


def read_destination(record: Record) -> Destination:
    """Return the destination of a record."""
    return _DESTINATION.decode(record.body)


class CreateApiDestination(Input):
    """Input of CreateApiDestination."""

    Name: str
    ConnectionArn: str
    InvocationEndpoint: str
    HttpMethod: str
    InvocationRateLimitPerSecond: int = RATE_DEFAULT
    Description: str | None = None


@operation(CreateApiDestination)
async def create_api_destination(events: Events, call: Call, request: CreateApiDestination) -> Reply:
    """Create an API destination."""
    _check_url(request.InvocationEndpoint)
    destination = Destination(
        events.ids.uuid(),
        request.ConnectionArn,
        request.InvocationEndpoint,
        request.HttpMethod,
        request.InvocationRateLimitPerSecond,
        request.Description or "",
    )

    async def create(tx: Tx, now_us: int, number: int) -> Record:
        await find_connection(tx, now_us, request.ConnectionArn)
        body = msgspec.json.encode(destination)
        return await records.add(tx, now_us, call.scope, KIND, request.Name, number, body)

    return _told(await events.store.run(create, events.ids.sequence()))


class UpdateApiDestination(Input):
    """Input of UpdateApiDestination."""

    Name: str
    ConnectionArn: str | None = None
    InvocationEndpoint: str | None = None
    HttpMethod: str | None = None
    InvocationRateLimitPerSecond: int | None = None
    Description: str | None = None


@operation(UpdateApiDestination)
async def update_api_destination(events: Events, call: Call, request: UpdateApiDestination) -> Reply:
    """Change an API destination."""
    given = {
        "connection": request.ConnectionArn,
        "url": request.InvocationEndpoint,
        "method": request.HttpMethod,
        "rate": request.InvocationRateLimitPerSecond,
        "description": request.Description,
    }
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if request.InvocationEndpoint is not None:
        _check_url(request.InvocationEndpoint)

    async def update(tx: Tx, now_us: int) -> Record:
        if request.ConnectionArn is not None:
            await find_connection(tx, now_us, request.ConnectionArn)

        def changed(record: Record) -> bytes:
            return msgspec.json.encode(msgspec.structs.replace(read_destination(record), **changes))

        return await records.update(tx, now_us, call.scope, KIND, request.Name, changed)

    return _told(await events.store.run(update))


class DescribeApiDestination(Input):
    """Input of DescribeApiDestination."""

    Name: str


@operation(DescribeApiDestination)
async def describe_api_destination(events: Events, call: Call, request: DescribeApiDestination) -> Reply:
    """Return all of an API destination."""
    record = await events.store.read(records.find, call.scope, KIND, request.Name)
    shown = _show(record)
    if read_destination(record).description:
        shown["Description"] = read_destination(record).description
    return shown


class ListApiDestinations(Input):
    """Input of ListApiDestinations."""

    NamePrefix: str | None = None
    ConnectionArn: str | None = None
    NextToken: str | None = None
    Limit: int = PAGE_MAX


@operation(ListApiDestinations)
async def list_api_destinations(events: Events, call: Call, request: ListApiDestinations) -> Reply:
    """List API destinations in the order of their names."""
    after = read_next(request.NextToken)
    every = await events.store.read(records.list_records, call.scope, KIND, request.NamePrefix or "", after)
    found = [each for each in every if request.ConnectionArn in (None, read_destination(each).connection)]
    return page("ApiDestinations", found, request.Limit, lambda record: record.name, _show)


class DeleteApiDestination(Input):
    """Input of DeleteApiDestination."""

    Name: str


@operation(DeleteApiDestination)
async def delete_api_destination(events: Events, call: Call, request: DeleteApiDestination) -> Reply:
    """Delete an API destination."""
    if not await events.store.run(records.delete, call.scope, KIND, request.Name):
        raise RecordNotFoundError(KIND, request.Name)
    return {}


async def find_connection(tx: Tx, now_us: int, text: str) -> Record:
    """Return the connection of an ARN, or raise the error. A store operation."""
    arn = parse_arn(text)
    if arn is None or not arn.resource.startswith("connection/"):
        raise invalid(f"Parameter ConnectionArn is not valid. Reason: {text} is no connection's ARN.")
    try:
        record = await records.find(tx, now_us, arn.scope, CONNECTION, arn.resource.split("/")[1])
    except RecordNotFoundError:
        raise not_found(f"Connection '{text}' does not exist.") from None
    if connection_arn(record) != text:
        raise not_found(f"Connection '{text}' does not exist.")
    return record


async def find_destination(tx: Tx, now_us: int, text: str) -> Record:
    """Return the API destination of an ARN, or raise the error. A store operation."""
    arn = parse_arn(text)
    parts = [] if arn is None else arn.resource.split("/")
    if arn is not None and len(parts) == 3 and parts[0] == "api-destination":
        try:
            record = await records.find(tx, now_us, arn.scope, KIND, parts[1])
        except RecordNotFoundError:
            raise not_found(f"ApiDestination {text} does not exist.") from None
        if read_destination(record).id == parts[2]:
            return record
    raise not_found(f"ApiDestination {text} does not exist.")


def _check_url(url: str) -> None:
    if not is_address(url):
        raise invalid("Parameter InvocationEndpoint is not valid. Reason: it must be an address with https.")


def _arn(record: Record) -> str:
    _realm, account, region = record.scope.split("/")
    return str(Arn("aws", "events", region, account, f"api-destination/{record.name}/{read_destination(record).id}"))


def _told(record: Record) -> dict[str, Any]:
    return {
        "ApiDestinationArn": _arn(record),
        "ApiDestinationState": "ACTIVE",
        "CreationTime": epoch_seconds(record.created_us),
        "LastModifiedTime": epoch_seconds(record.modified_us),
    }


def _show(record: Record) -> dict[str, Any]:
    destination = read_destination(record)
    return {
        **_told(record),
        "Name": record.name,
        "ConnectionArn": destination.connection,
        "InvocationEndpoint": destination.url,
        "HttpMethod": destination.method,
        "InvocationRateLimitPerSecond": destination.rate,
    }


OPERATIONS: Final = (
    create_api_destination,
    delete_api_destination,
    describe_api_destination,
    list_api_destinations,
    update_api_destination,
)
