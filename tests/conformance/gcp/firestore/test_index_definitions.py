"""Definitions of indexes: by the admin API, from files, and held against queries where that is wanted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from google.api_core import exceptions
from google.cloud.firestore_v1.base_query import Or
from google.cloud.firestore_v1.base_vector_query import DistanceMeasure
from google.cloud.firestore_v1.vector import Vector

from fogbank.cli import main
from fogbank.settings import Settings
from fogbank.testing.server import ThreadedServer
from tests.conformance.gcp.firestore.conftest import connect, where
from tests.conformance.gcp.firestore.test_databases import admin  # noqa: F401 - a fixture, over both transports
from tests.conformance.gcp.firestore.test_time_to_live import admin_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BY_COUNTRY = [("country", "ASCENDING"), ("population", "DESCENDING")]
CONSOLE = "https://console.firebase.google.com/v1/r/project"


@pytest.fixture(scope="module")
def checked() -> Iterator[ThreadedServer]:
    """A server that holds queries against indexes."""
    with ThreadedServer(Settings(port=0, memory=True, firestore_index_check=True)) as running:
        yield running


@pytest.fixture
def checked_db(checked: ThreadedServer, project: str) -> Iterator[Any]:
    with connect(checked.url, project) as made:
        yield made


def index(*fields: tuple[str, str], scope: str = "COLLECTION") -> dict[str, Any]:
    shown = [{"field_path": path, "order": order} for path, order in fields]
    return {"query_scope": scope, "fields": shown}


def nearest(query: Any) -> Any:
    return query.find_nearest("v", Vector([1.0, 2.0]), limit=1, distance_measure=DistanceMeasure.EUCLIDEAN)


def create(admin: Any, project: str, group: str, wanted: dict[str, Any]) -> Any:  # noqa: F811
    parent = f"projects/{project}/databases/(default)/collectionGroups/{group}"
    return admin.create_index(request={"parent": parent, "index": wanted}).result(timeout=5)


def test_composite_indexes(admin: Any, project: str) -> None:  # noqa: F811
    made = create(admin, project, "cities", index(*BY_COUNTRY))
    assert made.state.name == "READY"
    assert [(each.field_path, each.order.name) for each in made.fields] == [*BY_COUNTRY, ("__name__", "DESCENDING")]
    assert admin.get_index(name=made.name) == made
    with pytest.raises(exceptions.Conflict, match="index already exists"):
        create(admin, project, "cities", index(*BY_COUNTRY))
    with pytest.raises(exceptions.BadRequest, match="this index is not necessary"):
        create(admin, project, "cities", index(("country", "ASCENDING")))
    other = create(admin, project, "towns", index(*BY_COUNTRY, scope="COLLECTION_GROUP"))
    parent = f"projects/{project}/databases/(default)/collectionGroups"
    assert list(admin.list_indexes(parent=f"{parent}/-")) == [made, other]
    assert list(admin.list_indexes(parent=f"{parent}/towns")) == [other]
    assert len(list(admin.list_indexes(request={"parent": f"{parent}/-", "page_size": 1}))) == 2
    admin.delete_index(name=made.name)
    with pytest.raises(exceptions.NotFound):
        admin.get_index(name=made.name)
    with pytest.raises(exceptions.NotFound):
        admin.delete_index(name=made.name)


def test_fields(admin: Any, project: str) -> None:  # noqa: F811
    parent = f"projects/{project}/databases/(default)/collectionGroups"
    name = f"{parent}/posts/fields/body"
    found = admin.get_field(name=name)
    assert found.index_config.uses_ancestor_config
    assert found.index_config.ancestor_field == f"{parent}/__default__/fields/*"
    assert len(found.index_config.indexes) == 3
    none: dict[str, Any] = {"field": {"name": name, "index_config": {"indexes": []}}}
    changed = admin.update_field(request={**none, "update_mask": {"paths": ["index_config"]}})
    assert not changed.result(timeout=5).index_config.indexes
    assert [each.change_type.name for each in changed.metadata.index_config_deltas] == ["REMOVE"] * 3
    assert not admin.get_field(name=name).index_config.uses_ancestor_config
    wanted = "indexConfig.usesAncestorConfig:false"
    listed = [each.name for each in admin.list_fields(request={"parent": f"{parent}/-", "filter": wanted})]
    assert listed == [f"{parent}/__default__/fields/*", name]
    reverted = admin.update_field(request={"field": {"name": name}, "update_mask": {"paths": ["index_config"]}})
    assert reverted.result(timeout=5).index_config.uses_ancestor_config
    with pytest.raises(exceptions.BadRequest, match=r"The field \* is that of the collection group __default__"):
        admin.get_field(name=f"{parent}/posts/fields/*")


FILE = """{
  // As in the reference.
  "indexes": [
    {"collectionGroup": "posts", "queryScope": "COLLECTION", "fields": [
      {"fieldPath": "author", "arrayConfig": "CONTAINS"}, {"fieldPath": "timestamp", "order": "DESCENDING"}]},
    {"collectionGroup": "beans", "queryScope": "COLLECTION", "fields": [
      {"fieldPath": "embedding", "vectorConfig": {"dimension": 3, "flat": {}}}]}
  ],
  "fieldOverrides": [
    {"collectionGroup": "posts", "fieldPath": "big", "ttl": false, "indexes": []},
    {"collectionGroup": "sessions", "fieldPath": "until", "ttl": true, "indexes": [
      {"order": "ASCENDING", "queryScope": "COLLECTION_GROUP"}]}
  ]
}"""


def test_a_file(server: ThreadedServer, project: str, tmp_path: Path) -> None:
    path = tmp_path / "firestore.indexes.json"
    path.write_text(FILE)
    options = ["--url", server.url, "--project", project]
    runner = CliRunner()
    done = runner.invoke(main, ["firestore", "indexes", "import", *options, str(path)])
    assert (done.output, done.exit_code) == ("2 composite indexes are new.\n", 0)
    again = runner.invoke(main, ["firestore", "indexes", "import", *options, str(path)])
    assert again.output == "0 composite indexes are new.\n"
    shown = json.loads(runner.invoke(main, ["firestore", "indexes", "export", *options]).output)
    plain = json.loads(FILE.replace("// As in the reference.", ""))
    for kind in ("indexes", "fieldOverrides"):
        assert sorted(shown[kind], key=str) == sorted(plain[kind], key=str)
    for client in admin_of(server):
        field = client.get_field(name=f"projects/{project}/databases/(default)/collectionGroups/sessions/fields/until")
        assert field.ttl_config.state.name == "ACTIVE"
    path.write_text('{"indexes": [{"collectionGroup": "a", "fields": [], "colour": 1}]}')
    refused = runner.invoke(main, ["firestore", "indexes", "import", *options, str(path)])
    assert refused.exit_code == 1
    assert "colour" in refused.output


def test_queries_that_need_no_index(checked_db: Any) -> None:
    cities = checked_db.collection("cities")
    for query in (
        cities,
        where(cities, ("a", "==", 1), ("b", "==", 2)),
        where(cities, ("a", "==", 1), ("tags", "array_contains", "x")),
        where(cities, ("n", ">", 1), ("n", "<", 5)).order_by("n", direction="DESCENDING"),
        where(cities, ("a", "in", [1, 2])).order_by("a"),
        cities.order_by("n").limit(1),
        where(cities, ("a", "==", 1)).order_by("__name__"),
    ):
        assert list(query.stream()) == []
    assert cities.count().get()[0][0].value == 0


def test_queries_that_need_one(checked: ThreadedServer, checked_db: Any, project: str) -> None:
    cities = checked_db.collection("cities")
    query = where(cities, ("country", "==", "USA")).order_by("population", direction="DESCENDING")
    place = rf"{CONSOLE}/{project}/firestore/indexes\?create_composite=C[\w-]+"
    with pytest.raises(
        exceptions.FailedPrecondition, match="The query requires an index. You can create it here: " + place
    ):
        list(query.stream())
    with pytest.raises(exceptions.FailedPrecondition, match="The query requires an index"):
        list(where(cities, ("a", ">", 1), ("b", ">", 2)).stream())
    with pytest.raises(exceptions.FailedPrecondition, match="The query requires an index"):
        query.count().get()
    group = checked_db.collection_group("cities")
    what = r"The query requires a COLLECTION_GROUP_ASC index for collection cities and field a\. .*create_exemption="
    with pytest.raises(exceptions.FailedPrecondition, match=what):
        list(where(group, ("a", "==", 1)).stream())
    with pytest.raises(exceptions.FailedPrecondition, match=r"field-config=vector-config='\{\"dimension\":\"2\""):
        list(nearest(cities).stream())
    either = cities.where(filter=Or([_filter("a", "==", 1), _filter("b", ">", 1)])).order_by("c")
    with pytest.raises(exceptions.FailedPrecondition, match="The query requires an index"):
        list(either.stream())
    options = ["--url", checked.url, "--project", project]
    shown = CliRunner().invoke(main, ["firestore", "indexes", "export", *options, "--missing"]).output
    assert {"collectionGroup": "cities", "queryScope": "COLLECTION", "fields": [
        {"fieldPath": "country", "order": "ASCENDING"}, {"fieldPath": "population", "order": "DESCENDING"},
    ]} in json.loads(shown)["indexes"]  # fmt: skip
    assert json.loads(CliRunner().invoke(main, ["firestore", "indexes", "export", *options]).output)["indexes"] == []


def _filter(path: str, operator: str, value: Any) -> Any:
    from google.cloud.firestore_v1.base_query import FieldFilter

    return FieldFilter(path, operator, value)


def test_what_was_missing_can_be_imported(
    checked: ThreadedServer, checked_db: Any, project: str, tmp_path: Path
) -> None:
    cities, group = checked_db.collection("cities"), checked_db.collection_group("cities")
    queries = (
        where(cities, ("country", "==", "USA")).order_by("population", direction="DESCENDING"),
        where(cities, ("a", ">", 1), ("b", ">", 2)),
        where(cities, ("tags", "array_contains", "x")).order_by("n"),
        where(group, ("a", "==", 1)),
        where(group, ("a", "==", 1), ("b", "==", 1)),
        nearest(cities),
    )
    for query in queries:
        with pytest.raises(exceptions.FailedPrecondition):
            list(query.stream())
    options = ["--url", checked.url, "--project", project]
    path = tmp_path / "firestore.indexes.json"
    path.write_text(CliRunner().invoke(main, ["firestore", "indexes", "export", *options, "--missing"]).output)
    assert CliRunner().invoke(main, ["firestore", "indexes", "import", *options, str(path)]).exit_code == 0
    for query in queries:
        assert list(query.stream()) == []


def test_indexes_are_merged(checked: ThreadedServer, checked_db: Any, project: str) -> None:
    cities = checked_db.collection("cities")
    for client in admin_of(checked):
        create(client, project, "cities", index(("a", "ASCENDING"), ("n", "ASCENDING")))
        create(client, project, "cities", index(("b", "ASCENDING"), ("n", "ASCENDING")))
        name = f"projects/{project}/databases/(default)/collectionGroups/cities/fields/none"
        client.update_field(field={"name": name, "index_config": {"indexes": []}}).result(timeout=5)
    assert list(where(cities, ("a", "==", 1), ("b", "==", 2)).order_by("n").stream()) == []
    with pytest.raises(exceptions.FailedPrecondition):
        list(where(cities, ("a", "==", 1), ("b", "==", 2)).order_by("n", direction="DESCENDING").stream())
    with pytest.raises(
        exceptions.FailedPrecondition, match="COLLECTION_ASC index for collection cities and field none"
    ):
        list(where(cities, ("none", "==", 1)).stream())
