"""Rules for faults: what they fit, how often they strike, and that nothing is left to chance."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fogbank.wire.watching.faults import RULES_MAX, Faults, Rule, TooManyRulesError
from fogbank.wire.watching.model import Seen

SEND = Seen("sqs", "SendMessage", "1/r", ("http://host/1/orders",))


def struck(faults: Faults, seen: Seen = SEND, cloud: str = "aws") -> list[int]:
    return [strike.number for strike in faults.strike(cloud, seen)]


@pytest.mark.parametrize(
    ("rule", "fits"),
    [
        (Rule("error"), True),
        (Rule("error", cloud="AWS", service="s?s", operation="send*", resource="ord*"), True),
        (Rule("error", resource="http://host/*/orders"), True),
        (Rule("error", cloud="gcp"), False),
        (Rule("error", service="sns"), False),
        (Rule("error", operation="Receive*"), False),
        (Rule("error", resource="order"), False),
        (Rule("duplicate"), False),
    ],
)
def test_patterns(rule: Rule, fits: bool) -> None:
    faults = Faults()
    faults.add(rule)
    assert bool(struck(faults)) == fits


def test_a_resource_that_nothing_names_fits_no_pattern_for_one() -> None:
    faults = Faults()
    faults.add(Rule("error", resource="?*"))
    assert struck(faults, Seen("sqs", "ListQueues")) == []


def test_latencies_add_up_and_the_first_other_fault_ends_it() -> None:
    faults = Faults()
    for rule in (Rule("latency", low_ms=1), Rule("latency", low_ms=2), Rule("drop"), Rule("error")):
        faults.add(rule)
    assert struck(faults) == [1, 2, 3]
    assert [standing.fitted for standing in faults.rules()] == [1, 1, 1, 0]


def test_a_count_is_used_up_and_the_next_rule_has_its_turn() -> None:
    faults = Faults()
    faults.add(Rule("error", count=2))
    faults.add(Rule("drop"))
    assert [struck(faults) for _ in range(3)] == [[1], [1], [2]]


@settings(max_examples=20)
@given(seed=st.integers(0, 2**63 - 1), rate=st.floats(0.01, 0.99))
def test_the_same_seed_strikes_the_same_ones(seed: int, rate: float) -> None:
    def run() -> list[list[int]]:
        faults = Faults()
        faults.add(Rule("error", rate=rate, seed=seed))
        return [struck(faults) for _ in range(40)]

    assert run() == run()


def test_a_rate_is_the_share_that_is_struck() -> None:
    faults = Faults()
    standing = faults.add(Rule("error", rate=0.2, seed=1))
    for _ in range(2_000):
        faults.strike("aws", SEND)
    assert standing.fitted == 2_000
    assert 300 < standing.struck < 500


@settings(max_examples=20)
@given(seed=st.integers(0, 1_000))
def test_latencies_lie_in_their_range(seed: int) -> None:
    faults = Faults()
    faults.add(Rule("latency", low_ms=50, high_ms=200, seed=seed))
    delays = [faults.strike("aws", SEND)[0].delay_seconds for _ in range(10)]
    assert all(0.05 <= each <= 0.2 for each in delays)
    assert len(set(delays)) > 1


def test_it_is_known_whether_there_are_any() -> None:
    faults = Faults()
    assert (faults.of_requests, faults.of_messages) == (False, False)
    number = faults.add(Rule("duplicate")).number
    assert (faults.of_requests, faults.of_messages) == (False, True)
    faults.add(Rule("error"))
    assert faults.remove(number)
    assert (faults.of_requests, faults.of_messages) == (True, False)
    assert not faults.remove(number)
    assert faults.clear() == 1
    assert (faults.of_requests, faults.of_messages) == (False, False)


def test_there_are_only_so_many() -> None:
    faults = Faults()
    for _ in range(RULES_MAX):
        faults.add(Rule("error"))
    with pytest.raises(TooManyRulesError):
        faults.add(Rule("error"))
