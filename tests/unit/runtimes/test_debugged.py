"""How a function is launched that is debugged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.runtimes.debugging import Debugging
from fogbank.runtimes.model import Launch

if TYPE_CHECKING:
    from collections.abc import Mapping


async def grant() -> Mapping[str, str]:
    return {}


LAUNCH = Launch(
    (1, 2), "lambda", "python3.12", "a.b", b"", {}, grant, 128, 3, "f", "1", "arn", ("s", "g"), snapshot=True
)


def test_what_is_debugged_is_one_process_from_its_start() -> None:
    debugging = Debugging()
    assert debugging.adapt(LAUNCH) == LAUNCH
    debugging.begin(1, "nodejs20.x", 1)
    adapted = debugging.adapt(LAUNCH._replace(instances_min=3, instances_max=5, queued=False))
    assert adapted == LAUNCH._replace(debug_port=1, instances_max=1, snapshot=False)


def test_a_function_that_is_debugged_no_more_is_launched_as_others_are() -> None:
    debugging = Debugging()
    debugging.begin(1, "nodejs20.x", 1)
    assert debugging.end(1)
    assert debugging.adapt(LAUNCH) == LAUNCH
