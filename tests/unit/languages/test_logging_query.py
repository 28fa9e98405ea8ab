"""Cloud Logging's query language: what passes, what is refused, what is told of where entries are, and how fast."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.languages.linear_regex import PatternError
from fogbank.languages.linear_search import compile_search
from fogbank.languages.logging_query import Hints, QueryError, compile_query
from fogbank.languages.logging_query.comparing import read_time
from fogbank.languages.logging_query.syntax import DEPTH_MAX, TEXT_CHARS_MAX

if TYPE_CHECKING:
    from collections.abc import Iterable

SECOND_NS = 10**9
AT_NS = 1_000_000_000 * SECOND_NS


class Record:
    """An entry with every kind of field."""

    fields: ClassVar[dict[str, Any]] = {
        "logName": "projects/p/logs/my%2Flog",
        "textPayload": "Hello World",
        "severity": 400,
        "labels": {"a": "x", "b/c": "y", "k.d": "z", "ip": "10.1.2.3", "number": "12"},
        "timestamp": AT_NS,
        "resource": {"type": "global", "labels": {"project_id": "p"}},
        "jsonPayload": {"a": {"b": 3.0, "c": [1, 2, {"d": "q"}]}, "n": None, "t": True, "s": "Some Text", "i": 7},
        "httpRequest": {"status": 404, "latency": 1_500_000_000, "cacheHit": True},
        "operation": {"id": "op"},
        "insertId": "abc",
    }

    def field(self, name: str) -> Any:
        return self.fields.get(name)

    def searched(self) -> Iterable[Any]:
        return self.fields.values()


def passes(text: str) -> bool:
    query = compile_query(text)
    return query.matches is None or query.matches(Record())


@pytest.mark.parametrize(
    "text",
    [
        "", "  -- a comment alone", "hello", "'hello world'", '"lo wo"', "severity>=WARNING", "severity=warning",
        "severity=(ERROR OR WARNING)", "severity=(NOT ERROR)", "severity<500", "NOT goodbye", "-goodbye",
        "NOT NOT hello", "hello AND nope OR world", "hello nope OR world", "(nope AND nope) OR world",
        'labels.a=x labels."b/c"=Y', "labels.k.d=z", 'labels."k.d"=z', "NOT labels.missing=x", "labels.number<9a",
        'log_id("my/log")', 'LOG_ID("MY/log")', 'logName="projects/p/logs/my%2Flog"', 'source("projects/p")',
        "logName=projects/p/logs/my%2Flog", 'timestamp>="2001-09-09T01:46:40Z"', "timestamp>2001-09-09",
        'timestamp="2001-09-09T03:46:40+02:00"', "jsonPayload.a.b=3", "jsonPayload.a.b>=2.5", "jsonPayload.a.c.d=q",
        "jsonPayload:q", "jsonPayload.a.c=2", "jsonPayload.t=true", "jsonPayload.n=NULL_VALUE", "jsonPayload.s:text",
        "jsonPayload.s:*", 'textPayload=~"^Hel+o W"', 'textPayload=~"(?i)^hello world$"', 'textPayload!~"x"',
        'textPayload=~"\\bWorld\\b"', 'textPayload=~"o\\sW"', "httpRequest.latency>1.2s", "httpRequest.latency<2000ms",
        "http_request.status>=400 -- comment\n AND hello", "httpRequest.status:*", 'httpRequest.remoteIp=""',
        "httpRequest.cacheHit=TRUE", "httpRequest:404", "trace=''", 'SEARCH("world hello")',
        'SEARCH(textPayload, "`hello world`")', 'ip_in_net(labels.ip, "10.0.0.0/8")', "sample(insertId, 1)",
        "resource.labels.project_id=p", "resource.type:GLOB", "operation.id:*", "labels.a!=y",
        'textPayload="HELLO world"',
    ],
)  # fmt: skip
def test_what_passes(text: str) -> None:
    assert passes(text)


@pytest.mark.parametrize(
    "text",
    [
        "goodbye", "severity>WARNING", "severity=(ERROR OR INFO)", "NOT hello", "-hello", "nope OR nope hello",
        "labels.missing!=x", "labels.missing:*", 'log_id("log")', "timestamp<2001-09-09", "jsonPayload.a.b=4",
        "jsonPayload.a.b=three", "jsonPayload.a=3", "jsonPayload.n:*", "jsonPayload.missing=NULL_VALUE",
        'textPayload=~"^hello"', 'textPayload!~"W"', "httpRequest.latency<200ms", "trace:*", "trace!=''",
        'SEARCH("`world hello`")', 'SEARCH("hell")', 'SEARCH(textPayload, "some")', 'ip_in_net(labels.a, "10.0.0.0/8")',
        "sample(insertId, 0)", "sample(trace, 1)", 'source("projects/o")', "jsonPayload.a.c.d.e=q", "split.index=1",
    ],
)  # fmt: skip
def test_what_does_not_pass(text: str) -> None:
    assert not passes(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("severity = = ERROR", "syntax error at line 1, column 12, token '='"),
        ("insertId =\n abc:def", "syntax error at line 2, column 5, token ':'"),
        ("(a", "syntax error at line 1, column 3, unexpected end of filter"),
        ("a)", "token ')'"),
        ('"x', "token '\"'"),
        ("NOT", "unexpected end of filter"),
        ("a AND", "unexpected end of filter"),
        ("AND a", "token 'AND'"),
        ("foo=1", "Field not found: 'foo'"),
        ("operation.thud=1", "Field not found: 'operation.thud'"),
        ("textPayload.thud=1", "Field not found: 'textPayload.thud'"),
        ("severity=BAD", "Unrecognized value 'BAD' for the field 'severity'"),
        ("timestamp>yesterday", "Invalid timestamp 'yesterday'"),
        ('timestamp>"2001-13-09"', "Invalid timestamp"),
        ("httpRequest.status=ok", "Invalid number 'ok'"),
        ("httpRequest.latency>1y", "Invalid duration '1y'"),
        ("traceSampled=maybe", "Invalid boolean 'maybe'"),
        ("resource=global", "is a message"),
        ("textPayload=~x", "must be quoted"),
        ('textPayload=~"(a"', "Invalid regular expression"),
        ('textPayload=~"(a)\\1"', "Invalid regular expression"),
        ('severity=~"E"', "is not a string"),
        ("cast(timestamp, STRING)", "Fogbank doesn't support the function cast"),
        ("sample(insertId, 2)", "between 0 and 1"),
        ('ip_in_net(labels.ip, "10.0.0.0/99")', "Invalid IP address or network"),
        ('log_id("a", "b")', "takes 1 argument, not 2"),
        ("(" * (DEPTH_MAX + 1), "levels deep"),
        ("x" * (TEXT_CHARS_MAX + 1), "maximum length of a filter is 20000 characters"),
    ],
)
def test_what_is_refused(text: str, told: str) -> None:
    with pytest.raises(QueryError, match=re.escape(told)):
        compile_query(text)


def test_what_is_told_of_where_entries_are() -> None:
    text = 'logName="projects/p/logs/x" timestamp>="2001-09-09T01:46:40Z" timestamp<"2001-09-10" (severity=ERROR OR hi)'
    assert compile_query(text).hints == Hints(
        AT_NS, read_time("2001-09-10") or 0, frozenset((("name", "projects/p/logs/x"),))
    )
    assert compile_query('log_id("a") OR logName=b').hints.logs == frozenset((("id", "a"), ("name", "b")))
    for free in ('log_id("a") OR hello', 'NOT log_id("a")', 'logName:"a"', "timestamp!=2001-01-01"):
        assert compile_query(free).hints == Hints()


@given(st.text(alphabet="ab\"'\\()=!<>:~-.,* \n\t5severityANDORNOTlabelsjsonPayload", max_size=60))
def test_any_text_is_a_query_or_refused(text: str) -> None:
    try:
        compile_query.__wrapped__(text)
        passes(text)
    except (QueryError, PatternError):
        pass


@given(st.text(alphabet="ab.*+?|()^$\\n", max_size=12), st.text(alphabet="abc\n", max_size=12))
def test_searching_finds_what_re_finds(pattern: str, text: str) -> None:
    try:
        search = compile_search(pattern)
    except PatternError:
        return
    if "$" in pattern:
        # RE2's `$` is the end and not before a last line's end.
        text = text.rstrip("\n")
    assert search(text) is (re.search(pattern, text, re.ASCII) is not None)


def test_patterns_of_strangers_take_linear_time() -> None:
    """Each of these would keep a search that goes back busy for years."""
    text = "a" * 50_000
    for pattern in ("(a*)*b", "(a|aa)+$b", ".*.*.*=.*", "(?:a?){50}a{50}b"):
        assert not compile_search(pattern)(text)


def test_long_queries_are_read_in_one_go() -> None:
    assert not passes(" OR ".join(f'labels.a="{number}"' for number in range(900)))
    assert passes(("NOT " * 2_000) + "hello")
    assert passes("(" * DEPTH_MAX + "hello" + ")" * DEPTH_MAX)
