"""What the schedules engine refuses."""

from __future__ import annotations

from fogbank.kernel.errors import AlreadyExistsError, NotFoundError


class ScheduleNotFoundError(NotFoundError):
    """There is no schedule of that name."""


class ScheduleExistsError(AlreadyExistsError):
    """There is a schedule of that name."""
