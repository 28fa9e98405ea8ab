"""NCRONTAB: what the fields choose, and the next occurrence against a search second by second."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.languages.cron import CronError, next_occurrence, parse_ncrontab, parse_timespan

LIMITS = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
NOON = datetime(2026, 11, 26, 12, 0)  # a Thursday


def microseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 */5 * * * *", "2026-11-26 12:05:00"),
        ("*/5 * * * *", "2026-11-26 12:05:00"),
        ("0 0 * * * *", "2026-11-26 13:00:00"),
        ("0 30 9 * * Mon-Fri", "2026-11-27 09:30:00"),
        ("0 30 9 * * 1-5", "2026-11-27 09:30:00"),
        ("0 30 9 * Jan Mon", "2027-01-04 09:30:00"),
        ("0 0 0 13 * 5", "2027-08-13 00:00:00"),
        ("0 0 0 29 2 *", "2028-02-29 00:00:00"),
        ("0 0 9-17 * * *", "2026-11-26 13:00:00"),
        ("0 50-10/20 * * * *", "2026-11-26 12:10:00"),
        ("7/20 * * * * *", "2026-11-26 12:00:07"),
        ("59 59 23 31 dec *", "2026-12-31 23:59:59"),
        ("*/0 * * * * *", "2026-11-26 12:00:01"),
    ],
)
def test_next(text: str, expected: str) -> None:
    found = parse_ncrontab(text).next_after(NOON)
    assert str(found) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "must contain 5 components"),
        ("* * * *", "must contain 5 components"),
        ("* * * * * * *", "must contain 5 components"),
        ("60 * * * * *", r"\[Second\].*between 0 and 59"),
        ("0 0 0 0 * *", r"\[Day\]"),
        ("0 0 0 * * 7", r"\[DayOfWeek\]"),
        ("0 0 0 * Foo *", "not a known value name"),
        ("x * * * * *", "must be a numeric value"),
        ("/5 * * * * *", "must be a numeric value"),
        ("5, * * * * *", "cannot be empty"),
        ("5/x * * * * *", "'x' is not a number"),
        ("0 70/5 * * * *", r"\[Minute\]"),
        ("0 0 0 L * *", r"\[Day\]"),
    ],
)
def test_refusals(text: str, reason: str) -> None:
    with pytest.raises(CronError, match=reason):
        parse_ncrontab(text)


def test_a_day_that_never_comes() -> None:
    assert parse_ncrontab("0 0 0 30 2 *").next_after(NOON) is None


@st.composite
def fields(draw: st.DrawFn, low: int, high: int) -> tuple[str, set[int]]:
    """A field's text, and the values it chooses, found by counting."""
    parts, chosen = [], set()
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["every", "step", "value", "range", "open"]))
        first, last = draw(st.integers(low, high)), draw(st.integers(low, high))
        step = draw(st.integers(1, 40))
        if kind == "every":
            parts.append("*")
            first, last, step = low, high, 1
        elif kind == "step":
            parts.append(f"*/{step}")
            first, last = low, high
        elif kind == "value":
            parts.append(str(first))
            last, step = first, 1
        elif kind == "range":
            parts.append(f"{first}-{last}/{step}")
        else:
            parts.append(f"{first}/{step}")
            last = high
        first, last = min(first, last), max(first, last)
        chosen |= {value for value in range(low, high + 1) if first <= value <= last and (value - first) % step == 0}
    return ",".join(parts), chosen


def brute_force(after: datetime, chosen: list[set[int]]) -> datetime | None:
    """Look at each day, hour, minute and second in turn, for ten years."""
    moment = after + timedelta(seconds=1)
    for _ in range(3_660):
        if moment.month in chosen[4] and moment.day in chosen[3] and (moment.weekday() + 1) % 7 in chosen[5]:
            day = moment.date()
            while moment.date() == day:
                if moment.hour not in chosen[2]:
                    moment = moment.replace(minute=0, second=0) + timedelta(hours=1)
                elif moment.minute not in chosen[1]:
                    moment = moment.replace(second=0) + timedelta(minutes=1)
                elif moment.second not in chosen[0]:
                    moment += timedelta(seconds=1)
                else:
                    return moment
        else:
            moment = moment.replace(hour=0, minute=0, second=0) + timedelta(days=1)
    return None


@given(
    parts=st.tuples(*(fields(low, high) for low, high in LIMITS)),
    after=st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1)),
)
def test_against_counting(parts: tuple[tuple[str, set[int]], ...], after: datetime) -> None:
    calendar = parse_ncrontab(" ".join(text for text, _ in parts))
    expected = brute_force(after.replace(microsecond=0), [values for _, values in parts])
    found = calendar.next_after(after)
    if expected is not None:
        assert found == expected
    else:
        assert found is None or found > after + timedelta(days=3_650)


@given(
    parts=st.tuples(*(fields(low, high) for low, high in LIMITS)),
    after=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),
    zone=st.sampled_from(["UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu"]),
)
def test_time_only_goes_on(parts: tuple[tuple[str, set[int]], ...], after: datetime, zone: str) -> None:
    calendar = parse_ncrontab(" ".join(text for text, _ in parts))
    at: int | None = microseconds(after.replace(tzinfo=UTC))
    for _ in range(5):
        assert at is not None
        following = next_occurrence(calendar, at, ZoneInfo(zone))
        if following is None:
            break
        assert following > at
        at = following


@given(st.text("0123456789*/-, JanSun?L#", max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(CronError):
        parse_ncrontab(text).next_after(NOON)


def occurrences(text: str, after: datetime, zone: str, count: int) -> list[str]:
    calendar, at, found = parse_ncrontab(text), microseconds(after), []
    for _ in range(count):
        following = next_occurrence(calendar, at, ZoneInfo(zone))
        assert following is not None
        at = following
        found.append(datetime.fromtimestamp(at / 1_000_000, UTC).strftime("%d %H:%M"))
    return found


def test_clocks_put_forward() -> None:
    """On 29 March 2026 Berlin has no half past two: it happens at 03:30, which is 01:30 UTC."""
    before = datetime(2026, 3, 28, 12, tzinfo=UTC)
    assert occurrences("0 30 2 * * *", before, "Europe/Berlin", 3) == ["29 01:30", "30 00:30", "31 00:30"]


def test_clocks_put_back() -> None:
    """On 25 October 2026 Berlin's hour from two to three happens twice."""
    before = datetime(2026, 10, 25, 0, 15, tzinfo=UTC)
    expected = ["25 00:30", "25 01:00", "25 01:30", "25 02:00"]
    assert occurrences("0 0,30 * * * *", before, "Europe/Berlin", 4) == expected


def test_a_time_of_day_happens_once_when_clocks_are_put_back() -> None:
    before = datetime(2026, 10, 24, 12, tzinfo=UTC)
    assert occurrences("0 30 2 * * *", before, "Europe/Berlin", 3) == ["25 00:30", "26 01:30", "27 01:30"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("00:00:30", 30),
        ("00:05", 300),
        ("1", 86_400),
        ("24:00:00", 24 * 86_400),
        ("25:01:02", 25 * 86_400 + 3_720),
        ("1.02:03:04", 93_784),
        ("00:00:00.5000000", 0.5),
        ("-00:00:30", None),
        ("00:60:00", None),
        ("0 */5 * * * *", None),
        ("", None),
        ("five", None),
    ],
)
def test_spans(text: str, seconds: float | None) -> None:
    assert parse_timespan(text) == (None if seconds is None else seconds * 1_000_000)
