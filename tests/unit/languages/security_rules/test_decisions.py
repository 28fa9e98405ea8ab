"""Rulesets: which requests they allow."""

from __future__ import annotations

import re
from typing import Any

import pytest

from fogbank.languages.security_rules.deciding import OPEN, REST, Asked, decide
from fogbank.languages.security_rules.errors import NeedsDocumentError, RulesError
from fogbank.languages.security_rules.evaluating import Documents
from fogbank.languages.security_rules.rulesets import parse_rules
from fogbank.languages.security_rules.unknown import UNKNOWN, Fact, Unknown

ROOT = ("databases", "(default)", "documents")


def rules(body: str, version: str = "2") -> str:
    return (
        f"rules_version = '{version}';\nservice cloud.firestore {{\n"
        f"match /databases/{{database}}/documents {{\n{body}\n}}\n}}"
    )


def ask(text: str, method: str, path: tuple[Any, ...], resource: Any = None, **request: Any) -> Any:
    documents = Documents(10)
    asked = Asked(method, (*ROOT, *path), {"auth": None, "method": method, **request}, resource)
    while True:
        try:
            return decide(parse_rules(text), asked, documents, print)
        except NeedsDocumentError as needed:
            documents.put(needed.path, None, after=needed.after)


def allows(text: str, method: str, *path: Any, **more: Any) -> bool:
    return bool(ask(text, method, path, **more).allowed)


def test_methods_and_paths() -> None:
    text = rules("match /cities/{city} { allow get; allow create, update: if city == 'SF'; }")
    assert allows(text, "get", "cities", "LA")
    assert not allows(text, "list", "cities", OPEN)
    assert allows(text, "create", "cities", "SF")
    assert not allows(text, "update", "cities", "LA")
    assert not allows(text, "delete", "cities", "SF")
    assert not allows(text, "get", "cities", "LA", "streets", "x")
    assert not allows(text, "get", "towns", "LA")
    text = rules("match /cities/{city} { allow read, write; }")
    assert all(allows(text, method, "cities", "x") for method in ("get", "list", "create", "update", "delete"))


def test_blocks_within_blocks_see_what_is_outside() -> None:
    text = rules(
        "function known(x) { let wanted = 'a'; return x == wanted && database == '(default)'; }"
        "match /a/{one} { function both() { return known(one); }"
        " match /b/{two} { allow get: if both() && two == request.auth.uid; } }"
    )
    assert allows(text, "get", "a", "a", "b", "u", auth={"uid": "u"})
    assert not allows(text, "get", "a", "x", "b", "u", auth={"uid": "u"})
    assert not allows(text, "get", "a", "a", "b", "u")


def test_deep_wildcards() -> None:
    body = "match /cities/{city}/{rest=**} { allow get: if rest[0] != 'x'; }"
    assert allows(rules("match /{all=**} { allow get; }"), "get", "a", "b", "c", "d")
    one, two = rules(body, "1"), rules("match /cities/{city}/{rest=**} { allow get; }")
    assert not allows(one, "get", "cities", "SF")
    assert allows(two, "get", "cities", "SF")
    assert allows(one, "get", "cities", "SF", "a", "b")
    group = rules("match /{path=**}/songs/{song} { allow read; }")
    assert allows(group, "list", REST, "songs", OPEN)
    assert allows(group, "get", "songs", "1")
    assert allows(group, "get", "a", "b", "songs", "1")
    assert not allows(rules("match /songs/{song} { allow read; }"), "list", REST, "songs", OPEN)
    with pytest.raises(RulesError, match=r"rules_version 1"):
        parse_rules(rules("match /{path=**}/songs/{song} { allow read; }", "1"))


def test_the_reason_names_lines() -> None:
    text = rules("match /a/{b} {\nallow get: if false;\nallow get: if nobody.x; }")
    reason = ask(text, "get", ("a", "b")).reason
    assert reason == (
        "false for 'get' @ L5; evaluation error at L6 for 'get': Variable not found error: Name: [nobody]."
    )
    assert ask(text, "list", ("a", OPEN)).reason == "No matching allow statements for 'list'."


def test_functions_that_go_too_far() -> None:
    text = rules("function f() { return f(); } match /a/{b} { allow get: if f(); }")
    assert "f calls itself" in ask(text, "get", ("a", "b")).reason
    chain = "".join(f"function f{n}() {{ return f{n + 1}(); }}" for n in range(25))
    text = rules(f"{chain} function f25() {{ return true; }} match /a/{{b}} {{ allow get: if f0(); }}")
    assert "20 deep" in ask(text, "get", ("a", "b")).reason
    text = rules("match /a/{b} { allow get: if " + " || ".join(f"exists(/x/y{n})" for n in range(12)) + "; }")
    assert "look at 10 documents" in ask(text, "get", ("a", "b")).reason


@pytest.mark.parametrize(
    ("condition", "facts", "allowed"),
    [
        ("d.visibility == 'public'", [("visibility", "==", "public")], True),
        ("d.visibility == 'public'", [], False),
        ("d.visibility == 'public'", [("visibility", "==", "private")], False),
        ("d.visibility != 'private'", [("visibility", "==", "public")], True),
        ("d.visibility in ['public', 'open']", [("visibility", "in", "public", "open")], True),
        ("d.visibility in ['public']", [("visibility", "in", "public", "open")], False),
        ("d.author == request.auth.uid", [("author", "==", "ann")], True),
        ("request.auth.uid == d.author", [("author", "==", "bob")], False),
        ("request.auth.uid in d.members", [("members", "array-contains", "ann")], True),
        ("d.members.hasAny(['ann', 'bob'])", [("members", "array-contains-any", "ann", "bob")], True),
        ("d.members.hasAny(['ann'])", [("members", "array-contains-any", "ann", "bob")], False),
        ("d.age >= 18", [("age", ">=", 21)], True),
        ("d.age >= 18", [("age", ">", 18)], True),
        ("d.age > 18", [("age", ">=", 18)], False),
        ("d.age < 18", [("age", ">", 18)], False),
        ("d.age < 18 || d.age >= 18", [("age", ">", 18)], True),
        ("18 <= d.age", [("age", "==", 18)], True),
        ("d.age != 5", [("age", ">", 18)], True),
        ("d.kind != 'x'", [("kind", "!=", "x")], True),
        ("d.kind != null", [("kind", "!=", "x")], True),
        ("!(d.kind in ['x', 'y'])", [("kind", "not-in", "x", "y")], True),
        ("d.age is number", [("age", ">", 18)], True),
        ("d.name is string", [("age", ">", 18)], False),
        ("'age' in d", [("age", "there")], True),
        ("d.keys().hasAll(['age'])", [("age", "there")], True),
        ("d.get('age', 0) > 3", [("age", ">", 18)], True),
        ("request.query.limit <= 10", [], True),
        ("d.visibility == 'public' || request.auth.uid == 'ann'", [], True),
        ("d.a.b == 1", [("a.b", "==", 1)], True),
        ("!(d.visibility == 'public')", [("visibility", "==", "x")], True),
        ("resource.id == 'x'", [], False),
        ("doc == 'x'", [], False),
        ("exists(/a/$(d.x))", [], False),
        ("d.x ? true : true", [], False),
    ],
)
def test_queries_must_be_sure(condition: str, facts: list[tuple[Any, ...]], allowed: bool) -> None:
    known = [Fact(tuple(path.split(".")), operator, tuple(values)) for path, operator, *values in facts]
    resource = {"data": Unknown((), known), "id": UNKNOWN, "__name__": UNKNOWN}
    whole = re.sub(r"\bd\b", "resource.data", condition)
    text = rules(f"match /posts/{{doc}} {{ allow list: if {whole}; }}")
    more = {"auth": {"uid": "ann"}, "query": {"limit": 10, "offset": 0, "orderBy": ""}}
    assert allows(text, "list", "posts", OPEN, resource=resource, **more) is allowed


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "L1:1"),
        ("service x {", "L1:12"),
        ("rules_version = '3';\nservice x {}", "L1:17"),
        (rules("match /a/{b} { allow fly; }"), "L4:22"),
        (rules("allow read: if x ==;\n"), "L4:20"),
        (rules("match /a/{b} { allow read: if 'x; }"), "L4:31"),
        (rules("function f() { return 1; } function f() { return 2; }"), "L4:28"),
        ("service x { allow read; }", "L1:13"),
    ],
)
def test_rules_that_are_none(text: str, where: str) -> None:
    with pytest.raises(RulesError) as error:
        parse_rules(text)
    assert str(error.value).startswith(where), error.value


def test_comments() -> None:
    text = rules("// a { comment\n/* and\nanother } */ match /a/{b} { allow get: if 'http://x' != '/* x */'; // end\n}")
    assert allows(text, "get", "a", "b")
