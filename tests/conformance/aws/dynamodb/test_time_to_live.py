"""Amazon DynamoDB's time to live through boto3."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.aws.dynamodb.test_streams import enabled, records

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.testing.server import ThreadedServer

    Make = Callable[..., Any]
    Refused = Callable[..., Any]

NOW = 1_795_348_800
DAY = 86_400


def set_ttl(ddb: Any, name: str = "until", *, on: bool = True) -> dict[str, Any]:
    wanted = {"Enabled": on, "AttributeName": name}
    return ddb.update_time_to_live(TableName="things", TimeToLiveSpecification=wanted)["TimeToLiveSpecification"]


def status(ddb: Any) -> dict[str, Any]:
    return ddb.describe_time_to_live(TableName="things")["TimeToLiveDescription"]


def settled(ddb: Any) -> dict[str, Any]:
    """Return the description once all items are taken in."""
    for _ in range(500):
        described = status(ddb)
        if described["TimeToLiveStatus"] != "ENABLING":
            return described
        time.sleep(0.01)
    raise AssertionError(described)


def put(ddb: Any, name: str, **more: Any) -> None:
    ddb.put_item(TableName="things", Item={"id": {"S": name}, **more})


def left(ddb: Any) -> set[str]:
    return {item["id"]["S"] for item in ddb.scan(TableName="things")["Items"]}


def test_it_is_enabled_described_and_disabled(ddb: Any, things: str, refused: Refused) -> None:
    assert status(ddb) == {"TimeToLiveStatus": "DISABLED"}
    with refused("TimeToLive is already disabled"):
        set_ttl(ddb, on=False)
    assert set_ttl(ddb) == {"Enabled": True, "AttributeName": "until"}
    assert settled(ddb) == {"TimeToLiveStatus": "ENABLED", "AttributeName": "until"}
    with refused("TimeToLive is already enabled"):
        set_ttl(ddb)
    for on in (True, False):
        with refused("TimeToLive is active on a different AttributeName: current AttributeName is until"):
            set_ttl(ddb, "other", on=on)
    assert set_ttl(ddb, on=False) == {"Enabled": False, "AttributeName": "until"}
    assert status(ddb) == {"TimeToLiveStatus": "DISABLED"}
    with pytest.raises(ClientError, match=r"attributeName.*less than or equal to 255"):
        set_ttl(ddb, "x" * 256)
    with refused("Requested resource not found: Table: missing not found", "ResourceNotFoundException"):
        ddb.update_time_to_live(
            TableName="missing", TimeToLiveSpecification={"Enabled": True, "AttributeName": "until"}
        )


@pytest.fixture
def timed(timed_client: Make) -> Any:
    ddb = timed_client("dynamodb")
    ddb.create_table(
        TableName="things",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification=enabled(),
    )
    return ddb


def test_items_go_when_their_time_comes(timed: Any, timed_client: Make, timed_server: ThreadedServer) -> None:
    put(timed, "early", until={"N": str(NOW + 10)})
    put(timed, "text", until={"S": str(NOW + 10)})
    put(timed, "ancient", until={"N": str(NOW - 6 * 365 * DAY)})
    put(timed, "never")
    set_ttl(timed)
    settled(timed)
    put(timed, "late", until={"N": str(NOW + 3_600)})
    put(timed, "kept", until={"N": str(NOW + 10)})
    put(timed, "kept", until={"N": str(NOW + 9_000)})
    assert left(timed) == {"early", "text", "ancient", "never", "late", "kept"}
    timed_server.advance(11)
    assert left(timed) == {"text", "ancient", "never", "late", "kept"}
    streams = timed_client("dynamodbstreams")
    told = records(streams, timed.describe_table(TableName="things")["Table"]["LatestStreamArn"])
    assert told[-1]["eventName"] == "REMOVE"
    assert told[-1]["dynamodb"]["OldImage"]["id"] == {"S": "early"}
    assert told[-1]["userIdentity"] == {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}
    assert all("userIdentity" not in each for each in told[:-1])
    timed_server.advance(3_600)
    assert left(timed) == {"text", "ancient", "never", "kept"}


def test_what_is_to_expire_no_more(timed: Any, timed_server: ThreadedServer) -> None:
    set_ttl(timed)
    put(timed, "a", until={"N": str(NOW + 10)}, other={"N": str(NOW + 100)})
    put(timed, "b", until={"N": str(NOW + 10)})
    set_ttl(timed, on=False)
    timed_server.advance(50)
    assert left(timed) == {"a", "b"}
    set_ttl(timed, "other")
    settled(timed)
    timed_server.advance(100)
    assert left(timed) == {"b"}
