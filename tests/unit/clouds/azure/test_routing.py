"""How routes name Azure's topics and queues."""

from __future__ import annotations

from fogbank.clouds.azure.routing import read_address

SUBSCRIPTION = "00000000-0000-0000-0000-00000000000a"


def test_names_in_whatever_case() -> None:
    found = read_address(
        f"/subscriptions/{SUBSCRIPTION.upper()}/resourceGroups/Group/providers/microsoft.eventgrid/topics/Shop"
    )
    assert found is not None
    assert found.endpoint == f"azure/{SUBSCRIPTION}/group/eventgrid/topics/shop"
    queue = read_address("https://account.queue.core.windows.net/orders")
    assert queue is not None
    assert queue.endpoint == "azure/storage/account/orders"
    assert read_address("https://example.com/orders") is None
