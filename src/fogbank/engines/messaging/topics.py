"""Topics and their subscriptions by name: create, find, list, change, delete. All are store operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.engines.messaging.delivery_model import endpoint_of
from fogbank.engines.messaging.errors import SubscriptionNotFoundError, TopicNotFoundError
from fogbank.engines.messaging.topic_model import (
    Subscription,
    SubscriptionConfig,
    Topic,
    TopicConfig,
    decode_subscription,
    decode_topic,
    encode,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.engines.messaging.model import Name
    from fogbank.storage import Row, Tx

ROUTES: Final = "fogbank/routes/"
_TOPIC: Final = "scope, name, id, config, created_us"
_SUBSCRIPTION: Final = "topic, id, scope, topic_name, kind, endpoint, config"
_ONE: Final = f"SELECT {_SUBSCRIPTION} FROM subscription WHERE scope = $1 AND id = $2"
_OF_TOPIC: Final = f"SELECT {_SUBSCRIPTION} FROM subscription WHERE topic = $1 ORDER BY id"


def _topic(row: Row) -> Topic:
    scope, name, number, config, created_us = row
    return Topic(scope, name, number, decode_topic(bytes(config)), created_us)


def _subscription(row: Row) -> Subscription:
    topic, number, scope, topic_name, kind, endpoint, config = row
    return Subscription(topic, number, scope, topic_name, kind, endpoint, decode_subscription(bytes(config)))


def _within(folder: str | None, column: str) -> str:
    if folder is None:
        return ""
    return f" AND {column} LIKE $4 || '/%'" if folder else f" AND {column} NOT LIKE '%/%'"


async def create(tx: Tx, now_us: int, name: Name, number: int, config: TopicConfig) -> tuple[Topic, bool]:
    """Create a topic, or return the one of that name as it is; the flag says whether it is new."""
    made = await tx.run(
        "INSERT INTO topic (scope, name, id, config, created_us) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (scope, name) DO NOTHING",
        *name,
        number,
        encode(config),
        now_us,
    )
    return await find(tx, now_us, name), bool(made)


async def find(tx: Tx, _now_us: int, name: Name) -> Topic:
    """Return a topic, or raise `TopicNotFoundError`."""
    rows = await tx.known(f"SELECT {_TOPIC} FROM topic WHERE scope = $1 AND name = $2", *name)
    if not rows:
        raise TopicNotFoundError(name[1])
    return _topic(rows[0])


async def names_everywhere(tx: Tx, _now_us: int, limit: int) -> list[Name]:
    """Return scopes and names of topics of all scopes, in their order."""
    rows = await tx.all("SELECT scope, name FROM topic ORDER BY scope, name LIMIT $1", limit)
    return [(row[0], row[1]) for row in rows]


async def take_turns(tx: Tx, _now_us: int, name: Name) -> None:
    """Have whatever else takes turns with this topic wait until the transaction is over."""
    await tx.one("SELECT id FROM topic WHERE scope = $1 AND name = $2 FOR UPDATE", *name)


async def list_topics(
    tx: Tx, _now_us: int, scope: str, after: str, limit: int, *, folder: str | None = None
) -> list[Topic]:
    """Return topics of a scope in the order of their names, those that follow `after`.

    With `folder`, only those whose names begin with it and a slash; with "", those that have no slash.
    """
    rows = await tx.all(
        f"SELECT {_TOPIC} FROM topic WHERE scope = $1 AND name > $2{_within(folder, 'name')} ORDER BY name LIMIT $3",
        scope,
        after,
        limit,
        *((folder,) if folder else ()),
    )
    return [_topic(row) for row in rows]


async def update(tx: Tx, _now_us: int, name: Name, change: Callable[[TopicConfig], TopicConfig]) -> Topic:
    """Change a topic's configuration; `change` may refuse by raising."""
    row = await tx.one(f"SELECT {_TOPIC} FROM topic WHERE scope = $1 AND name = $2 FOR UPDATE", *name)
    if row is None:
        raise TopicNotFoundError(name[1])
    topic = _topic(row)
    config = change(topic.config)
    await tx.run("UPDATE topic SET config = $1 WHERE scope = $2 AND name = $3", encode(config), *name)
    return topic._replace(config=config)


async def delete(tx: Tx, _now_us: int, name: Name) -> None:
    """Delete a topic with its subscriptions; one that isn't there counts as deleted."""
    row = await tx.one("SELECT id FROM topic WHERE scope = $1 AND name = $2", *name)
    if row is not None:
        await tx.run("DELETE FROM topic WHERE scope = $1 AND name = $2", *name)
        await tx.run("DELETE FROM subscription WHERE topic = $1", row[0])


async def subscribe(
    tx: Tx, now_us: int, name: Name, number: str, kind: str, endpoint: str, config: SubscriptionConfig
) -> tuple[Subscription, bool]:
    """Subscribe an endpoint, or return its subscription as it is; the flag says whether it is new."""
    topic = await find(tx, now_us, name)
    return await add_subscription(tx, topic, name, number, kind, endpoint, config)


async def add_subscription(
    tx: Tx, topic: Topic, place: Name, number: str, kind: str, endpoint: str, config: SubscriptionConfig
) -> tuple[Subscription, bool]:
    """Subscribe an endpoint to a topic that was found; `place` is the scope that it is listed in, with a name."""
    row = await tx.one(
        f"SELECT {_SUBSCRIPTION} FROM subscription WHERE topic = $1 AND kind = $2 AND endpoint = $3 AND scope = $4",
        topic.id,
        kind,
        endpoint,
        place[0],
    )
    if row is not None:
        return _subscription(row), False
    await tx.run(
        f"INSERT INTO subscription ({_SUBSCRIPTION}) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        topic.id,
        number,
        *place,
        kind,
        endpoint,
        encode(config),
    )
    return Subscription(topic.id, number, *place, kind, endpoint, config), True


async def put_subscription(tx: Tx, _now_us: int, subscription: Subscription) -> bool:
    """Subscribe under an id of the caller's own, or change what has it; False if it was there."""
    there = await tx.run(
        "UPDATE subscription SET kind = $1, endpoint = $2, config = $3 WHERE topic = $4 AND id = $5",
        subscription.kind,
        subscription.endpoint,
        encode(subscription.config),
        subscription.topic,
        subscription.id,
    )
    if not there:
        await tx.run(
            f"INSERT INTO subscription ({_SUBSCRIPTION}) VALUES ($1, $2, $3, $4, $5, $6, $7)",
            *subscription[:-1],
            encode(subscription.config),
        )
    return not there


async def subscribe_as(
    tx: Tx, now_us: int, name: Name, number: str, kind: str, endpoint: str, config: SubscriptionConfig
) -> Subscription:
    """Make the subscription of that id, or put this one in its place; others may have the same endpoint."""
    topic = await find(tx, now_us, name)
    subscription = Subscription(topic.id, number, *name, kind, endpoint, config)
    await put_subscription(tx, now_us, subscription)
    return subscription


async def find_subscription(tx: Tx, _now_us: int, scope: str, number: str) -> Subscription:
    """Return a subscription, or raise `SubscriptionNotFoundError`."""
    row = await tx.one(_ONE, scope, number)
    if row is None:
        raise SubscriptionNotFoundError(number)
    return _subscription(row)


async def update_subscription(
    tx: Tx, _now_us: int, scope: str, number: str, change: Callable[[SubscriptionConfig], SubscriptionConfig]
) -> Subscription:
    """Change a subscription's configuration; `change` may refuse by raising."""
    row = await tx.one(f"{_ONE} FOR UPDATE", scope, number)
    if row is None:
        raise SubscriptionNotFoundError(number)
    subscription = _subscription(row)
    config = change(subscription.config)
    await tx.run(
        "UPDATE subscription SET config = $1 WHERE topic = $2 AND id = $3", encode(config), subscription.topic, number
    )
    return subscription._replace(config=config)


async def unsubscribe(tx: Tx, _now_us: int, scope: str, number: str) -> bool:
    """Remove a subscription; False if there is none of that id."""
    return bool(await tx.run("DELETE FROM subscription WHERE scope = $1 AND id = $2", scope, number))


async def list_subscriptions(
    tx: Tx, _now_us: int, scope: str, after: str, limit: int, *, folder: str | None = None
) -> list[Subscription]:
    """Return subscriptions of a scope in the order of their ids, those that follow `after`; `folder` is the topics'."""
    rows = await tx.all(
        f"SELECT {_SUBSCRIPTION} FROM subscription WHERE scope = $1 AND id > $2{_within(folder, 'topic_name')}"
        " ORDER BY id LIMIT $3",
        scope,
        after,
        limit,
        *((folder,) if folder else ()),
    )
    return [_subscription(row) for row in rows]


async def subscriptions_of(tx: Tx, now_us: int, name: Name) -> list[Subscription]:
    """Return all subscriptions of a topic in the order of their ids, without those in a scope of their own.

    These are routes to other services, and archives that no service lists.
    """
    topic = await find(tx, now_us, name)
    found = await subscriptions_by_id(tx, now_us, topic.id)
    return [each for each in found if each.scope == topic.scope]


async def subscriptions_by_id(tx: Tx, _now_us: int, topic: int) -> list[Subscription]:
    """Return all subscriptions of a topic that was found already, and its routes."""
    return [_subscription(row) for row in await tx.known(_OF_TOPIC, topic)]


# Routes between services stand among a topic's subscriptions, so that publishing finds them there, in a scope of their
# own, so that no service lists them as its subscriptions. They go with their topic.


async def add_route(
    tx: Tx, now_us: int, source: Name, number: str, kind: str, endpoint: str, config: SubscriptionConfig
) -> tuple[Subscription, bool]:
    """Route a topic to a target, or return the route that there is; the flag says whether it is new.

    Raises `TopicNotFoundError`.
    """
    assert config.route
    topic = await find(tx, now_us, source)
    return await add_subscription(tx, topic, (ROUTES, endpoint_of(*source)), number, kind, endpoint, config)


async def list_routes(tx: Tx, now_us: int, after: str, limit: int) -> list[Subscription]:
    """Return routes in the order of their ids, those that follow `after`."""
    return await list_subscriptions(tx, now_us, ROUTES, after, limit)


async def remove_route(tx: Tx, now_us: int, number: str) -> bool:
    """Remove a route; False if there is none of that id."""
    return await unsubscribe(tx, now_us, ROUTES, number)
