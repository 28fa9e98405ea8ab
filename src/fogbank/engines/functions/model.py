"""Functions, triggers and queued invocations, in neutral words."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

import msgspec

Name: TypeAlias = "tuple[str, str]"
"""A function's scope key and its name within that scope."""


class FunctionConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a function is run; a cloud's own facts that no engine reads stand in `labels`.

    `contract` says how instances are spoken to; `runtime` and `handler` are in its words. `code` is the digest of a
    blob, or of the name of the local `folder` that has the code; `principal` is who the function runs as. An instance
    runs `concurrency` invocations at a time; `instances_min` are kept started, and there are `instances_max` at most.
    """

    contract: str
    runtime: str
    handler: str
    code: bytes
    code_bytes: int
    memory_mib: int = 128
    timeout_seconds: int = 3
    environment: dict[str, str] = {}
    principal: str = ""
    description: str = ""
    log_group: str = ""
    labels: dict[str, str] = {}
    tags: dict[str, str] = {}
    folder: str = ""
    concurrency: int = 1
    instances_min: int = 0
    instances_max: int | None = None


class Function(NamedTuple):
    """A function as stored."""

    scope: str
    name: str
    id: int
    revision: int
    config: FunctionConfig
    created_us: int
    modified_us: int


class TriggerConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a trigger takes events from its source.

    Up to `batch_size` events are handed over together, after waiting for more up to `window_seconds`.
    `partial`: the function says which events of a batch failed. `format` names the shape of the event.
    """

    kind: str
    format: str
    enabled: bool = True
    batch_size: int = 10
    window_seconds: int = 0
    partial: bool = False
    concurrency_max: int = 0
    labels: dict[str, str] = {}
    tags: dict[str, str] = {}


class Trigger(NamedTuple):
    """A trigger as stored: `function` and `source` are names in `scope`, or keys that the kind understands."""

    scope: str
    id: str
    function: str
    source: str
    config: TriggerConfig
    modified_us: int


class QueuedInvocation(msgspec.Struct, frozen=True, array_like=True):
    """An invocation that nobody waits for; `attempt` counts from 1, `context` is passed to the function."""

    id: str
    scope: str
    function: str
    event: bytes
    queued_us: int
    attempt: int = 1
    context: dict[str, str] = {}


_FUNCTION: Final = msgspec.msgpack.Decoder(FunctionConfig)
_TRIGGER: Final = msgspec.msgpack.Decoder(TriggerConfig)
encode: Final = msgspec.msgpack.Encoder().encode


@lru_cache(maxsize=1024)
def decode_function(data: bytes) -> FunctionConfig:
    """Read a stored configuration; the same bytes give the same (immutable) object."""
    return _FUNCTION.decode(data)


@lru_cache(maxsize=1024)
def decode_trigger(data: bytes) -> TriggerConfig:
    """Read a stored trigger."""
    return _TRIGGER.decode(data)
