"""Calendars: which seconds of all time a schedule chooses, whatever notation it was written in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import tzinfo

# A 29th of February on a given day of the week comes round within 40 years, also across 2100.
YEARS_SEARCHED: Final = 41
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_DAY: Final = timedelta(days=1)
_HOURS: Final = 24


@dataclass(frozen=True, slots=True)
class Calendar:
    """The moments whose parts are all among those listed; each list is sorted and not empty.

    Days of the week count from Sunday, 0. With `either_day` a day is chosen if its day of the month or its day of
    the week is, as in the cron of Unix where both are restricted; otherwise both must be. A `day_rule` decides on
    days in their place. With `years`, other years have none.
    """

    seconds: Sequence[int]
    minutes: Sequence[int]
    hours: Sequence[int]
    days: Sequence[int]
    months: Sequence[int]
    weekdays: Sequence[int]
    either_day: bool = False
    day_rule: Callable[[date], bool] | None = None
    years: Sequence[int] = ()

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first chosen moment after one of local time (without a zone), None if there is none."""
        floor = moment.replace(microsecond=0) + timedelta(seconds=1)
        day = floor.date()
        if self._has_day(day) and (found := self._time_from(floor.time())) is not None:
            return datetime.combine(day, found)
        first = time(self.hours[0], self.minutes[0], self.seconds[0])
        following = self._day_after(day)
        return None if following is None else datetime.combine(following, first)

    def _has_day(self, day: date) -> bool:
        if day.month not in self.months or (self.years and day.year not in self.years):
            return False
        if self.day_rule is not None:
            return self.day_rule(day)
        by_month = day.day in self.days
        by_week = day.isoweekday() % 7 in self.weekdays
        return by_month or by_week if self.either_day else by_month and by_week

    def _day_after(self, day: date) -> date | None:
        last_year = min(day.year + YEARS_SEARCHED, date.max.year - 1)
        day += _DAY
        if self.years and day.year not in self.years:
            following = next((year for year in self.years if year > day.year), None)
            if following is None:
                return None
            day = date(following, 1, 1)
            last_year = min(following + YEARS_SEARCHED, date.max.year - 1)
        while day.year <= last_year:
            if self.years and day.year > self.years[-1]:
                return None
            if day.month not in self.months:
                day = date(day.year + day.month // 12, day.month % 12 + 1, 1)
            elif self._has_day(day):
                return day
            else:
                day += _DAY
        return None

    def _time_from(self, floor: time) -> time | None:
        """Return the first chosen time of a day from `floor` on."""
        for hour in self.hours:
            if hour < floor.hour:
                continue
            if hour > floor.hour:
                return time(hour, self.minutes[0], self.seconds[0])
            for minute in self.minutes:
                if minute < floor.minute:
                    continue
                if minute > floor.minute:
                    return time(hour, minute, self.seconds[0])
                for second in self.seconds:
                    if second >= floor.second:
                        return time(hour, minute, second)
        return None


def next_occurrence(calendar: Calendar, after_us: int, zone: tzinfo = UTC) -> int | None:
    """Return when a calendar that is read in a time zone next comes round after a time; microseconds since the epoch.

    As in the cron of Unix: a moment that a change of clocks leaves out happens as much later as the clocks are put
    forward; one that it repeats happens once, unless every hour is chosen.
    """
    after = (_EPOCH + after_us * _MICROSECOND).astimezone(zone)
    local = after.replace(tzinfo=None, fold=0)
    first = _after_in(calendar, local, after_us, zone, fold=0)
    put_back = _offset(after.replace(fold=0)) - _offset(after.replace(fold=1))
    if first is None or not put_back or len(calendar.hours) < _HOURS:
        return first
    again = _after_in(calendar, local if after.fold else local - put_back, after_us, zone, fold=1)
    return first if again is None else min(first, again)


def _offset(moment: datetime) -> timedelta:
    offset = moment.utcoffset()
    assert offset is not None, "it has a zone"
    return offset


def _after_in(calendar: Calendar, local: datetime, after_us: int, zone: tzinfo, *, fold: int) -> int | None:
    """Return the first occurrence that follows, with repeated times read as their first or second occasion."""
    while (found := calendar.next_after(local)) is not None:
        due_us = (found.replace(tzinfo=zone, fold=fold).astimezone(UTC) - _EPOCH) // _MICROSECOND
        if due_us > after_us:
            return due_us
        local = found
    return None
