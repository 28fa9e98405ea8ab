"""Deliveries: messages on their way to a target, with all that is needed to get them there."""

from __future__ import annotations

from typing import Final

import msgspec

from fogbank.kernel.clock import SECOND_US
from fogbank.storage.leasing.work_queue import WorkQueue

# The kinds of targets, and what an endpoint is for each.
QUEUE: Final = "queue"
"""A queue of this engine: scope and name, joined by a slash."""
TOPIC: Final = "topic"
"""A topic of this engine: scope and name."""
FUNCTION: Final = "function"
"""A function that the event is handed over to, for it to be run later: scope and name, `:` and a qualifier."""
CALL: Final = "call"
"""A function whose outcome says whether the delivery succeeded: as above."""
LOG: Final = "log"
"""A log group, which must be there: scope and name."""
HTTP: Final = "http"
"""An address."""
MAIL: Final = "mail"
"""A person's e-mail address, phone number or device, after its kind and a colon: what comes goes into the outbox."""
SMTP: Final = "smtp"
"""As above, for what is in the outbox already and is sent on by mail."""
HOPS_MAX: Final = 16
DEAD_LETTER: Final = "dead-letter"
"""The courier `dialect.dead-letter` takes what a queue of that dialect gave up to a topic."""


class Retry(msgspec.Struct, frozen=True, array_like=True):
    """How often and when a delivery that failed is tried again.

    `delays` are the seconds before the second, third, … attempt; the last one repeats. `attempts_max` counts the
    first one, too; `age_seconds_max` is how long after the first a further one may be made; 0 means no limit. With
    `both_limits` it is given up when both are over, if there are both.
    """

    delays: tuple[float, ...] = ()
    attempts_max: int = 0
    age_seconds_max: float = 0
    both_limits: bool = False

    def after(self, attempts: int, age_seconds: float) -> float | None:
        """Return the seconds to wait after that many attempts, None to give up."""
        if not self.delays:
            return None
        delay = self.delays[min(attempts, len(self.delays)) - 1]
        often = bool(self.attempts_max) and attempts >= self.attempts_max
        late = bool(self.age_seconds_max) and age_seconds + delay > self.age_seconds_max
        if self.both_limits and self.attempts_max and self.age_seconds_max:
            return None if often and late else delay
        return None if often or late else delay


class Delivery(msgspec.Struct, frozen=True, array_like=True):
    """A message on its way; `content` is what the target gets, with `headers`.

    `courier` names the rules of the service that it belongs to, `retry` is its own if it has one; `dead_letter` is
    the endpoint of the queue where it goes when given up. `first_us` is when it was queued first, `attempt` counts
    from 1. `facts` are what its courier needs to know besides. `hops` counts the topics that it came through. Of its
    subscription's, only `per_second` may begin in a second; 0 means no limit.
    """

    kind: str
    endpoint: str
    content: bytes
    subscription: str = ""
    headers: dict[str, str] = {}
    attempt: int = 1
    courier: str = ""
    retry: Retry | None = None
    dead_letter: str = ""
    first_us: int = 0
    facts: dict[str, str] = {}
    method: str = "POST"
    seconds_max: float = 15
    hops: int = 0
    per_second: float = 0

    def age_seconds(self, now_us: int) -> float:
        """How long ago it was queued first."""
        return (now_us - self.first_us) / SECOND_US


DELIVERIES: Final = WorkQueue(2, Delivery)


def endpoint_of(scope: str, name: str) -> str:
    """Return the endpoint of a queue, topic or function."""
    return f"{scope}/{name}"


def split_endpoint(endpoint: str, parts: int = 3) -> tuple[str, str]:
    """Return scope and name of an endpoint; a scope is made of `parts` parts, a name may contain slashes."""
    pieces = endpoint.split("/", parts)
    return "/".join(pieces[:parts]), pieces[parts]
