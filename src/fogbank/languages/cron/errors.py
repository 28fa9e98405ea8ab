"""What is wrong with a schedule."""

from __future__ import annotations


class CronError(Exception):
    """The text is no schedule; the message says why."""
