"""Connections: how the requests of API destinations are authorized, and what is added to them.

Amazon EventBridge User Guide, "Connections for API targets". A connection with OAuth counts as authorized at once; its
token is asked for when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import Call, Input, Reply, epoch_seconds, operation
from fogbank.clouds.aws.arns import Arn
from fogbank.clouds.aws.events.errors import invalid
from fogbank.clouds.aws.events.service import PAGE_MAX, Events, read_next
from fogbank.clouds.aws.paging import page
from fogbank.connectors.delivery.posting import is_address
from fogbank.engines.messaging import records
from fogbank.kernel.clock import MILLISECOND_US

if TYPE_CHECKING:
    from fogbank.engines.messaging.records import Record

KIND: Final = "events/connection"
AUTHORIZED: Final = "AUTHORIZED"
DEAUTHORIZED: Final = "DEAUTHORIZED"
_PARAMETERS: Final = ("HeaderParameters", "QueryStringParameters", "BodyParameters")


class Parameter(Input):
    """A header, a query parameter or a member of the body that is added to requests."""

    Key: str | None = None
    Value: str | None = None
    IsValueSecret: bool = False


class Parameters(Input):
    """What is added to requests."""

    HeaderParameters: list[Parameter] | None = None
    QueryStringParameters: list[Parameter] | None = None
    BodyParameters: list[Parameter] | None = None


class Basic(Input):
    """A user name and a password."""

    Username: str | None = None
    Password: str | None = None


class ApiKey(Input):
    """A header and its secret value."""

    ApiKeyName: str | None = None
    ApiKeyValue: str | None = None


class OAuthClient(Input):
    """The client that a token is asked for."""

    ClientID: str | None = None
    ClientSecret: str | None = None


class OAuth(Input):
    """Where and how tokens are asked for."""

    ClientParameters: OAuthClient | None = None
    AuthorizationEndpoint: str | None = None
    HttpMethod: str | None = None
    OAuthHttpParameters: Parameters | None = None


class Authorization(Input):
    """All of how requests are authorized."""

    BasicAuthParameters: Basic | None = None
    OAuthParameters: OAuth | None = None
    ApiKeyAuthParameters: ApiKey | None = None
    InvocationHttpParameters: Parameters | None = None


class Connection(msgspec.Struct, frozen=True, omit_defaults=True):
    """A connection, as its record has it. Times in microseconds."""

    id: str
    type: str
    auth: Authorization
    description: str = ""
    state: str = AUTHORIZED
    authorized_us: int = 0


_CONNECTION: Final = msgspec.json.Decoder(Connection)
_NEEDED: Final = {
    "BASIC": "BasicAuthParameters",
    "API_KEY": "ApiKeyAuthParameters",
    "OAUTH_CLIENT_CREDENTIALS": "OAuthParameters",
}


def read_connection(record: Record) -> Connection:
    """Return the connection of a record."""
    return _CONNECTION.decode(record.body)


def connection_arn(record: Record) -> str:
    """Return the ARN of a connection."""
    _realm, account, region = record.scope.split("/")
    return str(Arn("aws", "events", region, account, f"connection/{record.name}/{read_connection(record).id}"))


class CreateConnection(Input):
    """Input of CreateConnection."""

    Name: str
    AuthorizationType: str
    AuthParameters: Authorization
    Description: str | None = None


@operation(CreateConnection)
async def create_connection(events: Events, call: Call, request: CreateConnection) -> Reply:
    """Create a connection."""
    _check(request.AuthorizationType, request.AuthParameters)
    connection = Connection(
        events.ids.uuid(),
        request.AuthorizationType,
        request.AuthParameters,
        request.Description or "",
        AUTHORIZED,
        events.clock.now(),
    )
    body = msgspec.json.encode(connection)
    record = await events.store.run(records.add, call.scope, KIND, request.Name, events.ids.sequence(), body)
    return _told(record)


class UpdateConnection(Input):
    """Input of UpdateConnection."""

    Name: str
    AuthorizationType: str | None = None
    AuthParameters: Authorization | None = None
    Description: str | None = None


@operation(UpdateConnection)
async def update_connection(events: Events, call: Call, request: UpdateConnection) -> Reply:
    """Change a connection."""
    now_us = events.clock.now()

    def change(record: Record) -> bytes:
        before = read_connection(record)
        changes: dict[str, Any] = {}
        if request.Description is not None:
            changes["description"] = request.Description
        if request.AuthParameters is not None:
            kind = request.AuthorizationType or before.type
            auth = _merged(before.auth, request.AuthParameters)
            _check(kind, auth)
            changes |= {"type": kind, "auth": auth, "state": AUTHORIZED, "authorized_us": now_us}
        elif request.AuthorizationType not in (None, before.type):
            raise invalid("AuthParameters must be specified with another AuthorizationType.")
        return msgspec.json.encode(msgspec.structs.replace(before, **changes))

    return _told(await events.store.run(records.update, call.scope, KIND, request.Name, change))


def _merged(before: Any, given: Any) -> Any:
    """Return parameters with those that were given in place of what was there."""
    if not isinstance(given, Input) or not isinstance(before, Input):
        return given
    changes = {
        name: _merged(getattr(before, name), value)
        for name, value in ((name, getattr(given, name)) for name in given.__struct_fields__)
        if value is not None
    }
    return msgspec.structs.replace(before, **changes)


class DescribeConnection(Input):
    """Input of DescribeConnection."""

    Name: str


@operation(DescribeConnection)
async def describe_connection(events: Events, call: Call, request: DescribeConnection) -> Reply:
    """Return all of a connection but its secrets."""
    record = await events.store.read(records.find, call.scope, KIND, request.Name)
    connection = read_connection(record)
    _realm, account, region = record.scope.split("/")
    secret = f"secret:events!connection/{record.name}/{connection.id}"
    shown = {
        **_show(record),
        "AuthParameters": _without_secrets(connection.auth),
        "SecretArn": f"arn:aws:secretsmanager:{region}:{account}:{secret}",
    }
    if connection.description:
        shown["Description"] = connection.description
    return shown


class ListConnections(Input):
    """Input of ListConnections."""

    NamePrefix: str | None = None
    ConnectionState: str | None = None
    NextToken: str | None = None
    Limit: int = PAGE_MAX


@operation(ListConnections)
async def list_connections(events: Events, call: Call, request: ListConnections) -> Reply:
    """List connections in the order of their names."""
    after = read_next(request.NextToken)
    every = await events.store.read(records.list_records, call.scope, KIND, request.NamePrefix or "", after)
    found = [each for each in every if request.ConnectionState in (None, read_connection(each).state)]
    return page("Connections", found, request.Limit, lambda record: record.name, _show)


class DeauthorizeConnection(Input):
    """Input of DeauthorizeConnection."""

    Name: str


@operation(DeauthorizeConnection)
async def deauthorize_connection(events: Events, call: Call, request: DeauthorizeConnection) -> Reply:
    """Forget a connection's secrets, without deleting it."""

    def change(record: Record) -> bytes:
        before = read_connection(record)
        emptied = Authorization(InvocationHttpParameters=before.auth.InvocationHttpParameters)
        return msgspec.json.encode(msgspec.structs.replace(before, auth=emptied, state=DEAUTHORIZED))

    return _told(await events.store.run(records.update, call.scope, KIND, request.Name, change))


class DeleteConnection(Input):
    """Input of DeleteConnection."""

    Name: str


@operation(DeleteConnection)
async def delete_connection(events: Events, call: Call, request: DeleteConnection) -> Reply:
    """Delete a connection; the API destinations that use it fail from then on."""
    record = await events.store.read(records.find, call.scope, KIND, request.Name)
    await events.store.run(records.delete, call.scope, KIND, request.Name)
    return {**_told(record), "ConnectionState": "DELETING"}


def _check(kind: str, auth: Authorization) -> None:
    """Raise the error for parameters that don't go with the kind of authorization."""
    needed = _NEEDED[kind]
    given = {name for name in _NEEDED.values() if getattr(auth, name) is not None}
    if given != {needed}:
        raise invalid(f"Authorization parameters for {kind} must be {needed}, and no others.")
    parameters = getattr(auth, needed)
    missing = [
        name
        for name in parameters.__struct_fields__
        if getattr(parameters, name) is None and name != "OAuthHttpParameters"
    ]
    if missing:
        raise invalid(f"{missing[0]} must be specified in {needed}.")
    if isinstance(parameters, OAuth):
        client = parameters.ClientParameters
        if client is None or client.ClientID is None or client.ClientSecret is None:
            raise invalid("ClientID and ClientSecret must be specified in ClientParameters.")
        if not is_address(parameters.AuthorizationEndpoint or ""):
            raise invalid("Parameter AuthorizationEndpoint is not valid. Reason: it must be an address with https.")


def _without_secrets(auth: Authorization) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    if auth.BasicAuthParameters is not None:
        shown["BasicAuthParameters"] = {"Username": auth.BasicAuthParameters.Username}
    if auth.ApiKeyAuthParameters is not None:
        shown["ApiKeyAuthParameters"] = {"ApiKeyName": auth.ApiKeyAuthParameters.ApiKeyName}
    oauth = auth.OAuthParameters
    if oauth is not None and oauth.ClientParameters is not None:
        shown["OAuthParameters"] = {
            "ClientParameters": {"ClientID": oauth.ClientParameters.ClientID},
            "AuthorizationEndpoint": oauth.AuthorizationEndpoint,
            "HttpMethod": oauth.HttpMethod,
        }
        if oauth.OAuthHttpParameters is not None:
            shown["OAuthParameters"]["OAuthHttpParameters"] = _show_parameters(oauth.OAuthHttpParameters)
    if auth.InvocationHttpParameters is not None:
        shown["InvocationHttpParameters"] = _show_parameters(auth.InvocationHttpParameters)
    return shown


def _show_parameters(parameters: Parameters) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for name in _PARAMETERS:
        given: list[Parameter] | None = getattr(parameters, name)
        if given is not None:
            shown[name] = [
                {
                    "Key": each.Key,
                    "IsValueSecret": each.IsValueSecret,
                    **({} if each.IsValueSecret else {"Value": each.Value}),
                }
                for each in given
            ]
    return shown


def _told(record: Record) -> dict[str, Any]:
    connection = read_connection(record)
    return {
        "ConnectionArn": connection_arn(record),
        "ConnectionState": connection.state,
        "CreationTime": epoch_seconds(record.created_us),
        "LastModifiedTime": epoch_seconds(record.modified_us),
        "LastAuthorizedTime": connection.authorized_us // MILLISECOND_US / 1_000,
    }


def _show(record: Record) -> dict[str, Any]:
    return {**_told(record), "Name": record.name, "AuthorizationType": read_connection(record).type}


OPERATIONS: Final = (
    create_connection,
    deauthorize_connection,
    delete_connection,
    describe_connection,
    list_connections,
    update_connection,
)
