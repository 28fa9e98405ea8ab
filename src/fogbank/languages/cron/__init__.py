"""Schedules in the forms of cron: parsed into calendars, which tell when they next come round."""

from __future__ import annotations

from fogbank.languages.cron.calendar import Calendar, next_occurrence
from fogbank.languages.cron.errors import CronError
from fogbank.languages.cron.ncrontab import parse_ncrontab
from fogbank.languages.cron.timespan import parse_timespan

__all__ = ["Calendar", "CronError", "next_occurrence", "parse_ncrontab", "parse_timespan"]
