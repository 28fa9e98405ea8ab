"""Throughput as requests ask for it: so many request units a second, or the most of what adapts itself.

It is kept and shown; nothing is held back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.azure.cosmos.errors import bad_request
from fogbank.clouds.azure.cosmos.resources.definitions import Offer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.clouds.azure.cosmos.calls import CosmosCall

DEFAULT: Final = 400
LEAST: Final = 400
MOST: Final = 1_000_000
LEAST_MAXIMUM: Final = 1_000
GROWTH_MAX: Final = 100


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
        return autoscaling(found, call.now_us)
    return None


def autoscaling(settings: Mapping[str, Any], now_us: int) -> Offer:
    """Return the offer whose throughput adapts itself up to a maximum; it begins with a tenth of that."""
    maximum = settings.get("maxThroughput")
    if type(maximum) is not int or not LEAST_MAXIMUM <= maximum <= MOST or maximum % 1_000:
        raise bad_request(f"The maxThroughput must be a multiple of 1000 from {LEAST_MAXIMUM} to {MOST}.")
    return Offer(maximum // 10, maximum, now_us, _growth(settings.get("autoUpgradePolicy")))


def _growth(policy: Any) -> int:
    given = policy.get("throughputPolicy") if isinstance(policy, dict) else None
    growth = given.get("incrementPercent", 0) if isinstance(given, dict) else 0
    if type(growth) is not int or not 0 <= growth <= GROWTH_MAX:
        raise bad_request(f"The incrementPercent of the autoUpgradePolicy must be a number from 0 to {GROWTH_MAX}.")
    return growth


def check_throughput(throughput: Any) -> int:
    """Return a throughput, or raise the error for one that can't be provisioned."""
    if type(throughput) is not int or not LEAST <= throughput <= MOST or throughput % 100:
        raise bad_request(
            f"The offer should have valid throughput values between {LEAST} and {MOST} inclusive in increments of 100."
        )
    return throughput
