"""Waiting for what a program sets off, instead of sleeping: messages, writes and invocations, as they happen.

A spy is told of everything after its commit, whoever takes it away again; it holds nobody up and takes nothing.
"""

from __future__ import annotations

from collections import Counter, deque
from functools import cached_property
from threading import Condition
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.kernel.clock import Clock
from fogbank.storage.signals import INVOCATION, MESSAGE, PUBLICATION, WRITE
from fogbank.testing.sightings import FACTS, read

if TYPE_CHECKING:
    from fogbank.storage.signals import Happening
    from fogbank.testing.accounts import Account
    from fogbank.testing.process import RunningServer
    from fogbank.testing.server import ThreadedServer
    from fogbank.testing.sightings import Sighting

TIMEOUT_SECONDS: Final = 5.0
# What a spy remembers; the oldest goes first.
SIGHTINGS_MAX: Final = 10_000
# What a time-out tells of the resource that was watched.
TOLD_MAX: Final = 5
TEXT_MAX: Final = 300
# What a resource is called in a call, and what happens to it.
RESOURCES: Final = {
    "queue": MESSAGE, "subscription": MESSAGE, "topic": PUBLICATION, "bus": PUBLICATION, "function": INVOCATION,
    "table": WRITE, "collection": WRITE, "container": WRITE,
}  # fmt: skip
_MISSING: Final = object()


class SpyTimeoutError(AssertionError):
    """What was waited for didn't happen; the message tells what did."""


class Wanted(NamedTuple):
    """What is waited for: something of a kind, that happens to a resource, and what its facts have to be."""

    kind: str
    resource: str
    name: str
    facts: dict[str, Any]

    def __str__(self) -> str:
        conditions = ", ".join(f"{path}={value!r}" for path, value in self.facts.items())
        return f"{self.kind} ({self.resource}={self.name!r}{', ' if conditions else ''}{conditions})"


class Spy:
    """Sees what happens to an account's resources from now on, or to everybody's without an account.

    `spy.wait_for(queue="orders", body__type="paid")` returns the first message to the queue whose body is JSON with a
    member `type` that is "paid". Resources are given as `queue`, `subscription`, `topic`, `bus`, `function`, `table`,
    `collection` or `container`, by their names; `facts` are those of `Sighting`, with `__` before a member or the
    place in a list. A value is compared, or, where it is a function, asked. Raises `TypeError` for what there isn't.
    """

    def __init__(self, server: ThreadedServer | RunningServer, account: Account | None = None) -> None:
        self._account = account
        self._news = Condition()
        self._happened: deque[_Seen] = deque(maxlen=SIGHTINGS_MAX)
        self._count = 0
        self._leave = server.witness(self._take)

    def wait_for(self, *, timeout: float = TIMEOUT_SECONDS, **wanted: Any) -> Sighting:
        """Return the first that fits, now or within so many seconds of real time, or raise `SpyTimeoutError`."""
        return self.wait_for_each(1, timeout=timeout, **wanted)[0]

    def wait_for_each(self, count: int, *, timeout: float = TIMEOUT_SECONDS, **wanted: Any) -> list[Sighting]:
        """Return the first `count` that fit, in the order in which they happened, or raise `SpyTimeoutError`."""
        choice = _choose(wanted)
        ends = Clock.monotonic() + timeout
        while True:
            # Held against the wish without the lock: a value's function may call the server, which goes on telling.
            known, happened = self._so_far()
            found = _fitting(happened, choice)
            if len(found) >= count:
                return found[:count]
            if not self._hear_more(known, ends - Clock.monotonic()):
                raise SpyTimeoutError(_report(happened, choice, count, len(found), timeout))

    def seen(self, **wanted: Any) -> list[Sighting]:
        """Return all that fit so far; without a resource, all that there is."""
        _known, happened = self._so_far()
        return _fitting(happened, _choose(wanted)) if wanted else happened

    def forget(self) -> None:
        """Forget what was seen, so that only what comes is waited for."""
        with self._news:
            self._happened.clear()

    def close(self) -> None:
        """See nothing more."""
        self._leave()

    def _take(self, happening: Happening) -> None:
        if self._account is None or self._account.owns(happening.scope):
            with self._news:
                self._happened.append(_Seen(happening))
                self._count += 1
                self._news.notify_all()

    def _hear_more(self, known: int, seconds: float) -> bool:
        """Wait until more was told than was known; False if nothing was in that time."""
        with self._news:
            return self._news.wait_for(lambda: self._count != known, max(0.0, seconds))

    def _so_far(self) -> tuple[int, list[Sighting]]:
        """Return how much was told, and all that is remembered of it."""
        with self._news:
            known, happened = self._count, tuple(self._happened)
        return known, [each.sighting for each in happened]


class _Seen:
    """A happening, read when somebody looks at it, so that the server's thread isn't held up by that."""

    def __init__(self, happening: Happening) -> None:
        self._happening = happening

    @cached_property
    def sighting(self) -> Sighting:
        return read(self._happening)


def _fitting(happened: list[Sighting], wanted: Wanted) -> list[Sighting]:
    return [each for each in happened if _is_at(each, wanted) and _has(each, wanted.facts)]


def _report(seen: list[Sighting], wanted: Wanted, count: int, found: int, seconds: float) -> str:
    there = [each for each in seen if _is_at(each, wanted)]
    lines = [f"{found} of {count} came within {seconds:g} s: {wanted}"]
    lines += [f"  seen there: {_shorten(each.facts)}" for each in there[-TOLD_MAX:]]
    others = Counter((each.kind, each.name) for each in seen if not _is_at(each, wanted))
    lines += [f"  seen besides: {number} times {kind} {name}" for (kind, name), number in sorted(others.items())]
    return "\n".join(lines if len(lines) > 1 else [*lines, "  nothing else was seen"])


def _choose(wanted: dict[str, Any]) -> Wanted:
    given = [each for each in wanted if each in RESOURCES]
    if len(given) != 1:
        msg = f"A spy wants one of {', '.join(RESOURCES)}, not {' and '.join(given) or 'none'}."
        raise TypeError(msg)
    kind = RESOURCES[given[0]]
    facts = {path: value for path, value in wanted.items() if path != given[0]}
    for path in facts:
        if path.partition("__")[0] not in FACTS[kind]:
            msg = f"{path}: a {kind} has {', '.join(FACTS[kind])}."
            raise TypeError(msg)
    return Wanted(kind, given[0], str(wanted[given[0]]), facts)


def _is_at(sighting: Sighting, wanted: Wanted) -> bool:
    """Whether something happened to a resource; of names in parts (`database/container`), the last is enough."""
    name = sighting.name
    return sighting.kind == wanted.kind and (name == wanted.name or name.endswith(f"/{wanted.name}"))


def _has(sighting: Sighting, facts: dict[str, Any]) -> bool:
    for path, value in facts.items():
        found = _member(sighting.facts, path.split("__"))
        if found is _MISSING or not (value(found) if callable(value) else found == value):
            return False
    return True


def _member(found: Any, steps: list[str]) -> Any:
    for step in steps:
        if isinstance(found, dict):
            found = found.get(step, _MISSING)
        elif isinstance(found, list) and step.isdigit() and int(step) < len(found):
            found = found[int(step)]
        else:
            return _MISSING
    return found


def _shorten(facts: dict[str, Any]) -> str:
    text = repr(facts)
    return text if len(text) <= TEXT_MAX else f"{text[:TEXT_MAX]}…"
