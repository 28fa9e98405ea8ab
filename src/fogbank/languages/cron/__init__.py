"""Schedules in the forms of cron: parsed into calendars, which tell when they next come round."""

from __future__ import annotations

from fogbank.languages.cron.aws import parse_aws
from fogbank.languages.cron.calendar import Calendar, next_occurrence
from fogbank.languages.cron.errors import CronError
from fogbank.languages.cron.groc import parse_groc
from fogbank.languages.cron.ncrontab import parse_ncrontab
from fogbank.languages.cron.timespan import parse_timespan
from fogbank.languages.cron.unix import parse_unix

__all__ = [
    "Calendar",
    "CronError",
    "next_occurrence",
    "parse_aws",
    "parse_groc",
    "parse_ncrontab",
    "parse_timespan",
    "parse_unix",
]
