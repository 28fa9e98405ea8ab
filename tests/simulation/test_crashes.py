"""kill -9 at random moments of a seeded workload: nothing acknowledged is lost, nothing deleted comes back.

Each seed decides how the clients behave and when the server dies; the checkers stand apart from the workload and
know only what the clients were told. A seed that ever found a bug stays in FOUND.
"""

from __future__ import annotations

import http.client
import random
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers import RawClient, ServerProcess

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FOUND: tuple[int, ...] = ()
SEEDS = (*FOUND, *range(30))
GROUPS = ("red", "green", "blue")
GONE = (OSError, http.client.HTTPException)


@dataclass
class Standard:
    """What clients of the standard queue were told. Bodies are unique."""

    tried: set[str] = field(default_factory=set)
    sent: set[str] = field(default_factory=set)
    deleting: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)


@dataclass
class Ordered:
    """What clients of the FIFO queue were told: per group, how far sending and deleting have got."""

    next: dict[str, int] = field(default_factory=lambda: dict.fromkeys(GROUPS, 0))
    sent: dict[str, int] = field(default_factory=lambda: dict.fromkeys(GROUPS, -1))
    deleting: set[tuple[str, int]] = field(default_factory=set)
    deleted: set[tuple[str, int]] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)

    def received(self, group: str, number: int) -> None:
        """Check the order: whatever comes before it in its group must have been given to a delete."""
        if (group, number) in self.deleted:
            self.broken.append(f"{group}{number} came back after its deletion was acknowledged")
        missing = [each for each in range(number) if (group, each) not in self.deleting]
        if missing:
            self.broken.append(f"{group}{number} came before {group}{missing[0]}")


class World:
    """One run: a server that is killed and started again on the same folder, and its clients."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.random = random.Random(seed)
        self.folder = folder
        self.standard, self.ordered = Standard(), Ordered()
        self.counter = 0
        self.lock = threading.Lock()
        self.start()
        client = RawClient(self.server.url)
        lease = {"VisibilityTimeout": "1"}
        self.plain_name = client.call("sqs", "CreateQueue", QueueName="plain", Attributes=lease)["QueueUrl"]
        fifo = {"FifoQueue": "true", **lease}
        self.fifo_name = client.call("sqs", "CreateQueue", QueueName="ordered.fifo", Attributes=fifo)["QueueUrl"]
        client.close()

    def start(self) -> None:
        self.server = ServerProcess("--data", str(self.folder))

    def run(self, seconds: float) -> None:
        """Let the clients work, and kill the server under them."""
        workers: list[Callable[[RawClient, random.Random], None]] = [
            self.send, self.send, self.consume, self.send_ordered, self.consume_ordered,
        ]  # fmt: skip
        threads = [
            threading.Thread(target=self.loop, args=(worker, self.random.randrange(2**32))) for worker in workers
        ]
        for thread in threads:
            thread.start()
        time.sleep(seconds)
        self.server.kill()
        for thread in threads:
            thread.join()

    def loop(self, work: Callable[[RawClient, random.Random], None], seed: int) -> None:
        chance = random.Random(seed)
        client = RawClient(self.server.url)
        try:
            while True:
                work(client, chance)
        except GONE:
            client.close()

    def send(self, client: RawClient, chance: random.Random) -> None:
        with self.lock:
            bodies = [f"{self.counter + number}-{'x' * chance.choice((1, 300, 20_000))}" for number in range(3)]
            self.counter += 3
            self.standard.tried.update(bodies)
        if chance.random() < 0.5:
            entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies)]
            client.call("sqs", "SendMessageBatch", QueueUrl=self.plain_name, Entries=entries)
            self.standard.sent.update(bodies)
        else:
            for body in bodies:
                client.call("sqs", "SendMessage", QueueUrl=self.plain_name, MessageBody=body)
                self.standard.sent.add(body)

    def consume(self, client: RawClient, chance: random.Random) -> None:
        got = client.call("sqs", "ReceiveMessage", QueueUrl=self.plain_name, MaxNumberOfMessages=chance.randint(1, 10))
        for message in got.get("Messages", []):
            if chance.random() < 0.7:
                self.standard.deleting.add(message["Body"])
                client.call("sqs", "DeleteMessage", QueueUrl=self.plain_name, ReceiptHandle=message["ReceiptHandle"])
                self.standard.deleted.add(message["Body"])

    def send_ordered(self, client: RawClient, chance: random.Random) -> None:
        """Send the next of some group; what isn't acknowledged is sent again, under the same deduplication id."""
        group = chance.choice(GROUPS)
        number = self.ordered.sent[group] + 1
        client.call(
            "sqs",
            "SendMessage",
            QueueUrl=self.fifo_name,
            MessageBody=str(number),
            MessageGroupId=group,
            MessageDeduplicationId=f"{group}-{number}",
        )
        self.ordered.sent[group] = number

    def consume_ordered(self, client: RawClient, chance: random.Random) -> None:
        for group, number, handle in self.receive_ordered(client, chance.randint(1, 10)):
            if chance.random() < 0.1:
                # Given up: this one and what follows in its group come back when the lease is over.
                break
            self.delete_ordered(client, group, number, handle)

    def receive_ordered(self, client: RawClient, count: int) -> list[tuple[str, int, str]]:
        got = client.call(
            "sqs", "ReceiveMessage", QueueUrl=self.fifo_name, MaxNumberOfMessages=count, AttributeNames=["All"]
        )
        batch = []
        before: set[tuple[str, int]] = set()
        for message in got.get("Messages", []):
            group, number = message["Attributes"]["MessageGroupId"], int(message["Body"])
            # What comes earlier in the same batch is in order too.
            self.ordered.deleting |= before
            self.ordered.received(group, number)
            self.ordered.deleting -= before - self.ordered.deleted
            before.add((group, number))
            batch.append((group, number, message["ReceiptHandle"]))
        return batch

    def delete_ordered(self, client: RawClient, group: str, number: int, handle: str) -> None:
        self.ordered.deleting.add((group, number))
        try:
            client.call("sqs", "DeleteMessage", QueueUrl=self.fifo_name, ReceiptHandle=handle)
        except AssertionError as refused:
            # The client was too slow: the lease is over, the message comes back.
            assert "expired" in str(refused)  # noqa: PT017 - a delete that is refused for any other reason is a bug
            self.ordered.deleting.discard((group, number))
        else:
            self.ordered.deleted.add((group, number))


def drain(world: World) -> tuple[list[str], dict[str, list[int]]]:
    """Receive and delete everything that is left, waiting for the leases of clients that died."""
    client = RawClient(world.server.url)
    plain: list[str] = []
    ordered: dict[str, list[int]] = {group: [] for group in GROUPS}
    quiet_since = time.monotonic()
    while time.monotonic() - quiet_since < 1.3:
        got: list[dict[str, Any]] = client.call(
            "sqs", "ReceiveMessage", QueueUrl=world.plain_name, MaxNumberOfMessages=10
        ).get("Messages", [])
        for message in got:
            plain.append(message["Body"])
            client.call("sqs", "DeleteMessage", QueueUrl=world.plain_name, ReceiptHandle=message["ReceiptHandle"])
        batch = world.receive_ordered(client, 10)
        for group, number, handle in batch:
            ordered[group].append(number)
            world.delete_ordered(client, group, number, handle)
        if got or batch:
            quiet_since = time.monotonic()
    client.close()
    return plain, ordered


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_acknowledged_is_lost(seed: int, tmp_path: Path) -> None:
    world = World(seed, tmp_path / "data")
    for _ in range(world.random.choice((1, 1, 2))):
        world.run(world.random.uniform(0.05, 0.6))
        world.start()
    try:
        left, ordered = drain(world)
    finally:
        world.server.kill()
    told = world.standard
    assert len(left) == len(set(left)), "a message that was deleted while draining came twice"
    assert told.sent - told.deleting <= set(left), "an acknowledged message is lost"
    assert set(left) <= told.tried, "a message came from nowhere"
    assert not set(left) & told.deleted, "a message came back after its deletion was acknowledged"
    assert world.ordered.broken == []
    for group in GROUPS:
        handled = {number for each, number in world.ordered.deleting if each == group}
        expected = set(range(world.ordered.sent[group] + 1))
        assert expected <= handled, f"{group}: acknowledged messages are lost"
        assert ordered[group] == sorted(set(ordered[group])), f"{group}: out of order or twice"
