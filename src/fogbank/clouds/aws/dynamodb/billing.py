"""How a table is paid for: billing mode, provisioned throughput, table class. `settings.throttling` keeps to it.

Amazon DynamoDB API Reference, "CreateTable", "UpdateTable" and "ProvisionedThroughputDescription".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.aws.api import REQUIRED, Input
from fogbank.clouds.aws.dynamodb.errors import invalid_values, validation
from fogbank.kernel.clock import SECOND_US
from fogbank.kernel.limits import Limit

if TYPE_CHECKING:
    from collections.abc import Mapping

UNITS: Final = Limit("capacity units of a table", 1, 40_000, "units")
ACCOUNT_UNITS_MAX: Final = 80_000
ON_DEMAND: Final = "PAY_PER_REQUEST"
PROVISIONED: Final = "PROVISIONED"
STANDARD: Final = "STANDARD"
_DAY_US: Final = 86_400 * SECOND_US
_READ: Final = "ReadCapacityUnits"
_WRITE: Final = "WriteCapacityUnits"


class Throughput(Input):
    """Units that a table may consume each second."""

    ReadCapacityUnits: int = REQUIRED
    WriteCapacityUnits: int = REQUIRED


def first_labels(
    mode: str | None, throughput: Throughput | None, table_class: str | None, now_us: int
) -> dict[str, str]:
    """Return a new table's labels."""
    mode = mode or PROVISIONED
    labels = {"BillingMode": mode, "TableClass": table_class or STANDARD, **_units(mode, throughput)}
    if mode == ON_DEMAND:
        labels["OnDemandUs"] = str(now_us)
    if table_class is not None:
        labels["TableClassUs"] = str(now_us)
    return labels


def changed_labels(
    labels: Mapping[str, str],
    mode: str | None,
    throughput: Throughput | None,
    table_class: str | None,
    now_us: int,
) -> dict[str, str]:
    """Return a table's labels after an update; refuses throughput that doesn't change."""
    changed = dict(labels)
    if table_class is not None:
        changed |= {"TableClass": table_class, "TableClassUs": str(now_us)}
    new_mode = mode or labels["BillingMode"]
    if mode is None and throughput is None:
        return changed
    if throughput is None and new_mode == labels["BillingMode"]:
        return changed
    units = _units(new_mode, throughput)
    if new_mode == labels["BillingMode"] == PROVISIONED:
        _note_change(changed, units, now_us)
    elif new_mode == ON_DEMAND:
        changed["OnDemandUs"] = str(now_us)
    return changed | units | {"BillingMode": new_mode}


def show_billing(labels: Mapping[str, str], now_us: int) -> dict[str, Any]:
    """Return what DescribeTable shows of it."""
    throughput: dict[str, Any] = {
        "NumberOfDecreasesToday": 0,
        _READ: int(labels[_READ]),
        _WRITE: int(labels[_WRITE]),
    }
    for name, label in (("LastIncreaseDateTime", "IncreasedUs"), ("LastDecreaseDateTime", "DecreasedUs")):
        if label in labels:
            throughput[name] = int(labels[label]) / SECOND_US
    if int(labels.get("DecreasedUs", 0)) // _DAY_US == now_us // _DAY_US:
        throughput["NumberOfDecreasesToday"] = int(labels["Decreases"])
    shown: dict[str, Any] = {"ProvisionedThroughput": throughput}
    if "OnDemandUs" in labels:
        since = int(labels["OnDemandUs"]) / SECOND_US
        shown["BillingModeSummary"] = {
            "BillingMode": labels["BillingMode"],
            "LastUpdateToPayPerRequestDateTime": since,
        }
    if "TableClassUs" in labels:
        since = int(labels["TableClassUs"]) / SECOND_US
        shown["TableClassSummary"] = {"TableClass": labels["TableClass"], "LastUpdateDateTime": since}
    return shown


def _units(mode: str, throughput: Throughput | None) -> dict[str, str]:
    if mode == ON_DEMAND:
        if throughput is not None:
            raise invalid_values(f"Neither {_READ} nor {_WRITE} can be specified when BillingMode is {ON_DEMAND}")
        return {_READ: "0", _WRITE: "0"}
    if throughput is None:
        raise invalid_values(f"{_READ} and {_WRITE} must both be specified when BillingMode is {PROVISIONED}")
    units = {_READ: throughput.ReadCapacityUnits, _WRITE: throughput.WriteCapacityUnits}
    for name, value in units.items():
        if not UNITS.allows(value):
            raise validation(f"Given value {value} for {name} is out of bounds")
    return {name: str(value) for name, value in units.items()}


def _note_change(labels: dict[str, str], units: dict[str, str], now_us: int) -> None:
    """Write down when throughput went up or down, and how often it went down that day."""
    if all(labels[name] == value for name, value in units.items()):
        current = " ".join(
            f"Current {name} provisioned for the table: {labels[name]}. Requested {name}: {value}."
            for name, value in units.items()
        )
        raise validation(
            "The provisioned throughput for the table will not change. The requested value equals the current value."
            f" {current} Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher"
            " limits."
        )
    if any(int(value) > int(labels[name]) for name, value in units.items()):
        labels["IncreasedUs"] = str(now_us)
    if any(int(value) < int(labels[name]) for name, value in units.items()):
        today = int(labels.get("DecreasedUs", 0)) // _DAY_US == now_us // _DAY_US
        labels["Decreases"] = str(int(labels["Decreases"]) + 1 if today else 1)
        labels["DecreasedUs"] = str(now_us)
