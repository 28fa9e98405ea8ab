"""A standard and a FIFO queue under crashes."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random

    from tests.servers import RawClient

GROUPS = ("red", "green", "blue")
# Longer than the queues' lease: what clients had in their hands when they died has come back by then.
LEASE_SECONDS = 1
QUIET_SECONDS = 1.3
LOOK_SECONDS = 0.02


class StandardQueue:
    """Every acknowledged message is there until its deletion is acknowledged. Bodies are unique."""

    def __init__(self) -> None:
        self.workers = (self.send, self.send, self.consume)
        self.counter = 0
        self.lock = threading.Lock()
        self.tried: set[str] = set()
        self.sent: set[str] = set()
        self.deleting: set[str] = set()
        self.deleted: set[str] = set()

    def prepare(self, client: RawClient) -> None:
        lease = {"VisibilityTimeout": str(LEASE_SECONDS)}
        self.url = client.call("sqs", "CreateQueue", QueueName="plain", Attributes=lease)["QueueUrl"]

    def send(self, client: RawClient, chance: random.Random) -> None:
        with self.lock:
            bodies = [f"{self.counter + number}-{'x' * chance.choice((1, 300, 20_000))}" for number in range(3)]
            self.counter += 3
            self.tried.update(bodies)
        if chance.random() < 0.5:
            entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies)]
            client.call("sqs", "SendMessageBatch", QueueUrl=self.url, Entries=entries)
            self.sent.update(bodies)
        else:
            for body in bodies:
                client.call("sqs", "SendMessage", QueueUrl=self.url, MessageBody=body)
                self.sent.add(body)

    def consume(self, client: RawClient, chance: random.Random) -> None:
        for message in self._receive(client, chance.randint(1, 10)):
            if chance.random() < 0.7:
                self.deleting.add(message["Body"])
                client.call("sqs", "DeleteMessage", QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
                self.deleted.add(message["Body"])

    def check(self, client: RawClient) -> None:
        left: list[str] = []
        quiet_since = time.monotonic()
        while time.monotonic() - quiet_since < QUIET_SECONDS:
            messages = self._receive(client, 10)
            for message in messages:
                left.append(message["Body"])
                client.call("sqs", "DeleteMessage", QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
                quiet_since = time.monotonic()
            if not messages:
                time.sleep(LOOK_SECONDS)
        assert len(left) == len(set(left)), "a message that was deleted while draining came twice"
        assert self.sent - self.deleting <= set(left), "an acknowledged message is lost"
        assert set(left) <= self.tried, "a message came from nowhere"
        assert not set(left) & self.deleted, "a message came back after its deletion was acknowledged"

    def _receive(self, client: RawClient, count: int) -> list[dict[str, Any]]:
        return client.call("sqs", "ReceiveMessage", QueueUrl=self.url, MaxNumberOfMessages=count).get("Messages", [])


class OrderedQueue:
    """As above, and within each group in order: known per group is how far sending and deleting have got."""

    def __init__(self) -> None:
        self.workers = (self.send, self.consume)
        self.sent: dict[str, int] = dict.fromkeys(GROUPS, -1)
        self.deleting: set[tuple[str, int]] = set()
        self.deleted: set[tuple[str, int]] = set()
        self.broken: list[str] = []

    def prepare(self, client: RawClient) -> None:
        attributes = {"FifoQueue": "true", "VisibilityTimeout": str(LEASE_SECONDS)}
        self.url = client.call("sqs", "CreateQueue", QueueName="ordered.fifo", Attributes=attributes)["QueueUrl"]

    def send(self, client: RawClient, chance: random.Random) -> None:
        """Send the next of some group; what isn't acknowledged is sent again, under the same deduplication id."""
        group = chance.choice(GROUPS)
        number = self.sent[group] + 1
        client.call(
            "sqs",
            "SendMessage",
            QueueUrl=self.url,
            MessageBody=str(number),
            MessageGroupId=group,
            MessageDeduplicationId=f"{group}-{number}",
        )
        self.sent[group] = number

    def consume(self, client: RawClient, chance: random.Random) -> None:
        for group, number, handle in self._receive(client, chance.randint(1, 10)):
            if chance.random() < 0.1:
                # Given up: this one and what follows in its group come back when the lease is over.
                break
            self._delete(client, group, number, handle)

    def check(self, client: RawClient) -> None:
        left: dict[str, list[int]] = {group: [] for group in GROUPS}
        quiet_since = time.monotonic()
        while time.monotonic() - quiet_since < QUIET_SECONDS:
            messages = self._receive(client, 10)
            for group, number, handle in messages:
                left[group].append(number)
                self._delete(client, group, number, handle)
                quiet_since = time.monotonic()
            if not messages:
                time.sleep(LOOK_SECONDS)
        assert self.broken == []
        for group in GROUPS:
            handled = {number for each, number in self.deleting if each == group}
            assert set(range(self.sent[group] + 1)) <= handled, f"{group}: acknowledged messages are lost"
            assert left[group] == sorted(set(left[group])), f"{group}: out of order or twice"

    def _receive(self, client: RawClient, count: int) -> list[tuple[str, int, str]]:
        got = client.call("sqs", "ReceiveMessage", QueueUrl=self.url, MaxNumberOfMessages=count, AttributeNames=["All"])
        batch = []
        before: set[tuple[str, int]] = set()
        for message in got.get("Messages", []):
            group, number = message["Attributes"]["MessageGroupId"], int(message["Body"])
            self._received(group, number, before)
            before.add((group, number))
            batch.append((group, number, message["ReceiptHandle"]))
        return batch

    def _received(self, group: str, number: int, before: set[tuple[str, int]]) -> None:
        """Whatever comes earlier in its group must stand before it in the batch, or have been given to a delete."""
        if (group, number) in self.deleted:
            self.broken.append(f"{group}{number} came back after its deletion was acknowledged")
        missing = [each for each in range(number) if (group, each) not in self.deleting | before]
        if missing:
            self.broken.append(f"{group}{number} came before {group}{missing[0]}")

    def _delete(self, client: RawClient, group: str, number: int, handle: str) -> None:
        self.deleting.add((group, number))
        try:
            client.call("sqs", "DeleteMessage", QueueUrl=self.url, ReceiptHandle=handle)
        except AssertionError as refused:
            # The client was too slow: the lease is over, the message comes back.
            assert "expired" in str(refused)  # noqa: PT017 - a delete that is refused for any other reason is a bug
            self.deleting.discard((group, number))
        else:
            self.deleted.add((group, number))
