"""A Pub/Sub topic with two subscriptions, one of them ordered, under crashes."""

from __future__ import annotations

import base64
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random

    from tests.servers import RawClient

KEYS = ("red", "green")
TOPIC = "projects/fog-1/topics/news"
SUBSCRIPTIONS = ("plain", "ordered")
# Longer than the shortest ack deadline: what clients had in their hands when they died has come back by then.
RETURN_SECONDS = 11.0
# What is behind such a message in its order comes as soon as that is acknowledged.
FOLLOW_SECONDS = 1.0


class FanOut:
    """What was published and acknowledged is in each subscription until that acknowledged it, in order by key."""

    def __init__(self) -> None:
        self.workers = (self.publish, self.consume, self.consume)
        self.lock = threading.Lock()
        self.next = dict.fromkeys(KEYS, 0)
        self.tried: set[str] = set()
        self.sent: set[str] = set()
        self.acking: dict[str, set[str]] = {each: set() for each in SUBSCRIPTIONS}
        self.broken: list[str] = []

    def prepare(self, client: RawClient) -> None:
        client.rest("PUT", f"/v1/{TOPIC}")
        for name in SUBSCRIPTIONS:
            settings = {"topic": TOPIC, "ackDeadlineSeconds": 10, "enableMessageOrdering": name == "ordered"}
            client.rest("PUT", f"/v1/{_subscription(name)}", settings)

    def publish(self, client: RawClient, chance: random.Random) -> None:
        """Publish the next of a key; one client does, so that it is known what comes before what."""
        key = chance.choice(KEYS)
        texts = [f"{key} {self.next[key] + number}" for number in range(chance.randint(1, 3))]
        self.next[key] += len(texts)
        self.tried.update(texts)
        messages = [{"data": base64.b64encode(text.encode()).decode(), "orderingKey": key} for text in texts]
        client.rest("POST", f"/v1/{TOPIC}:publish", {"messages": messages})
        self.sent.update(texts)

    def consume(self, client: RawClient, chance: random.Random) -> None:
        name = chance.choice(SUBSCRIPTIONS)
        received = self._pull(client, name, chance.randint(1, 5))
        if received and chance.random() < 0.8:
            self._acknowledge(client, name, received)

    def check(self, client: RawClient) -> None:
        left: dict[str, set[str]] = {each: set() for each in SUBSCRIPTIONS}
        quiet_until = time.monotonic() + RETURN_SECONDS
        while time.monotonic() < quiet_until:
            for name in SUBSCRIPTIONS:
                received = self._pull(client, name, 100)
                if received:
                    left[name].update(text for text, _ in received)
                    self._acknowledge(client, name, received)
                    quiet_until = max(quiet_until, time.monotonic() + FOLLOW_SECONDS)
            time.sleep(0.05)
        assert self.broken == []
        for name in SUBSCRIPTIONS:
            assert self.sent - self.acking[name] == set(), f"{name}: messages that were published are lost"
            assert left[name] <= self.tried, f"{name}: a message came from nowhere"

    def _pull(self, client: RawClient, name: str, count: int) -> list[tuple[str, str]]:
        body = {"maxMessages": count, "returnImmediately": True}
        answer = client.rest("POST", f"/v1/{_subscription(name)}:pull", body)
        received = []
        before: set[str] = set()
        for each in answer.get("receivedMessages", []):
            text = base64.b64decode(each["message"]["data"]).decode()
            if name == "ordered":
                self._look_at_order(text, before)
            before.add(text)
            received.append((text, each["ackId"]))
        return received

    def _look_at_order(self, text: str, before: set[str]) -> None:
        key, number = text.split()
        with self.lock:
            earlier = {f"{key} {each}" for each in range(int(number))} & self.sent
            missing = earlier - self.acking["ordered"] - before
        if missing:
            self.broken.append(f"{text} came before {min(missing)}")

    def _acknowledge(self, client: RawClient, name: str, received: list[tuple[str, str]]) -> None:
        with self.lock:
            self.acking[name].update(text for text, _ in received)
        client.rest("POST", f"/v1/{_subscription(name)}:acknowledge", {"ackIds": [ack for _, ack in received]})


def _subscription(name: str) -> Any:
    return f"projects/fog-1/subscriptions/{name}"
