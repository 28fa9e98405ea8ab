"""Clients at once, each cloud's own, beside a reference model: some order of what they did explains what they saw.

Hypothesis decides what is done and by how many at once, and finds the shortest way to a failure.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tests.conformance.documents.clients import CosmosDocuments, DynamoDocuments, FirestoreDocuments
from tests.conformance.documents.model import GROUPS, NAMES, Documents, Key, Operation, apply, explain

if TYPE_CHECKING:
    from collections.abc import Callable

CLOUDS = {"dynamodb": DynamoDocuments, "firestore": FirestoreDocuments, "cosmos": CosmosDocuments}
AT_ONCE = 4
keys = st.builds(Key, st.sampled_from(GROUPS), st.sampled_from(NAMES))
values = st.integers(0, 20)


@st.composite
def operations(draw: st.DrawFn) -> Operation:
    kind = draw(st.sampled_from(["get", "put", "put", "create", "raise", "delete", "move", "move", "list"]))
    key = draw(keys)
    other = None
    if kind == "move":
        other = Key(key.group, draw(st.sampled_from([name for name in NAMES if name != key.name])))
    return Operation(kind, key, draw(values), other)


def machine(make: Callable[[], Documents]) -> type[RuleBasedStateMachine]:
    """A state machine on documents of its own."""

    class Machine(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.documents = make()
            self.pool = ThreadPoolExecutor(AT_ONCE)
            self.state: dict[Key, int] = {}

        @rule(key=keys, n=values)
        def fill(self, key: Key, n: int) -> None:
            self.one(Operation("put", key, n))

        @rule(operation=operations())
        def one(self, operation: Operation) -> None:
            assert self.documents.do(operation) == apply(self.state, operation)

        @rule(together=st.lists(operations(), min_size=2, max_size=AT_ONCE))
        def at_once(self, together: list[Operation]) -> None:
            told: list[Any] = list(self.pool.map(self.documents.do, together))
            after = self.documents.all()
            assert explain(self.state, together, told, after), f"{self.state}: {together} were told {told}: {after}"
            self.state = after

        @invariant()
        def nothing_else_is_there(self) -> None:
            assert self.documents.all() == self.state

        def teardown(self) -> None:
            self.pool.shutdown()
            self.documents.close()

    return Machine


@pytest.mark.parametrize("cloud", CLOUDS)
@pytest.mark.parametrize("store", ["on_disk", "on_postgres"])
def test_some_order_explains_what_clients_saw(cloud: str, store: str, request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue(store)
    examples = settings(max_examples=6 if store == "on_disk" else 3, stateful_step_count=20)
    run_state_machine_as_test(machine(lambda: CLOUDS[cloud](server)), settings=examples)


def test_an_update_that_is_lost_is_found() -> None:
    """The checker itself: two were told that they raised it, from one value; the second can't have been."""
    key = Key("a", "1")
    both = [Operation("raise", key, 5), Operation("raise", key, 3)]
    assert explain({key: 1}, both, [True, True], {key: 5})
    assert not explain({key: 1}, both, [True, True], {key: 3})
    assert explain({key: 1}, both, [True, False], {key: 5})
    assert not explain({key: 1}, [*both, Operation("get", key)], [True, True, 4], {key: 5})
