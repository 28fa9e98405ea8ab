"""Whatever a request holds, a method answers it or refuses it; it never fails."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fogbank.clouds.gcp.gateway import GcpGateway
from fogbank.connectors.signing import Signer
from fogbank.engines.messaging.receiving import Receiver
from fogbank.kernel.clock import Clock
from fogbank.kernel.ids import Ids
from fogbank.runtimes.runner import BusyError
from fogbank.storage import open_store
from fogbank.wire.grpc.service import Call, Method
from fogbank.wire.grpc.status import Code, GrpcError
from fogbank.wire.http import Request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

PARENT = "projects/my-project/locations/us-central1"
NAMES = (
    PARENT,
    f"{PARENT}/functions/f",
    f"{PARENT}/functions/other",
    f"{PARENT}/functions/\0",
    f"{PARENT}/operations/o",
    "projects/my-project/locations/-",
    "projects/my-project",
    "operations/o",
    "hot-reload",
    "/tmp",
    "/\0",
    "gcf-v2-uploads-my-project.us-central1.cloudfunctions.appspot.com",
    "python311",
    "256Mi",
    "9" * 400 + "G",
    "1e999",
    "f",
)
TEXTS = st.one_of(st.sampled_from(NAMES), st.text(max_size=20))
NUMBERS = st.one_of(st.integers(-2, 5), st.sampled_from([2**31 - 1, -(2**31)]))


class Nobody:
    """An invoker that has no room for anybody."""

    def prepare(self, function: Any) -> None:
        pass

    def forget(self, function: int) -> None:
        pass

    async def run(self, function: Any, invocation: Any) -> Any:
        raise BusyError


class World:
    """The services on a store in memory."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.gateway: GcpGateway = self.loop.run_until_complete(self._open())

    async def _open(self) -> GcpGateway:
        clock = Clock(frozen_at_us=1_795_348_800_000_000)
        self.store = await open_store(clock)
        ids = Ids(clock, seed=1)
        receiver = Receiver(self.store, clock, ids)
        return GcpGateway(self.store, clock, ids, Nobody(), Signer(self.store), receiver)  # type: ignore[arg-type]

    def deploy(self, folder: str) -> None:
        """Make the function `f` of both generations, so that there is something to change."""
        source = {"storage_source": {"bucket": "hot-reload", "object": folder}}
        second = {"build_config": {"runtime": "python311", "source": source}}
        self.call(
            "/google.cloud.functions.v2.FunctionService/CreateFunction",
            {"parent": PARENT, "function_id": "f", "function": second},
        )
        first = {"name": f"{PARENT}/functions/other", "runtime": "python311"}
        self.call(
            "/google.cloud.functions.v1.CloudFunctionsService/CreateFunction",
            {"location": PARENT, "function": {**first, "source_archive_url": f"gs://hot-reload{folder}"}},
        )

    def call(self, path: str, message: dict[str, Any]) -> Any:
        method = self.gateway.methods.find(path)
        return self.run(method, method.request(**message))

    def run(self, method: Method, request: Any) -> Any:
        return self.loop.run_until_complete(self._run(method, request))

    async def _run(self, method: Method, request: Any) -> Any:
        async def only() -> AsyncIterator[Any]:
            yield request

        given = only() if method.client_streaming else request
        running = method.run(method.service.deps, Call("http://fog.test", []), given)
        if not method.server_streaming:
            return await running
        return [answer async for answer in running]

    def close(self) -> None:
        self.loop.run_until_complete(self.store.close())
        self.loop.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World()
    folder = tmp_path_factory.mktemp("code")
    (folder / "main.py").write_text("")
    made.deploy(str(folder))
    yield made
    made.close()


def value_of(draw: Any, field: Any, depth: int) -> Any:
    kinds = type(field)
    if field.type == kinds.TYPE_BOOL:
        return draw(st.booleans())
    if field.type == kinds.TYPE_STRING:
        return draw(TEXTS)
    if field.type == kinds.TYPE_BYTES:
        return draw(st.binary(max_size=10))
    if field.type == kinds.TYPE_ENUM:
        return draw(st.integers(0, 3))
    if field.type in (kinds.TYPE_UINT32, kinds.TYPE_UINT64):
        return draw(st.integers(0, 5))
    assert field.type != kinds.TYPE_MESSAGE
    return draw(NUMBERS)


def fill(draw: Any, message: Any, depth: int = 0) -> Any:
    """Set some fields of a message to something."""
    for field in message.DESCRIPTOR.fields:
        if not draw(st.integers(0, 2)):
            continue
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            for _ in range(draw(st.integers(0, 2))):
                if field.message_type.fields_by_name["value"].message_type is None:
                    getattr(message, field.name)[draw(TEXTS)] = draw(TEXTS)
        elif field.is_repeated:
            for _ in range(draw(st.integers(0, 2))):
                if field.message_type is None:
                    getattr(message, field.name).append(value_of(draw, field, depth))
                elif depth < 4:
                    fill(draw, getattr(message, field.name).add(), depth + 1)
        elif field.message_type is not None:
            if depth < 4:
                getattr(message, field.name).SetInParent()
                fill(draw, getattr(message, field.name), depth + 1)
        else:
            setattr(message, field.name, value_of(draw, field, depth))
    return message


@settings(max_examples=300)
@given(st.data())
def test_any_message(world: World, data: st.DataObject) -> None:
    methods = world.gateway.methods
    names = sorted(
        f"/{service.name}/{name}"
        for service in methods.services.values()
        if service.name.startswith("google.")
        for name in service.functions
    )
    method = methods.find(data.draw(st.sampled_from(names)))
    request = fill(data.draw, method.request())
    try:
        answer = world.run(method, request)
    except GrpcError as error:
        if error.code in (Code.INTERNAL, Code.UNKNOWN):
            raise
    else:
        for each in answer if method.server_streaming else [answer]:
            assert isinstance(each, method.response)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["buildConfig", "source", "storageSource", "serviceConfig", "labels", "timeoutSeconds", "name"]
            )
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=200)
@given(
    st.sampled_from(["GET", "POST", "PATCH", "DELETE", "PUT"]),
    st.sampled_from([
        "/v2/projects/my-project/locations/us-central1/functions", "/v2/projects/my-project/locations/-/functions",
        "/v2/projects/my-project/locations/us-central1/functions/f",
        "/v2/projects/my-project/locations/us-central1/functions/%00", "/v1/operations/%00", "/v1/operations",
        "/v1/projects/my-project/locations/us-central1/functions/f:call",
        "/v2/projects/my-project/locations/us-central1/functions:generateUploadUrl",
    ]),
    st.text(max_size=30) | st.sampled_from(["updateMask=name", "functionId=f", "pageSize=x", "function.name.x=1"]),
    JSON,
)  # fmt: skip
def test_any_json(world: World, method: str, path: str, query: str, value: Any) -> None:
    import json
    from urllib.parse import quote

    target = f"{path}?{quote(query, safe='=&.')}".encode()
    request = Request(method, target, {b"host": b"fog.test"}, json.dumps(value).encode())
    response = world.loop.run_until_complete(world.gateway.handle(request))
    assert response.status in (200, 400, 403, 404, 409, 429, 501), response.body
    assert isinstance(response.body, bytes)
    json.loads(response.body)


def test_changes_at_the_same_time_are_all_kept(tmp_path: Path) -> None:
    world = World()
    (tmp_path / "main.py").write_text("")
    world.deploy(str(tmp_path))
    methods = world.gateway.methods
    method = methods.find("/google.cloud.functions.v2.FunctionService/UpdateFunction")

    async def change(function: dict[str, Any], path: str) -> Any:
        request = method.request(function={"name": f"{PARENT}/functions/f", **function}, update_mask={"paths": [path]})
        return await method.run(method.service.deps, Call("http://fog.test", []), request)

    async def both() -> None:
        await asyncio.gather(
            change({"description": "one"}, "description"),
            change({"service_config": {"timeout_seconds": 77}}, "service_config.timeout_seconds"),
        )

    world.loop.run_until_complete(both())
    found = world.call("/google.cloud.functions.v2.FunctionService/GetFunction", {"name": f"{PARENT}/functions/f"})
    assert (found.description, found.service_config.timeout_seconds) == ("one", 77)
    world.close()
