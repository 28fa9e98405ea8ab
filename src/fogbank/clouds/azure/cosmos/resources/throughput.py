"""Throughput as requests ask for it: so many request units a second, or the most of what adapts itself.

It is kept and shown; nothing is held back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.azure.cosmos.errors import bad_request
from fogbank.clouds.azure.cosmos.resources.definitions import Offer

if TYPE_CHECKING:
    from fogbank.clouds.azure.cosmos.calls import CosmosCall

DEFAULT: Final = 400
LEAST: Final = 400
MOST: Final = 1_000_000
LEAST_MAXIMUM: Final = 1_000


def read_offer(call: CosmosCall) -> Offer | None:
    """Return the throughput that a request's headers ask for, None if they don't."""
    throughput = call.header(b"x-ms-offer-throughput")
    settings = call.header(b"x-ms-cosmos-offer-autopilot-settings")
    if throughput and settings:
        raise bad_request("Throughput can't be provisioned and adapt itself at the same time.")
    if throughput:
        if not throughput.isdigit():
            raise bad_request("The offer throughput must be a number.")
        return Offer(check_throughput(int(throughput)), changed_us=call.now_us)
    if settings:
        try:
            found = msgspec.json.decode(settings)
        except msgspec.DecodeError:
            found = None
        if not isinstance(found, dict):
            raise bad_request("The autopilot settings are invalid.")
        return autoscaling(found.get("maxThroughput"), call.now_us)
    return None


def autoscaling(maximum: Any, now_us: int) -> Offer:
    """Return the offer whose throughput adapts itself up to a maximum; it begins with a tenth of that."""
    if type(maximum) is not int or not LEAST_MAXIMUM <= maximum <= MOST or maximum % 1_000:
        raise bad_request(f"The maxThroughput must be a multiple of 1000 from {LEAST_MAXIMUM} to {MOST}.")
    return Offer(maximum // 10, maximum, now_us)


def check_throughput(throughput: Any) -> int:
    """Return a throughput, or raise the error for one that can't be provisioned."""
    if type(throughput) is not int or not LEAST <= throughput <= MOST or throughput % 100:
        raise bad_request(
            f"The offer should have valid throughput values between {LEAST} and {MOST} inclusive in increments of 100."
        )
    return throughput
