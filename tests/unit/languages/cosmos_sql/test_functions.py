"""Functions as the pages of the query language's reference have them, with what their examples say of undefined."""

from __future__ import annotations

from typing import Any

import pytest

from fogbank.languages.cosmos_sql.errors import QueryError
from tests.unit.languages.cosmos_sql.test_evaluating import value

NICE = "'Have a nice day!'"


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("ARRAY_AVG([1, -2.7, 3, -4, undefined])", -0.675),
        ("ARRAY_AVG(['abc'])", "undefined"),
        ("ARRAY_CONTAINS_ALL([1, 2, 3, 4], 1, undefined)", "undefined"),
        ("ARRAY_CONTAINS_ALL([1, 2, 3, 4], 5, undefined)", False),
        ("ARRAY_CONTAINS_ALL([1, true, '3', [1]], 1, true, '3', [1])", True),
        ("ARRAY_CONTAINS_ANY([1, 2, 3, 4], 1, undefined)", True),
        ("ARRAY_CONTAINS_ANY([1, 2, 3, 4], 5, undefined)", "undefined"),
        ("ARRAY_CONTAINS_ANY([], 1)", False),
        ("ARRAY_MAX(['abc', 'ABC', 'aBc', 'AbC'])", "abc"),
        ("ARRAY_MAX([12, 'abc', true, false, null, undefined])", "abc"),
        ("ARRAY_MIN([12, 'abc', true, false, null, undefined])", None),
        ("ARRAY_MEDIAN([1, 2, 3, 4])", 2.5),
        ("ARRAY_MEDIAN([7.8, 1.0, 2.0, 4.7, 3.3])", 3.3),
        ("ARRAY_MEDIAN([1, 'a'])", "undefined"),
        ("ARRAY_SUM([1, 2, 3, 4, undefined])", 10),
        ("ARRAY_SUM([12, 'abc'])", "undefined"),
        ("SETEQUAL([1, 2, 3, 3], [1, 2, 2, 3, 1, 2])", True),
        ("SETEQUAL([], [1, 2, 3])", False),
        ("SETEQUAL([1], 1)", "undefined"),
        (f"CONTAINS_ALL_CI({NICE}, 'HAVE', 'NICE')", True),
        (f"CONTAINS_ALL_CI({NICE}, undefined, 'nice')", "undefined"),
        (f"CONTAINS_ALL_CI({NICE}, undefined, 'had')", False),
        (f"CONTAINS_ALL_CS({NICE}, 'have', 'nice')", False),
        (f"CONTAINS_ANY_CI({NICE}, undefined, 'NICE')", True),
        (f"CONTAINS_ANY_CI({NICE}, undefined, 'had')", "undefined"),
        (f"CONTAINS_ANY_CS({NICE}, 'HAVE', 'DAY!')", False),
        ("LASTINDEXOF('abcdeabc', 'abc')", 5),
        ("LASTINDEXOF('abcdeabc', 'abc', 6)", 0),
        ("LASTINDEXOF('abcdeabc', 'abc', 7)", 5),
        ("LASTINDEXOF('abcdeabc', 'fg')", -1),
        ("REGEXMATCH('abcd', 'ABC')", False),
        ("REGEXMATCH('abcd', 'ABC', 'i')", True),
        ("REGEXMATCH('abcd', 'ab.', '')", True),
        ("REGEXMATCH('abcd', 'aB c', 'ix')", True),
        ("REGEXMATCH('salt3824908', 'salt{1}')", True),
        ("REGEXMATCH('a\\nb', '^b')", False),
        ("REGEXMATCH('a\\nb', '^b', 'm')", True),
        ("REGEXMATCH('a\\nb', 'a.b', 's')", True),
        ("REGEXMATCH(1, '1')", "undefined"),
        ("AGO('yyyy', 1)", "2025-11-22T12:00:00.1234560Z"),
        ("AGO('yyyy', '1')", "undefined"),
        ("NOW()", "2026-11-22T12:00:00.1234560Z"),
        ("NOW('ms', 4)", "2026-11-22T12:00:00.1274560Z"),
        ("YEAR('2000-10-11')", 2000),
        ("MONTH('2000-10-11')", 10),
        ("DAY('2000-10-11')", 11),
        ("DATETIMEFORMAT('2024-10-10 14:40:20', 'yyyyMMdd')", "20241010"),
        (
            r"DATETIMEFORMAT('2024-10-10 14:40:20', 'To\\da\\y i\\s: yyyy-MM-ddTHH:mm:ss.fff')",
            "Today is: 2024-10-10T14:40:20.000",
        ),
        ("DATETIMEFORMAT('2024-10-10T14:40:20.12Z', 'ss.FFF [H:m]')", "20.12 [14:40]"),
        ("DATETIMEFORMAT('nonsense', 'yyyy')", "undefined"),
        ("DateTimeBin('2021-01-08T18:35:00Z', 'hh', 1.5)", "undefined"),
        ("DateTimeBin('2021-01-08T18:35:00Z', 'hh', 1, '1600-12-31')", "undefined"),
        ("DateTimeBin('2021-01-08T18:35:00Z', 'hh', 1, '1601-01-01')", "2021-01-08T18:00:00.0000000Z"),
        ("DateTimeAdd('ss', 1.5, '2020-07-03')", "undefined"),
        ("STRINGTONUMBER(NaN)", "undefined"),
        ("STRINGTONUMBER(Infinity)", "undefined"),
        ("TOSTRING(NaN)", "NaN"),
        ("TOSTRING(Infinity)", "Infinity"),
        ("NUMBERBIN(37.752, -100)", 100),
        ("NUMBERBIN(37.752, 0)", "undefined"),
        ("NUMBERBIN(37.752, 0.1)", 37.7),
        ("NUMBERBIN(37.752, 0.01)", 37.75),
        ("NUMBERBIN(37.752)", 37),
        ("INTBITNOT(65)", -66),
        ("INTBITNOT(0.1)", "undefined"),
        ("DOCUMENTID({'_rid': '36ZyAPW+uN8NAAAAAAAAAA=='})", 13),
        ("DOCUMENTID({'_rid': 'none'})", "undefined"),
    ],
)
def test_functions(expression: str, wanted: Any) -> None:
    found = value(expression)
    assert found == wanted
    assert isinstance(found, bool) == isinstance(wanted, bool)


def test_random_numbers_are_others_each_time() -> None:
    found = value("[RAND(), RAND(), RAND()]")
    assert len(set(found)) == 3
    assert all(0 <= each < 1 for each in found)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("REGEXMATCH('a', '(?=a)')", "does not support the regular expression"),
        ("REGEXMATCH('a', 'a', 'q')", "The modifiers 'q' of RegexMatch are invalid"),
        ("DATETIMEFORMAT('2024-10-10', 'hh tt')", "does not support the specifier 'hh'"),
    ],
)
def test_what_is_refused(expression: str, words: str) -> None:
    with pytest.raises(QueryError, match=words):
        value(expression)
