"""What the telemetry engine refuses."""

from __future__ import annotations

from fogbank.kernel.errors import EngineError, NotFoundError


class LogGroupNotFoundError(NotFoundError):
    """There is no log group of that name."""


class LogStreamNotFoundError(NotFoundError):
    """The log group has no stream of that name."""


class LogGroupProtectedError(EngineError):
    """The log group is protected from deletion."""
