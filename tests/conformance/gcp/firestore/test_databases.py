"""Databases through the admin API's own client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.api_core import exceptions
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud.firestore_admin_v1 import FirestoreAdminClient

from tests.conformance.gcp.firestore.conftest import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fogbank.testing.server import ThreadedServer


@pytest.fixture(params=["grpc", "rest"])
def admin(request: pytest.FixtureRequest, server: ThreadedServer) -> Iterator[Any]:
    if request.param == "rest":
        options = ClientOptions(api_endpoint=server.url)
        yield FirestoreAdminClient(transport="rest", credentials=AnonymousCredentials(), client_options=options)
        return
    with grpc.insecure_channel(server.url.removeprefix("http://")) as channel:
        yield FirestoreAdminClient(transport=FirestoreAdminClient.get_transport_class("grpc")(channel=channel))


def test_databases(admin: Any, server: ThreadedServer, project: str) -> None:
    parent = f"projects/{project}"
    assert [each.name for each in admin.list_databases(parent=parent).databases] == [f"{parent}/databases/(default)"]
    assert admin.get_database(name=f"{parent}/databases/(default)").type_.name == "FIRESTORE_NATIVE"
    request = {
        "parent": parent,
        "database_id": "other",
        "database": {"location_id": "nam5", "type_": "FIRESTORE_NATIVE"},
    }
    made = admin.create_database(request=request).result(timeout=5)
    assert (made.name, made.location_id, made.type_.name) == (f"{parent}/databases/other", "nam5", "FIRESTORE_NATIVE")
    with pytest.raises(exceptions.Conflict, match="Database already exists"):
        admin.create_database(request=request)
    with connect(server.url, project, "other") as db, connect(server.url, project) as default:
        db.document("a/b").set({})
        default.document("a/b").set({})
        assert [each.name.rpartition("/")[2] for each in admin.list_databases(parent=parent).databases] == [
            "(default)", "other",
        ]  # fmt: skip
        protect = {"name": made.name, "delete_protection_state": "DELETE_PROTECTION_ENABLED"}
        changed = admin.update_database(database=protect, update_mask={"paths": ["delete_protection_state"]})
        assert changed.result(timeout=5).delete_protection_state.name == "DELETE_PROTECTION_ENABLED"
        with pytest.raises(exceptions.BadRequest, match="delete protection is enabled"):
            admin.delete_database(name=made.name)
        free = {"name": made.name, "delete_protection_state": "DELETE_PROTECTION_DISABLED"}
        admin.update_database(database=free, update_mask={"paths": ["delete_protection_state"]}).result(timeout=5)
        assert admin.delete_database(name=made.name).result(timeout=5).uid == made.uid
        with pytest.raises(exceptions.NotFound, match="The database other does not exist"):
            admin.get_database(name=made.name)
        assert not db.document("a/b").get().exists
        assert default.document("a/b").get().exists


def test_etags_keep_what_others_changed(admin: Any, project: str) -> None:
    database = {"location_id": "nam5", "type_": "FIRESTORE_NATIVE"}
    made = admin.create_database(parent=f"projects/{project}", database_id="other", database=database)
    made = made.result(timeout=5)
    change = {"name": made.name, "concurrency_mode": "OPTIMISTIC", "etag": made.etag}
    changed = admin.update_database(database=change, update_mask={"paths": ["concurrency_mode"]}).result(timeout=5)
    assert changed.etag != made.etag
    with pytest.raises(exceptions.BadRequest, match="etag"):
        admin.update_database(database=change, update_mask={"paths": ["concurrency_mode"]})
    with pytest.raises(exceptions.BadRequest, match="etag"):
        admin.delete_database(request={"name": made.name, "etag": made.etag})
    assert admin.get_database(name=made.name).etag == changed.etag
    admin.delete_database(request={"name": made.name, "etag": changed.etag}).result(timeout=5)
    default = admin.get_database(name=f"projects/{project}/databases/(default)")
    change = {"name": default.name, "concurrency_mode": "OPTIMISTIC", "etag": default.etag}
    admin.update_database(database=change, update_mask={"paths": ["concurrency_mode"]}).result(timeout=5)


def test_concurrency_modes(admin: Any, project: str) -> None:
    parent = f"projects/{project}"
    default = f"{parent}/databases/(default)"
    assert admin.get_database(name=default).concurrency_mode.name == "PESSIMISTIC"
    # It can be changed before anything is written.
    database = {"name": default, "concurrency_mode": "OPTIMISTIC"}
    changed = admin.update_database(database=database, update_mask={"paths": ["concurrency_mode"]})
    assert changed.result(timeout=5).concurrency_mode.name == "OPTIMISTIC"
    assert admin.get_database(name=default).concurrency_mode.name == "OPTIMISTIC"
    # Without a mask, what is given is changed.
    admin.update_database(database={"name": default, "delete_protection_state": "DELETE_PROTECTION_ENABLED"})
    found = admin.get_database(name=default)
    assert (found.concurrency_mode.name, found.delete_protection_state.name) == (
        "OPTIMISTIC",
        "DELETE_PROTECTION_ENABLED",
    )
    for database_id, mode in (("one", "PESSIMISTIC"), ("two", "OPTIMISTIC")):
        settings = {"location_id": "nam5", "type_": "FIRESTORE_NATIVE", "concurrency_mode": mode}
        made = admin.create_database(parent=parent, database_id=f"other-{database_id}", database=settings)
        assert made.result(timeout=5).concurrency_mode.name == mode
        assert admin.get_database(name=f"{parent}/databases/other-{database_id}").concurrency_mode.name == mode


def test_what_there_is_not(admin: Any, project: str) -> None:
    parent = f"projects/{project}"
    database = {"location_id": "nam5", "type_": "DATASTORE_MODE"}
    with pytest.raises(exceptions.MethodNotImplemented, match=r"database\.type DATASTORE_MODE"):
        admin.create_database(parent=parent, database_id="other", database=database)
    database = {"location_id": "nam5", "concurrency_mode": "OPTIMISTIC_WITH_ENTITY_GROUPS"}
    refused = r"database\.concurrency_mode OPTIMISTIC_WITH_ENTITY_GROUPS"
    with pytest.raises(exceptions.MethodNotImplemented, match=refused):
        admin.create_database(parent=parent, database_id="other", database=database)
    database["name"] = f"{parent}/databases/(default)"
    with pytest.raises(exceptions.MethodNotImplemented, match=refused):
        admin.update_database(database=database, update_mask={"paths": ["concurrency_mode"]})
    with pytest.raises(exceptions.MethodNotImplemented, match=r"Fogbank doesn't support .*FirestoreAdmin/ListBackups"):
        admin.list_backups(parent=f"{parent}/locations/nam5")
