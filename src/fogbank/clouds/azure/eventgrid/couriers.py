"""How Event Grid delivers: what it tries again, and when ("Event Grid message delivery and retry").

There is nothing for dead letters: they go to blobs, which Fogbank has not yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.connectors.delivery.couriers import Courier
from fogbank.engines.messaging.delivery_model import Retry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.connectors.delivery.couriers import Answer
    from fogbank.engines.messaging.delivery_model import Delivery

HTTP: Final = "eventgrid.http"
RESOURCE: Final = "eventgrid.resource"
DELAYS: Final[tuple[float, ...]] = (10, 30, 60, 300, 600, 1_800, 3_600, 10_800, 21_600, 43_200)
ATTEMPTS_MAX: Final = 30
MINUTES_MAX: Final = 1_440
SECONDS_MAX: Final = 30
# "Event Grid adds a small randomization to all retry steps."
SPREAD: Final = 0.05
_SUCCESS: Final = frozenset({200, 201, 202, 203, 204})
_FINAL_OF_RESOURCES: Final = frozenset({400, 403, 413})
_FINAL: Final = frozenset({400, 401, 403, 413})


def retry_of(attempts: int, minutes: int) -> Retry:
    """Return the schedule of a subscription's retry policy."""
    return Retry(DELAYS, attempts, minutes * 60)


def _accepts(answer: Answer) -> bool:
    return answer.status in _SUCCESS


def _dress(delivery: Delivery, _now_us: int) -> Mapping[str, str]:
    return {"aeg-delivery-count": str(delivery.attempt - 1)}


COURIERS: Final = {
    HTTP: Courier(
        retry_of(ATTEMPTS_MAX, MINUTES_MAX),
        accepts=_accepts,
        final=lambda answer: answer.status in _FINAL,
        dress=_dress,
        spread=SPREAD,
    ),
    RESOURCE: Courier(
        retry_of(ATTEMPTS_MAX, MINUTES_MAX),
        accepts=_accepts,
        final=lambda answer: answer.status in _FINAL_OF_RESOURCES,
        spread=SPREAD,
    ),
}
