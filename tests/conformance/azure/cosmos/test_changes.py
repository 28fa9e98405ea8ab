"""The change feed, latest version mode."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from azure.cosmos import PartitionKey

from tests.conformance.azure.cosmos.conftest import ids

if TYPE_CHECKING:
    from azure.cosmos import ContainerProxy, DatabaseProxy

    from fogbank.testing.server import ThreadedServer


def read(container: ContainerProxy, **settings: Any) -> tuple[list[str], str]:
    """Return the ids of changed items, and where to go on."""
    headers: dict[str, str] = {}
    found = container.query_items_change_feed(response_hook=lambda each, _body: headers.update(each), **settings)
    return ids(found), headers["etag"]


def test_each_item_once_in_the_order_of_its_last_write(container: ContainerProxy) -> None:
    for number in range(4):
        container.create_item({"id": str(number), "pk": "ab"[number % 2]})
    container.upsert_item({"id": "1", "pk": "b", "n": 1})
    container.delete_item("2", "a")
    found, token = read(container, start_time="Beginning")
    assert found == ["0", "3", "1"]
    assert read(container, continuation=token)[0] == []
    container.patch_item("0", "a", [{"op": "add", "path": "/x", "value": 1}])
    assert read(container, continuation=token)[0] == ["0"]
    assert read(container, start_time="Beginning", partition_key="b")[0] == ["3", "1"]
    assert read(container, start_time="Beginning", max_item_count=1)[0] == ["3", "1", "0"]


def test_from_now_on(container: ContainerProxy) -> None:
    container.create_item({"id": "before", "pk": "a"})
    found, token = read(container)
    assert found == []
    container.create_item({"id": "after", "pk": "a"})
    assert read(container, continuation=token)[0] == ["after"]


def test_from_a_time_on(timed: DatabaseProxy, timed_server: ThreadedServer) -> None:
    container = timed.create_container("c", PartitionKey("/pk"))
    container.create_item({"id": "before", "pk": "a"})
    timed_server.advance(60)
    container.create_item({"id": "after", "pk": "a"})
    start = datetime.fromtimestamp(timed_server.app.clock.now() // 1_000_000, UTC)
    assert read(container, start_time=start)[0] == ["after"]


def test_feed_ranges(container: ContainerProxy) -> None:
    for number in range(6):
        container.create_item({"id": str(number), "pk": str(number % 3)})
    (whole,) = container.read_feed_ranges()
    assert read(container, start_time="Beginning", feed_range=whole)[0] == ["0", "1", "2", "3", "4", "5"]
    one = container.feed_range_from_partition_key("1")
    assert read(container, start_time="Beginning", feed_range=one)[0] == ["1", "4"]
    assert ids(container.query_items("SELECT * FROM c", feed_range=one)) == ["1", "4"]
