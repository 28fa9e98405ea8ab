"""Searching many texts for one regular expression: the states of its threads are noted as they come up.

What `LinearRegex` runs thread by thread becomes one look-up for each character (a deterministic automaton, built as
it is needed; Ken Thompson, 1968). Patterns that look at the characters around a place (boundaries of words)
can't be noted that way, and run as they are.
"""

from __future__ import annotations

import itertools
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from fogbank.languages.linear_regex import LinearRegex, PatternError

if TYPE_CHECKING:
    from collections.abc import Callable

    State = frozenset[int]

__all__ = ["PatternError", "compile_search"]
# States and their ways on; beyond that all is forgotten and begun anew.
WAYS_MAX: Final = 20_000
# A text and a place in it that stand for all of their kind: the beginning, the end, both, and in between.
_BEGIN: Final = ("aa", 0)
_WITHIN: Final = ("aa", 1)
_END: Final = ("aa", 2)
_EMPTY: Final = ("", 0)


class _Automaton(LinearRegex):
    """A pattern of which only is asked whether it is in a text."""

    def __init__(self, pattern: str) -> None:
        super().__init__(pattern)
        self._last = len(self._code) - 1
        self._noted = all(_asks_for_place(each.holds) for each in self._code if hasattr(each, "holds"))
        self._begin = self._reach(frozenset((0,)), _BEGIN)
        self._ways: dict[tuple[State, str, bool], State] = {}

    def is_in(self, text: str) -> bool:
        """Tell whether the pattern is found in a text."""
        if not self._noted:
            return self._run(text, 0, whole=False) is not None
        if not text:
            return self._last in self._reach(frozenset((0,)), _EMPTY)
        state, ways, last = self._begin, self._ways, self._last
        for character in text[:-1]:
            if last in state:
                return True
            following = ways.get((state, character, False))
            state = self._follow_on(state, character, ends=False) if following is None else following
        if last in state:
            return True
        following = ways.get((state, text[-1], True))
        return last in (self._follow_on(state, text[-1], ends=True) if following is None else following)

    def _follow_on(self, state: State, character: str, *, ends: bool) -> State:
        taken = frozenset(place + 1 for place in state if place != self._last and self._code[place].fits(character))
        # Another try begins at each character.
        following = self._reach(taken | {0}, _END if ends else _WITHIN)
        if len(self._ways) >= WAYS_MAX:
            self._ways.clear()
        self._ways[state, character, ends] = following
        return following

    def _reach(self, places: State, where: tuple[str, int]) -> State:
        reached: dict[int, int] = {}
        for place in places:
            self._follow(reached, place, 0, *where)
        return frozenset(reached)


def _asks_for_place(holds: Callable[[str, int], bool]) -> bool:
    """Tell whether an assertion says the same whatever the characters are around its place."""
    texts = ["".join(pair) for pair in itertools.product("a \n", repeat=2)]
    return all(len({holds(text, at) for text in texts}) == 1 for at in range(3))


@lru_cache(maxsize=256)
def compile_search(pattern: str) -> Callable[[str], bool]:
    """Return what tells whether a pattern is found in a text; raises `PatternError`, as may what it returns."""
    return _Automaton(pattern).is_in
