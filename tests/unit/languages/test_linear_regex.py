"""Regular expressions in linear time, held against Python's own."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.languages.linear_regex import PatternError, compile_linear

PATTERNS = (
    "a", "ab|a", "a*", "a+?b", "(a|b)*c", "[a-c]{2,3}", "[^a]b?", ".", r"\w+@\w+\.com", r"^a$", r"\bab\b", "(?:ab)+",
    "a{2}", "(?i)AB", r"\d+|\s", "", "a??b", "(a*)*b",
)  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
@given(text=st.text("abcAB1 @.com-", max_size=12))
def test_as_the_usual_engine(pattern: str, text: str) -> None:
    ours, usual = compile_linear(pattern), re.compile(pattern, re.ASCII)
    assert ours.fits(text) is (usual.fullmatch(text) is not None)
    found = next(ours.spans(text), None)
    wanted = usual.search(text)
    assert found == (None if wanted is None else wanted.span())


def test_hostile_patterns_take_no_time() -> None:
    assert not compile_linear("(a+)+$").fits("a" * 2_000 + "b")
    assert not compile_linear("(a|aa)*c").fits("a" * 2_000)


@pytest.mark.parametrize("pattern", [r"(a)\1", "(?=a)b", "(?<!a)b", "(", "a{1001}{1001}", "x" * 3_000, "(?i:a)b"])
def test_what_there_is_not(pattern: str) -> None:
    with pytest.raises(PatternError):
        compile_linear(pattern)


def test_a_text_that_is_too_long() -> None:
    with pytest.raises(PatternError, match="too long"):
        compile_linear("(a|b|c)*d").fits("a" * 1_000_000)
