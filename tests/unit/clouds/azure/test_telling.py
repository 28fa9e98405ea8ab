"""What a request does is told once, with its first write, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fogbank.clouds.azure.arm.calls import ArmCall
from fogbank.clouds.azure.arm.telling import TellingStore
from fogbank.clouds.azure.eventgrid.system.resource_events import operation_of
from fogbank.engines.messaging import records

if TYPE_CHECKING:
    from fogbank.storage import Store, Tx

GUID = "00000000-0000-0000-0000-000000000000"


async def tell(tx: Tx, now_us: int, *, wrote: bool) -> None:
    await records.add(tx, now_us, "s", "told", "wrote" if wrote else "asked", 1, b"")


async def write(tx: Tx, now_us: int, name: str, *, result: object = None) -> object:
    await records.add(tx, now_us, "s", "written", name, 1, b"")
    return result


async def refuse(_tx: Tx, _now_us: int) -> None:
    msg = "no"
    raise ValueError(msg)


async def names(store: Store, kind: str) -> list[str]:
    return [each.name for each in await store.read(records.list_records, "s", kind)]


@pytest.mark.parametrize("before", [True, False])
async def test_the_first_write_is_told(store: Store, before: bool) -> None:
    telling = TellingStore(store, tell, before=before)
    with pytest.raises(ValueError, match="no"):
        await telling.run(refuse)
    assert await names(store, "told") == []
    await telling.run(write, "one")
    await telling.run(write, "two")
    await telling.tell_now()
    assert await names(store, "told") == ["wrote"]
    assert await names(store, "written") == ["one", "two"]


async def test_what_comes_to_no_end_is_not_told(store: Store) -> None:
    telling = TellingStore(store, tell, before=False)
    await telling.run(write, "part", result=False)
    assert (await names(store, "told"), telling.told) == ([], False)
    await telling.run(write, "whole", result=True)
    assert await names(store, "told") == ["wrote"]


async def test_what_is_only_asked_is_told_when_that_is_asked_for(store: Store) -> None:
    telling = TellingStore(store, tell, before=False)
    await telling.read(records.list_records, "s", "told")
    assert await names(store, "told") == []
    await telling.tell_now()
    assert await names(store, "told") == ["asked"]


@pytest.mark.parametrize(
    ("method", "provider", "path", "name", "below"),
    [
        ("PUT", "microsoft.web", "sites/a", "Microsoft.Web/sites/write", "Microsoft.Web/sites/a"),
        ("DELETE", "microsoft.web", "sites/a", "Microsoft.Web/sites/delete", "Microsoft.Web/sites/a"),
        ("POST", "microsoft.web", "sites/a/stop", "Microsoft.Web/sites/stop/action", "Microsoft.Web/sites/a"),
        ("POST", "microsoft.web", "sites/a/config/web/list", "Microsoft.Web/sites/config/list/action",
         "Microsoft.Web/sites/a/config/web"),
        ("PATCH", "microsoft.web", "sites/a/config/web", "Microsoft.Web/sites/config/write",
         "Microsoft.Web/sites/a/config/web"),
        ("PUT", "microsoft.web", "sites/a/providers/microsoft.eventgrid/eventSubscriptions/s",
         "Microsoft.EventGrid/eventSubscriptions/write",
         "Microsoft.Web/sites/a/providers/Microsoft.EventGrid/eventSubscriptions/s"),
        ("PUT", "microsoft.eventgrid", "eventSubscriptions/s", "Microsoft.EventGrid/eventSubscriptions/write",
         "Microsoft.EventGrid/eventSubscriptions/s"),
    ],
)  # fmt: skip
def test_operations(method: str, provider: str, path: str, name: str, below: str) -> None:
    call = ArmCall(method, GUID, "g", provider, tuple(path.split("/")), {}, None, "localhost", "http")
    operation = operation_of(call)
    assert operation.name == name
    assert operation.resource == f"/subscriptions/{GUID}/resourceGroups/g/providers/{below}"
