"""What is checked of a function in both APIs, and how memory and processors are told."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from fogbank.clouds.gcp.refusals import invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

INSTANCES_MAX: Final = 1_000
CONCURRENCY_MAX: Final = 1_000
LABELS_MAX: Final = 64
MEMORY_MIB_MIN: Final = 128
MEMORY_MIB_MAX: Final = 32_768
_QUANTITY: Final = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)(k|K|M|G|Ki|Mi|Gi|)")
_PROCESSORS: Final = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,9})?)(m?)")
# Megabytes are taken for mebibytes, as Cloud Run functions does.
_UNITS: Final = {"": 1, "k": 1_024, "K": 1_024, "Ki": 1_024, "M": 2**20, "Mi": 2**20, "G": 2**30, "Gi": 2**30}
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Google Cloud, "Configure environment variables": reserved, and set by the runtime itself.
_RESERVED: Final = frozenset(
    {"K_SERVICE", "K_REVISION", "K_CONFIGURATION", "PORT", "FUNCTION_TARGET", "FUNCTION_SIGNATURE_TYPE"}
)
_LABEL_KEY: Final = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LABEL_VALUE: Final = re.compile(r"[a-z0-9_-]{0,63}")
# Google Cloud, "Configure memory": the processors that go with it.
_CPUS: Final = ((128, "0.083"), (256, "0.1666"), (512, "0.3333"), (1_024, "0.5833"), (2_048, "1"), (8_192, "2"))


def read_memory(text: str) -> int:
    """Return mebibytes; raises `GrpcError`."""
    match = _QUANTITY.fullmatch(text)
    mebibytes = int(float(match[1]) * _UNITS[match[2]]) >> 20 if match else 0
    if not MEMORY_MIB_MIN <= mebibytes <= MEMORY_MIB_MAX:
        raise invalid(
            "service_config.available_memory",
            f"Invalid value for available_memory: {text!r}; it must be a quantity from 128Mi to 32Gi.",
        )
    return mebibytes


def cpu_for(mebibytes: int) -> str:
    """Return the processors that go with memory, where nothing is said of them."""
    return next((cpu for most, cpu in _CPUS if mebibytes <= most), "4" if mebibytes <= MEMORY_MIB_MAX // 2 else "8")


def read_cpu(text: str) -> float:
    """Return processors; raises `GrpcError`."""
    match = _PROCESSORS.fullmatch(text)
    value = float(match[1]) / (1_000 if match[2] else 1) if match else 0.0
    if not 0 < value <= 8:
        raise invalid("service_config.available_cpu", f"Invalid value for available_cpu: {text!r}; it is 0.08 to 8.")
    return value


def check_environment(field: str, environment: Mapping[str, str]) -> None:
    """Raise the error for variables that a function can't have."""
    for key, value in environment.items():
        if "\0" in value:
            raise invalid(field, f"The value of the environment variable {key} holds a null character.")
        if not _VARIABLE.fullmatch(key) or key.startswith("X_GOOGLE_"):
            raise invalid(field, f"Invalid environment variable name {key!r}.")
        if key in _RESERVED:
            raise invalid(field, f"The environment variable name {key} is reserved.")


def check_entry_point(field: str, entry_point: str) -> None:
    """Raise the error for what can't be the name of anything in a program."""
    if not entry_point.isprintable():
        raise invalid(field, f"Invalid value for {field}: {entry_point!r}.")


def check_labels(labels: Mapping[str, str]) -> None:
    """Raise the error for labels that a resource can't have."""
    if len(labels) > LABELS_MAX:
        raise invalid("labels", f"A function has at most {LABELS_MAX} labels.")
    for key, value in labels.items():
        if not _LABEL_KEY.fullmatch(key) or not _LABEL_VALUE.fullmatch(value):
            raise invalid("labels", f"Invalid label {key!r}: {value!r}.")


def check_range(field: str, value: int, low: int, high: int) -> None:
    """Raise the error for a number that is out of its range."""
    if not low <= value <= high:
        raise invalid(field, f"Invalid value for {field}: {value}; it must be from {low} to {high}.")
