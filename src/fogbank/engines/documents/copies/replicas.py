"""Collections that are to have the same documents: of one name, in several scopes, each a peer of all others.

Each writes on its own, tells of it in its feed, and takes over what it finds in the feeds of its peers (`merging`), by
a follower for each of them. A new peer gets what is there as a copy, and by the followers what comes meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.engines.documents import collections, feeds
from fogbank.engines.documents.copies import copying
from fogbank.engines.documents.copies.copying import INTO_COLLECTION, Copy
from fogbank.storage import change_feed, feed_places

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fogbank.engines.documents.model import Collection, CollectionConfig, Name
    from fogbank.storage import Tx

# The feed that tells of collections whose peers are others now.
FEED: Final = "replicas"
_encode: Final = msgspec.msgpack.Encoder().encode


def follower(feed: str, scope: str) -> str:
    """Return the name under which a peer follows a feed."""
    return f"{feed} in {scope}"


async def group(tx: Tx, now_us: int, name: Name) -> list[Collection]:
    """Return a collection and its peers by their scopes, none of which anybody else changes meanwhile."""
    first = await collections.find(tx, now_us, name)
    scopes = sorted({name[0], *first.config.peers})
    return [await collections.hold(tx, now_us, (scope, name[1])) for scope in scopes]


async def add(
    tx: Tx,
    now_us: int,
    name: Name,
    scope: str,
    number: int,
    labels: dict[str, str],
    make: Callable[[CollectionConfig, int], CollectionConfig],
) -> Collection:
    """Make a collection's peer in another scope, under a number of `Ids.sequence`; returns the collection.

    `make` makes the peer's configuration of the collection's and of the time at which its feed is opened, which has
    these labels; it may refuse by raising. Raises `CollectionExistsError`.
    """
    members = await group(tx, now_us, name)
    (source,) = (each for each in members if each.scope == name[0])
    peer = scope, name[1]
    for each in members:
        peers = tuple(sorted({*each.config.peers, scope}))
        await collections.update(tx, now_us, (each.scope, each.name), _with_peers(peers))
        # What the source has of it comes with the copy, and with nothing else.
        start = await _place(tx, now_us, each, source)
        await feed_places.arrange(tx, now_us, follower(each.config.feed, scope), 1, start)
    scopes = tuple(each.scope for each in members)
    await collections.create(tx, now_us, peer, number, msgspec.structs.replace(source.config, indexes=(), feed=""))

    def opened(_config: CollectionConfig, opened_ms: int) -> CollectionConfig:
        return msgspec.structs.replace(make(source.config, opened_ms), peers=scopes, filling=True)

    await feeds.open_feed(tx, now_us, peer, labels, opened)
    await copying.begin(tx, now_us, Copy(number, source.id, INTO_COLLECTION, *peer))
    await _tell(tx, now_us, [*scopes, scope], name[1])
    return await collections.find(tx, now_us, name)


async def remove(tx: Tx, now_us: int, name: Name) -> None:
    """Let a collection be nobody's peer any more."""
    members = await group(tx, now_us, name)
    for each in members:
        others = tuple(scope for scope in each.config.peers if scope != name[0]) if each.scope != name[0] else ()
        await collections.update(tx, now_us, (each.scope, each.name), _with_peers(others))
        for gone in each.config.peers if each.scope == name[0] else (name[0],):
            await feed_places.forget(tx, now_us, follower(each.config.feed, gone))
    await _tell(tx, now_us, [each.scope for each in members], name[1])


def _with_peers(peers: tuple[str, ...]) -> Callable[[CollectionConfig], CollectionConfig]:
    return lambda config: msgspec.structs.replace(config, peers=peers)


async def is_behind(tx: Tx, now_us: int, name: Name, feed: str) -> bool:
    """Tell whether a collection's feed has entries that one of its peers hasn't taken over yet."""
    collection = await collections.look_up(tx, now_us, name)
    last = await change_feed.last(tx, now_us, feed)
    for scope in collection.config.peers if collection.config.feed == feed else ():
        places = await feed_places.places(tx, now_us, follower(feed, scope))
        if any(place.seq < last for place in places):
            return True
    return False


async def _place(tx: Tx, now_us: int, member: Collection, source: Collection) -> int:
    """Return how far a collection has come with the feed of a member of its group; with its own to its end."""
    if member.scope == source.scope:
        return await change_feed.last(tx, now_us, member.config.feed)
    places = await feed_places.places(tx, now_us, follower(member.config.feed, source.scope))
    return min((place.seq for place in places), default=0)


async def _tell(tx: Tx, now_us: int, scopes: Iterable[str], name: str) -> None:
    for scope in scopes:
        await change_feed.append(tx, now_us, FEED, _encode((scope, name)))
