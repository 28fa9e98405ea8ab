"""Clients of one graph at once: some order of what they did explains what they saw."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tests.conformance.documents.graphs import (
    EDGES,
    LABELS,
    REFUSED,
    VERTICES,
    Edge,
    Graphs,
    Operation,
    State,
    Vertex,
    apply,
    explain,
    partition_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

AT_ONCE = 3
vertices, edges, labels = st.sampled_from(VERTICES), st.sampled_from(EDGES), st.sampled_from(LABELS)
values = st.integers(0, 20)


@st.composite
def writes(draw: st.DrawFn) -> Operation:
    kind = draw(st.sampled_from(["add_vertex", "add_edge", "add_edge", "set_vertex", "set_edge", "unset", "drop"]))
    vertex, edge, n = draw(vertices), draw(edges), draw(values)
    if kind == "add_edge":
        edge = draw(st.sampled_from([each for each in EDGES if each.startswith(partition_of(vertex))]))
        return Operation("add_edge", f"{vertex}>{edge}", draw(vertices), draw(labels), n)
    if kind == "drop":
        kind = draw(st.sampled_from(["drop_vertex", "drop_edge"]))
    return Operation(kind, edge if kind.endswith("edge") else vertex, n=n)


@st.composite
def reads(draw: st.DrawFn) -> Operation:
    kind = draw(st.sampled_from(["counts", "has", "values", "ends", "out", "in", "both", "far"]))
    name = draw(edges if kind == "ends" else vertices)
    return Operation(kind, name, label=draw(labels | st.just("")), n=draw(values))


operations = writes() | writes() | reads()


def machine(make: Callable[[], Graphs]) -> type[RuleBasedStateMachine]:
    """A state machine on a graph of its own."""

    class Machine(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.graphs = make()
            self.pool = ThreadPoolExecutor(AT_ONCE)
            self.state: State = {}

        @rule(name=vertices, n=values)
        def fill(self, name: str, n: int) -> None:
            self.one(Operation("add_vertex", name, n=n))

        @rule(operation=operations)
        def one(self, operation: Operation) -> None:
            assert self.graphs.do(operation) == apply(self.state, operation), f"{self.state}: {operation}"

        @rule(together=st.lists(operations, min_size=2, max_size=AT_ONCE))
        def at_once(self, together: list[Operation]) -> None:
            told: list[Any] = list(self.pool.map(self.graphs.do, together, range(AT_ONCE)))
            after = self.graphs.all()
            assert explain(self.state, together, told, after), f"{self.state}: {together} were told {told}: {after}"
            self.state = after

        @invariant()
        def nothing_else_is_there(self) -> None:
            assert self.graphs.all() == self.state

        def teardown(self) -> None:
            self.pool.shutdown()
            self.graphs.close()

    return Machine


@pytest.mark.parametrize("store", ["on_disk", "on_postgres"])
def test_some_order_explains_what_clients_saw(store: str, request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue(store)
    examples = settings(max_examples=4 if store == "on_disk" else 2, stateful_step_count=20)
    run_state_machine_as_test(machine(lambda: Graphs(server, AT_ONCE)), settings=examples)


def test_an_edge_without_an_end_is_found() -> None:
    """The checker itself: a vertex goes with its edges, whichever of two clients was first."""
    before: State = {"1": Vertex(0), "2": Vertex(0)}
    both = [Operation("add_edge", "1>odd-1", "2", "knows", 5), Operation("drop_vertex", "2")]
    assert explain(before, both, [["odd-1"], []], {"1": Vertex(0)})
    assert explain(before, both, [REFUSED, []], {"1": Vertex(0)})
    assert not explain(before, both, [["odd-1"], []], {"1": Vertex(0), "odd-1": Edge("1", "2", "knows", 5)})
