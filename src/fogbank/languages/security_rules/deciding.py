"""Decisions: whether a ruleset allows a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from fogbank.languages.security_rules.errors import EvaluationError, LimitError
from fogbank.languages.security_rules.evaluating import Evaluation, Scope
from fogbank.languages.security_rules.nodes import Wildcard
from fogbank.languages.security_rules.unknown import UNKNOWN
from fogbank.languages.security_rules.values import Path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import TypeAlias

    from fogbank.languages.security_rules.evaluating import Documents
    from fogbank.languages.security_rules.nodes import Allow, Match, Ruleset
    from fogbank.languages.security_rules.values import Value

    Segments: TypeAlias = "tuple[str | _Open | _Rest, ...]"


class _Open:
    """A segment that isn't known: that of any document of a collection."""


class _Rest:
    """Any number of segments that aren't known: where a collection of a collection group may be."""


OPEN: Final = _Open()
REST: Final = _Rest()


# How often a pattern may be tried on a path.
TRIED_MAX: Final = 10_000


class Asked(NamedTuple):
    """A request: its method, the path it is about (with `OPEN` and `REST` in the places that a query leaves open)."""

    method: str
    path: Segments
    request: dict[str, Value]
    resource: Value


class Decision(NamedTuple):
    """Whether a request is allowed, and why, or why not."""

    allowed: bool
    reason: str


def decide(rules: Ruleset, asked: Asked, documents: Documents, log: Callable[[Value], None]) -> Decision:
    """Decide on a request; raises `NeedsDocumentError` for a document that has to be looked at first."""
    evaluation = Evaluation(documents, log)
    outermost = Scope({"request": asked.request, "resource": asked.resource}, rules.functions)
    reasons: list[str] = []
    try:
        for allow, scope in _Fitting(rules).allows(rules.matches, asked.path, outermost):
            if asked.method not in allow.methods:
                continue
            if allow.condition is None:
                return Decision(True, f"true for '{asked.method}' @ L{allow.line}")
            try:
                if evaluation.holds(allow.condition, scope):
                    return Decision(True, f"true for '{asked.method}' @ L{allow.line}")
                reasons.append(f"false for '{asked.method}' @ L{allow.line}")
            except EvaluationError as error:
                reasons.append(f"evaluation error at L{allow.line} for '{asked.method}': {error}")
    except LimitError as error:
        reasons.append(str(error))
    return Decision(False, "; ".join(reasons) or f"No matching allow statements for '{asked.method}'.")


class _Fitting:
    """Finds the blocks that fit a path."""

    def __init__(self, rules: Ruleset) -> None:
        # With rules_version 2 a deep wildcard may stand for nothing.
        self._least = 0 if rules.version == 2 else 1
        self._tried = 0

    def allows(self, matches: Sequence[Match], path: Segments, outer: Scope) -> Iterator[tuple[Allow, Scope]]:
        """Yield the statements of all blocks that fit, with what can be seen there."""
        for match in matches:
            for bound, rest in self._fit(match.pattern, path):
                scope = Scope(bound, match.functions, outer)
                if not rest:
                    for allow in match.allows:
                        yield allow, scope
                yield from self.allows(match.matches, rest, scope)

    def _fit(self, pattern: Sequence[str | Wildcard], path: Segments) -> Iterator[tuple[dict[str, Value], Segments]]:
        """Yield in which ways a pattern fits the beginning of a path: what its wildcards stand for, and the rest."""
        self._tried += 1
        if self._tried > TRIED_MAX:
            msg = "The rules' paths fit in too many ways."
            raise LimitError(msg)
        if not pattern:
            yield {}, path
            return
        first, *others = pattern
        if isinstance(first, Wildcard) and first.deep:
            for count in range(self._least, len(path) + 1):
                taken = path[:count]
                value = UNKNOWN if any(not isinstance(each, str) for each in taken) else Path(taken)
                for bound, rest in self._fit(others, path[count:]):
                    yield {first.name: value, **bound}, rest
        elif not path or path[0] is REST:
            return
        elif isinstance(first, Wildcard):
            known = path[0] if isinstance(path[0], str) else UNKNOWN
            for bound, rest in self._fit(others, path[1:]):
                yield {first.name: known, **bound}, rest
        elif first == path[0]:
            yield from self._fit(others, path[1:])
