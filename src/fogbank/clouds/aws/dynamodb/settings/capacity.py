"""What tables and indexes can bear beside provisioned throughput: warm throughput, and a maximum when paid on demand.

Amazon DynamoDB Developer Guide, "Understanding DynamoDB warm throughput": https://docs.aws.amazon.com/amazondynamodb/
latest/developerguide/warm-throughput.html; "DynamoDB maximum throughput for on-demand tables": https://docs.aws.amazon.
com/amazondynamodb/latest/developerguide/on-demand-capacity-mode-max-throughput.html. Warm throughput is what a table
has once been able to bear, and never gets less; nothing here is slower than any of it. A maximum is a setting that
`settings.throttling` keeps to, and that is gone once the table is provisioned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.aws.api import Input
from fogbank.clouds.aws.dynamodb.billing import PROVISIONED, UNITS
from fogbank.clouds.aws.dynamodb.errors import invalid_values

if TYPE_CHECKING:
    from collections.abc import Mapping

_UNLIMITED: Final = -1
# Of reads and of writes: the units of a second, what is warm by default where those are paid for on demand.
_KINDS: Final = (("Read", 12_000), ("Write", 4_000))


class OnDemandThroughput(Input):
    """Units that may be consumed each second of what is paid for on demand; -1 for any number."""

    MaxReadRequestUnits: int | None = None
    MaxWriteRequestUnits: int | None = None


class WarmThroughput(Input):
    """Units that can be consumed each second at once."""

    ReadUnitsPerSecond: int | None = None
    WriteUnitsPerSecond: int | None = None


def capacity_labels(
    labels: Mapping[str, str],
    mode: str,
    maximum: OnDemandThroughput | None,
    warm: WarmThroughput | None,
    what: str = "table",
) -> dict[str, str]:
    """Return labels of a table, or of an index that `what` names, with what is asked for; raises `AwsError`."""
    changed = dict(labels)
    if maximum is not None:
        changed |= _maximum_labels(mode, maximum, what)
    elif mode == PROVISIONED:
        changed |= {name: str(_UNLIMITED) for name in ("MaxRead", "MaxWrite") if name in labels}
    for kind, _default in _KINDS if warm is not None else ():
        wanted = getattr(warm, f"{kind}UnitsPerSecond")
        if wanted is None:
            continue
        if wanted < _warm(changed, kind):
            raise invalid_values(
                f"Requested {kind}UnitsPerSecond for WarmThroughput for {what} is lower than current WarmThroughput,"
                " decreasing WarmThroughput is not supported"
            )
        changed[f"Warm{kind}"] = str(wanted)
    return changed


def kept_warm(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    """Return changed labels in which as much is warm as was before."""
    kept = {f"Warm{kind}": str(_warm(before, kind)) for kind, _ in _KINDS if _warm(before, kind) > _warm(after, kind)}
    return {**after, **kept}


def maximum_of(labels: Mapping[str, str], kind: str) -> int | None:
    """Return the units of `Read` or `Write` that may be consumed each second; None for any number."""
    units = int(labels.get(f"Max{kind}", _UNLIMITED))
    return None if units == _UNLIMITED else units


def show_capacity(labels: Mapping[str, str], status: str = "ACTIVE") -> dict[str, Any]:
    """Return what DescribeTable shows of it, of a table or an index."""
    shown: dict[str, Any] = {
        "WarmThroughput": {f"{kind}UnitsPerSecond": _warm(labels, kind) for kind, _ in _KINDS} | {"Status": status}
    }
    limits = {f"Max{kind}RequestUnits": units for kind, _ in _KINDS if (units := maximum_of(labels, kind)) is not None}
    return shown | ({"OnDemandThroughput": limits} if limits else {})


def _warm(labels: Mapping[str, str], kind: str) -> int:
    """Return what is warm: what was asked for or reached, and at least what is to be had now."""
    units = int(labels[f"{kind}CapacityUnits"])
    return max(int(labels.get(f"Warm{kind}", 0)), units or dict(_KINDS)[kind])


def _maximum_labels(mode: str, maximum: OnDemandThroughput, what: str) -> dict[str, str]:
    wanted = {kind: getattr(maximum, f"Max{kind}RequestUnits") for kind, _ in _KINDS}
    if mode == PROVISIONED:
        raise invalid_values(f"OnDemandThroughput cannot be specified for {what} when BillingMode is {PROVISIONED}")
    if all(units is None for units in wanted.values()):
        raise invalid_values(
            "At least one of MaxReadRequestUnits and MaxWriteRequestUnits must be specified for OnDemandThroughput for"
            f" {what}"
        )
    for kind, units in wanted.items():
        if units is not None and units != _UNLIMITED and not UNITS.allows(units):
            raise invalid_values(
                f"Requested Max{kind}RequestUnits for OnDemandThroughput for {what} is outside of valid range"
            )
    return {f"Max{kind}": str(units) for kind, units in wanted.items() if units is not None}
