"""Events on a bus that sends to a queue, and by way of another bus to a second one: what was taken reaches both."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.servers import wait_until

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from tests.servers import RawClient

ARN = "arn:aws:{}:us-east-1:000000000000:{}"
PATTERN = json.dumps({"source": ["sim"], "detail": {"n": [{"exists": True}]}})
QUEUES = ("bus-direct", "bus-hopped")


class Buses:
    """Clients put events; the checker wants each that was taken in both queues, at least once, and no others."""

    def __init__(self) -> None:
        self._tried: set[int] = set()
        self._taken: set[int] = set()

    @property
    def workers(self) -> Sequence[Callable[[RawClient, random.Random], None]]:
        return [self._put]

    def prepare(self, client: RawClient) -> None:
        direct, hopped = (ARN.format("sqs", name) for name in QUEUES)
        for name in QUEUES:
            client.call("sqs", "CreateQueue", QueueName=name)
        client.call("events", "CreateEventBus", Name="other")
        for bus, targets in (("default", [direct, ARN.format("events", "event-bus/other")]), ("other", [hopped])):
            client.call("events", "PutRule", Name="all", EventBusName=bus, EventPattern=PATTERN)
            put = [{"Id": str(number), "Arn": arn} for number, arn in enumerate(targets)]
            client.call("events", "PutTargets", Rule="all", EventBusName=bus, Targets=put)

    def _put(self, client: RawClient, chance: random.Random) -> None:
        numbers = [chance.getrandbits(60) for _ in range(chance.choice((1, 1, 3)))]
        self._tried.update(numbers)
        entries = [{"Source": "sim", "DetailType": "t", "Detail": json.dumps({"n": number})} for number in numbers]
        assert client.call("events", "PutEvents", Entries=entries)["FailedEntryCount"] == 0
        self._taken.update(numbers)

    def check(self, client: RawClient) -> None:
        for name in QUEUES:
            seen: set[int] = set()

            def all_came(name: str = name, seen: set[int] = seen) -> bool:
                url = f"http://localhost/000000000000/{name}"
                received = client.call("sqs", "ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=10)
                seen.update(json.loads(each["Body"])["detail"]["n"] for each in received.get("Messages", ()))
                return self._taken <= seen

            wait_until(all_came)
            assert seen <= self._tried
