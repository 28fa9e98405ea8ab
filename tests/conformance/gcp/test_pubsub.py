"""Google Pub/Sub through Google's own client: topics, subscriptions, publishing, pulling."""

from __future__ import annotations

import threading
import warnings
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.api_core import exceptions
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import pubsub_v1
from google.protobuf import field_mask_pb2
from google.pubsub_v1.services.publisher import PublisherClient
from google.pubsub_v1.services.subscriber import SubscriberClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fogbank.testing.server import ThreadedServer


class PubSub:
    """Both clients, and a project of the test's own."""

    def __init__(self, url: str, project: str, transport: str = "grpc") -> None:
        self.host = url.removeprefix("http://")
        self.project = project
        self.channel = grpc.insecure_channel(self.host)
        if transport == "rest":
            options = {"credentials": AnonymousCredentials(), "client_options": ClientOptions(api_endpoint=url)}
            self.publisher = PublisherClient(transport="rest", **options)
            self.subscriber = SubscriberClient(transport="rest", **options)
        else:
            self.publisher = PublisherClient(transport=_over(PublisherClient, self.channel))
            self.subscriber = SubscriberClient(transport=_over(SubscriberClient, self.channel))

    def name(self, kind: str, short: str) -> str:
        return f"projects/{self.project}/{kind}/{short}"

    def topic(self, short: str = "news", **settings: Any) -> str:
        return self.publisher.create_topic(request={"name": self.name("topics", short), **settings}).name

    def subscription(self, topic: str, short: str = "inbox", **settings: Any) -> str:
        name = self.name("subscriptions", short)
        return self.subscriber.create_subscription(request={"name": name, "topic": topic, **settings}).name

    def publish(self, topic: str, *texts: str, **message: Any) -> list[str]:
        messages = [{"data": text.encode(), **message} for text in texts]
        return list(self.publisher.publish(topic=topic, messages=messages).message_ids)

    def pull(self, subscription: str, count: int = 10, timeout: float = 5) -> list[Any]:
        request = {"subscription": subscription, "max_messages": count}
        return list(self.subscriber.pull(request=request, timeout=timeout).received_messages)

    def is_empty(self, subscription: str) -> bool:
        """Whether there is nothing to pull just now."""
        request = {"subscription": subscription, "max_messages": 1, "return_immediately": True}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return not self.subscriber.pull(request=request).received_messages

    def texts(self, subscription: str, *, timeout: float = 5) -> list[str]:
        """Pull and acknowledge."""
        received = self.pull(subscription, timeout=timeout)
        if received:
            self.subscriber.acknowledge(subscription=subscription, ack_ids=[each.ack_id for each in received])
        return [each.message.data.decode() for each in received]

    def nack(self, subscription: str, *received: Any) -> None:
        ids = [each.ack_id for each in received]
        self.subscriber.modify_ack_deadline(subscription=subscription, ack_ids=ids, ack_deadline_seconds=0)


def _over(client: Any, channel: grpc.Channel) -> Any:
    return client.get_transport_class("grpc")(channel=channel)


@pytest.fixture(params=["grpc", "rest"])
def both(request: pytest.FixtureRequest, server: ThreadedServer, project: str) -> Iterator[PubSub]:
    """Pub/Sub over each transport."""
    made = PubSub(server.url, project, request.param)
    yield made
    made.channel.close()


@pytest.fixture
def pubsub(server: ThreadedServer, project: str) -> Iterator[PubSub]:
    made = PubSub(server.url, project)
    yield made
    made.channel.close()


@pytest.fixture
def timed(timed_server: ThreadedServer, project: str) -> Iterator[PubSub]:
    """Pub/Sub of a server whose clock stands."""
    made = PubSub(timed_server.url, project)
    yield made
    made.channel.close()


def test_publish_pull_acknowledge(both: PubSub) -> None:
    topic = both.topic()
    subscription = both.subscription(topic)
    (number,) = both.publish(topic, "hello", attributes={"color": "red"})
    (received,) = both.pull(subscription)
    assert received.message.data == b"hello"
    assert received.message.attributes == {"color": "red"}
    assert received.message.message_id == number
    assert received.message.publish_time.timestamp() > 1.7e9
    assert received.delivery_attempt == 0
    both.subscriber.acknowledge(subscription=subscription, ack_ids=[received.ack_id])
    assert both.is_empty(subscription)


def test_topics(both: PubSub) -> None:
    names = [both.topic(short, labels={"team": "fog"}) for short in ("one", "three", "two")]
    assert both.publisher.get_topic(topic=names[0]).labels == {"team": "fog"}
    listed = both.publisher.list_topics(request={"project": f"projects/{both.project}", "page_size": 2})
    assert [topic.name for topic in listed] == names
    with pytest.raises(exceptions.Conflict, match=r"Resource already exists in the project \(resource=one\)"):
        both.topic("one")
    mask = field_mask_pb2.FieldMask(paths=["labels"])
    changed = both.publisher.update_topic(topic={"name": names[0], "labels": {"a": "b"}}, update_mask=mask)
    assert changed.labels == {"a": "b"}
    both.publisher.delete_topic(topic=names[0])
    with pytest.raises(exceptions.NotFound, match=r"Resource not found \(resource=one\)"):
        both.publisher.get_topic(topic=names[0])


def test_subscriptions(both: PubSub) -> None:
    topic = both.topic()
    name = both.subscription(topic, ack_deadline_seconds=20, labels={"a": "b"})
    shown = both.subscriber.get_subscription(subscription=name)
    assert shown.topic == topic
    assert shown.ack_deadline_seconds == 20
    assert shown.message_retention_duration.days == 7
    assert shown.expiration_policy.ttl.days == 31
    assert shown.state == pubsub_v1.types.Subscription.State.ACTIVE
    assert list(both.publisher.list_topic_subscriptions(topic=topic)) == [name]
    assert [each.name for each in both.subscriber.list_subscriptions(project=f"projects/{both.project}")] == [name]
    mask = field_mask_pb2.FieldMask(paths=["ack_deadline_seconds", "retry_policy"])
    update = {"name": name, "ack_deadline_seconds": 60, "retry_policy": {"minimum_backoff": {"seconds": 1}}}
    changed = both.subscriber.update_subscription(subscription=update, update_mask=mask)
    assert changed.ack_deadline_seconds == 60
    assert changed.retry_policy.maximum_backoff.seconds == 600
    assert changed.labels == {"a": "b"}
    both.publisher.delete_topic(topic=topic)
    assert both.subscriber.get_subscription(subscription=name).topic == "_deleted-topic_"
    both.subscriber.delete_subscription(subscription=name)
    with pytest.raises(exceptions.NotFound):
        both.subscriber.get_subscription(subscription=name)


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        ({"ack_deadline_seconds": 5}, exceptions.InvalidArgument, "Invalid ack deadline"),
        ({"filter": "color = red"}, exceptions.InvalidArgument, "Invalid filter"),
        ({"message_retention_duration": {"seconds": 1}}, exceptions.InvalidArgument, "out of range"),
        ({"dead_letter_policy": {"dead_letter_topic": "nonsense"}}, exceptions.InvalidArgument, "dead_letter_topic"),
        ({"bigquery_config": {"table": "p.d.t"}}, exceptions.MethodNotImplemented, "bigquery_config"),
        ({"cloud_storage_config": {"bucket": "b"}}, exceptions.MethodNotImplemented, "cloud_storage_config"),
        ({"push_config": {"push_endpoint": "ftp://x"}}, exceptions.InvalidArgument, "Invalid push endpoint"),
        ({"name": "projects/p/subscriptions/goog1"}, exceptions.InvalidArgument, "Invalid resource name"),
        ({"topic": "projects/project-x/topics/none"}, exceptions.NotFound, "Resource not found"),
    ],
)
def test_subscriptions_that_cannot_be(pubsub: PubSub, settings: dict[str, Any], error: Any, text: str) -> None:
    settings = {"topic": pubsub.topic(), **settings}
    with pytest.raises(error, match=text):
        pubsub.subscriber.create_subscription(
            request={"name": pubsub.name("subscriptions", "inbox"), **settings}, retry=None
        )
    assert list(pubsub.subscriber.list_subscriptions(project=f"projects/{pubsub.project}")) == []


def test_fields_that_an_update_cannot_change(pubsub: PubSub) -> None:
    name = pubsub.subscription(pubsub.topic())
    with pytest.raises(exceptions.InvalidArgument, match="'filter' field in the Subscription is not mutable"):
        pubsub.subscriber.update_subscription(
            subscription={"name": name}, update_mask=field_mask_pb2.FieldMask(paths=["filter"])
        )
    with pytest.raises(exceptions.InvalidArgument, match="non-empty paths"):
        pubsub.subscriber.update_subscription(subscription={"name": name}, update_mask=field_mask_pb2.FieldMask())


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({}, "empty"),
        ({"attributes": {"": "x"}}, "Invalid attribute key"),
        ({"attributes": {"k": "x" * 1025}}, "more than 1024 bytes"),
        ({"data": b"x", "ordering_key": "k" * 1025}, "ordering key"),
        ({"data": b"x" * 10_000_001}, "request_size is too large"),
    ],
)
def test_messages_that_cannot_be(pubsub: PubSub, message: dict[str, Any], text: str) -> None:
    topic = pubsub.topic()
    with pytest.raises(exceptions.InvalidArgument, match=text):
        pubsub.publisher.publish(topic=topic, messages=[message])
    with pytest.raises(exceptions.InvalidArgument, match="minimum value is 1"):
        pubsub.publisher.publish(topic=topic, messages=[])
    with pytest.raises(exceptions.NotFound):
        pubsub.publish(pubsub.name("topics", "none"), "x")


def test_filters(pubsub: PubSub) -> None:
    topic = pubsub.topic()
    red = pubsub.subscription(topic, "red-ones", filter='attributes.color = "red" AND NOT attributes:old')
    prefixed = pubsub.subscription(topic, "prefixed", filter='hasPrefix(attributes.color, "re")')
    for color, more in (("red", {}), ("blue", {}), ("red", {"old": "1"}), ("reseda", {})):
        pubsub.publish(topic, color, attributes={"color": color, **more})
    pubsub.publish(topic, "plain")
    assert pubsub.texts(red) == ["red"]
    assert pubsub.texts(prefixed) == ["red", "red", "reseda"]


def test_a_message_that_is_not_acknowledged_comes_back(timed: PubSub, timed_server: ThreadedServer) -> None:
    topic = timed.topic()
    subscription = timed.subscription(topic)
    timed.publish(topic, "a")
    (first,) = timed.pull(subscription)
    timed_server.advance(11)
    (again,) = timed.pull(subscription)
    timed.subscriber.modify_ack_deadline(subscription=subscription, ack_ids=[again.ack_id], ack_deadline_seconds=60)
    timed_server.advance(50)
    timed.subscriber.acknowledge(subscription=subscription, ack_ids=[first.ack_id, again.ack_id])
    timed_server.advance(60)
    assert timed.is_empty(subscription)


def test_ordering_keys_redeliver_their_suffix(pubsub: PubSub) -> None:
    topic = pubsub.topic()
    subscription = pubsub.subscription(topic, enable_message_ordering=True)
    pubsub.publish(topic, "1", "2", "3", ordering_key="k")
    pubsub.publish(topic, "free")
    received = pubsub.pull(subscription)
    assert [each.message.data for each in received] == [b"1", b"2", b"3", b"free"]
    pubsub.subscriber.acknowledge(subscription=subscription, ack_ids=[received[1].ack_id, received[3].ack_id])
    pubsub.nack(subscription, received[0])
    assert pubsub.texts(subscription) == ["1", "2", "3"]


def test_exactly_once_delivery_names_the_acks_that_count_no_more(timed: PubSub, timed_server: ThreadedServer) -> None:
    topic = timed.topic()
    subscription = timed.subscription(topic, enable_exactly_once_delivery=True)
    timed.publish(topic, "a")
    (first,) = timed.pull(subscription)
    timed_server.advance(11)
    with pytest.raises(exceptions.FailedPrecondition) as caught:
        timed.subscriber.acknowledge(subscription=subscription, ack_ids=[first.ack_id])
    assert caught.value.metadata == {first.ack_id: "PERMANENT_FAILURE_INVALID_ACK_ID"}
    assert timed.texts(subscription) == ["a"]


def test_dead_letters_go_to_their_topic(pubsub: PubSub) -> None:
    topic, dead = pubsub.topic(), pubsub.topic("dead")
    morgue = pubsub.subscription(dead, "morgue")
    policy = {"dead_letter_topic": dead, "max_delivery_attempts": 5}
    subscription = pubsub.subscription(topic, dead_letter_policy=policy)
    (number,) = pubsub.publish(topic, "poison", attributes={"a": "b"})
    for attempt in range(1, 6):
        (received,) = pubsub.pull(subscription)
        assert received.delivery_attempt == attempt
        pubsub.nack(subscription, received)
    assert pubsub.is_empty(subscription)
    (letter,) = pubsub.pull(morgue)
    assert letter.message.data == b"poison"
    assert letter.message.message_id != number
    assert letter.message.attributes["a"] == "b"
    assert letter.message.attributes["CloudPubSubDeadLetterSourceDeliveryCount"] == "5"
    assert letter.message.attributes["CloudPubSubDeadLetterSourceSubscription"] == "inbox"
    assert letter.message.attributes["CloudPubSubDeadLetterSourceSubscriptionProject"] == pubsub.project


def test_a_retry_policy_holds_messages_back(timed: PubSub, timed_server: ThreadedServer) -> None:
    topic = timed.topic()
    subscription = timed.subscription(topic, retry_policy={"minimum_backoff": {"seconds": 10}})
    timed.publish(topic, "a")
    timed.nack(subscription, *timed.pull(subscription))
    assert timed.is_empty(subscription)
    timed_server.advance(10)
    timed.nack(subscription, *timed.pull(subscription))
    timed_server.advance(19)
    assert timed.is_empty(subscription)
    timed_server.advance(1)
    assert timed.texts(subscription) == ["a"]


def test_seeking_to_times_and_snapshots(pubsub: PubSub) -> None:
    topic = pubsub.topic()
    subscription = pubsub.subscription(topic, retain_acked_messages=True)
    pubsub.publish(topic, "1", "2")
    received = pubsub.pull(subscription)
    pubsub.subscriber.acknowledge(subscription=subscription, ack_ids=[received[0].ack_id])
    name = pubsub.name("snapshots", "before")
    snapshot = pubsub.subscriber.create_snapshot(request={"name": name, "subscription": subscription})
    assert snapshot.topic == topic
    assert list(pubsub.publisher.list_topic_snapshots(topic=topic)) == [name]
    pubsub.subscriber.acknowledge(subscription=subscription, ack_ids=[received[1].ack_id])
    pubsub.publish(topic, "3")
    assert pubsub.texts(subscription) == ["3"]
    pubsub.subscriber.seek(request={"subscription": subscription, "snapshot": name})
    assert pubsub.texts(subscription) == ["2", "3"]
    pubsub.subscriber.seek(request={"subscription": subscription, "time": received[0].message.publish_time})
    assert pubsub.texts(subscription) == ["1", "2", "3"]
    other = pubsub.subscription(pubsub.topic("other"), "other-inbox")
    with pytest.raises(exceptions.InvalidArgument, match="another topic"):
        pubsub.subscriber.seek(request={"subscription": other, "snapshot": name})
    pubsub.subscriber.delete_snapshot(snapshot=name)
    with pytest.raises(exceptions.NotFound):
        pubsub.subscriber.get_snapshot(snapshot=name)


def test_a_snapshot_serves_another_subscription_of_its_topic(pubsub: PubSub) -> None:
    topic = pubsub.topic()
    one, two = pubsub.subscription(topic, "one"), pubsub.subscription(topic, "two", retain_acked_messages=True)
    pubsub.publish(topic, "1", "2")
    first, _second = pubsub.pull(one)
    pubsub.subscriber.acknowledge(subscription=one, ack_ids=[first.ack_id])
    assert pubsub.texts(two) == ["1", "2"]
    name = pubsub.name("snapshots", "of-one")
    pubsub.subscriber.create_snapshot(request={"name": name, "subscription": one})
    pubsub.subscriber.seek(request={"subscription": two, "snapshot": name})
    assert pubsub.texts(two) == ["2"]


def test_detaching(pubsub: PubSub) -> None:
    topic = pubsub.topic()
    subscription = pubsub.subscription(topic)
    pubsub.publish(topic, "lost")
    pubsub.publisher.detach_subscription(request={"subscription": subscription})
    assert pubsub.subscriber.get_subscription(subscription=subscription).detached
    assert list(pubsub.publisher.list_topic_subscriptions(topic=topic)) == []
    with pytest.raises(exceptions.FailedPrecondition, match="detached"):
        pubsub.pull(subscription)


def test_a_topic_retains_messages_for_later_subscriptions(pubsub: PubSub) -> None:
    topic = pubsub.topic(message_retention_duration={"seconds": 600})
    before = pubsub.subscription(topic, "before")
    pubsub.publish(topic, "1")
    pubsub.publish(topic, "2", attributes={"color": "red"})
    (first, _) = pubsub.pull(before)
    assert pubsub.texts(before, timeout=0.5) == []
    late = pubsub.subscription(topic, "late")
    red = pubsub.subscription(topic, "red", filter="attributes:color")
    assert pubsub.is_empty(late)
    for subscription in (late, red):
        request = {"subscription": subscription, "time": first.message.publish_time}
        pubsub.subscriber.seek(request=request)
    assert pubsub.texts(late) == ["1", "2"]
    assert pubsub.texts(red) == ["2"]
    assert list(pubsub.publisher.list_topic_subscriptions(topic=topic)) == sorted((before, late, red))


def test_a_subscription_that_nobody_uses_expires(timed: PubSub, timed_server: ThreadedServer) -> None:
    topic = timed.topic()
    policy = {"expiration_policy": {"ttl": {"seconds": 86_400}}}
    used, unused = timed.subscription(topic, "used", **policy), timed.subscription(topic, "unused", **policy)
    never = timed.subscription(topic, "never", expiration_policy={})
    for _ in range(3):
        timed_server.advance(40_000)
        timed.publish(topic, "x")
        assert timed.texts(used) == ["x"]
    names = [each.name for each in timed.subscriber.list_subscriptions(project=f"projects/{timed.project}")]
    assert names == [never, used]
    assert unused not in list(timed.publisher.list_topic_subscriptions(topic=topic))


# The high-level clients: batching on the one side, streaming on the other.


@pytest.fixture
def streaming(
    server: ThreadedServer, pubsub: PubSub, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Any, Callable[..., Any]]]:
    """A publisher, and `listen(subscription, callback)`."""
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", pubsub.host)
    options = pubsub_v1.types.PublisherOptions(enable_message_ordering=True)
    publisher = pubsub_v1.PublisherClient(publisher_options=options)
    subscriber = pubsub_v1.SubscriberClient()
    futures = []

    def listen(subscription: str, callback: Callable[[Any], None], **flow: int) -> Any:
        control = pubsub_v1.types.FlowControl(**flow) if flow else ()
        futures.append(subscriber.subscribe(subscription, callback, flow_control=control))
        return futures[-1]

    yield publisher, listen
    for future in futures:
        future.cancel()
        future.result(timeout=10)
    publisher.stop()
    subscriber.close()


def test_streaming(pubsub: PubSub, streaming: tuple[Any, Callable[..., Any]]) -> None:
    publisher, listen = streaming
    topic = pubsub.topic()
    subscription = pubsub.subscription(topic)
    found: set[str] = set()
    done = threading.Event()

    def take(message: Any) -> None:
        found.add(message.data.decode())
        message.ack()
        if len(found) == 500:
            done.set()

    listen(subscription, take)
    for future in [publisher.publish(topic, str(number).encode()) for number in range(500)]:
        future.result(timeout=10)
    assert done.wait(20), len(found)


def test_streaming_in_order(pubsub: PubSub, streaming: tuple[Any, Callable[..., Any]]) -> None:
    publisher, listen = streaming
    topic = pubsub.topic()
    subscription = pubsub.subscription(topic, enable_message_ordering=True)
    found: list[str] = []
    done = threading.Event()
    refused: Future[str] = Future()

    def take(message: Any) -> None:
        text = message.data.decode()
        if text == "5" and not refused.done():
            refused.set_result(text)
            message.nack()
            return
        found.append(text)
        message.ack()
        if text == "19" and "5" in found:
            done.set()

    listen(subscription, take)
    for number in range(20):
        publisher.publish(topic, str(number).encode(), ordering_key="k").result(timeout=10)
    assert done.wait(20), found
    # What the client had received behind the one that it gave up comes again, after it.
    again = found[found.index("5") :]
    assert list(dict.fromkeys(again)) == [str(number) for number in range(5, 20)]
    assert list(dict.fromkeys(found[: found.index("5")]))[:5] == [str(number) for number in range(5)]


def test_streaming_exactly_once(pubsub: PubSub, streaming: tuple[Any, Callable[..., Any]]) -> None:
    publisher, listen = streaming
    topic = pubsub.topic()
    subscription = pubsub.subscription(topic, enable_exactly_once_delivery=True, ack_deadline_seconds=60)
    acks: list[Any] = []
    done = threading.Event()

    def take(message: Any) -> None:
        acks.append(message.ack_with_response())
        if len(acks) == 20:
            done.set()

    listen(subscription, take)
    for number in range(20):
        publisher.publish(topic, str(number).encode())
    assert done.wait(20), len(acks)
    assert {ack.result(timeout=10) for ack in acks} == {pubsub_v1.subscriber.exceptions.AcknowledgeStatus.SUCCESS}


def test_streaming_stops_at_what_the_client_can_hold(pubsub: PubSub, streaming: tuple[Any, Callable[..., Any]]) -> None:
    publisher, listen = streaming
    topic = pubsub.topic()
    subscription = pubsub.subscription(topic)
    held: list[Any] = []
    some = threading.Event()

    def take(message: Any) -> None:
        held.append(message)
        if len(held) == 3:
            some.set()

    for number in range(10):
        publisher.publish(topic, str(number).encode()).result(timeout=10)
    listen(subscription, take, max_messages=3)
    assert some.wait(10)
    assert len(pubsub.pull(subscription, 10)) == 7


def test_a_stream_of_a_subscription_that_is_not_there(
    pubsub: PubSub, streaming: tuple[Any, Callable[..., Any]]
) -> None:
    _, listen = streaming
    future = listen(pubsub.name("subscriptions", "none"), lambda _: None)
    with pytest.raises(exceptions.NotFound):
        future.result(timeout=10)
    future.result = lambda **_: None
