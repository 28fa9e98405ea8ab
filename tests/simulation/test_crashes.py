"""kill -9 at random moments of a seeded workload: nothing acknowledged is lost, nothing deleted comes back.

A seed that ever found a bug stays in FOUND.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.simulation.buses import Buses
from tests.simulation.fan_out import FanOut
from tests.simulation.piped import Piped
from tests.simulation.queues import OrderedQueue, StandardQueue
from tests.simulation.streamed import Streamed
from tests.simulation.tables import Table
from tests.simulation.world import World

if TYPE_CHECKING:
    from pathlib import Path

FOUND: tuple[int, ...] = ()
SEEDS = (*FOUND, *range(30))


@pytest.mark.parametrize("seed", range(2))
def test_what_is_published_or_piped_comes_to_every_target(seed: int, tmp_path: Path) -> None:
    world = World(seed, tmp_path / "data", [FanOut(), Piped()])
    try:
        world.crash()
        world.crash()
        world.check()
    finally:
        world.close()


@pytest.mark.parametrize("seed", range(3))
def test_what_is_written_comes_to_functions_in_order(
    seed: int, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # Functions run as other users.
    tmp_path_factory.getbasetemp().chmod(0o711)
    tmp_path.chmod(0o711)
    world = World(seed, tmp_path / "data", [Streamed(tmp_path)], "--shared", str(tmp_path))
    try:
        world.crash()
        world.crash()
        world.check()
    finally:
        world.close()


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_acknowledged_is_lost(seed: int, tmp_path: Path) -> None:
    world = World(seed, tmp_path / "data", [StandardQueue(), OrderedQueue(), Table(), Buses()])
    try:
        for _ in range(world.random.choice((1, 1, 2))):
            world.crash()
        world.check()
    finally:
        world.close()
