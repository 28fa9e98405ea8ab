"""CloudWatch Logs filter patterns; the examples are those of the documentation."""

from __future__ import annotations

import json
import operator
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.languages.log_patterns import PatternError, compile_pattern

LINES = (
    "[ERROR 400] BAD REQUEST",
    "[ERROR 401] UNAUTHORIZED REQUEST",
    "[ERROR 419] MISSING ARGUMENTS",
    "[ERROR 420] INVALID ARGUMENTS",
    "[ERROR 500] INTERNAL SERVER ERROR",
    "[INFO] REQUEST FAILED",
)


@pytest.mark.parametrize(
    ("pattern", "numbers"),
    [
        ("", [0, 1, 2, 3, 4, 5]),
        ('" "', [0, 1, 2, 3, 4, 5]),
        ("ERROR", [0, 1, 2, 3, 4]),
        ("ARG", [2, 3]),
        ("error", []),
        ("ERROR ARGUMENTS", [2, 3]),
        ("ARGUMENTS ERROR", [2, 3]),
        ("?INVALID ?INFO", [3, 5]),
        ("?INVALID ?INFO REQUEST", [0, 1, 5]),
        ("?INVALID -REQUEST", [2, 3, 4]),
        ('"INTERNAL SERVER ERROR"', [4]),
        ("ERROR -ARGUMENTS", [0, 1, 4]),
        ('"ERROR" - "REQUEST" -MISSING', [3, 4]),
        ('-"[ERROR"', [5]),
        ("%AUTHORIZED%", [1]),
        ("%^.ERROR 4[0-9]{2}. [BU]%", [0, 1]),
        (r"%\x5bINFO|420%", [3, 5]),
    ],
)
def test_terms(pattern: str, numbers: list[int]) -> None:
    matches = compile_pattern(pattern)
    assert [number for number, line in enumerate(LINES) if matches(line)] == numbers


EVENT = {
    "eventType": "UpdateTrail",
    "sourceIPAddress": "111.111.111.111",
    "arrayKey": ["value", "another value"],
    "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
    "SomeObject": None,
    "ThisFlag": True,
    "cluster.name": "c",
    "user": {"id": 1, "email": "John.Stiles@example.com"},
    "users": [{"id": 2, "email": "John.Doe@example.com"}, {"id": 3, "email": "Jane.Doe@example.com"}],
    "actions": ["GET", "PUT", "DELETE"],
    "coordinates": [[0, 1, 2], [4, 5, 6], [7, 8, 9]],
    "latency": 12.5,
    "errorCode": 400,
    "text": "400",
    "detail-type": 'say "hi"',
    "Ev*ent": "Ev*ent",
}


@pytest.mark.parametrize(
    "pattern",
    [
        '{ $.eventType = "UpdateTrail" }',
        "{$.eventType=UpdateTrail}",
        "{ $.sourceIPAddress != 123.123.* }",
        '{ $.arrayKey[0] = "value" }',
        '{ $.arrayKey[*] = "*other*" }',
        "{ $.eventType = %Trail% }",
        "{ $.eventType != %trail% }",
        "{ $.arrayKey[*] = %val.{2}% }",
        r"{ $.* = %111\.111\.111\.1[0-9]{1,2}% }",
        "{ $.['cluster.name'] = \"c\" }",
        "{ $['cluster.name'] = \"c\" }",
        "{ $.SomeObject IS NULL }",
        "{ $.ThisFlag IS TRUE }",
        "{ $.SomeOtherObject NOT EXISTS }",
        "{ $.user.name NOT EXISTS }",
        "{ $.objectList[1].id = 2 }",
        "{ $.objectList[*].id > 1 }",
        "{ $.coordinates[0][1] = 1 }",
        "{ $.latency < 50 }",
        "{ $.latency = * }",
        "{ $.latency >= +1.25e1 }",
        "{ $.latency != 1e-3 }",
        "{ $.errorCode = 4* }",
        "{ $.errorCode = 400 && $.text = 400 }",
        '{ $.detail-type = "say \\"hi\\"" }',
        "{ $.eventType = Update* && $.eventType = *Trail && $.eventType = * }",
        "{ $.detail-type != Ev*ent }",
        '{ ($.user.id = 1) && ($.users[0].email = "John.Doe@example.com") }',
        '{ $.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = nonmatch && $.actions[2] = nomatch }',
    ],
)
def test_json_patterns_that_match(pattern: str) -> None:
    assert compile_pattern(pattern)(json.dumps(EVENT))


@pytest.mark.parametrize(
    "pattern",
    [
        '{ $.eventType = "updatetrail" }',
        "{ $.users = 1 }",
        "{ $.users != 1 }",
        "{ $.missing != 1 }",
        "{ $.missing = * }",
        "{ $.SomeObject != x }",
        "{ $.ThisFlag = true }",
        "{ $.ThisFlag != x }",
        "{ $.ThisFlag IS FALSE }",
        "{ $.missing IS NULL }",
        "{ $.SomeObject NOT EXISTS }",
        "{ $.eventType > 1 }",
        "{ $.eventType[0] = U }",
        "{ $.arrayKey[2] = * }",
        "{ $.eventType = Up*ail }",
        '{ ($.user.id = 2 && $.users[0].email = "nonmatch") || $.actions[2] = "GET" }',
        '{ ($.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = nonmatch) && $.actions[2] = nomatch }',
    ],
)
def test_json_patterns_that_do_not_match(pattern: str) -> None:
    assert not compile_pattern(pattern)(json.dumps(EVENT))


@pytest.mark.parametrize("message", ["", "text", "{", "[1]", "7", '{"a": 1} trailing', "[" * 100_000])
def test_what_is_not_a_json_object_matches_no_json_pattern(message: str) -> None:
    assert not compile_pattern("{ $.a = 1 }")(message)


ACCESS = '127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534'
LOG = "INFO 09/25/2014 12:00:01 POST /service/resource/67 1310"


@pytest.mark.parametrize(
    ("pattern", "message", "expected"),
    [
        ("[ip, user, username, timestamp, request, status_code, bytes]", ACCESS, True),
        ("[a, b, c, d, e, f, g, h]", ACCESS, False),
        (r"[ip=%127\.0\.0\.[1-9]%, u, n, t, request =*.html*, status_code = 4*, bytes]", ACCESS, True),
        ("[..., request =*.html*, status_code = 4*, bytes]", ACCESS, True),
        ("[..., request=*.html*, status_code=4*,]", ACCESS, True),
        ("[..., status_code = 5*, bytes]", ACCESS, False),
        ("[ip, user, ..., status_code = 404, bytes > 1000]", ACCESS, True),
        ("[ip, user = Prod, ...]", ACCESS, True),
        ("[ip, user = Test, ...]", ACCESS, False),
        ("[..., status_code = 404 || status_code = 410, bytes]", ACCESS, True),
        ("[..., status_code = 4* && status_code != 404, bytes]", ACCESS, False),
        ("[..., t=10/Oct*, r, s, b]", ACCESS, None),
        ('[..., t="10/Oct*", r, s, b]', ACCESS, True),
        ("[..., status_code < 404, bytes]", ACCESS, False),
        ("[w1=INFO, w2]", LOG, True),
        ("[w1=INFO, w2=*1310]", LOG, True),
        ("[w1=ERROR || w1=INFO, w2]", LOG, True),
        ("[w1!=ERROR && w1!=WARNING, w2]", LOG, True),
        ("[w1!=ERROR && w1!=INFO, w2]", LOG, False),
        ("[logLevel, date, time, method, url=%/service/resource/[0-9]+$%, response_time]", LOG, True),
        ('[timestamp=*Z, request_id="*-*", event]', "2026-01-01T00:00:00Z\tab-cd\tall the rest", True),
        ("[w1, w2]", "one", False),
        ("[w1, ..., w2]", "one two", True),
        ('[w1="", w2]', "[] x", True),
    ],
)
def test_fields_between_spaces(pattern: str, message: str, expected: bool | None) -> None:
    if expected is None:
        with pytest.raises(PatternError):
            compile_pattern(pattern)
    else:
        assert compile_pattern(pattern)(message) is expected


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("user-id", "Invalid character(s) in term '-'"),
        ("Status: timeout", "Invalid character(s) in term ':'"),
        ('"open', "Invalid character(s) in term '\"'"),
        ("{ $.a = 1", "If a filter pattern starts with '{' it must end with '}'"),
        ("[a, b", "If a filter pattern starts with '[' it must end with ']'"),
        ("{ $.a = foo:bar }", "Invalid character(s) in term ':'"),
        ('{ $."a" = 1 }', "Invalid character(s) in term '.'"),
        ("{ }", "Invalid filter pattern"),
        ("{ $.a }", "Invalid filter pattern"),
        ("{ $.a EXISTS }", "Invalid filter pattern"),
        ("{ $.a IS NOT NULL }", "Invalid filter pattern"),
        ("{ $.a > x }", "Invalid filter pattern"),
        ("{ $[0] = 1 }", "Invalid"),
        ("{ $.a[*].b[*] = 1 }", "Invalid filter pattern"),
        ("{ $.* = 1 && $.* = 2 && $.* = 3 && $.* = 4 }", "Invalid filter pattern"),
        ("{ $.a = %x% && $.a = %y% && $.a = %z% }", "Invalid filter pattern"),
        ("{ " + "(" * 101 + "$.a = 1" + ")" * 101 + " }", "Invalid filter pattern"),
        ("%something!%", "Invalid character(s) in term '%'"),
        ("%(group)%", "Invalid character(s) in term '%'"),
        ("%a% b", "Invalid filter pattern"),
        ("%[%", "Invalid filter pattern"),
        ("[]", "Invalid filter pattern"),
        ("[a, ..., b, ...]", "Invalid filter pattern"),
        ("[a = 1 && b = 2]", "Invalid filter pattern"),
    ],
)
def test_what_is_not_a_pattern(pattern: str, message: str) -> None:
    with pytest.raises(PatternError, match=re.escape(message)):
        compile_pattern(pattern)


@given(st.text(alphabet='{}[]()$.*%"\\-?,=<>!&|… aISNULTOEX1\n', max_size=40), st.text(max_size=20))
def test_every_text_is_a_pattern_or_refused(pattern: str, message: str) -> None:
    for text in (pattern, f"{{{pattern}}}", f"[{pattern}]"):
        try:
            matches = compile_pattern(text)
        except PatternError:
            continue
        assert matches(message) in (True, False)
        assert matches(json.dumps({"a": message})) in (True, False)


WORDS = st.text(alphabet="abAB1_", min_size=1, max_size=3)


@given(st.lists(WORDS, max_size=3), st.lists(WORDS, max_size=3), st.text(alphabet="abAB1_ ", max_size=12))
def test_terms_against_their_definition(wanted: list[str], unwanted: list[str], message: str) -> None:
    pattern = " ".join([*wanted, *(f"-{term}" for term in unwanted)])
    expected = all(term in message for term in wanted) and not any(term in message for term in unwanted)
    assert compile_pattern(pattern)(message) is expected


OPERATORS = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge,
}  # fmt: skip


@given(
    st.dictionaries(st.sampled_from("abc"), st.integers(-3, 3) | st.floats(-3, 3), min_size=3),
    st.recursive(
        st.tuples(st.sampled_from("abc"), st.sampled_from(list(OPERATORS)), st.integers(-3, 3)),
        lambda inner: st.tuples(inner, st.sampled_from(["&&", "||"]), inner),
        max_leaves=6,
    ),
)
def test_compound_conditions_against_their_definition(event: dict[str, float], tree: Any) -> None:
    def write(node: Any) -> str:
        left, sign, right = node
        if sign in OPERATORS:
            return f"$.{left} {sign} {right}"
        return f"({write(left)}) {sign} ({write(right)})"

    def evaluate(node: Any) -> bool:
        left, sign, right = node
        if sign in OPERATORS:
            return bool(OPERATORS[sign](event[left], right))
        return evaluate(left) and evaluate(right) if sign == "&&" else evaluate(left) or evaluate(right)

    assert compile_pattern(f"{{ {write(tree)} }}")(json.dumps(event)) is evaluate(tree)
