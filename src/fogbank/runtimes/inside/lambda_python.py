"""The worker of Python functions under AWS Lambda's contract: AWS's own runtime client, on our channel.

Instead of the Runtime API's HTTP calls, which AWS's client makes in its native module, the same module's four
functions are provided here on the channel.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

# The native module is never loaded: AWS's client does without it, until it is given what stands in for it.
sys.modules.setdefault("runtime_client", None)  # type: ignore[arg-type]

import awslambdaric.bootstrap
import awslambdaric.lambda_runtime_client
from awslambdaric.lambda_runtime_exception import FaultException
from awslambdaric.lambda_runtime_marshaller import to_json

from fogbank.runtimes.inside import snapshot
from fogbank.runtimes.inside.channel import ClosedError

if TYPE_CHECKING:
    from fogbank.runtimes.inside.channel import Channel


class _Transport:
    """What AWS's native module does, by its names."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self._ready = False

    def next(self) -> tuple[bytes, dict[str, Any]]:
        """Wait for an invocation: the event, and the headers that come with it."""
        try:
            if not self._ready:
                self._ready = True
                self.channel.send("ready")
            head, event = self.channel.receive()
        except ClosedError:
            os._exit(0)
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": head["id"],
            "Lambda-Runtime-Deadline-Ms": head["deadline_ms"],
            **head["context"],
        }
        return event, headers

    def post_invocation_result(self, number: str, result: bytes, content_type: str, _invocation: str | None) -> None:
        """Answer an invocation."""
        self.channel.send("result", result, id=number, head={"content_type": content_type})

    def post_error(self, number: str, error: str, _xray_fault: str, _invocation: str | None) -> None:
        """Answer an invocation with an error."""
        self.channel.send("error", error.encode(), id=number, error_type="")


class _Client(awslambdaric.lambda_runtime_client.LambdaRuntimeClient):  # type: ignore[misc]
    """AWS's client, which makes one of its calls without the native module."""

    def __init__(self, transport: _Transport) -> None:
        super().__init__("")
        self._transport = transport

    def post_init_error(self, error: dict[str, Any], error_type: str | None = None) -> None:
        """Say that the function could not be initialised."""
        kind = error_type or error["errorType"]
        self._transport.channel.send("init_error", to_json(error).encode(), error_type=kind)

    def restore_next(self) -> None:
        """Become a template; this returns in each of its forks."""
        self._transport.channel = snapshot.serve(self._transport.channel)

    def report_restore_error(self, restore_error_data: dict[str, Any]) -> None:
        """Say that a hook of a fork has failed."""
        self.post_init_error(restore_error_data, FaultException.AFTER_RESTORE_ERROR)


def run(channel: Channel, launch: dict[str, Any]) -> None:
    """Run the function until the server closes the channel."""
    transport = _Transport(channel)
    awslambdaric.lambda_runtime_client.runtime_client = transport
    awslambdaric.bootstrap.run(launch["handler"], _Client(transport))
