"""What expressions of rules are worth."""

from __future__ import annotations

import math
from typing import Any

import pytest

from fogbank.languages.security_rules.errors import EvaluationError, LimitError, RulesError
from fogbank.languages.security_rules.evaluating import Documents, Evaluation, Scope
from fogbank.languages.security_rules.rulesets import parse_rules
from fogbank.languages.security_rules.values import Duration, LatLng, Path, Set, Timestamp, same

NOON_NS = 1_795_348_800 * 1_000_000_000
DOCUMENTS = {("databases", "d", "documents", "users", "ann"): {"data": {"admin": True}, "id": "ann"}}


def evaluate(text: str, log: list[Any] | None = None, **variables: Any) -> Any:
    rules = f"service s {{ match /x {{ allow read: if {text}; }} }}"
    condition = parse_rules(rules).matches[0].allows[0].condition
    assert condition is not None
    documents = Documents(10)
    for path, value in DOCUMENTS.items():
        documents.put(path, value, after=False)
        documents.put(path, None, after=True)
    documents.put(("databases", "d", "documents", "users", "bob"), None, after=False)
    taken = [] if log is None else log
    return Evaluation(documents, taken.append).value(condition, Scope(variables, {}))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3 == 7", True),
        ("7 / 2", 3),
        ("-7 / 2", -3),
        ("-7 % 3", -1),
        ("7.0 / 2", 3.5),
        ("1 == 1.0", True),
        ("1 == true", False),
        ("'a' + \"b\"", "ab"),
        ("!(1 < 2) || 2 >= 2", True),
        ("true ? 1 : 2", 1),
        ("1 < 2 ? 'a' : 2 < 3 ? 'b' : 'c'", "a"),
        ("1 in [1, 2] && 'a' in {'a': 1} && !(3 in [1].toSet())", True),
        ("1 is int && 1.0 is float && 1 is number && 'a' is string && null is null && [] is list", True),
        ("{} is map && /a/b is path && b.x is bool", True),
        ("'abc'[1]", "b"),
        ("'abc'[1:3]", "bc"),
        ("[1, 2, 3][1:]", [2, 3]),
        ("{'a': {'b': 1}}.a.b", 1),
        ("{'a': 1}['a']", 1),
        ("'it\\'s' == \"it's\"", True),
        # What decides counts, whatever the other side is.
        ("none.x || true", True),
        ("false && none.x", False),
        ("none.x && false", False),
        ("true || 1 / 0 == 1", True),
        # Texts.
        ("'Ab'.lower() + 'Ab'.upper()", "abAB"),
        ("'user@domain.com'.matches('.*@domain[.]com')", True),
        ("'ab'.matches('a')", False),
        ("'a-b-c'.replace('-', '+')", "a+b+c"),
        ("'a,b;c'.split('[,;]')", ["a", "b", "c"]),
        ("' a '.trim().size()", 1),
        ("'é'.toUtf8().size()", 2),
        ("'ab'.toUtf8().toHexString()", "6162"),
        # Lists, maps, sets.
        ("[1, 2].concat([3])", [1, 2, 3]),
        ("[1, 2].hasAll([2]) && [1, 2].hasAny([2, 3]) && [1, 1].hasOnly([1])", True),
        ("[1, 2].hasOnly([1])", False),
        ("['a', 'b'].join('/')", "a/b"),
        ("[1, 2, 1].removeAll([1])", [2]),
        ("[1, 2, 1].toSet().size()", 2),
        ("{'a': 1, 'b': 2}.keys().hasOnly(['a', 'b'])", True),
        ("{'a': 1}.get('b', 3)", 3),
        ("{'a': {'b': 4}}.get(['a', 'b'], 3)", 4),
        ("{'a': 1, 'b': 1, 'c': 1}.diff({'b': 2, 'c': 1, 'd': 1}).affectedKeys() == ['a', 'b', 'd'].toSet()", True),
        ("{'a': 1, 'b': 1}.diff({'b': 2}).addedKeys().hasOnly(['a'])", True),
        ("{'b': 1}.diff({'b': 2, 'x': 1}).removedKeys().hasOnly(['x'])", True),
        ("{'b': 1}.diff({'b': 2}).changedKeys().hasOnly(['b'])", True),
        ("{'b': 1}.diff({'b': 1.0}).unchangedKeys().hasOnly(['b'])", True),
        ("['a','b'].toSet().union(['c'].toSet()).size()", 3),
        ("['a','b'].toSet().intersection(['b'].toSet()).hasOnly(['b'])", True),
        ("['a','b'].toSet().difference(['b'].toSet()).hasOnly(['a'])", True),
        # Times.
        ("t.year() == 2026 && t.month() == 11 && t.day() == 22 && t.dayOfWeek() == 7", True),
        ("t.hours() * 60 + t.minutes()", 720),
        ("t + duration.value(1, 'd') - t == duration.time(24, 0, 0, 0)", True),
        ("(t + duration.value(90, 's')).seconds()", 30),
        ("timestamp.date(2026, 11, 22) == t.date()", True),
        ("timestamp.value(1500).toMillis()", 1500),
        ("duration.abs(duration.value(-5, 'm')).seconds()", 300),
        ("t < t + duration.value(1, 'ns') && t.dayOfYear() == 326", True),
        # Places, numbers, hashes, conversions.
        ("math.round(latlng.value(0, 0).distance(latlng.value(0, 1)) / 1000)", 111),
        ("latlng.value(1.5, 2).latitude()", 1.5),
        ("math.abs(-2) + math.ceil(1.1) + math.floor(1.9) + math.round(1.5)", 7),
        ("math.pow(2, 3) == 8 && math.sqrt(9) == 3 && math.isNaN(0.0 / 0) && math.isInfinite(1.0 / 0)", True),
        ("hashing.sha256('').toHexString()[0:8]", "E3B0C442"),
        ("hashing.crc32c('123456789').toHexString()", "E3069283"),
        ("hashing.crc32('123456789').toHexString()", "CBF43926"),
        ("hashing.md5('a').toBase64().size()", 24),
        ("int('5') + int(1.9)", 6),
        ("string(1) + string(true) + string(null)", "1truenull"),
        ("float('1.5')", 1.5),
        ("bool('true')", True),
        # Paths and documents.
        ("/a/$(uid)/c == path('/a/ann/c')", True),
        ("/a/(default)/b-c[1]", "(default)"),
        ("(/a/$(what)).bind({'what': 'x'}) == /a/x", True),
        ("get(/databases/d/documents/users/$(uid)).data.admin", True),
        ("exists(/databases/d/documents/users/$(uid)) && !exists(/databases/d/documents/users/bob)", True),
        ("existsAfter(/databases/d/documents/users/ann)", False),
        ("getAfter(/databases/d/documents/users/ann) == null", True),
    ],
)  # fmt: skip
def test_values(text: str, value: Any) -> None:
    found = evaluate(text, t=Timestamp(NOON_NS), uid="ann", none=None, b={"x": True})
    assert same(found, value), found


@pytest.mark.parametrize(
    "text",
    [
        "1 + 'a'", "'a' < 1", "1 / 0", "missing", "none.x", "{}.a", "[1][1]", "'a'.nothing()", "!1", "1 && true",
        "nothing(1)", "'a'.size(1)", "1 in 2", "9223372036854775807 + 1", "get('a')", "[1].join(1)", "math.abs('a')",
        "duration.value(1, 'y')", "latlng.value(91, 0)", "'a'.matches('(')", "{1: 2}", "'abc'[2:9]", "math.none(1)",
        "none.x || false", "true && none.x",
    ],
)  # fmt: skip
def test_errors(text: str) -> None:
    with pytest.raises(EvaluationError):
        evaluate(text, none=None)


def test_debug_tells_and_returns() -> None:
    log: list[Any] = []
    assert evaluate("debug(1 + 1) == 2", log) is True
    assert log == [2]


def test_values_of_all_types_are_told_apart() -> None:
    every = [
        None, True, 1, "1", b"1", [1], {"1": 1}, Timestamp(1), Duration(1), LatLng(1, 1), Path(("1",)), Set([1]),
        math.inf,
    ]  # fmt: skip
    for at, one in enumerate(every):
        assert [same(one, other) for other in every] == [at == other for other in range(len(every))]


def test_limits() -> None:
    with pytest.raises(LimitError, match="expressions"):
        evaluate("[" + ", ".join(["1 + 1"] * 1_000) + "].size() == 1")
    with pytest.raises(LimitError, match="too deeply"):
        evaluate("1" + " + 1" * 500)
    with pytest.raises(RulesError, match="too deeply"):
        evaluate("(" * 500 + "1" + ")" * 500)
    looks = " || ".join(f"exists(/a/x{number})" for number in range(12))
    with pytest.raises(Exception, match="a/x0"):
        evaluate(looks)
