"""Couriers: by which rules the deliveries of a service succeed, are tried again, are given up.

Each cloud gives those of its services by name (`clouds/*/services.py`); a delivery says whose it is.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from fogbank.engines.messaging.delivery_model import Retry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from fogbank.engines.messaging.delivery_model import Delivery
    from fogbank.engines.messaging.model import Message
    from fogbank.engines.messaging.publishing import Publication
    from fogbank.engines.schedules.model import Schedule
    from fogbank.storage import Tx


class Answer(NamedTuple):
    """What became of an attempt, in HTTP's words; status 0 when nobody answered, `reason` says why."""

    status: int
    reason: str = ""
    headers: Mapping[str, str] = {}
    body: bytes = b""

    @property
    def ok(self) -> bool:
        """Whether it is one of the statuses of success."""
        return 200 <= self.status < 300


class Drawn(NamedTuple):
    """What a dialect that makes a message needs and may not draw itself: an id, a sequence number, the time."""

    id: str
    sequence: int
    now_us: int


def is_final(answer: Answer) -> bool:
    """Whether a failure won't pass: no answer, throttling and server errors may pass, other answers are final."""
    status = answer.status
    return 0 < status < 500 and status not in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)


def is_accepted(answer: Answer) -> bool:
    """Whether it was a success, as most services see it."""
    return answer.ok


class Courier(NamedTuple):
    """The rules of one service.

    `retry` is for deliveries without a policy of their own. `letter` words the dead letter of a delivery that was
    given up, for the queue that it names. `dress` adds headers to an HTTP request when it is sent. A delay is made
    longer at random, by its `spread`-fold at most. `renew` changes what is different in a further attempt.
    `prepare` returns a delivery as it is to be sent, with what takes its time, such as tokens and signatures; or in
    how many seconds to ask again; or why it can't be sent. `note` is a store operation that takes note of an attempt's
    outcome; of the last one's in the transaction that takes the delivery from its queue. `given_up` is one that tells
    of a delivery that was given up, in the transaction that ends it; it gets a number for what it makes.
    """

    retry: Retry = Retry()
    accepts: Callable[[Answer], bool] = is_accepted
    final: Callable[[Answer], bool] = is_final
    letter: Callable[[Delivery, Answer, Drawn], Message] | None = None
    dress: Callable[[Delivery, int], Mapping[str, str]] | None = None
    spread: float = 0
    renew: Callable[[Delivery], Delivery] | None = None
    prepare: Callable[[Delivery, int], Awaitable[Delivery | Answer | float]] | None = None
    note: Callable[[Tx, int, Delivery, Answer], Awaitable[None]] | None = None
    given_up: Callable[[Tx, int, Delivery, Answer, int], Awaitable[None]] | None = None


class Dialect(NamedTuple):
    """How a service's queues, topics and functions take what is delivered to them from other services.

    The content of a delivery whose courier is `ROUTE` is a CloudEvent as JSON. `message` makes what a queue gets,
    `publication` what a topic publishes, `event` what a function gets, with its context; functions go by contract.
    `scheduled` says what an occurrence of one of its schedules sends.
    """

    message: Callable[[Delivery, Drawn], Message] | None = None
    publication: Callable[[Delivery, Drawn], Publication] | None = None
    scheduled: Callable[[Schedule, int, Drawn], Delivery] | None = None
    event: Callable[[Delivery, Drawn], tuple[bytes, dict[str, Any]]] | None = None


ROUTE: Final = "route"
PLAIN: Final = Courier()


def _is_final_on_route(answer: Answer) -> bool:
    return is_final(answer) and answer.status != HTTPStatus.NOT_FOUND


# A target that is gone may come back: it is waited for a day.
ROUTED: Final = Courier(Retry((1, 5, 30, 60, 300), age_seconds_max=86_400), final=_is_final_on_route)
if TYPE_CHECKING:
    Couriers: TypeAlias = Mapping[str, Callable[[str], Courier]]
    """Finds a courier by its whole name; by the part of the name before the first dot."""
    Dialects: TypeAlias = Mapping[str, Callable[[], Dialect]]
