"""What documents do, said as plainly as can be, and whether clients at once saw what some order of them explains."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

GROUPS = ("a", "b")
NAMES = ("1", "2", "3")


class Key(NamedTuple):
    """A document: two of one group are in one partition."""

    group: str
    name: str


class Operation(NamedTuple):
    """What a client does; `n` is a value, a least value or an amount, and `other` the second document of two."""

    kind: Literal["get", "put", "create", "raise", "delete", "move", "list"]
    key: Key
    n: int = 0
    other: Key | None = None


class Documents(Protocol):
    """A cloud's documents, through its own client. `do` may be called by several threads at once."""

    def do(self, operation: Operation) -> Any:
        """Do it and return what `apply` returns."""

    def all(self) -> dict[Key, int]:
        """Return every document's value."""

    def close(self) -> None:
        """Let the client go."""


def apply(state: dict[Key, int], operation: Operation) -> Any:
    """Change the state as the operation does, and return what its client must be told."""
    kind, key, n, other = operation
    there = state.get(key)
    if kind == "get":
        return there
    if kind == "put":
        state[key] = n
        return None
    if kind == "create":
        if there is None:
            state[key] = n
        return there is None
    if kind == "raise":
        # Only from below: an update with a condition on the document.
        if there is None or there >= n:
            return False
        state[key] = n
        return True
    if kind == "delete":
        state.pop(key, None)
        return None
    if kind == "move":
        assert other is not None
        if there is None or there < n or other not in state:
            return False
        state[key] -= n
        state[other] += n
        return True
    found = [(value, each.name) for each, value in state.items() if each.group == key.group and value >= n]
    return sorted(found)


def explain(
    before: dict[Key, int], operations: Sequence[Operation], told: Sequence[Any], after: dict[Key, int]
) -> bool:
    """Tell whether there is an order of the operations in which all of them say what was told, and leave `after`."""
    for order in permutations(range(len(operations))):
        state = dict(before)
        if all(apply(state, operations[i]) == told[i] for i in order) and state == after:
            return True
    return False
