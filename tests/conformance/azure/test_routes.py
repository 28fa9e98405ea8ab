"""What other services send to Azure's queues and topics, as CloudEvents."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import TYPE_CHECKING, Any

from fogbank.clouds.azure.storage.accounts import DEVELOPMENT, scope_of
from fogbank.connectors.delivery.couriers import ROUTE
from fogbank.engines.messaging import publishing
from fogbank.engines.messaging.delivery_model import QUEUE, TOPIC, Delivery, endpoint_of
from tests.conformance.azure.conftest import GROUP, Azure
from tests.conformance.azure.test_eventgrid import Grid, webhook_at
from tests.conformance.azure.test_queues import new_name, service_of
from tests.conformance.azure.webhooks import Webhook

if TYPE_CHECKING:
    from collections.abc import Callable

EVENT = {"id": "1", "source": "/elsewhere", "type": "T", "specversion": "1.0", "data": {"a": 1}}


def send(azure: Azure, kind: str, endpoint: str) -> None:
    app = azure.server.app
    delivery = Delivery(kind, endpoint, json.dumps(EVENT).encode(), courier=ROUTE, first_us=app.clock.now())

    async def enqueue() -> None:
        await app.store.run(publishing.enqueue, app.ids.sequence(), delivery)

    azure.server.call(enqueue())


def test_to_a_storage_queue(azure: Azure, eventually: Callable[..., Any]) -> None:
    with service_of(azure.server) as service, service.create_queue(new_name()) as queue:
        send(azure, QUEUE, endpoint_of(scope_of(DEVELOPMENT), queue.queue_name))
        got = eventually(queue.receive_message)
        assert json.loads(b64decode(got.content)) == EVENT
        queue.delete_message(got)


def test_to_an_event_grid_topic(azure: Azure, eventually: Callable[..., Any]) -> None:
    grid = Grid(azure)
    name, _ = grid.topic()
    with Webhook() as webhook:
        grid.subscribe(f"topics/{name}", webhook_at(webhook.url))
        send(azure, TOPIC, endpoint_of(f"azure/{azure.subscription}/{GROUP.lower()}", f"eventgrid/topics/{name}"))
        (event,) = eventually(webhook.events)
        assert (event["eventType"], event["topic"], event["data"]) == ("T", "/elsewhere", {"a": 1})
    grid.client.close()
