"""Logs stream from applications to their analysis: Google Pub/Sub, on Google's own client.

    PUBSUB_EMULATOR_HOST=127.0.0.1:4566 python -m examples.log_stream

Applications publish what they log in batches. The analysis has a stream of all of it and counts; a second
subscription has a filter, so that only errors come to whoever is on duty.
"""

from __future__ import annotations

import json
import logging
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

from google.cloud import pubsub_v1

if TYPE_CHECKING:
    from collections.abc import Callable

PROJECT = "logs"


class PubSubHandler(logging.Handler):
    """Publishes what an application logs."""

    def __init__(self, topic: str, application: str) -> None:
        super().__init__()
        self._topic = topic
        self.application = application
        self._publisher = pubsub_v1.PublisherClient()
        self._under_way: list[Any] = []

    def emit(self, record: logging.LogRecord) -> None:
        entry = {"application": self.application, "text": record.getMessage()}
        self._under_way.append(
            self._publisher.publish(self._topic, json.dumps(entry).encode(), severity=record.levelname)
        )

    def close(self) -> None:
        """Wait until everything is published."""
        for future in self._under_way:
            future.result()
        self._publisher.stop()
        self._publisher.transport.close()
        super().close()


def build(project: str = PROJECT) -> tuple[str, str, str]:
    """Create the topic and both subscriptions; returns their names."""
    publisher, subscriber = pubsub_v1.PublisherClient(), pubsub_v1.SubscriberClient()
    topic = publisher.create_topic(name=publisher.topic_path(project, "log")).name
    names = [subscriber.subscription_path(project, short) for short in ("analysis", "duty")]
    subscriber.create_subscription(request={"name": names[0], "topic": topic})
    only_errors = 'attributes.severity = "ERROR" OR attributes.severity = "CRITICAL"'
    subscriber.create_subscription(request={"name": names[1], "topic": topic, "filter": only_errors})
    subscriber.close()
    publisher.stop()
    publisher.transport.close()
    return topic, names[0], names[1]


class Analysis:
    """Counts what is logged, by application and severity, and calls `alarm` for what is urgent."""

    def __init__(self, everything: str, urgent: str, alarm: Callable[[str], Any]) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self._alarm = alarm
        self._lock = threading.Lock()
        self._subscriber = pubsub_v1.SubscriberClient()
        self._streams = [
            self._subscriber.subscribe(everything, self._count),
            self._subscriber.subscribe(urgent, self._warn),
        ]

    def close(self) -> None:
        for stream in self._streams:
            stream.cancel()
            stream.result()
        self._subscriber.close()

    def _count(self, message: Any) -> None:
        with self._lock:
            self.counts[json.loads(message.data)["application"], message.attributes["severity"]] += 1
        message.ack()

    def _warn(self, message: Any) -> None:
        self._alarm(json.loads(message.data)["text"])
        message.ack()


def main() -> None:
    topic, everything, urgent = build()
    analysis = Analysis(everything, urgent, lambda text: print(f"on duty: {text}"))
    logger = logging.getLogger("shop")
    logger.setLevel(logging.INFO)
    handler = PubSubHandler(topic, "shop")
    logger.addHandler(handler)
    for number in range(100):
        logger.log(logging.ERROR if number % 25 == 0 else logging.INFO, "request %d", number)
    logger.removeHandler(handler)
    handler.close()
    input("Press Enter to see the counts. ")
    analysis.close()
    for (application, severity), count in sorted(analysis.counts.items()):
        print(f"{application}: {count} of severity {severity}")


if __name__ == "__main__":
    main()
