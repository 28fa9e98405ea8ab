"""How fast this machine is at the moment: the CPU time of work that never changes.

Machines differ, and shared ones differ from minute to minute; figures of two runs compare only beside their
yardsticks.
"""

from __future__ import annotations

import json
import time

ROUNDS = 400
TURNS = 5


def yardstick_ms() -> float:
    """Return the least CPU time of several turns of the same encoding, decoding and looking up, in milliseconds."""
    return min(_turn() for _ in range(TURNS))


def _turn() -> float:
    began = time.process_time()
    table: dict[str, int] = {}
    for number in range(ROUNDS):
        text = json.dumps({"name": f"item-{number}", "values": list(range(20)), "text": "x" * 100})
        for key, value in json.loads(text).items():
            table[key] = table.get(key, 0) + len(str(value))
    return (time.process_time() - began) * 1000
