"""Requests of API destinations: put together when they are sent, so that changes of a connection act at once.

Amazon EventBridge User Guide, "Connections for API targets", "Headers in requests to API destinations".
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import msgspec

from fogbank.clouds.aws.events.couriers import DEFAULT_RETRY, SPREAD, letter
from fogbank.clouds.aws.events.destinations.api_destinations import (
    find_connection,
    find_destination,
    read_destination,
)
from fogbank.clouds.aws.events.destinations.connections import AUTHORIZED, read_connection
from fogbank.clouds.aws.events.rendering import ForHttp
from fogbank.connectors.delivery.couriers import Answer, Courier, is_final
from fogbank.connectors.delivery.posting import Posting
from fogbank.kernel.clock import SECOND_US
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from fogbank.clouds.aws.events.destinations.api_destinations import Destination
    from fogbank.clouds.aws.events.destinations.connections import Connection, OAuth, Parameter
    from fogbank.connectors.delivery.posting import Poster
    from fogbank.engines.messaging.delivery_model import Delivery
    from fogbank.storage import Store, Tx

CONFLICT: Final = 409
TOKEN_SECONDS: Final = 3_600
TOKEN_SECONDS_MAX: Final = 5.0
# A token that is about to expire isn't used.
EARLY_US: Final = 30 * SECOND_US
_FORM: Final = "application/x-www-form-urlencoded"


def api_courier(store: Store, poster: Poster) -> Courier:
    """Return the rules by which API destinations are called."""
    requests = ApiRequests(store, poster)

    def final(answer: Answer) -> bool:
        return is_final(answer) and answer.status not in (CONFLICT, 401)

    return Courier(DEFAULT_RETRY, final=final, letter=letter, prepare=requests.prepare, spread=SPREAD)


class ApiRequests:
    """Makes the requests, within each destination's rate; keeps the tokens that connections got."""

    def __init__(self, store: Store, poster: Poster) -> None:
        self._store = store
        self._poster = poster
        self._next_us: dict[str, int] = {}
        self._places: dict[int, int] = {}
        self._tokens: dict[str, tuple[str, int]] = {}

    async def prepare(self, delivery: Delivery, now_us: int) -> Delivery | Answer | float:
        """Return the request of a delivery, whose endpoint is an API destination's ARN."""
        try:
            destination, connection = await self._store.read(_find, delivery.endpoint)
        except AwsError as error:
            return Answer(404, error.message)
        if connection.state != AUTHORIZED:
            return Answer(403, "the connection is deauthorized")
        refused = "HTTP 401" in delivery.facts.get("error", "")
        if refused and connection.auth.OAuthParameters is None:
            # Only a token can be asked for anew.
            return Answer(403, "HTTP 401")
        wait_seconds = self._turn(delivery, destination, now_us)
        if wait_seconds:
            return wait_seconds
        headers = {"User-Agent": "Amazon/EventBridge/ApiDestinations", "Range": "bytes=0-1048575"}
        given = msgspec.json.decode(delivery.facts.get("http") or "null", type=ForHttp | None) or ForHttp()
        headers |= {"Content-Type": "application/json; charset=utf-8", **given.HeaderParameters}
        added = connection.auth.InvocationHttpParameters
        query = list(given.QueryStringParameters.items())
        content = delivery.content
        if added is not None:
            headers |= dict(_pairs(added.HeaderParameters))
            query += _pairs(added.QueryStringParameters)
            content = _with_members(content, dict(_pairs(added.BodyParameters)))
        authorization = await self._authorize(connection, now_us, fresh=refused)
        if isinstance(authorization, Answer):
            return authorization
        url = _with_query(_with_path(destination.url, given.PathParameterValues), query)
        return msgspec.structs.replace(
            delivery, endpoint=url, headers=headers | authorization, content=content, method=destination.method
        )

    def _turn(self, delivery: Delivery, destination: Destination, now_us: int) -> float:
        """Return 0 if it is a delivery's turn at a destination, else in how many seconds it is.

        One that must wait is given its place at once, so that it asks only once more.
        """
        key = hash((delivery.subscription, delivery.first_us, delivery.content))
        place_us = self._places.pop(key, None)
        if place_us is None:
            place_us = max(now_us, self._next_us.get(destination.id, 0))
            self._next_us[destination.id] = place_us + SECOND_US // destination.rate
        if place_us <= now_us:
            return 0.0
        self._places[key] = place_us
        return (place_us - now_us) / SECOND_US

    async def _authorize(self, connection: Connection, now_us: int, *, fresh: bool) -> dict[str, str] | Answer:
        auth = connection.auth
        if auth.BasicAuthParameters is not None:
            pair = f"{auth.BasicAuthParameters.Username}:{auth.BasicAuthParameters.Password}"
            return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
        if auth.ApiKeyAuthParameters is not None:
            return {str(auth.ApiKeyAuthParameters.ApiKeyName): str(auth.ApiKeyAuthParameters.ApiKeyValue)}
        assert auth.OAuthParameters is not None, "one of the three is there"
        key = f"{connection.id}/{connection.authorized_us}"
        token, until_us = self._tokens.get(key, ("", 0))
        if fresh or until_us <= now_us + EARLY_US:
            asked = await self._ask(auth.OAuthParameters)
            if isinstance(asked, Answer):
                return asked
            token, lives_seconds = asked
            self._tokens[key] = (token, now_us + lives_seconds * SECOND_US)
        return {"Authorization": f"Bearer {token}"}

    async def _ask(self, oauth: OAuth) -> tuple[str, int] | Answer:
        """Ask for a token (RFC 6749, section 4.4); returns it and how long it lives, or what went wrong."""
        client, added = oauth.ClientParameters, oauth.OAuthHttpParameters
        assert client is not None
        form: dict[str, Any] = {
            "grant_type": "client_credentials",
            "client_id": client.ClientID,
            "client_secret": client.ClientSecret,
        }
        headers = {"Content-Type": _FORM, "Accept": "application/json"}
        query: list[tuple[str, str]] = []
        if added is not None:
            form |= dict(_pairs(added.BodyParameters))
            headers |= dict(_pairs(added.HeaderParameters))
            query += _pairs(added.QueryStringParameters)
        url, body = str(oauth.AuthorizationEndpoint), urlencode(form).encode()
        if oauth.HttpMethod == "GET":
            query += form.items()
            body = b""
        posting = Posting(_with_query(url, query), body, headers, str(oauth.HttpMethod), TOKEN_SECONDS_MAX)
        answer = await self._poster.send(posting)
        try:
            told = msgspec.json.decode(answer.body) if answer.ok else {}
        except (msgspec.DecodeError, UnicodeDecodeError):
            told = {}
        token = told.get("access_token") if isinstance(told, dict) else None
        if not isinstance(token, str):
            # A server that can't tell now may do so later.
            status = answer.status if answer.status == 0 or answer.status >= 500 else 403
            return Answer(status, f"{url} gave no token: {answer.reason}")
        lives = told.get("expires_in")
        return token, lives if isinstance(lives, int) else TOKEN_SECONDS


async def _find(tx: Tx, now_us: int, arn: str) -> tuple[Destination, Connection]:
    destination = read_destination(await find_destination(tx, now_us, arn))
    return destination, read_connection(await find_connection(tx, now_us, destination.connection))


def _pairs(parameters: list[Parameter] | None) -> list[tuple[str, str]]:
    return [(each.Key or "", each.Value or "") for each in parameters or ()]


def _with_path(url: str, values: list[str]) -> str:
    """Put values in the places of the asterisks in an address's path."""
    parts = urlsplit(url)
    pieces = parts.path.split("*")
    filled = pieces[0]
    for place, piece in enumerate(pieces[1:]):
        filled += (quote(values[place], safe="") if place < len(values) else "*") + piece
    return urlunsplit(parts._replace(path=filled))


def _with_query(url: str, pairs: list[tuple[str, str]]) -> str:
    if not pairs:
        return url
    parts = urlsplit(url)
    there = parse_qsl(parts.query, keep_blank_values=True)
    return urlunsplit(parts._replace(query=urlencode([*there, *pairs])))


def _with_members(content: bytes, members: dict[str, str]) -> bytes:
    """Add members to a body that is an object in JSON."""
    if not members:
        return content
    try:
        body = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return content
    return msgspec.json.encode({**body, **members}) if isinstance(body, dict) else content
