"""Pipes from change feeds: batches of entries handed on in order, by lanes (`lanes.py`).

What the target takes of a batch before something fails isn't sent again; a crash sends what was under way once more.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from fogbank.connectors.delivery.carrying import NotTakenError
from fogbank.connectors.piping.followers import Follow
from fogbank.connectors.piping.handing import BusyTargetError, FailedError, Taken, within_store
from fogbank.connectors.piping.lanes import Given, Plan
from fogbank.connectors.piping.sources import FeedSource
from fogbank.engines.messaging import pipes
from fogbank.storage import change_feed, feed_places

if TYPE_CHECKING:
    from fogbank.connectors.delivery.couriers import Drawn
    from fogbank.connectors.piping.handing import Consignment, Handing
    from fogbank.connectors.piping.lanes import Handed
    from fogbank.engines.messaging.delivery_model import Delivery
    from fogbank.engines.messaging.model import Name
    from fogbank.engines.messaging.pipes import Pipe, PipeConfig
    from fogbank.storage import Tx

_log = logging.getLogger(__name__)


class FeedPipe:
    """One pipe at work on a change feed."""

    def __init__(self, handing: Handing) -> None:
        self._handing = handing
        self._pipe = handing.pipe

    async def find(self) -> Follow | None:
        """Return how the pipe's feed is followed; None if it is gone."""
        form = await self._handing.store.read(self._handing.form.feed, self._pipe)
        if form is None:
            _log.warning("pipe %s: the feed %s is gone", self._pipe.name, self._pipe.config.source)
            return None
        return Follow(_plan(self._pipe), form, self.hand)

    async def hand(self, batch: list[Handed], _tries: int) -> Given:
        """Hand a batch on, up to what fails."""
        records = [msgspec.json.decode(handed.record) for handed in batch]
        taken = [Taken(self._handing.form.entry_id(record), record) for record in records]
        done = 0
        try:
            consignments = await self._handing.consignments(taken, self._handing.clock.now())
            if len(consignments) > 1 and await self._put_together(consignments):
                return Given(len(batch))
            for consignment in consignments:
                dealt = await self._send(consignment)
                left = next((place for place, each in enumerate(consignment.taken) if each not in dealt), None)
                if left is not None:
                    return Given(done + left)
                done += len(consignment.taken)
        except BusyTargetError:
            return Given(done, tried=False)
        except (FailedError, NotTakenError) as error:
            _log.warning("pipe %s: %s", self._pipe.name, error)
            return Given(done)
        return Given(len(batch))

    async def _put_together(self, consignments: list[Consignment]) -> bool:
        """Put all that is for the store there in one transaction, if it is taken."""
        if not all(map(within_store, consignments)):
            return False
        try:
            await self._handing.store.run(self._put, [part for each in consignments for part in self._drawn(each)])
        except NotTakenError:
            return False
        return True

    async def _send(self, consignment: Consignment) -> list[Taken]:
        """Return the events that were dealt with; raises `FailedError` or `NotTakenError`."""
        if consignment.problem:
            raise FailedError(consignment.problem)
        if not within_store(consignment):
            return await self._handing.send(consignment, self._handing.clock.now())
        await self._handing.store.run(self._put, self._drawn(consignment))
        return consignment.taken

    def _drawn(self, consignment: Consignment) -> list[tuple[Delivery, Drawn]]:
        return self._handing.drawn(consignment)

    async def _put(self, tx: Tx, now_us: int, parcels: list[tuple[Delivery, Drawn]]) -> None:
        for delivery, drawn in parcels:
            await self._handing.carrier.put(tx, now_us, delivery, drawn)


def _follower(name: Name) -> str:
    return f"pipe/{name[0]}/{name[1]}"


def _plan(pipe: Pipe) -> Plan:
    config = pipe.config
    return Plan(
        _follower((pipe.scope, pipe.name)),
        FeedSource(config.source),
        config.lanes,
        config.batch_size,
        config.window_seconds,
        config.retries_max,
        config.age_seconds_max,
        config.bisect,
    )


async def create(tx: Tx, now_us: int, name: Name, number: int, config: PipeConfig) -> Pipe:
    """Create a pipe; one from a feed begins with the oldest entry there is, or with what comes (`from_latest`)."""
    pipe = await pipes.create(tx, now_us, name, number, config)
    if config.is_feed:
        start = await change_feed.last(tx, now_us, config.source) if config.from_latest else 0
        await feed_places.arrange(tx, now_us, _follower(name), config.lanes, start)
    return pipe


async def delete(tx: Tx, now_us: int, name: Name) -> Pipe:
    """Delete a pipe, and forget how far it has come."""
    await feed_places.forget(tx, now_us, _follower(name))
    return await pipes.delete(tx, now_us, name)
