"""SDKs are what tests bring along: each is imported when a client of it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Any


class SdkMissingError(ImportError):
    """A client was asked for whose SDK isn't installed; the message says what to install."""


def load(module: str, distribution: str) -> Any:
    """Import a module of an SDK, or raise `SdkMissingError`."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        msg = f"{module} isn't installed: pip install {distribution}"
        raise SdkMissingError(msg, name=error.name) from None
