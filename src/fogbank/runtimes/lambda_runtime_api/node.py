"""Node.js functions under Lambda's contract: a client of our own on the channel."""

from __future__ import annotations

from typing import Final

from fogbank.runtimes.node_js.start import INSIDE

# AWS Lambda Developer Guide, "Lambda runtimes".
NODE_RUNTIMES: Final = ("nodejs18.x", "nodejs20.x", "nodejs22.x", "nodejs24.x")
FLAGS: Final = ("--enable-source-maps",)
WORKER: Final = INSIDE / "lambda_node.js"
