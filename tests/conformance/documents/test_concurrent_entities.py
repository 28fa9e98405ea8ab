"""Clients of one table at once: some order of what they did explains what they saw, entity tags included."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tests.conformance.documents.entities import (
    PARTITIONS,
    ROWS,
    TAGS,
    Entities,
    Entity,
    Key,
    Operation,
    State,
    explain,
)

if TYPE_CHECKING:
    from collections.abc import Callable

AT_ONCE = 4
# Entity tags are of the server's making: what is drawn is whether one is given, and whether it is the latest.
NO_TAG, LATEST, EARLIER = "", "latest", "earlier"
keys = st.builds(Key, st.sampled_from(PARTITIONS), st.sampled_from(ROWS))
properties = st.fixed_dictionaries(
    {}, optional={"n": st.integers(0, 20), "tag": st.sampled_from(TAGS), "flag": st.booleans()}
)
tags = st.sampled_from([NO_TAG, NO_TAG, LATEST, EARLIER])


@st.composite
def writes(draw: st.DrawFn) -> Operation:
    kind = draw(st.sampled_from(["merge", "replace", "delete", "insert", "upsert_merge", "upsert_replace"]))
    tag = draw(tags) if kind in ("merge", "replace", "delete") else NO_TAG
    return Operation(kind, draw(keys), draw(properties), tag)


@st.composite
def reads(draw: st.DrawFn) -> Operation:
    return Operation(draw(st.sampled_from(["get", "query"])), draw(keys), draw(properties), n=draw(st.integers(0, 20)))


@st.composite
def batches(draw: st.DrawFn) -> Operation:
    rows = draw(st.lists(st.sampled_from(ROWS), min_size=1, max_size=3, unique=True))
    key = draw(keys)
    steps = [draw(writes())._replace(key=Key(key.partition, row)) for row in rows]
    return Operation("batch", key, steps=tuple(steps))


operations = writes() | writes() | reads() | batches()


def machine(make: Callable[[], Entities]) -> type[RuleBasedStateMachine]:
    """A state machine on a table of its own."""

    class Machine(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.entities = make()
            self.pool = ThreadPoolExecutor(AT_ONCE)
            self.state: State = {}
            self.earlier: dict[Key, str] = {}

        @rule(key=keys, what=properties)
        def fill(self, key: Key, what: dict[str, Any]) -> None:
            self.at_once([Operation("upsert_replace", key, what)])

        @rule(operation=operations)
        def one(self, operation: Operation) -> None:
            self.at_once([operation])

        @rule(together=st.lists(operations, min_size=2, max_size=AT_ONCE))
        def at_once(self, together: list[Operation]) -> None:
            together = [self.tagged(each) for each in together]
            told: list[Any] = list(self.pool.map(self.entities.do, together))
            after = self.entities.all()
            assert explain(self.state, together, told, after), f"{self.state}: {together} were told {told}: {after}"
            for key, entity in self.state.items():
                if key not in after or after[key].tag != entity.tag:
                    self.earlier[key] = entity.tag
            self.state = after

        def tagged(self, operation: Operation) -> Operation:
            """Put the server's own entity tags in the place of what was drawn."""
            tag = operation.tag
            if tag == LATEST:
                there = self.state.get(operation.key)
                tag = NO_TAG if there is None else there.tag
            elif tag == EARLIER:
                tag = self.earlier.get(operation.key, NO_TAG)
            return operation._replace(tag=tag, steps=tuple(map(self.tagged, operation.steps)))

        def teardown(self) -> None:
            self.pool.shutdown()
            self.entities.close()

    return Machine


@pytest.mark.parametrize("store", ["on_disk", "on_postgres"])
def test_some_order_explains_what_clients_saw(store: str, request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue(store)
    examples = settings(max_examples=4 if store == "on_disk" else 2, stateful_step_count=20)
    run_state_machine_as_test(machine(lambda: Entities(server)), settings=examples)


def test_what_no_order_explains_is_found() -> None:
    """The checker itself: of two that want the same tag, one is too late."""
    key = Key("a", "1")
    before = {key: Entity({"n": 1}, "t")}
    both = [Operation("merge", key, {"n": 5}, "t"), Operation("replace", key, {"tag": "x"}, "t")]
    assert explain(before, both, ["done", "other"], {key: Entity({"n": 5}, "u")})
    assert not explain(before, both, ["done", "done"], {key: Entity({"tag": "x"}, "u")})
    # A write gives another tag, and nothing else does.
    assert not explain(before, both[:1], ["done"], {key: Entity({"n": 5}, "t")})
    assert not explain(before, [Operation("get", key)], [{"n": 1}], {key: Entity({"n": 1}, "u")})
    batch = Operation("batch", key, steps=(Operation("delete", key), Operation("merge", Key("a", "2"))))
    assert explain(before, [batch], [(1, "absent")], before)
    assert not explain(before, [batch], [(1, "absent")], {})
