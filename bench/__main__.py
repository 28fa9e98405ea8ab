"""Run the cases and print the results as a table, and as JSON on request.

python -m bench                              our own server, durable, on a data folder
python -m bench --endpoint URL --pid PID     anything else; --pid for its CPU time
python -m bench --only sqs --json out.json
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from typing import Any

import uvloop

from bench.cases import CASES
from bench.http import Client, RefusedError, load
from bench.process import OwnServer, cpu_seconds, proportional_mib, resident_mib
from bench.yardstick import yardstick_ms

WARM_UP_SECONDS = 0.5


def quantile(values: list[float], q: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


async def measure(endpoint: str, pid: int | None, seconds: float, only: str) -> list[dict[str, Any]]:
    """Measure each case in turn."""
    client = Client(endpoint)
    results = []
    for case in CASES:
        if only not in case.name:
            continue
        connection = await client.connect()
        try:
            work = await case.prepare(client, connection)
            await load(client, case.concurrency, WARM_UP_SECONDS, work)
            before = cpu_seconds(pid) if pid else 0.0
            made, passed, latencies = await load(client, case.concurrency, seconds, work)
            used = cpu_seconds(pid) - before if pid else 0.0
        except RefusedError as failure:
            results.append({"case": case.name, "failure": str(failure)})
            continue
        results.append(
            {
                "case": case.name,
                "concurrency": case.concurrency,
                "per_second": round(made / passed),
                "p50_ms": round(quantile(latencies, 0.5) * 1000, 3),
                "p99_ms": round(quantile(latencies, 0.99) * 1000, 3),
                "cpu_us": round(used / made * 1e6, 1) if pid else None,
                "budget_us": case.budget_us,
                "budget_ms": case.budget_ms,
                "yardstick_ms": round(yardstick_ms(), 2),
            }
        )
        print(".", end="", file=sys.stderr, flush=True)
    return results


def table(results: list[dict[str, Any]]) -> str:
    rows = [("case", "conc", "/s", "p50 ms", "p99 ms", "CPU µs", "budget", "yardstick ms")]
    for result in results:
        if "failure" in result:
            rows.append((result["case"], "", result["failure"][:60], "", "", "", "", ""))
        else:
            keys = ("case", "concurrency", "per_second", "p50_ms", "p99_ms", "cpu_us")
            cells = ["" if result[key] is None else str(result[key]) for key in keys]
            rows.append((*cells, _budget(result), str(result["yardstick_ms"])))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def _budget(result: dict[str, Any]) -> str:
    """Return the budget and whether it was kept."""
    for measured, budget, unit in (("cpu_us", "budget_us", "µs"), ("p50_ms", "budget_ms", "ms")):
        if result[budget] is not None and result[measured] is not None:
            return f"{result[budget]:g} {unit} {'kept' if result[measured] <= result[budget] else 'missed'}"
    return ""


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench")
    parser.add_argument("--endpoint", help="measure what answers there instead of our own server")
    parser.add_argument("--pid", type=int, help="the process whose tree's CPU time counts, with --endpoint")
    parser.add_argument("--only", default="", help="only cases whose names contain this")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each case runs")
    parser.add_argument("--json", help="write the results to this file, too")
    options = parser.parse_args()
    facts: dict[str, Any] = {}
    with contextlib.ExitStack() as stack:
        endpoint, pid = options.endpoint, options.pid
        if endpoint is None:
            server = stack.enter_context(OwnServer())
            endpoint, pid = server.endpoint, server.pid
            facts = {"start_ms": round(server.start_seconds * 1000), "idle_mib": round(resident_mib(pid), 1)}
        results = uvloop.run(measure(endpoint, pid, options.seconds, options.only))
        if pid:
            facts["after_mib"] = round(proportional_mib(pid), 1)
    print(file=sys.stderr)
    print(table(results))
    print(", ".join(f"{name} {value}" for name, value in facts.items()))
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"facts": facts, "results": results}, file, indent=2)


main()
