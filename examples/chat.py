"""A chat in real time: Google Pub/Sub, on Google's own client.

    PUBSUB_EMULATOR_HOST=127.0.0.1:4566 python -m examples.chat ROOM NAME

A room is a topic. Everyone in it has a subscription of their own, and its messages stream in as they are written; a
writer's messages have one ordering key, so that they come in their order.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from google.api_core.exceptions import AlreadyExists
from google.cloud import pubsub_v1

if TYPE_CHECKING:
    from collections.abc import Callable

PROJECT = "chat"


class Member:
    """Somebody in a room; `hear(name, text)` is called for each line, their own included."""

    def __init__(self, room: str, name: str, hear: Callable[[str, str], Any], project: str = PROJECT) -> None:
        self.name = name
        self._hear = hear
        ordering = pubsub_v1.types.PublisherOptions(enable_message_ordering=True)
        # A chat waits for nobody: each line goes out by itself.
        batching = pubsub_v1.types.BatchSettings(max_messages=1)
        self._publisher = pubsub_v1.PublisherClient(batch_settings=batching, publisher_options=ordering)
        self._subscriber = pubsub_v1.SubscriberClient()
        self._room = self._publisher.topic_path(project, room)
        self._ear = self._subscriber.subscription_path(project, f"{room}-{name}")
        with suppress(AlreadyExists):
            self._publisher.create_topic(name=self._room)
        self._subscriber.create_subscription(
            request={"name": self._ear, "topic": self._room, "enable_message_ordering": True}
        )
        self._stream = self._subscriber.subscribe(self._ear, self._take)

    def say(self, text: str) -> None:
        """Say something to everybody in the room."""
        self._publisher.publish(self._room, text.encode(), ordering_key=self.name, name=self.name).result()

    def leave(self) -> None:
        """Leave the room."""
        self._stream.cancel()
        self._stream.result()
        self._subscriber.delete_subscription(subscription=self._ear)
        self._subscriber.close()
        self._publisher.stop()
        self._publisher.transport.close()

    def _take(self, message: Any) -> None:
        self._hear(message.attributes["name"], message.data.decode())
        message.ack()


def main() -> None:
    room, name = sys.argv[1:3]
    member = Member(room, name, lambda who, text: print(f"{who}: {text}") if who != name else None)
    print(f"You are in {room}. Ctrl-D leaves it.")
    for line in sys.stdin:
        member.say(line.rstrip("\n"))
    member.leave()


if __name__ == "__main__":
    main()
