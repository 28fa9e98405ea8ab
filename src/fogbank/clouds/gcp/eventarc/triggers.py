"""Triggers as google.cloud.eventarc.v1.Eventarc shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fogbank.clouds.gcp.eventarc import transport
from fogbank.clouds.gcp.eventarc.configuration import show
from fogbank.clouds.gcp.eventarc.names import read_name, read_parent, shape
from fogbank.clouds.gcp.locations import REGIONS, scope_key
from fogbank.clouds.gcp.paging import read_page_size, read_page_token, write_page_token
from fogbank.clouds.gcp.refusals import invalid, not_found, unsupported
from fogbank.engines.messaging.errors import RecordNotFoundError

if TYPE_CHECKING:
    from fogbank.clouds.gcp.eventarc.names import TriggerName
    from fogbank.clouds.gcp.eventarc.transport import Stored
    from fogbank.clouds.gcp.parts import Parts
    from fogbank.storage import Tx
    from fogbank.wire.grpc.service import Call


async def find(parts: Parts, name: TriggerName) -> Stored:
    """Return a trigger; raises `GrpcError`."""
    try:
        return await parts.store.read(transport.find, name)
    except RecordNotFoundError:
        raise not_found(str(name)) from None


async def get_trigger(parts: Parts, _call: Call, request: Any) -> Any:
    """Return a trigger."""
    return show(await find(parts, read_name(request.name)))


async def list_triggers(parts: Parts, _call: Call, request: Any) -> Any:
    """List the triggers of a project in a region, or in all of them, those of functions among them."""
    project, region = read_parent(request.parent, any_region=True)
    for field in ("order_by", "filter"):
        if getattr(request, field):
            raise unsupported(f"{field} in ListTriggers")
    limit = read_page_size(request.page_size)
    from_region, _, after = read_page_token(request.page_token).partition("|")
    if request.page_token and not after:
        raise invalid("page_token", "The page_token is not one that this method returned.")
    regions = [each for each in (REGIONS if region == "-" else (region,)) if each >= from_region]

    async def collect(tx: Tx, now_us: int) -> list[Stored]:
        found: list[Stored] = []
        for each in regions:
            start = after if each == from_region else ""
            wanted = limit + 1 - len(found)
            found += await transport.list_triggers(tx, now_us, scope_key(project, each), start, wanted)
            if len(found) > limit:
                break
        return found

    found = await parts.store.read(collect)
    response = shape("ListTriggersResponse")()
    response.triggers.extend(show(each) for each in found[:limit])
    if len(found) > limit:
        last = found[limit - 1].name
        response.next_page_token = write_page_token(f"{last.region}|{last.id}")
    return response
