"""Amazon CloudWatch Logs through boto3: log groups, log streams, tags."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., Any]

DAY = 86_400


@pytest.fixture
def logs(client: Make) -> Any:
    return client("logs", parameter_validation=False)


@pytest.fixture
def group(logs: Any) -> str:
    logs.create_log_group(logGroupName="/app/web")
    return "/app/web"


def refused(code: str, text: str = "") -> Any:
    return pytest.raises(ClientError, match=rf"{code}.*{text}")


def names(page: dict[str, Any]) -> list[str]:
    return [each["logGroupName"] for each in page["logGroups"]]


# Groups


def test_a_group_is_created_shown_and_deleted(logs: Any, account: str) -> None:
    logs.create_log_group(logGroupName="/app/web")
    (shown,) = logs.describe_log_groups(logGroupNamePrefix="/app")["logGroups"]
    assert abs(shown.pop("creationTime") / 1000 - time.time()) < 60
    assert shown == {
        "logGroupName": "/app/web",
        "arn": f"arn:aws:logs:us-east-1:{account}:log-group:/app/web:*",
        "logGroupArn": f"arn:aws:logs:us-east-1:{account}:log-group:/app/web",
        "logGroupClass": "STANDARD",
        "metricFilterCount": 0,
        "storedBytes": 0,
        "deletionProtectionEnabled": False,
    }
    with refused("ResourceAlreadyExistsException", "The specified log group already exists"):
        logs.create_log_group(logGroupName="/app/web")
    logs.delete_log_group(logGroupName="/app/web")
    assert logs.describe_log_groups()["logGroups"] == []
    with refused("ResourceNotFoundException", "The specified log group does not exist."):
        logs.delete_log_group(logGroupName="/app/web")


@pytest.mark.parametrize("name", ["", "a b", "x" * 513, "a:b", "höhe", "aws/mine"])
def test_names_that_no_group_may_have(logs: Any, name: str) -> None:
    with refused("InvalidParameterException|ParamValidation"):
        logs.create_log_group(logGroupName=name)


def test_a_name_against_the_model_is_worded_as_the_service_does(logs: Any) -> None:
    with pytest.raises(ClientError) as caught:
        logs.create_log_group(logGroupName="a b")
    assert caught.value.response["Error"] == {
        "Code": "InvalidParameterException",
        "Message": "1 validation error detected: Value 'a b' at 'logGroupName' failed to satisfy constraint: Member"
        r" must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+",
    }


def test_groups_are_listed_by_name_in_pages(logs: Any) -> None:
    for number in (3, 1, 2, 5, 4):
        logs.create_log_group(logGroupName=f"/app/{number}")
    logs.create_log_group(logGroupName="Other")
    first = logs.describe_log_groups(logGroupNamePrefix="/app", limit=2)
    assert names(first) == ["/app/1", "/app/2"]
    pages = logs.get_paginator("describe_log_groups").paginate(
        logGroupNamePrefix="/app", PaginationConfig={"PageSize": 2}
    )
    assert [name for page in pages for name in names(page)] == [f"/app/{number}" for number in range(1, 6)]
    assert names(logs.describe_log_groups())[-1] == "Other"
    with refused("InvalidParameterException", "The specified nextToken is invalid."):
        logs.describe_log_groups(nextToken="nonsense")
    with refused("InvalidParameterException", "less than or equal to 50"):
        logs.describe_log_groups(limit=51)


def test_groups_are_found_by_a_part_of_their_names(logs: Any) -> None:
    for name in ("DataLogs", "aws-DataLogs", "GroupDataLogs", "datalogs", "Data/log/s"):
        logs.create_log_group(logGroupName=name)
    found = logs.describe_log_groups(logGroupNamePattern="DataLogs")
    assert names(found) == ["DataLogs", "GroupDataLogs", "aws-DataLogs"]
    assert found["logGroups"][0].keys() == {"logGroupName", "arn", "creationTime"}
    assert names(logs.describe_log_groups(logGroupClass="INFREQUENT_ACCESS")) == []
    with refused("InvalidParameterException", "mutually exclusive"):
        logs.describe_log_groups(logGroupNamePattern="a", logGroupNamePrefix="b")


def test_groups_of_regions_and_accounts_are_apart(client: Make, logs: Any, group: str) -> None:
    assert names(client("logs", region="eu-west-1").describe_log_groups()) == []
    assert names(logs.describe_log_groups()) == [group]


def test_retention_is_set_shown_and_taken_back(logs: Any, group: str) -> None:
    logs.put_retention_policy(logGroupName=group, retentionInDays=7)
    assert logs.describe_log_groups()["logGroups"][0]["retentionInDays"] == 7
    logs.delete_retention_policy(logGroupName=group)
    assert "retentionInDays" not in logs.describe_log_groups()["logGroups"][0]
    with refused("InvalidParameterException", "retentionInDays"):
        logs.put_retention_policy(logGroupName=group, retentionInDays=2)
    with refused("ResourceNotFoundException"):
        logs.put_retention_policy(logGroupName="none", retentionInDays=7)
    with refused("ResourceNotFoundException"):
        logs.delete_retention_policy(logGroupName="none")


def test_a_protected_group_is_deleted_only_once_it_is_not(logs: Any) -> None:
    logs.create_log_group(logGroupName="kept", deletionProtectionEnabled=True)
    with refused("ValidationException", "protection"):
        logs.delete_log_group(logGroupName="kept")
    (shown,) = logs.describe_log_groups()["logGroups"]
    assert shown["deletionProtectionEnabled"]
    logs.put_log_group_deletion_protection(logGroupIdentifier=shown["logGroupArn"], deletionProtectionEnabled=False)
    logs.delete_log_group(logGroupName="kept")


# Tags


def test_tags_by_arn(logs: Any, account: str) -> None:
    logs.create_log_group(logGroupName="g", tags={"a": "1"})
    arn = f"arn:aws:logs:us-east-1:{account}:log-group:g"
    logs.tag_resource(resourceArn=arn, tags={"a": "2", "b": "3"})
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"a": "2", "b": "3"}
    logs.untag_resource(resourceArn=arn, tagKeys=["a", "unknown"])
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "3"}
    with refused("TooManyTagsException"):
        logs.tag_resource(resourceArn=arn, tags={str(number): "x" for number in range(50)})
    with refused("ResourceNotFoundException"):
        logs.list_tags_for_resource(resourceArn=f"{arn}x")
    for wrong in ("nonsense", f"arn:aws:logs:us-east-1:{account}:destination:d", f"{arn}:log-stream:s", f"{arn}:*"):
        with refused("InvalidParameterException"):
            logs.list_tags_for_resource(resourceArn=wrong)


def test_tags_by_name(logs: Any, group: str) -> None:
    logs.tag_log_group(logGroupName=group, tags={"a": "1", "b": "2"})
    logs.untag_log_group(logGroupName=group, tags=["a"])
    assert logs.list_tags_log_group(logGroupName=group)["tags"] == {"b": "2"}
    with refused("ResourceNotFoundException"):
        logs.tag_log_group(logGroupName="none", tags={"a": "1"})


# Streams


def streams(logs: Any, group: str, **wanted: Any) -> list[str]:
    return [each["logStreamName"] for each in logs.describe_log_streams(logGroupName=group, **wanted)["logStreams"]]


def test_a_stream_is_created_shown_and_deleted(logs: Any, group: str, account: str) -> None:
    logs.create_log_stream(logGroupName=group, logStreamName="2026/[$LATEST]abc")
    (shown,) = logs.describe_log_streams(logGroupName=group)["logStreams"]
    assert abs(shown.pop("creationTime") / 1000 - time.time()) < 60
    assert shown == {
        "logStreamName": "2026/[$LATEST]abc",
        "arn": f"arn:aws:logs:us-east-1:{account}:log-group:{group}:log-stream:2026/[$LATEST]abc",
        "storedBytes": 0,
    }
    with refused("ResourceAlreadyExistsException", "The specified log stream already exists"):
        logs.create_log_stream(logGroupName=group, logStreamName="2026/[$LATEST]abc")
    logs.delete_log_stream(logGroupName=group, logStreamName="2026/[$LATEST]abc")
    assert streams(logs, group) == []
    with refused("ResourceNotFoundException", "The specified log stream does not exist."):
        logs.delete_log_stream(logGroupName=group, logStreamName="2026/[$LATEST]abc")


@pytest.mark.parametrize("name", ["a:b", "a*", "x" * 513])
def test_names_that_no_stream_may_have(logs: Any, group: str, name: str) -> None:
    with refused("InvalidParameterException", "logStreamName"):
        logs.create_log_stream(logGroupName=group, logStreamName=name)


def test_streams_of_a_group_that_is_not_there(logs: Any) -> None:
    with refused("ResourceNotFoundException", "The specified log group does not exist."):
        logs.create_log_stream(logGroupName="none", logStreamName="s")
    with refused("ResourceNotFoundException", "The specified log group does not exist."):
        logs.describe_log_streams(logGroupName="none")


def test_streams_are_listed_by_name_in_both_directions(logs: Any, group: str) -> None:
    for name in ("b", "a1", "a2", "c"):
        logs.create_log_stream(logGroupName=group, logStreamName=name)
    assert streams(logs, group) == ["a1", "a2", "b", "c"]
    assert streams(logs, group, descending=True, limit=3) == ["c", "b", "a2"]
    assert streams(logs, group, logStreamNamePrefix="a") == ["a1", "a2"]
    for order in (False, True):
        pages = logs.get_paginator("describe_log_streams").paginate(
            logGroupIdentifier=group, descending=order, PaginationConfig={"PageSize": 1}
        )
        found = [each["logStreamName"] for page in pages for each in page["logStreams"]]
        assert found == sorted(["b", "a1", "a2", "c"], reverse=order)


def test_streams_are_listed_by_their_latest_events(logs: Any, group: str) -> None:
    now = int(time.time() * 1000)
    for name, age in (("old", 5000), ("new", 1000), ("middle", 3000), ("empty", None)):
        logs.create_log_stream(logGroupName=group, logStreamName=name)
        if age is not None:
            event = {"timestamp": now - age, "message": "m"}
            logs.put_log_events(logGroupName=group, logStreamName=name, logEvents=[event])
    newest = {"orderBy": "LastEventTime", "descending": True}
    assert streams(logs, group, **newest) == ["new", "middle", "old", "empty"]
    pages = logs.get_paginator("describe_log_streams").paginate(
        logGroupName=group, **newest, PaginationConfig={"PageSize": 1}
    )
    shown = [each for page in pages for each in page["logStreams"]]
    assert [each.get("lastEventTimestamp") for each in shown] == [now - 1000, now - 3000, now - 5000, None]
    assert shown[0]["firstEventTimestamp"] == now - 1000
    assert abs(shown[0]["lastIngestionTime"] - now) < 60_000
    with refused("InvalidParameterException", "Cannot order by LastEventTime with a logStreamNamePrefix."):
        streams(logs, group, orderBy="LastEventTime", logStreamNamePrefix="o")


def test_a_group_is_named_by_name_or_by_identifier(logs: Any, group: str, account: str) -> None:
    arn = f"arn:aws:logs:us-east-1:{account}:log-group:{group}"
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    for identifier in (group, arn):
        assert len(logs.describe_log_streams(logGroupIdentifier=identifier)["logStreams"]) == 1
    with refused("InvalidParameterException", "logGroupIdentifier"):
        logs.describe_log_streams(logGroupIdentifier=f"{arn}:*")
    with refused("InvalidParameterException", "mutually exclusive"):
        logs.describe_log_streams(logGroupName=group, logGroupIdentifier=arn)
    with refused("InvalidParameterException", "either"):
        logs.describe_log_streams()


def test_what_there_is_not_is_refused_by_name(logs: Any, group: str) -> None:
    with pytest.raises(ClientError, match="does not support the operation PutMetricFilter of CloudWatch Logs"):
        logs.put_metric_filter(logGroupName=group, filterName="f", filterPattern="", metricTransformations=[])
    with pytest.raises(ClientError, match="does not support the parameter kmsKeyId"):
        logs.create_log_group(logGroupName="k", kmsKeyId="arn:aws:kms:us-east-1:1:key/k")
    with pytest.raises(ClientError, match="does not support the log group class INFREQUENT_ACCESS"):
        logs.create_log_group(logGroupName="k", logGroupClass="INFREQUENT_ACCESS")
