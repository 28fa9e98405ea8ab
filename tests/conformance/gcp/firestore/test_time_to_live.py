"""TTL policies: documents that go away by themselves, and who is told of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.api_core import exceptions
from google.cloud.firestore_admin_v1 import FirestoreAdminClient

from fogbank.settings import Settings
from fogbank.testing.server import ThreadedServer
from tests.conformance.gcp.firestore.conftest import connect, ids
from tests.conformance.gcp.firestore.test_listen import Snapshots
from tests.conformance.gcp.test_pubsub import PubSub
from tests.conftest import START_US

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime.fromtimestamp(START_US / 1e6, UTC)


@pytest.fixture
def admin(timed_server: ThreadedServer) -> Iterator[Any]:
    yield from admin_of(timed_server)


def admin_of(server: ThreadedServer) -> Iterator[Any]:
    with grpc.insecure_channel(server.url.removeprefix("http://")) as channel:
        yield FirestoreAdminClient(transport=FirestoreAdminClient.get_transport_class("grpc")(channel=channel))


def set_policy(admin: Any, project: str, group: str, path: str, **config: Any) -> Any:
    name = f"projects/{project}/databases/(default)/collectionGroups/{group}/fields/{path}"
    field = {"name": name, "ttl_config": config} if config else {"name": name}
    request = {"field": field, "update_mask": {"paths": ["ttl_config"]}}
    return admin.update_field(request=request).result(timeout=5)


def test_documents_go_away(admin: Any, timed_server: ThreadedServer, timed_db: Any, project: str) -> None:
    sessions = timed_db.collection("sessions")
    sessions.document("before").set({"until": NOW + timedelta(seconds=30)})
    field = set_policy(admin, project, "sessions", "until", state=1)
    assert field.ttl_config.state.name == "ACTIVE"
    for name, until in (
        ("soon", NOW + timedelta(seconds=60)),
        ("late", NOW + timedelta(days=2)),
        ("long-ago", datetime(1999, 1, 1, tzinfo=UTC)),
        ("never", None),
        ("text", "2026-01-01"),
    ):
        sessions.document(name).set({"until": until})
    timed_db.document("users/a/sessions/inner").set({"until": NOW + timedelta(seconds=60)})
    timed_db.document("other/x").set({"until": NOW})
    timed_server.advance(31)
    assert ids(sessions.stream()) == ["late", "never", "soon", "text"]
    timed_server.advance(30)
    assert ids(sessions.stream()) == ["late", "never", "text"]
    assert ids(timed_db.collection_group("sessions").stream()) == ["late", "never", "text"]
    assert timed_db.document("other/x").get().exists
    # Without the policy, nothing goes away any more.
    assert not set_policy(admin, project, "sessions", "until").ttl_config
    timed_server.advance(3 * 86_400)
    assert timed_db.document("sessions/late").get().exists


def test_listeners_are_told(admin: Any, timed_server: ThreadedServer, timed_db: Any, project: str) -> None:
    set_policy(admin, project, "sessions", "until", state=1)
    snapshots = Snapshots()
    watch = timed_db.collection("sessions").on_snapshot(snapshots)
    assert snapshots.changes() == []
    timed_db.document("sessions/a").set({"until": NOW + timedelta(seconds=5)})
    assert snapshots.changes() == [("ADDED", "a")]
    timed_server.advance(6)
    assert snapshots.changes() == [("REMOVED", "a")]
    watch.unsubscribe()


def test_a_field_within_a_map_and_an_offset(
    admin: Any, timed_server: ThreadedServer, timed_db: Any, project: str
) -> None:
    field = set_policy(admin, project, "c", "meta.`ends-at`", expiration_offset={"seconds": 10})
    assert field.ttl_config.expiration_offset == timedelta(seconds=10)
    timed_db.document("c/a").set({"meta": {"ends-at": NOW}})
    timed_server.advance(9)
    assert timed_db.document("c/a").get().exists
    timed_server.advance(2)
    assert not timed_db.document("c/a").get().exists


def test_one_field_of_a_group(admin: Any, project: str) -> None:
    set_policy(admin, project, "a", "x", state=1)
    set_policy(admin, project, "b", "y", state=1)
    with pytest.raises(exceptions.FailedPrecondition, match="Only one TTL field is allowed"):
        set_policy(admin, project, "a", "z", state=1)
    parent = f"projects/{project}/databases/(default)/collectionGroups"
    listed = admin.list_fields(request={"parent": f"{parent}/-", "filter": "ttlConfig:*"})
    assert [each.name for each in listed] == [f"{parent}/a/fields/x", f"{parent}/b/fields/y"]
    assert list(admin.list_fields(request={"parent": f"{parent}/c", "filter": "ttlConfig:*"})) == []
    with pytest.raises(exceptions.InvalidArgument, match="expiration_offset must be whole seconds"):
        set_policy(admin, project, "a", "x", expiration_offset={"seconds": 1, "nanos": 1})
    with pytest.raises(exceptions.InvalidArgument, match="Only fields that are explicitly overridden"):
        list(admin.list_fields(parent=f"{parent}/-"))


def test_the_policy_stays_when_documents_are_cleared(
    admin: Any, timed_server: ThreadedServer, timed_db: Any, project: str
) -> None:
    set_policy(admin, project, "a", "x", state=1)
    timed_server.call(_clear(timed_server, project))
    timed_db.document("a/b").set({"x": NOW + timedelta(seconds=1)})
    timed_server.advance(2)
    assert not timed_db.document("a/b").get().exists


async def _clear(server: ThreadedServer, project: str) -> None:
    from fogbank.wire.http import Request

    path = f"/emulator/v1/projects/{project}/databases/(default)/documents"
    answer = await server.app.handle(Request("DELETE", path.encode(), {}))
    assert answer.status == 200


def test_triggers_are_told(admin: Any, timed_server: ThreadedServer, timed_db: Any, project: str) -> None:
    from fogbank.clouds.gcp.firestore.events import watches
    from fogbank.clouds.gcp.firestore.names import read_database
    from fogbank.clouds.gcp.pubsub.names import TOPICS, read_name

    pubsub = PubSub(timed_server.url, project)
    subscription = pubsub.subscription(pubsub.topic())
    database = read_database(f"projects/{project}/databases/(default)")
    key = read_name(f"projects/{project}/topics/news", TOPICS, "topic").key
    watch = watches.Watch(key, watches.STEM + "deleted", "sessions/{id}")

    async def put() -> None:
        await timed_server.app.store.run(watches.put, database, "w", timed_server.app.ids.sequence(), watch)

    timed_server.call(put())
    set_policy(admin, project, "sessions", "until", state=1)
    timed_db.document("sessions/a").set({"until": NOW + timedelta(seconds=5)})
    timed_server.advance(6)
    assert [each.message.attributes["ce-document"] for each in pubsub.pull(subscription)] == ["sessions/a"]
    pubsub.channel.close()


def test_on_postgres(postgres_url: str, project: str) -> None:
    settings = Settings(port=0, database=postgres_url)
    with ThreadedServer(settings, frozen_at_us=START_US) as server, connect(server.url, project) as db:
        db.document("sessions/before").set({"until": NOW + timedelta(seconds=5)})
        for client in admin_of(server):
            set_policy(client, project, "sessions", "until", state=1)
        db.document("sessions/after").set({"until": NOW + timedelta(seconds=5)})
        server.advance(6)
        assert ids(db.collection("sessions").stream()) == []
