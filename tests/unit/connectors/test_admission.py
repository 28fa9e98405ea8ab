"""How many invocations of a function run at once."""

from __future__ import annotations

from contextlib import ExitStack

import msgspec
import pytest

from fogbank.connectors.admission import Admission
from fogbank.engines.functions.model import Function, FunctionConfig
from fogbank.runtimes.runner import BusyError

CONFIG = FunctionConfig("c", "r", "h", b"", 0)


def function(limit: int | None, **facts: int) -> Function:
    config = msgspec.structs.replace(CONFIG, concurrency_max=limit)
    return Function("s", "f", 1, 1, config, 0, 0)._replace(**facts)


def test_versions_share_what_the_function_may() -> None:
    admission = Admission()
    with ExitStack() as stack:
        stack.enter_context(admission.admit(function(2)))
        with admission.admit(function(2, id=11, owner=1)):
            for another in (function(2), function(2, id=12, owner=1)):
                with pytest.raises(BusyError), admission.admit(another):
                    pass
            with admission.admit(function(2, id=2)):
                pass
        with admission.admit(function(2)):
            pass


def test_nothing_may_run_where_the_limit_is_nothing() -> None:
    with pytest.raises(BusyError), Admission().admit(function(0)):
        pass


def test_without_a_limit_all_may_run_and_count_for_a_later_one() -> None:
    admission = Admission()
    with admission.admit(function(None)), pytest.raises(BusyError), admission.admit(function(1)):
        pass
    with pytest.raises(ZeroDivisionError), admission.admit(function(1)):
        _ = 1 / 0
    with admission.admit(function(1)):
        pass
