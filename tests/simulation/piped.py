"""A pipe from one queue to another under crashes: what was taken by the first comes to the second, once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.servers import wait_until

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from tests.servers import RawClient

ARN = "arn:aws:sqs:us-east-1:000000000000:{}"
URL = "http://localhost/000000000000/{}"


class Piped:
    """Clients send; the checker wants each message in the target once, as they are moved in one transaction."""

    def __init__(self) -> None:
        self._tried: set[int] = set()
        self._taken: set[int] = set()

    @property
    def workers(self) -> Sequence[Callable[[RawClient, random.Random], None]]:
        return [self._send, self._send]

    def prepare(self, client: RawClient) -> None:
        # What was leased when the server died comes back within the checker's patience.
        client.call("sqs", "CreateQueue", QueueName="piped-from", Attributes={"VisibilityTimeout": "1"})
        client.call("sqs", "CreateQueue", QueueName="piped-to")
        role = "arn:aws:iam::000000000000:role/any"
        pipe = {"Source": ARN.format("piped-from"), "Target": ARN.format("piped-to"), "RoleArn": role}
        client.rest("POST", "/v1/pipes/p", {**pipe, "TargetParameters": {"InputTemplate": "<$.body>"}})

    def _send(self, client: RawClient, chance: random.Random) -> None:
        numbers = [chance.getrandbits(60) for _ in range(chance.choice((1, 3, 10)))]
        self._tried.update(numbers)
        entries = [{"Id": str(place), "MessageBody": json.dumps({"n": each})} for place, each in enumerate(numbers)]
        client.call("sqs", "SendMessageBatch", QueueUrl=URL.format("piped-from"), Entries=entries)
        self._taken.update(numbers)

    def check(self, client: RawClient) -> None:
        seen: list[int] = []

        def all_came() -> bool:
            queue = URL.format("piped-to")
            while found := client.call("sqs", "ReceiveMessage", QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
                seen.extend(json.loads(each["Body"])["n"] for each in found)
            return self._taken <= set(seen)

        wait_until(all_came)
        assert len(seen) == len(set(seen)), "something came twice"
        assert set(seen) <= self._tried
