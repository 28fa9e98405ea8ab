"""What goes through a traversal: values, with the path that they came, and a bound on the work for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from fogbank.languages.gremlin.errors import TooMuchError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from fogbank.languages.gremlin.elements import Graph

    Stream: TypeAlias = "AsyncIterator[Traverser]"
    Run: TypeAlias = "Callable[[Context, Stream], Stream]"
    """A step, or several: from what comes to what goes on."""

# So many values may come out of all steps of a traversal together.
WORK_MAX: Final = 200_000


class Place(NamedTuple):
    """A place on a path, and the one before it."""

    before: Place | None
    value: Any
    labels: frozenset[str]


NO_LABELS: Final[frozenset[str]] = frozenset()


class Traverser(NamedTuple):
    """A value on its way; `loops` counts how often the repeat that it is in has been gone through."""

    place: Place
    loops: int = 0

    @property
    def value(self) -> Any:
        """The value."""
        return self.place.value

    def to(self, value: Any) -> Traverser:
        """Return what goes on from here with another value."""
        return Traverser(Place(self.place, value, NO_LABELS), self.loops)

    def named(self, labels: frozenset[str]) -> Traverser:
        """Return the same with labels for its place."""
        place = self.place
        return Traverser(Place(place.before, place.value, place.labels | labels), self.loops)

    def path(self) -> list[Place]:
        """Return the places from the first on."""
        found = list(_back(self.place))
        found.reverse()
        return found

    def labelled(self, label: str) -> list[Any]:
        """Return the values that have a label, the first first."""
        found = [place.value for place in _back(self.place) if label in place.labels]
        found.reverse()
        return found


def _back(place: Place | None) -> Iterator[Place]:
    while place is not None:
        yield place
        place = place.before


def begin(value: Any) -> Traverser:
    """Return what a path begins with."""
    return Traverser(Place(None, value, NO_LABELS))


class Context:
    """One run of a traversal: the graph, what side effects have gathered, the work that is left.

    `seed` is a number that makes what is drawn another in each request, and the same if the run is repeated.
    """

    def __init__(self, graph: Graph, seed: int) -> None:
        self.graph = graph
        self.gathered: dict[str, list[Any]] = {}
        self._work = WORK_MAX
        self._state = seed

    def work(self, amount: int = 1) -> None:
        """Count work; raises `TooMuchError` when it is more than a traversal may take."""
        self._work -= amount
        if self._work < 0:
            raise TooMuchError(
                "The traversal was ended because it takes too much work: it has more than"
                f" {WORK_MAX} intermediate results."
            )

    def weigh(self, value: Any) -> None:
        """Count the work that a value with others in it is: as much as there are, at each depth."""
        if not isinstance(value, list | dict):
            return
        pending: list[Any] = [value]
        while pending:
            each = pending.pop()
            self.work()
            if isinstance(each, list):
                pending += each
            elif isinstance(each, dict):
                pending += each
                pending += each.values()

    def draw(self, below: int) -> int:
        """Return a number from 0 to before `below` (a linear congruential generator, after Knuth)."""
        self._state = (self._state * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407) % 2**64
        return (self._state >> 33) % below
