"""Node.js functions: run by the machine's Node, with a client of our own on the channel."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from fogbank.runtimes import inside

# AWS Lambda Developer Guide, "Lambda runtimes".
NODE_RUNTIMES: Final = ("nodejs18.x", "nodejs20.x", "nodejs22.x", "nodejs24.x")
WORKER: Final = Path(inside.__file__).with_name("lambda_node.js")


def node_command(memory_mib: int, debug_port: int = 0) -> list[str]:
    """Return the command that starts an instance; raises `FileNotFoundError` where there is no Node.

    With a `debug_port` it waits there for a debugger, by Node's inspector, before it begins.
    """
    program = shutil.which("node")
    if program is None:
        msg = "there is no Node.js on this machine: install it (apt install nodejs, or nodejs.org) or put it on PATH"
        raise FileNotFoundError(msg)
    # As in Lambda, the heap is what the function has, less what the runtime itself needs.
    heap = max(64, memory_mib - 32)
    inspector = [f"--inspect-brk=127.0.0.1:{debug_port}"] if debug_port else []
    return [program, *inspector, "--enable-source-maps", f"--max-old-space-size={heap}", str(WORKER)]
