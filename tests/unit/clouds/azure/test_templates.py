"""Route templates: what they match, what their constraints let through, which goes first, what is refused."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.clouds.azure.functions.routes.templates import Template, TemplateError


def match(template: str, path: str) -> dict[str, str] | None:
    return Template(template).match(path.split("/") if path else [])


@pytest.mark.parametrize(
    ("template", "path", "expected"),
    [
        ("hello", "hello", {}),
        ("hello", "HELLO", {}),
        ("hello", "hello/you", None),
        ("hello/{name}", "hello/ann", {"name": "ann"}),
        ("hello/{name}", "hello", None),
        ("hello/{name?}", "hello", {}),
        ("hello/{name=you}", "hello", {"name": "you"}),
        ("hello/{name:alpha=you}", "hello/4", None),
        ("files/{*rest}", "files/a/b/c", {"rest": "a/b/c"}),
        ("files/{**rest}", "files", {}),
        ("{a}/{b}", "x/y", {"a": "x", "b": "y"}),
        ("v{version:int}/x", "v12/x", {"version": "12"}),
        ("v{version:int}/x", "vv/x", None),
        ("{file}.{ext?}", "a.b.txt", {"file": "a.b", "ext": "txt"}),
        ("{file}.{ext?}", "readme", {"file": "readme"}),
        ("{a}-{b}", "1-2-3", {"a": "1-2", "b": "3"}),
        ("x/{id:int:range(1,9)?}", "x/5", {"id": "5"}),
        ("x/{id:int:range(1,9)?}", "x/10", None),
        ("x/{id:int:range(1,9)?}", "x", {}),
        (r"x/{ssn:regex(^\d{{3}}-\d{{2}}$)}", "x/123-45", {"ssn": "123-45"}),
        (r"x/{ssn:regex(^\d{{3}}-\d{{2}}$)}", "x/1234-5", None),
        ("a{{b", "a{b", {}),
        ("", "", {}),
        ("", "x", None),
    ],
)
def test_matching(template: str, path: str, expected: dict[str, str] | None) -> None:
    assert match(template, path) == expected


@pytest.mark.parametrize(
    ("constraint", "right", "wrong"),
    [
        ("int", "-12", "12.5"),
        ("int", "2147483647", "2147483648"),
        ("long", "2147483648", "9223372036854775808"),
        ("bool", "True", "yes"),
        ("datetime", "2026-11-26", "yesterday"),
        ("datetime", "2026-11-26 10:00", "26.11.2026 10h"),
        ("decimal", "12.5", "12e5"),
        ("double", "-1e10", "one"),
        ("float", "1.5", "."),
        ("guid", "cd2c1638-1638-72d5-1638-deadbeef1638", "cd2c1638"),
        ("alpha", "abC", "ab1"),
        ("minlength(4)", "abcd", "abc"),
        ("maxlength(4)", "abcd", "abcde"),
        ("length(2)", "ab", "abc"),
        ("length(2,3)", "abc", "abcd"),
        ("min(18)", "18", "17"),
        ("max(18)", "18", "19"),
        ("range(18,20)", "20", "21"),
        ("regex(^a+$)", "AA", "b"),
        ("required", "x", None),
        ("file", "a.txt", "a"),
        ("nonfile", "a", "a.txt"),
    ],
)
def test_constraints(constraint: str, right: str, wrong: str | None) -> None:
    template = f"{{x:{constraint}}}"
    assert match(template, right) == {"x": right}
    if wrong is not None:
        assert match(template, wrong) is None


def test_precedence() -> None:
    texts = ["{*all}", "{a}/{b}", "{a}/b", "a/{b}", "a/{b:int}", "a/b", "a", "{*all:int}", "x{a}/b"]
    ordered = sorted(texts, key=lambda text: Template(text).precedence)
    assert ordered == ["a", "a/b", "a/{b:int}", "a/{b}", "x{a}/b", "{a}/b", "{a}/{b}", "{*all:int}", "{*all}"]


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("a//b", "cannot appear consecutively"),
        ("{a", "incomplete parameter"),
        ("a}", "incomplete parameter"),
        ("{}", "is invalid"),
        ("{a}{b}", "two consecutive parameters"),
        ("{a}/{A}", "appears more than one time"),
        ("{*a}/b", "last segment"),
        ("x{*a}", "more than one section"),
        ("{*a?}", "cannot be marked optional"),
        ("{a?}x", "must be at the end"),
        ("{a:nothing}", "constraint reference 'nothing' could not be resolved"),
        ("{a:range(x)}", "has arguments"),
        ("{a:regex([)}", "can't be read"),
        ("a?b", "cannot contain the '?'"),
    ],
)
def test_refusals(template: str, reason: str) -> None:
    with pytest.raises(TemplateError, match=reason.replace("?", r"\?")):
        Template(template)


@given(st.text("ab/{}*?:=()intx.", max_size=20), st.text("ab/.1", max_size=12))
def test_any_template_is_read_or_refused(template: str, path: str) -> None:
    with contextlib.suppress(TemplateError):
        Template(template).match(path.split("/"))
