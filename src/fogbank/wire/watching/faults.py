"""Faults on purpose: rules that say which requests fail, and how. They live in memory only.

Whether a rule strikes is drawn from its seed and the number of the request among those that fit the rule, so that the
same requests in the same order meet the same faults.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from hashlib import blake2b
from typing import TYPE_CHECKING, Annotated, Final, Literal, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fogbank.wire.watching.model import Seen

RULES_MAX: Final = 100
LATENCY_MS_MAX: Final = 600_000
# What becomes of messages that a queue hands out, not of requests.
OF_MESSAGES: Final = frozenset({"duplicate", "reorder"})
_DRAWN_BYTES: Final = 8
_DRAWN_BELOW: Final = float(2**64)

_Pattern = Annotated[str, msgspec.Meta(min_length=1, max_length=1_024)]
_Milliseconds = Annotated[float, msgspec.Meta(ge=0, le=LATENCY_MS_MAX)]


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which requests a fault is for, and what it is.

    `cloud`, `service`, `operation` and `resource` are patterns (`*`, `?`, `[abc]`), whose letters are small or large
    alike; a resource is looked for by its full name or by the last part of it. Of what fits, a share of `rate` is
    struck, drawn from `seed`, `count` times at the most. `status`, `code` and `message` go with `error`, the
    milliseconds with `latency`; `when` goes with `drop`: whether the connection is closed before the work is done or
    after it.
    """

    kind: Literal["error", "throttle", "latency", "drop", "duplicate", "reorder"]
    cloud: _Pattern = "*"
    service: _Pattern = "*"
    operation: _Pattern = "*"
    resource: _Pattern = "*"
    rate: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    count: Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)] | None = None
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] = 0
    status: Annotated[int, msgspec.Meta(ge=400, le=599)] | None = None
    code: Annotated[str, msgspec.Meta(min_length=1, max_length=128, pattern=r"^[\w.:-]+$")] | None = None
    message: Annotated[str, msgspec.Meta(max_length=1_024)] | None = None
    low_ms: _Milliseconds | None = None
    high_ms: _Milliseconds | None = None
    when: Literal["before", "after"] | None = None

    def wrong(self) -> str:
        """Say what doesn't go together; empty if everything does."""
        if self.kind != "error" and (self.status or self.code or self.message):
            return "status, code and message go with error."
        if (self.low_ms is None) != (self.kind != "latency") or (self.high_ms is not None and self.low_ms is None):
            return "low_ms, and high_ms, go with latency, which takes one."
        if self.high_ms is not None and self.low_ms is not None and self.high_ms < self.low_ms:
            return "high_ms must not be less than low_ms."
        if self.when is not None and self.kind != "drop":
            return "when goes with drop."
        if self.kind in OF_MESSAGES and self.operation != "*":
            return f"operation doesn't go with {self.kind}: queues hand messages to more than requests."
        return ""


class Strike(NamedTuple):
    """A rule that strikes: its number, and the share of 1 that was drawn for it."""

    number: int
    rule: Rule
    drawn: float

    @property
    def delay_seconds(self) -> float:
        """How long a latency is."""
        low_ms = self.rule.low_ms or 0.0
        high_ms = low_ms if self.rule.high_ms is None else self.rule.high_ms
        return (low_ms + (high_ms - low_ms) * self.drawn) / 1_000


class Standing:
    """A rule that was added: how many requests fitted it, and how many it struck."""

    __slots__ = ("fitted", "number", "rule", "struck")

    def __init__(self, number: int, rule: Rule) -> None:
        self.number = number
        self.rule = rule
        self.fitted = 0
        self.struck = 0

    def draw(self) -> Strike | None:
        """Count one more that fits, and say whether it is struck."""
        rule = self.rule
        if rule.count is not None and self.struck >= rule.count:
            return None
        self.fitted += 1
        if rule.rate < 1 and _draw(rule.seed, self.fitted, b"strike") >= rule.rate:
            return None
        self.struck += 1
        return Strike(self.number, rule, _draw(rule.seed, self.fitted, b"size"))


class TooManyRulesError(Exception):
    """There are as many rules as there may be."""


class Faults:
    """The rules of a server. `of_requests` and `of_messages` tell whether there are any, for paths in a hurry.

    `changed` is called whenever they may tell something else.
    """

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        self._changed = changed
        self.of_requests = False
        self.of_messages = False
        self._standing: dict[int, Standing] = {}
        self._last = 0

    def add(self, rule: Rule) -> Standing:
        """Add a rule, or raise `TooManyRulesError`; those that were added before it are asked first."""
        if len(self._standing) >= RULES_MAX:
            raise TooManyRulesError
        self._last += 1
        standing = self._standing[self._last] = Standing(self._last, rule)
        self._take_note()
        return standing

    def rules(self) -> list[Standing]:
        """Return all rules in their order."""
        return list(self._standing.values())

    def remove(self, number: int) -> bool:
        """Remove a rule; False if there is none of that number."""
        found = self._standing.pop(number, None)
        self._take_note()
        return found is not None

    def clear(self) -> int:
        """Remove all rules; returns how many there were."""
        count = len(self._standing)
        self._standing.clear()
        self._take_note()
        return count

    def strike(self, cloud: str, seen: Seen) -> list[Strike]:
        """Return what strikes a request: any latencies, and behind them one fault at the most."""
        strikes: list[Strike] = []
        for standing in self._fitting(cloud, seen.service, seen.operation, seen.resources):
            if standing.rule.kind in OF_MESSAGES:
                continue
            strike = standing.draw()
            if strike is None:
                continue
            strikes.append(strike)
            if strike.rule.kind != "latency":
                break
        return strikes

    def strike_message(self, cloud: str, service: str, queue: str) -> str:
        """Return what becomes of a message that a queue hands out: `duplicate`, `reorder`, or nothing."""
        for standing in self._fitting(cloud, service, "", (queue,)):
            if standing.rule.kind in OF_MESSAGES and standing.draw() is not None:
                return standing.rule.kind
        return ""

    def _fitting(self, cloud: str, service: str, operation: str, resources: tuple[str, ...]) -> Iterator[Standing]:
        for standing in list(self._standing.values()):
            rule = standing.rule
            if (
                _fits(cloud, rule.cloud)
                and _fits(service, rule.service)
                and _fits(operation, rule.operation)
                and (rule.resource == "*" or any(_names(each, rule.resource) for each in resources))
            ):
                yield standing

    def _take_note(self) -> None:
        kinds = {standing.rule.kind for standing in self._standing.values()}
        self.of_messages = bool(kinds & OF_MESSAGES)
        self.of_requests = bool(kinds - OF_MESSAGES)
        self._changed()


def _fits(text: str, pattern: str) -> bool:
    return pattern == "*" or fnmatchcase(text.lower(), pattern.lower())


def _names(resource: str, pattern: str) -> bool:
    return _fits(resource, pattern) or _fits(last_part(resource), pattern)


def last_part(resource: str) -> str:
    """Return a resource's name without whose and what it is."""
    return resource.rstrip("/").rpartition("/")[2].rpartition(":")[2]


def _draw(seed: int, number: int, what: bytes) -> float:
    """Return a number from 0 to less than 1 that looks random and is always the same."""
    drawn = blake2b(b"%d/%d/%b" % (seed, number, what), digest_size=_DRAWN_BYTES).digest()
    return int.from_bytes(drawn) / _DRAWN_BELOW
