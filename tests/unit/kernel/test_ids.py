"""Ids: well formed, unique, in order, repeatable from a seed."""

from __future__ import annotations

import uuid

import pytest

from fogbank.kernel.clock import Clock
from fogbank.kernel.ids import NODE_MAX, Ids


def make(seed: int | None = 1, node: int = 0, at_us: int = 1_000) -> Ids:
    return Ids(Clock(frozen_at_us=at_us), node=node, seed=seed)


def test_uuids_are_random_version_4() -> None:
    made = [make(None).uuid() for _ in range(50)]
    assert len(set(made)) == 50
    for each in made:
        assert uuid.UUID(each).version == 4
        assert str(uuid.UUID(each)) == each


def test_request_ids_have_the_form_of_uuids_and_differ_between_processes() -> None:
    ids = make(None)
    made = [ids.request() for _ in range(1000)]
    assert len(set(made)) == 1000
    assert all(str(uuid.UUID(each)) == each for each in made)
    assert make(None).request() != make(None).request()


def test_a_seed_makes_ids_repeatable() -> None:
    first, second = make(7), make(7)
    assert [first.uuid(), first.token(), first.hex(8)] == [second.uuid(), second.token(), second.hex(8)]
    assert make(8).uuid() != make(7).uuid()


def test_sequences_grow_even_where_the_clock_stands() -> None:
    ids = make(node=3)
    numbers = [ids.sequence() for _ in range(100)]
    assert numbers == sorted(set(numbers))
    assert Ids.moment(numbers[0]) == 1_000
    assert all(number < 2**63 for number in numbers)


def test_many_sequences_at_once_are_like_single_ones() -> None:
    ids, single = make(node=3), make(node=3)
    drawn = [ids.sequence(), *ids.sequences(5), ids.sequence(), *ids.sequences(0), ids.sequence()]
    assert drawn == [single.sequence() for _ in range(8)]


def test_sequences_of_nodes_never_meet() -> None:
    first, second = make(node=1), make(node=2)
    assert not {first.sequence() for _ in range(100)} & {second.sequence() for _ in range(100)}


def test_sequences_continue_above_an_earlier_process_s() -> None:
    earlier = make(at_us=5_000).sequence()
    ids = make(at_us=1_000)
    ids.join(5, earlier)
    assert ids.sequence() > earlier
    assert ids.sequence() & NODE_MAX == 5


@pytest.mark.parametrize("node", [-1, NODE_MAX + 1])
def test_nodes_out_of_range_are_refused(node: int) -> None:
    with pytest.raises(ValueError, match="node must be"):
        make(node=node)


def test_more_bytes_than_the_pool_holds() -> None:
    assert len(make().bytes(10_000)) == 10_000
