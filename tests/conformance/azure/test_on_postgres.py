"""The same on PostgreSQL, where any number of servers share queues, topics and accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fogbank.settings import Settings
from fogbank.testing.server import ThreadedServer
from tests.conformance.azure.conftest import Azure
from tests.conformance.azure.test_eventgrid import Grid, event, webhook_at
from tests.conformance.azure.test_queues import new_name, service_of
from tests.conformance.azure.webhooks import Webhook

if TYPE_CHECKING:
    from collections.abc import Callable


def test_two_servers_have_the_same_queues_and_topics(postgres_url: str, eventually: Callable[..., Any]) -> None:
    settings = Settings(port=0, database=postgres_url)
    with ThreadedServer(settings) as one, ThreadedServer(settings) as other, Webhook() as webhook:
        with service_of(one) as here, service_of(other) as there:
            name = new_name()
            here.create_queue(name, metadata={"a": "b"}).send_message("from one")
            queue = there.get_queue_client(name)
            got = queue.receive_message()
            assert got.content == "from one"
            renewed = queue.update_message(got, content="changed", visibility_timeout=0)
            assert [each.content for each in here.get_queue_client(name).peek_messages()] == ["changed"]
            queue.delete_message(got.id, renewed.pop_receipt)
            assert queue.get_queue_properties().approximate_message_count == 0
            here.set_service_properties()
            assert there.get_service_properties()["cors"] == []
            queue.close()
        azure = Azure(one)
        grid = Grid(azure)
        topic, client = grid.topic()
        azure.server = other
        grid.subscribe(f"topics/{topic}", webhook_at(webhook.url))
        client.send(event("shared"))
        assert eventually(webhook.events)[0]["subject"] == "shared"
        azure.client.close()
        grid.client.close()
