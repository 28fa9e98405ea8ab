"""Offers: the throughput of databases and containers.

"REST: Offers" (https://learn.microsoft.com/rest/api/cosmos-db/offers).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from fogbank.clouds.azure.cosmos.calls import json_response
from fogbank.clouds.azure.cosmos.errors import bad_request, not_found
from fogbank.clouds.azure.cosmos.items.shown import charged
from fogbank.clouds.azure.cosmos.queries.listing import answer_list
from fogbank.clouds.azure.cosmos.resources import containers, databases
from fogbank.clouds.azure.cosmos.resources.definitions import Definition, Offer
from fogbank.clouds.azure.cosmos.resources.throughput import autoscaling, check_throughput
from fogbank.clouds.azure.cosmos.rids import etag_of, offer_rid
from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from fogbank.clouds.azure.cosmos.calls import CosmosCall
    from fogbank.clouds.azure.parts import Parts
    from fogbank.engines.documents.model import Name
    from fogbank.storage import Tx
    from fogbank.wire.http import Response


class Offered(NamedTuple):
    """An offer, and what it is for: the name of a database, or of a container as the engine has it."""

    name: str
    link: str
    rid: str
    offer: Offer


def show(offered: Offered) -> dict[str, Any]:
    """Return an offer as clients see it."""
    number = offer_rid(offered.rid)
    offer = offered.offer
    content: dict[str, Any] = {
        "offerThroughput": offer.throughput,
        "offerIsRUPerMinuteThroughputEnabled": False,
        "offerMinimumThroughputParameters": {"maxThroughputEverProvisioned": offer.throughput},
    }
    if offer.maximum:
        settings: dict[str, Any] = {"maxThroughput": offer.maximum}
        content["offerAutopilotSettings"] = settings
        if offer.growth:
            settings["autoUpgradePolicy"] = {"throughputPolicy": {"incrementPercent": offer.growth}}
    return {
        "resource": offered.link,
        "offerType": "Invalid",
        "offerResourceId": offered.rid,
        "offerVersion": "V2",
        "content": content,
        "id": number,
        "_rid": number,
        "_self": f"offers/{number}/",
        "_etag": etag_of(offer.changed_us),
        "_ts": offer.changed_us // SECOND_US,
    }


async def _list(tx: Tx, now_us: int, account: Name) -> list[Offered]:
    """Return all offers of an account; `account` is the collection of its databases."""
    found = []
    for database in await databases.list_databases(tx, now_us, account):
        if database.offer is not None:
            found.append(Offered(database.name, f"dbs/{database.rid}/", database.rid, database.offer))
        for each in await containers.list_in(tx, now_us, account[0], database.name):
            definition = each.definition
            if definition.offer is not None:
                link = f"dbs/{definition.database}/colls/{definition.rid}/"
                found.append(Offered(each.collection.name, link, definition.rid, definition.offer))
    return found


async def query_offers(parts: Parts, call: CosmosCall) -> Response:
    """List offers, or those that a query finds."""
    found = await parts.store.read(_list, call.databases)
    return await answer_list(call, "Offers", "", [show(each) for each in found])


async def get_offer(parts: Parts, call: CosmosCall) -> Response:
    """Show an offer."""
    offered = _find(await parts.store.read(_list, call.databases), call.path[1])
    return json_response(200, show(offered), [charged(2)])


def _find(offers: list[Offered], number: str) -> Offered:
    found = next((each for each in offers if offer_rid(each.rid).lower() == number.lower()), None)
    if found is None:
        raise not_found()
    return found


async def replace_offer(parts: Parts, call: CosmosCall) -> Response:
    """Change a throughput."""
    body = await call.read_object()
    content = body.get("content")
    if not isinstance(content, dict):
        raise bad_request("The offer must have content.")
    changed = await parts.store.run(_replace, call.databases, call.path[1], content)
    return json_response(200, show(changed), [charged(9.9)])


async def _replace(tx: Tx, now_us: int, account: Name, number: str, content: dict[str, Any]) -> Offered:
    offered = _find(await _list(tx, now_us, account), number)
    settings = content.get("offerAutopilotSettings")
    if isinstance(settings, dict) and settings.get("maxThroughput"):
        if not offered.offer.maximum:
            raise bad_request("Throughput that is provisioned can't be made to adapt itself by replacing its offer.")
        offer = autoscaling(settings, now_us)
    elif offered.offer.maximum:
        raise bad_request("Throughput that adapts itself must have offerAutopilotSettings.")
    else:
        offer = Offer(check_throughput(content.get("offerThroughput")), changed_us=now_us)
    if "/" in offered.name:

        def change(definition: Definition) -> Definition:
            return msgspec.structs.replace(definition, offer=offer)

        await containers.redefine(tx, now_us, (account[0], offered.name), change)
    else:
        await databases.set_offer(tx, now_us, account, offered.name, offer)
    return offered._replace(offer=offer)
