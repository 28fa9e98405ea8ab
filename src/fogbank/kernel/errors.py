"""What an engine may refuse, in no cloud's words.

An engine raises a subclass of `EngineError` that it defines itself; each cloud maps each of those classes to
its own code, status and message, in one table per service.
"""

from __future__ import annotations


class EngineError(Exception):
    """A request that an engine understood and refuses; nothing was changed."""


class NotFoundError(EngineError):
    """The thing named does not exist. `name` is the name asked for."""

    def __init__(self, name: str = "") -> None:
        super().__init__(name)
        self.name = name


class AlreadyExistsError(EngineError):
    """The name is taken, by a thing that differs from the one asked for."""

    def __init__(self, name: str = "") -> None:
        super().__init__(name)
        self.name = name


class OutOfRangeError(EngineError):
    """A value lies outside its limit."""

    def __init__(self, name: str, value: float, low: float, high: float, unit: str) -> None:
        super().__init__(f"{name} must be {low} to {high} {unit}, not {value}")
        self.name = name
        self.value = value
        self.low = low
        self.high = high
        self.unit = unit
