"""Whatever stands in rules and whatever is asked of them, nothing goes wrong but what may."""

from __future__ import annotations

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from fogbank.languages.security_rules.deciding import OPEN, REST, Asked, decide
from fogbank.languages.security_rules.errors import NeedsDocumentError, RulesError
from fogbank.languages.security_rules.evaluating import Documents
from fogbank.languages.security_rules.rulesets import parse_rules
from fogbank.languages.security_rules.unknown import UNKNOWN, Fact, Unknown
from fogbank.languages.security_rules.values import Duration, LatLng, Path, Set, Timestamp

ATOMS = (
    "1", "0", "2.5", "'a'", "''", "true", "null", "[]", "[1,'a']", "{}", "{'a':1}", "/a/$(a)", "a", "t", "d", "u", "x",
    "s", "g", "request.auth.uid", "resource.data.n", "resource", "[a].toSet()",
)  # fmt: skip
OPERATORS = ("+", "-", "*", "/", "%", "<", "<=", ">", ">=", "==", "!=", "&&", "||", "in")
CALLS = (
    "size()", "matches('a*')", "split(',')", "hasAny([1])", "hasAll(['a'])", "diff({})", "keys()", "get('a', 1)",
    "toSet()", "year()", "seconds()", "concat([1])", "join('')", "union(s)", "lower()", "a", "data", "bind({})",
    "affectedKeys()", "distance(g)", "toMillis()", "removeAll([1])", "hasOnly([])", "intersection(s)",
    "replace('a','b')",
)  # fmt: skip
TYPES = ("int", "string", "map", "list", "number", "timestamp", "path", "set")
expressions = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(OPERATORS), inner).map(" ".join).map("({})".format),
        st.tuples(inner, st.sampled_from(CALLS)).map(".".join),
        st.tuples(inner, inner).map(lambda pair: f"{pair[0]}[{pair[1]}]"),
        st.tuples(inner, inner, inner).map(lambda three: f"({three[0]} ? {three[1]} : {three[2]})"),
        st.tuples(st.sampled_from(("!", "-")), inner).map("".join),
        st.tuples(inner, st.sampled_from(TYPES)).map(lambda pair: f"({pair[0]} is {pair[1]})"),
        inner.map("exists(/databases/d/documents/a/$({}))".format),
        st.tuples(st.sampled_from(("int", "string", "math.abs", "hashing.md5", "debug", "path")), inner).map(
            lambda pair: f"{pair[0]}({pair[1]})"
        ),
    ),
    max_leaves=8,
)
VARIABLES = {
    "a": "text", "t": Timestamp(10**18), "d": Duration(10**9), "g": LatLng(1, 2), "s": Set([1, "a"]), "x": UNKNOWN,
    "u": Unknown(("n",), [Fact(("n",), ">", (3,)), Fact(("l",), "array-contains", ("a",))]),
}  # fmt: skip


@given(expressions, st.sampled_from((("c", "x"), ("c", OPEN), (REST, "c", OPEN))))
def test_expressions(text: str, path: tuple[object, ...]) -> None:
    names = ", ".join(VARIABLES)
    values = ", ".join(f"request.{name}" for name in VARIABLES)
    function = f"function f({names}) {{ return {text}; }}"
    rules = parse_rules(f"service s {{ {function} match /{{all=**}} {{ allow read: if f({values}); }} }}")
    request = {"auth": {"uid": "ann"}, **VARIABLES}
    documents = Documents(10)
    asked = Asked("get", path, request, {"data": {"n": 1}, "id": "x", "__name__": Path(("c", "x"))})  # type: ignore[arg-type]
    while True:
        try:
            assert decide(rules, asked, documents, lambda _value: None).reason
        except NeedsDocumentError as needed:
            documents.put(needed.path, None, after=needed.after)
        else:
            return


@given(st.text("service{}match/allow:if;()[]'\"$=*.,?!&|<>+-%10_ \n\\", max_size=60))
def test_texts(text: str) -> None:
    for whole in (text, f"service s {{ {text} }}", f"service s {{ match /a {{ allow get: if {text}; }} }}"):
        with contextlib.suppress(RulesError):
            parse_rules(whole)
