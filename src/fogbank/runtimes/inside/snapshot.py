"""In an initialised function: fork it on orders from the server, instead of running anything in it.

Each fork is an instance with a keeper of its own, as a stem's (see `zygote.py`), in the same sandbox. An order is a
message `fork`, which comes with three descriptors: the instance's channel, where its output goes, its keeper's line.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys

from fogbank.runtimes.inside import zygote
from fogbank.runtimes.inside.channel import Channel, ClosedError
from fogbank.runtimes.inside.kernel.kernel_calls import adopt_orphans

DESCRIPTORS = 3


def serve(channel: Channel) -> Channel:
    """Say that the function is ready, and fork it on orders; returns in each fork, with the fork's channel."""
    keepers: set[int] = set()
    try:
        channel.send("ready")
        while True:
            _, descriptors = channel.receive_with(DESCRIPTORS)
            for keeper in list(keepers):
                with contextlib.suppress(ChildProcessError):
                    if os.waitpid(keeper, os.WNOHANG)[0]:
                        keepers.discard(keeper)
            keeper = os.fork()
            if keeper == 0:
                channel.close()
                return _grow(*descriptors)
            keepers.add(keeper)
            for descriptor in descriptors:
                os.close(descriptor)
    except ClosedError:
        os._exit(0)


def _grow(connection: int, output: int, line: int) -> Channel:
    """In a fork: be the keeper, and fork the instance, in which this returns once it has its environment."""
    keeper_line = socket.socket(fileno=line)
    adopt_orphans()
    keeper_line.send(b'{"ready": true}')
    # Until then the server puts it into its control groups.
    if not keeper_line.recv(16):
        os._exit(0)
    child = os.fork()
    if child:
        os.close(connection)
        os.close(output)
        zygote.keep(child, keeper_line)
    keeper_line.close()
    os.setsid()
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    channel = Channel(socket.socket(fileno=connection))
    try:
        environment = channel.receive().head["environment"]
    except ClosedError:
        os._exit(0)
    os.environ.clear()
    os.environ.update(environment)
    # Python's own generator is seeded anew in each fork; this one isn't.
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()
    return channel
