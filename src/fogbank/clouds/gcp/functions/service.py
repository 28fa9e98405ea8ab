"""What Cloud Functions' two APIs have in common: what they stand on, names, keeping and changing functions."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.clouds.gcp.eventarc import transport
from fogbank.clouds.gcp.functions import event_triggers
from fogbank.clouds.gcp.locations import check_project, check_region, scope_key
from fogbank.clouds.gcp.paging import read_page_size, read_page_token, write_page_token
from fogbank.clouds.gcp.refusals import already_exists, invalid, not_found
from fogbank.engines.functions import functions
from fogbank.engines.functions.errors import FunctionExistsError, FunctionNotFoundError
from fogbank.engines.messaging.errors import TopicNotFoundError
from fogbank.kernel.clock import SECOND_US
from fogbank.wire.grpc.status import Code, GrpcError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.clouds.gcp.eventarc.transport import Drawn
    from fogbank.clouds.gcp.functions.event_triggers import Trigger
    from fogbank.clouds.gcp.functions.sources import Source
    from fogbank.clouds.gcp.parts import Parts
    from fogbank.engines.functions.model import Function, FunctionConfig
    from fogbank.storage import Tx

CONTRACT: Final = "functions-framework"
_NAME: Final = re.compile(r"projects/([^/]+)/locations/([^/]+)/functions/([^/\0]+)")
_PARENT: Final = re.compile(r"projects/([^/]+)/locations/([^/]+)")
# google/cloud/functions/v2/functions.proto, CreateFunctionRequest.function_id: 4-63 characters; one is taken, too.
_FUNCTION_ID: Final = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
# The first generation took underscores and capitals.
_FUNCTION_ID_1: Final = re.compile(r"[a-zA-Z](?:[a-zA-Z0-9_-]{0,61}[a-zA-Z0-9])?")


class FunctionName(NamedTuple):
    """A function's name, in its parts."""

    project: str
    region: str
    id: str

    @property
    def key(self) -> tuple[str, str]:
        """The name in the store."""
        return scope_key(self.project, self.region), self.id

    def __str__(self) -> str:
        return f"projects/{self.project}/locations/{self.region}/functions/{self.id}"


def read_name(name: str) -> FunctionName:
    """Read a function's full name; raises `GrpcError`."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise invalid("name", f"Invalid function resource name {name!r}")
    check_region(match[1], match[2])
    return FunctionName(match[1], match[2], match[3])


def read_parent(parent: str, *, any_region: bool = False) -> tuple[str, str]:
    """Read project and region of a location's name; raises `GrpcError`."""
    match = _PARENT.fullmatch(parent)
    if match is None:
        raise invalid("parent", f"Invalid location resource name {parent!r}")
    if any_region and match[2] == "-":
        check_project(match[1])
    else:
        check_region(match[1], match[2])
    return match[1], match[2]


def check_id(name: FunctionName, *, first: bool = False) -> None:
    """Raise the error for a name that a new function can't have."""
    pattern = _FUNCTION_ID_1 if first else _FUNCTION_ID
    if not pattern.fullmatch(name.id):
        raise invalid(
            "function_id",
            f"Invalid function id {name.id!r}: it must begin with a letter, followed by up to 62 letters, numbers or"
            " hyphens, and must not end with a hyphen.",
        )


def name_of(function: Function) -> FunctionName:
    """Return the name of a stored function."""
    _, project, region = function.scope.split("/")
    return FunctionName(project, region, function.name)


def url_of(origin: str, name: FunctionName) -> str:
    """Return where a function is called."""
    return f"{origin}/{name.region}-{name.project}/{name.id}"


def keep_facts(generation: str, message: Any) -> dict[str, str]:
    """Return the labels that hold a function as its own API has it."""
    return {"generation": generation, "facts": b64encode(message.SerializeToString(deterministic=True)).decode()}


def recall_facts(config: FunctionConfig) -> bytes:
    """Return what was kept."""
    return b64decode(config.labels["facts"])


async def find(parts: Parts, name: FunctionName, generation: str) -> Function:
    """Return a function of one of the APIs; raises `GrpcError`."""
    try:
        function = await parts.store.read(functions.find, name.key)
    except FunctionNotFoundError:
        raise not_found(str(name)) from None
    if function.config.labels.get("generation") != generation:
        raise not_found(str(name))
    return function


async def create(
    parts: Parts, name: FunctionName, config: FunctionConfig, source: Source, trigger: Trigger | None = None
) -> Function:
    """Create a function, and have the events brought that set it off; raises `GrpcError`."""

    async def make(tx: Tx, now_us: int, number: int, drawn: Drawn) -> Function:
        function = await functions.create(tx, now_us, name.key, number, config, source.code)
        await event_triggers.connect(tx, now_us, function, name, trigger, drawn)
        return function

    try:
        function = await parts.store.run(make, parts.ids.sequence(), transport.draw(parts.ids))
    except FunctionExistsError:
        raise already_exists(str(name)) from None
    except TopicNotFoundError:
        raise no_topic(trigger) from None
    parts.invoker.prepare(function)
    return function


def no_topic(trigger: Trigger | None) -> GrpcError:
    """Return the error for a trigger whose topic isn't there."""
    topic = "" if trigger is None else str(trigger.topic)
    return GrpcError(Code.NOT_FOUND, f"The topic {topic} that is to trigger the function was not found.")


async def update(
    parts: Parts,
    name: FunctionName,
    change: Callable[[Function], FunctionConfig],
    source: Source | None,
    trigger: Trigger | None = None,
) -> Function:
    """Change a function and what sets it off; raises `GrpcError`."""
    code = None if source is None else source.code

    async def make(tx: Tx, now_us: int, number: int, drawn: Drawn) -> Function:
        before = await functions.find(tx, now_us, name.key)
        await event_triggers.disconnect(tx, now_us, before, name, trigger)
        function = await functions.update(tx, now_us, name.key, number, change, code)
        await event_triggers.connect(tx, now_us, function, name, trigger, drawn)
        return function

    try:
        function = await parts.store.run(make, parts.ids.sequence(), transport.draw(parts.ids))
    except TopicNotFoundError:
        raise no_topic(trigger) from None
    except FunctionNotFoundError:
        raise not_found(str(name)) from None
    parts.invoker.prepare(function)
    return function


async def delete(parts: Parts, name: FunctionName, generation: str) -> Function:
    """Delete a function and let its instances go; raises `GrpcError`."""
    function = await find(parts, name, generation)

    async def drop(tx: Tx, now_us: int) -> None:
        await event_triggers.disconnect(tx, now_us, function, name)
        await functions.delete(tx, now_us, name.key)

    try:
        await parts.store.run(drop)
    except FunctionNotFoundError:
        raise not_found(str(name)) from None
    parts.invoker.forget(function.id)
    return function


async def list_page(
    parts: Parts, project: str, region: str, generation: str, size: int, token: str
) -> tuple[list[Function], str]:
    """Return a page of a project's functions, of all regions for `-`, and the next page's token."""
    limit = read_page_size(size)
    after_scope, _, after = read_page_token(token).partition("|")
    if token and not after:
        raise invalid("page_token", "The page_token is not one that this method returned.")
    if region == "-":
        scopes = sorted(await parts.store.read(functions.scopes_below, f"gcp/{project}/"))
    else:
        scopes = [scope_key(project, region)]
    found: list[Function] = []
    for scope in scopes:
        if scope < after_scope:
            continue
        start = after if scope == after_scope else ""
        while len(found) <= limit:
            batch = await parts.store.read(functions.list_functions, scope, start, limit + 1)
            found += [each for each in batch if each.config.labels.get("generation") == generation]
            if len(batch) <= limit:
                break
            start = batch[-1].name
    if len(found) <= limit:
        return found, ""
    last = found[limit - 1]
    return found[:limit], write_page_token(f"{last.scope}|{last.name}")


def set_time(timestamp: Any, at_us: int) -> None:
    """Set a `google.protobuf.Timestamp`."""
    timestamp.seconds, rest_us = divmod(at_us, SECOND_US)
    timestamp.nanos = rest_us * 1_000
