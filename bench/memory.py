"""Memory of idle instances: `python -m bench.memory [COUNT]`."""

from __future__ import annotations

import asyncio
import sys

import uvloop

from bench.functions import EVENT, PATH, SLOW_SOURCE, deploy, request_for
from bench.http import Client
from bench.process import OwnServer, proportional_mib, tree


async def fill(endpoint: str, count: int) -> None:
    """Have so many instances of one function run at once, and then be idle."""
    client = Client(endpoint)
    connections = [await client.connect() for _ in range(count)]
    name = "bench-memory"
    await deploy(client, connections[0], name, SLOW_SOURCE.replace("0.1", "2"))
    request = request_for(client, "POST", f"{PATH}/{name}/invocations", EVENT)
    await asyncio.gather(*(connection.ask(request) for connection in connections))


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    with OwnServer() as server:
        before, processes = proportional_mib(server.pid), len(tree(server.pid))
        uvloop.run(fill(server.endpoint, count))
        after = proportional_mib(server.pid)
        print(f"{count} idle instances, {len(tree(server.pid)) - processes} processes more")
        print(f"{before:.1f} MiB before, {after:.1f} MiB after: {(after - before) / count:.2f} MiB an instance")


main()
