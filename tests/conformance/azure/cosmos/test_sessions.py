"""Session tokens, and how conflicts would be resolved if there were any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from azure.cosmos import PartitionKey
from azure.cosmos.exceptions import CosmosHttpResponseError, CosmosResourceNotFoundError

from tests.conformance.azure.cosmos.conftest import ids, new_name, refusal
from tests.conformance.azure.cosmos.test_resources import ask

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure.cosmos import ContainerProxy, DatabaseProxy

    from tests.conformance.azure.conftest import Azure


def token_of(container: ContainerProxy) -> str:
    """Return the session token of a write."""
    headers: dict[str, str] = {}
    container.upsert_item({"id": "1", "pk": "a"}, response_hook=lambda found, _body: headers.update(found))
    return headers["x-ms-session-token"]


def test_a_session_goes_on_from_its_token(make: Callable[..., ContainerProxy]) -> None:
    container, other = make("/pk"), make("/pk")
    token, another = token_of(container), token_of(other)
    # A token says nothing of its container.
    for given in (token, another, "0:-1#5", "7:-1#5", f"7:1#9#1=3,{token}", "0:5"):
        assert container.read_item("1", "a", session_token=given)["id"] == "1"
    assert ids(container.query_items("SELECT * FROM c", partition_key="a", session_token=token)) == ["1"]


@pytest.mark.parametrize("token", ["invalidtoken", "0:", "0:-1#x", "0:1#2#3", ":1#2", "0:-1#1,"])
def test_what_is_no_token(container: ContainerProxy, token: str) -> None:
    token_of(container)
    with pytest.raises(CosmosHttpResponseError, match=f"The session token provided '{token}' is invalid.") as refused:
        container.read_item("1", "a", session_token=token)
    assert refusal(refused)[0] == 400


def test_what_nobody_has_written_yet_can_not_be_read(azure: Azure, container: ContainerProxy) -> None:
    number = int(token_of(container).rpartition("#")[2])
    ahead = f"0:-1#{number + 3_600_000_000}"
    for read in (
        lambda: container.read_item("1", "a", session_token=ahead),
        lambda: list(container.query_items("SELECT * FROM c", partition_key="a", session_token=ahead)),
    ):
        with pytest.raises(CosmosHttpResponseError, match="read session is not available") as refused:
            read()
        assert refusal(refused) == (404, 1002)
    # What doesn't ask for its session's own writes isn't held to them; neither is a write.
    headers = {"x_ms_session_token": ahead, "x_ms_documentdb_partitionkey": '["a"]'}
    path = f"/{container.container_link}/docs/1"
    assert ask(azure, "GET", path, **headers).status == 404
    assert ask(azure, "GET", path, **headers, x_ms_consistency_level="Eventual").status == 200
    assert container.upsert_item({"id": "1", "pk": "a", "n": 1}, session_token=ahead)["n"] == 1


LAST = {"mode": "LastWriterWins", "conflictResolutionPath": "/rank/now", "conflictResolutionProcedure": ""}
CUSTOM = {"mode": "Custom", "conflictResolutionPath": "", "conflictResolutionProcedure": "dbs/d/colls/c/sprocs/resolve"}
NAMED = {"conflictResolutionProcedure": "resolve"}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (LAST, LAST),
        ({"mode": "LastWriterWins"}, {**LAST, "conflictResolutionPath": "/_ts"}),
        (CUSTOM, CUSTOM),
        ({"mode": "Custom"}, {**CUSTOM, "conflictResolutionProcedure": ""}),
        ({"mode": "Custom", **NAMED}, {**CUSTOM, **NAMED}),
    ],
)  # fmt: skip
def test_how_conflicts_are_resolved_is_kept(make: Callable[..., ContainerProxy], given: Any, kept: Any) -> None:
    container = make("/pk", conflict_resolution_policy=given)
    assert container.read()["conflictResolutionPolicy"] == kept


@pytest.mark.parametrize(
    "wrong",
    [
        {"mode": "FirstWriterWins"}, {"mode": "Custom", "conflictResolutionPath": "/x"}, {"mode": 1},
        {"mode": "LastWriterWins", "conflictResolutionProcedure": "x"}, {"mode": "LastWriterWins", "other": 1},
        {"mode": "LastWriterWins", "conflictResolutionPath": "x"},
        {"mode": "Custom", "conflictResolutionProcedure": "dbs/d/colls/c/udfs/x"},
    ],
)  # fmt: skip
def test_how_conflicts_can_not_be_resolved(database: DatabaseProxy, wrong: Any) -> None:
    with pytest.raises(CosmosHttpResponseError, match="conflict resolution policy") as refused:
        database.create_container(new_name(), PartitionKey("/pk"), conflict_resolution_policy=wrong)
    assert refusal(refused)[0] == 400


def test_a_policy_can_not_be_changed(database: DatabaseProxy, make: Callable[..., ContainerProxy]) -> None:
    container = make("/pk", conflict_resolution_policy=CUSTOM)
    database.replace_container(container, PartitionKey("/pk"), default_ttl=5)
    assert container.read()["conflictResolutionPolicy"] == CUSTOM
    with pytest.raises(CosmosHttpResponseError, match="cannot be changed"):
        database.replace_container(container, PartitionKey("/pk"), conflict_resolution_policy=LAST)


def test_there_are_no_conflicts(container: ContainerProxy) -> None:
    assert list(container.list_conflicts()) == []
    assert list(container.query_conflicts("SELECT * FROM c", enable_cross_partition_query=True)) == []
    for find in (container.get_conflict, container.delete_conflict):
        with pytest.raises(CosmosResourceNotFoundError):
            find("1", "a")
