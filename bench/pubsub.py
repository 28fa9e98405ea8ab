"""Google Pub/Sub cases, over gRPC in raw bytes, so that the client costs as little as may be."""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import TYPE_CHECKING, Any

import grpc.aio
from google.pubsub_v1 import types

from bench.case import Case, Timed

if TYPE_CHECKING:
    from bench.case import Work
    from bench.http import Client, Connection

_names = itertools.count(1)


class PubSub:
    """A topic with one subscription, and calls in bytes."""

    def __init__(self, client: Client) -> None:
        self._channel = grpc.aio.insecure_channel(f"{client.host}:{client.port}")
        number = next(_names)
        self.topic = f"projects/bench/topics/topic-{number}"
        self.subscription = f"projects/bench/subscriptions/subscription-{number}"

    def unary(self, method: str) -> Any:
        return self._channel.unary_unary(f"/google.pubsub.v1.{method}")

    def stream(self) -> Any:
        return self._channel.stream_stream("/google.pubsub.v1.Subscriber/StreamingPull")()

    async def prepare(self) -> None:
        await self.unary("Publisher/CreateTopic")(_bytes(types.Topic(name=self.topic)))
        subscription = types.Subscription(name=self.subscription, topic=self.topic, ack_deadline_seconds=600)
        await self.unary("Subscriber/CreateSubscription")(_bytes(subscription))

    def publishing(self, count: int) -> bytes:
        messages = [types.PubsubMessage(data=b"x" * 100) for _ in range(count)]
        return _bytes(types.PublishRequest(topic=self.topic, messages=messages))


def _bytes(message: Any) -> bytes:
    data: bytes = type(message).serialize(message)
    return data


async def publish_one(client: Client, _connection: Connection) -> Work:
    """Publish one message of 100 bytes to a topic that has a subscription."""
    return await _publishing(client, 1)


async def publish_hundred(client: Client, _connection: Connection) -> Work:
    """Publish a hundred at once; counted by messages."""
    return await _publishing(client, 100)


async def _publishing(client: Client, count: int) -> Work:
    pubsub = PubSub(client)
    await pubsub.prepare()
    call, request = pubsub.unary("Publisher/Publish"), pubsub.publishing(count)

    async def work(_connection: Connection) -> int:
        await call(request)
        return count

    return work


async def streaming(client: Client, _connection: Connection) -> Work:
    """Receive and acknowledge what waits, on one stream; counted by messages."""
    pubsub = PubSub(client)
    await pubsub.prepare()
    publish, request = pubsub.unary("Publisher/Publish"), pubsub.publishing(1_000)
    stream: Any = None

    async def work(_connection: Connection) -> Timed:
        nonlocal stream
        if stream is None:
            stream = pubsub.stream()
            first = types.StreamingPullRequest(subscription=pubsub.subscription, stream_ack_deadline_seconds=600)
            await stream.write(_bytes(first))
        for _ in range(5):
            await publish(request)
        began = time.perf_counter()
        got = 0
        while got < 5_000:
            response = types.StreamingPullResponse.pb().FromString(await stream.read())
            ids = [received.ack_id for received in response.received_messages]
            got += len(ids)
            await stream.write(_bytes(types.StreamingPullRequest(ack_ids=ids)))
        return Timed(got, time.perf_counter() - began)

    return work


async def latency(client: Client, _connection: Connection) -> Work:
    """Publish one message and wait for it on a stream; from the publication's reply to the message."""
    pubsub = PubSub(client)
    await pubsub.prepare()
    publish, request = pubsub.unary("Publisher/Publish"), pubsub.publishing(1)
    stream = pubsub.stream()
    first = types.StreamingPullRequest(subscription=pubsub.subscription, stream_ack_deadline_seconds=600)
    await stream.write(_bytes(first))

    async def work(_connection: Connection) -> Timed:
        reading = asyncio.ensure_future(stream.read())
        await publish(request)
        began = time.perf_counter()
        response = types.StreamingPullResponse.pb().FromString(await reading)
        passed = time.perf_counter() - began
        ids = [received.ack_id for received in response.received_messages]
        await stream.write(_bytes(types.StreamingPullRequest(ack_ids=ids)))
        return Timed(1, max(passed, 1e-6))

    return work


PUBSUB_CASES = (
    Case("pubsub.Publish 1 message", publish_one, budget_us=110),
    Case("pubsub.Publish 100 messages (each)", publish_hundred),
    Case("pubsub.StreamingPull with acks (each)", streaming, concurrency=1),
    Case("pubsub.Publish's reply to callback", latency, budget_ms=3, concurrency=1),
)
