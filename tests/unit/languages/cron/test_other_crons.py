"""The crons of AWS and Unix, and schedules in English: when they come round, and what they refuse."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.languages.cron import CronError, next_occurrence, parse_aws, parse_groc, parse_unix
from fogbank.languages.cron.calendar import Calendar

START = datetime(2026, 11, 22, 12, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def occurrences(calendar: Calendar | int, count: int, start: datetime = START, zone: str = "UTC") -> list[str]:
    assert isinstance(calendar, Calendar)
    at_us: int | None = (start - EPOCH) // timedelta(microseconds=1)
    found = []
    for _ in range(count):
        assert at_us is not None
        at_us = next_occurrence(calendar, at_us, ZoneInfo(zone))
        found.append("never" if at_us is None else f"{EPOCH + timedelta(microseconds=at_us):%Y-%m-%d %H:%M}")
        if at_us is None:
            break
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0/15 * * * ? *", ["2026-11-22 12:15", "2026-11-22 12:30"]),
        ("0 10 * * ? *", ["2026-11-23 10:00", "2026-11-24 10:00"]),
        ("15 12 ? * MON-FRI *", ["2026-11-23 12:15", "2026-11-24 12:15"]),
        ("0 18 ? * 2#1 *", ["2026-12-07 18:00", "2027-01-04 18:00"]),
        ("0 8 L * ? *", ["2026-11-30 08:00", "2026-12-31 08:00"]),
        ("0 8 ? * 6L *", ["2026-11-27 08:00", "2026-12-25 08:00"]),
        ("0 8 ? * L *", ["2026-11-28 08:00", "2026-12-05 08:00"]),
        ("0 8 1W * ? *", ["2026-12-01 08:00", "2027-01-01 08:00", "2027-02-01 08:00", "2027-03-01 08:00"]),
        ("0 8 15W 8 ? *", ["2027-08-16 08:00"]),
        ("0 8 ? * FRI-MON *", ["2026-11-23 08:00", "2026-11-27 08:00", "2026-11-28 08:00", "2026-11-29 08:00"]),
        ("0 0 29 2 ? *", ["2028-02-29 00:00"]),
        ("0 0 1 1 ? 2030,2032", ["2030-01-01 00:00", "2032-01-01 00:00", "never"]),
        ("0 0 1 1 ? 2190", ["2190-01-01 00:00", "never"]),
        ("0 0 1 1 ? 2020", ["never"]),
    ],
)
def test_aws(text: str, expected: list[str]) -> None:
    assert occurrences(parse_aws(text), len(expected)) == expected


@pytest.mark.parametrize(
    "text",
    ["* * * * * *", "0 0 ? * ? *", "0 0 1 * ?", "60 * * * ? *", "* 24 * * ? *", "0 0 0 * ? *", "0 0 ? * 8 *",
     "0 0 ? * 2#6 *", "0 0 1 13 ? *", "0 0 1 * ? 1969", "0/0 * * * ? *", "a * * * ? *", ""],
)  # fmt: skip
def test_aws_refuses(text: str) -> None:
    with pytest.raises(CronError):
        parse_aws(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*/10 * * * *", ["2026-11-22 12:10", "2026-11-22 12:20"]),
        ("0 9 * * 1", ["2026-11-23 09:00", "2026-11-30 09:00"]),
        ("0 9 * * 7", ["2026-11-29 09:00", "2026-12-06 09:00"]),
        ("0 0 1 * mon", ["2026-11-23 00:00", "2026-11-30 00:00", "2026-12-01 00:00"]),
        ("@monthly", ["2026-12-01 00:00", "2027-01-01 00:00"]),
        ("0 0 1 jan,feb *", ["2027-01-01 00:00", "2027-02-01 00:00"]),
    ],
)
def test_unix(text: str, expected: list[str]) -> None:
    assert occurrences(parse_unix(text), len(expected)) == expected


def test_clocks_that_change() -> None:
    spring = datetime(2026, 3, 28, 12, tzinfo=UTC)
    # 02:30 isn't there on the 29th in Berlin: it happens an hour later.
    assert occurrences(parse_unix("30 2 * * *"), 3, spring, "Europe/Berlin") == [
        "2026-03-29 01:30",
        "2026-03-30 00:30",
        "2026-03-31 00:30",
    ]
    autumn = datetime(2026, 10, 24, 12, tzinfo=UTC)
    # 02:30 is there twice on the 25th: it happens once.
    assert occurrences(parse_aws("30 2 * * ? *"), 2, autumn, "Europe/Berlin") == [
        "2026-10-25 00:30",
        "2026-10-26 01:30",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("every day 00:00", ["2026-11-23 00:00", "2026-11-24 00:00"]),
        ("every mon,Friday 09:30", ["2026-11-23 09:30", "2026-11-27 09:30"]),
        ("2nd,third mon of month 09:00", ["2026-12-14 09:00", "2026-12-21 09:00"]),
        ("1st monday of sep,oct 17:00", ["2027-09-06 17:00", "2027-10-04 17:00"]),
        ("1,15 of jan 08:00", ["2027-01-01 08:00", "2027-01-15 08:00"]),
        ("every 2 hours from 10:00 to 14:00", ["2026-11-22 14:00", "2026-11-23 10:00", "2026-11-23 12:00"]),
        ("every 30 minutes synchronized", ["2026-11-22 12:30", "2026-11-22 13:00"]),
    ],
)
def test_english(text: str, expected: list[str]) -> None:
    assert occurrences(parse_groc(text), len(expected)) == expected


def test_intervals_in_english() -> None:
    assert parse_groc("every 5 minutes") == 300_000_000
    assert parse_groc("every 12 hours") == 43_200_000_000


@pytest.mark.parametrize("text", ["every 0 minutes", "every 25 hours", "every noon", "whenever", "every day 24:00", ""])
def test_english_refuses(text: str) -> None:
    with pytest.raises(CronError):
        parse_groc(text)


@given(st.text(max_size=40), st.sampled_from([parse_aws, parse_unix, parse_groc]))
def test_nothing_breaks_a_parser(text: str, parse: object) -> None:
    try:
        parse(text)  # type: ignore[operator]
    except CronError:
        return


@given(
    st.sampled_from(["0/7 3,15 ? * MON-FRI *", "5 4 L * ? *", "0 0 ? * 3#2 *", "*/30 * 15W * ? *"]),
    st.integers(0, 3_000_000_000),
)
def test_occurrences_follow_one_another(text: str, at_seconds: int) -> None:
    calendar = parse_aws(text)
    first = next_occurrence(calendar, at_seconds * 1_000_000)
    assert first is not None
    assert first > at_seconds * 1_000_000
    # Nothing lies between.
    assert next_occurrence(calendar, first - 1) == first
