"""The endpoints of routes between services: list, add, remove."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.connectors.delivery import targets
from fogbank.connectors.delivery.couriers import ROUTE
from fogbank.connectors.delivery.targets import UnknownNameError
from fogbank.control.replies import RefusedError, allow, json_reply, read_number, read_query
from fogbank.engines.messaging import topics
from fogbank.engines.messaging.delivery_model import TOPIC, split_endpoint
from fogbank.engines.messaging.errors import TopicNotFoundError
from fogbank.engines.messaging.topic_model import SubscriptionConfig
from fogbank.kernel.errors import NotFoundError
from fogbank.languages.matching import InvalidPatternError, compile_pattern
from fogbank.wire.http import BodyTooLargeError

if TYPE_CHECKING:
    from fogbank.connectors.delivery.targets import Target, Targets
    from fogbank.engines.messaging.topic_model import Subscription
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store, Tx
    from fogbank.wire.http import Request, Response

PATH: Final = "/_fogbank/routes"
LIMIT_MAX: Final = 1_000
BODY_BYTES_MAX: Final = 65_536
_ONE: Final = re.compile(PATH + r"/([\w-]{1,64})")
# Labels of a route's subscription: both ends as they were named.
_FROM: Final = "from"
_TO: Final = "to"


class _Wanted(msgspec.Struct, rename={"source": "from", "target": "to"}, forbid_unknown_fields=True):
    """What a route is made from; `filter` is a pattern on the CloudEvent."""

    source: str
    target: str
    filter: dict[str, Any] | None = None


class Routes:
    """Answers what is asked of routes."""

    def __init__(self, store: Store, ids: Ids, known: Targets) -> None:
        self._store = store
        self._ids = ids
        self._known = known

    async def handle(self, request: Request, path: str) -> Response:
        """Answer a request, or raise `RefusedError`."""
        if path == PATH:
            allow(request, path, "GET", "HEAD", "POST")
            return await (self._add(request) if request.method == "POST" else self._list(request))
        if match := _ONE.fullmatch(path):
            allow(request, path, "DELETE")
            read_query(request)
            if not await self._store.run(topics.remove_route, match[1]):
                raise RefusedError(404, f"There is no route {match[1]}.")
            return json_reply(200, {"removed": match[1]})
        raise RefusedError(404, f"There is nothing at {path}.")

    async def _list(self, request: Request) -> Response:
        values = read_query(request, "limit", "after")
        limit = read_number(values, "limit", 1, LIMIT_MAX, LIMIT_MAX)
        found = await self._store.scan(topics.list_routes, values.get("after", ""), limit)
        follows = found[-1].id if len(found) == limit else None
        return json_reply(200, {"routes": [_show(route) for route in found], "next": follows})

    async def _add(self, request: Request) -> Response:
        read_query(request)
        try:
            wanted = msgspec.json.decode(await request.read(BODY_BYTES_MAX), type=_Wanted)
        except BodyTooLargeError as error:
            raise RefusedError(413, str(error)) from None
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise RefusedError(400, f"The route can't be read: {error}") from None
        source, target = self._read(wanted.source), self._read(wanted.target)
        if source.kind != TOPIC:
            raise RefusedError(400, f"A route begins at a topic, and {wanted.source} is a {source.kind}.")
        if source == target:
            raise RefusedError(400, "A route can't lead where it begins.")
        config = SubscriptionConfig(
            filter=_read_filter(wanted.filter),
            labels={_FROM: wanted.source, _TO: wanted.target},
            courier=ROUTE,
            route=True,
        )
        try:
            route, new = await self._store.run(_add, source, target, self._ids.hex(8), config)
        except NotFoundError as error:
            missing = wanted.source if _is_source(error, source) else wanted.target
            raise RefusedError(404, f"There is no {missing}.") from None
        if not new and route.config.filter != config.filter:
            raise RefusedError(409, f"The route {route.id} leads there already, with another filter.")
        return json_reply(201 if new else 200, _show(route))

    def _read(self, name: str) -> Target:
        try:
            return self._known.read(name)
        except UnknownNameError:
            raise RefusedError(
                400,
                f"{name!r} names no topic, queue or function: it has to be an ARN, a name that begins with projects/,"
                " an Azure resource ID, or the address of a Storage queue.",
            ) from None


async def _add(
    tx: Tx, now_us: int, source: Target, target: Target, number: str, config: SubscriptionConfig
) -> tuple[Subscription, bool]:
    name = split_endpoint(source.endpoint)
    await targets.check(tx, now_us, source)
    await targets.check(tx, now_us, target)
    return await topics.add_route(tx, now_us, name, number, target.kind, target.endpoint, config)


def _is_source(error: NotFoundError, source: Target) -> bool:
    return isinstance(error, TopicNotFoundError) and str(error) == split_endpoint(source.endpoint)[1]


def _read_filter(pattern: dict[str, Any] | None) -> str:
    if not pattern:
        return ""
    try:
        compile_pattern(pattern)
    except InvalidPatternError as error:
        raise RefusedError(400, f"filter: {error}") from None
    return msgspec.json.encode(pattern).decode()


def _show(route: Subscription) -> dict[str, Any]:
    config = route.config
    pattern = msgspec.json.decode(config.filter) if config.filter else None
    return {"id": route.id, "from": config.labels[_FROM], "to": config.labels[_TO], "filter": pattern}
