"""Functions, triggers and queued invocations, in neutral words."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

Name: TypeAlias = "tuple[str, str]"
"""A function's scope key and its name within that scope."""


class Layer(msgspec.Struct, frozen=True, array_like=True):
    """An archive that a function's code is put on: its name in the cloud's words, its digest, its sizes."""

    name: str
    code: bytes
    code_bytes: int
    unpacked_bytes: int


class FunctionConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a function is run; a cloud's own facts that no engine reads stand in `labels`.

    `contract` says how instances are spoken to; `runtime` and `handler` are in its words. `code` is the digest of a
    blob, or of the name of the local `folder` that has the code. `principal` is who the function runs as.
    `concurrency_max` is how many of its invocations may run at once, None where nothing was said;
    it, `tags` and `loops`, whether it may be invoked over and over by what it causes, belong to the function, whatever
    its versions were published with. `dead_letters` is where events
    go that were given up, in the cloud's words. An instance runs `concurrency` invocations at a time;
    `instances_min` are kept started, and there are `instances_max` at most.
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
    unpacked_bytes: int = 0
    layers: tuple[Layer, ...] = ()
    concurrency_max: int | None = None
    dead_letters: str = ""
    concurrency: int = 1
    instances_min: int = 0
    instances_max: int | None = None
    loops: bool = False


class Function(NamedTuple):
    """A function as stored, or one of its versions, which has an id of its own.

    `version` is empty for the function as it is, `owner` the id of the function that a version is of.
    `instances_min` are kept ready.
    """

    scope: str
    name: str
    id: int
    revision: int
    config: FunctionConfig
    created_us: int
    modified_us: int
    version: str = ""
    owner: int = 0
    instances_min: int = 0

    @property
    def root(self) -> int:
        """The id of the function, also where this is one of its versions."""
        return self.owner or self.id


class AliasConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """A name for a version; `weights` are the shares of invocations that others get instead (0 to 1)."""

    version: str
    weights: dict[str, float] = {}
    description: str = ""


class Alias(NamedTuple):
    """An alias as stored."""

    function: int
    name: str
    revision: int
    config: AliasConfig


class TriggerConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a trigger takes events from its source.

    Up to `batch_size` events are handed over together, after waiting for more up to `window_seconds`.
    `partial`: the function says which events of a batch failed. `format` names the shape of the event, `context` is
    handed on with it. `filters` are the texts of patterns: an event that none of them matches is dropped. With
    `lease_seconds` that is how long its messages are leased, instead of as their queue says.

    Of a change feed, entries are taken from the oldest on, or `from_latest`; in `lanes` at once, in order in each. A
    batch that fails is tried again up to `retries_max` times and until it is `age_seconds_max` old, None being for
    ever; with `bisect` it is halved. What is given up is told to `on_failure`. Where `pause_seconds` say how long it is
    before a batch is tried again, twice as long each time up to `pause_seconds_max`, the context has the `tries` that
    failed.
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
    context: dict[str, str] = {}
    filters: tuple[str, ...] = ()
    lease_seconds: int = 0
    from_latest: bool = False
    lanes: int = 1
    retries_max: int | None = None
    age_seconds_max: int | None = None
    bisect: bool = False
    on_failure: str = ""
    pause_seconds: float = 0
    pause_seconds_max: float = 0


class Trigger(NamedTuple):
    """A trigger as stored: `function` and `source` are names in `scope`, or keys that the kind understands.

    `qualifier` names a version or an alias of the function.
    """

    scope: str
    id: str
    function: str
    source: str
    config: TriggerConfig
    modified_us: int
    qualifier: str = ""


class QueuedInvocation(msgspec.Struct, frozen=True, array_like=True):
    """An invocation that nobody waits for; `attempt` counts from 1, `context` is passed to the function.

    `qualifier` names a version or an alias of the function.
    """

    id: str
    scope: str
    function: str
    event: bytes
    queued_us: int
    attempt: int = 1
    context: dict[str, Any] = {}
    qualifier: str = ""


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
