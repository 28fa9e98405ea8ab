"""Settings of Amazon DynamoDB's tables that are kept and shown, through boto3."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.aws.dynamodb.test_global_tables import EAST, TABLE, WEST, Regions
from tests.conformance.aws.dynamodb.test_streams import enabled

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., Any]
    Refused = Callable[..., Any]


def policy(action: str = "dynamodb:GetItem", **more: Any) -> str:
    statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": action, "Resource": "*", **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_policies_of_tables_and_streams_have_revisions(ddb: Any, refused: Refused) -> None:
    table = ddb.create_table(**TABLE, StreamSpecification=enabled())["TableDescription"]
    for arn in (table["TableArn"], table["LatestStreamArn"]):
        missing = f"Resource-based policy not found for the provided ResourceArn: {arn}"
        with refused(missing, "PolicyNotFoundException"):
            ddb.get_resource_policy(ResourceArn=arn)
        with refused(missing, "PolicyNotFoundException"):
            ddb.put_resource_policy(ResourceArn=arn, Policy=policy(), ExpectedRevisionId="7")
        first = ddb.put_resource_policy(ResourceArn=arn, Policy=policy(), ExpectedRevisionId="NO_POLICY")["RevisionId"]
        assert ddb.put_resource_policy(ResourceArn=arn, Policy=policy())["RevisionId"] == first
        with refused(missing, "PolicyNotFoundException"):
            ddb.put_resource_policy(ResourceArn=arn, Policy=policy(), ExpectedRevisionId="NO_POLICY")
        wanted = policy("dynamodb:*")
        second = ddb.put_resource_policy(ResourceArn=arn, Policy=wanted, ExpectedRevisionId=first)["RevisionId"]
        assert second != first
        found = ddb.get_resource_policy(ResourceArn=arn)
        assert (found["Policy"], found["RevisionId"]) == (wanted, second)
        with refused(missing, "PolicyNotFoundException"):
            ddb.delete_resource_policy(ResourceArn=arn, ExpectedRevisionId=first)
        assert ddb.delete_resource_policy(ResourceArn=arn, ExpectedRevisionId=second)["RevisionId"] == second
        assert "RevisionId" not in ddb.delete_resource_policy(ResourceArn=arn)
    other = f"{table['TableArn']}s"
    gone = f"Requested resource not found: ResourcArn: {other} not found"
    with refused(gone, "ResourceNotFoundException"):
        ddb.put_resource_policy(ResourceArn=other, Policy=policy())
    with refused("Invalid policy document: Missing required field Principal"):
        ddb.put_resource_policy(ResourceArn=table["TableArn"], Policy=policy().replace("Principal", "Sid").replace(
            '{"AWS": "*"}', '"one"'
        ))  # fmt: skip
    with refused("Invalid policy document: Syntax errors in policy."):
        ddb.put_resource_policy(ResourceArn=table["TableArn"], Policy="{}")
    with refused("Resource policy size exceeds the limit of 20480 bytes"):
        ddb.put_resource_policy(ResourceArn=table["TableArn"], Policy=policy() + " " * 20_480)


def test_a_table_is_created_with_a_policy(ddb: Any) -> None:
    arn = ddb.create_table(**TABLE, ResourcePolicy=policy())["TableDescription"]["TableArn"]
    assert ddb.get_resource_policy(ResourceArn=arn)["Policy"] == policy()


def test_contributor_insights(ddb: Any, refused: Refused) -> None:
    ddb.create_table(**TABLE)
    ddb.create_table(**TABLE | {"TableName": "other"})
    shown = ddb.describe_contributor_insights(TableName="music")
    assert (shown["ContributorInsightsStatus"], shown["ContributorInsightsRuleList"]) == ("DISABLED", [])
    assert ddb.list_contributor_insights()["ContributorInsightsSummaries"] == []

    def update(table: str, action: str = "ENABLE", **more: Any) -> str:
        reply = ddb.update_contributor_insights(TableName=table, ContributorInsightsAction=action, **more)
        return reply["ContributorInsightsStatus"]

    assert update("music") == "ENABLING"
    assert update("music", IndexName="genres", ContributorInsightsMode="THROTTLED_KEYS") == "ENABLING"
    assert update("other") == "ENABLING"
    assert update("other", "DISABLE") == "DISABLING"
    shown = ddb.describe_contributor_insights(TableName="music", IndexName="genres")
    assert shown["ContributorInsightsStatus"] == "ENABLED"
    assert shown["ContributorInsightsMode"] == "THROTTLED_KEYS"
    assert len(shown["ContributorInsightsRuleList"]) == 1
    assert "LastUpdateDateTime" in shown
    places = [
        (each["TableName"], each.get("IndexName"), each["ContributorInsightsStatus"])
        for each in ddb.list_contributor_insights()["ContributorInsightsSummaries"]
    ]
    assert places == [("music", None, "ENABLED"), ("music", "genres", "ENABLED"), ("other", None, "DISABLED")]
    page = ddb.list_contributor_insights(MaxResults=2)
    rest = ddb.list_contributor_insights(MaxResults=2, NextToken=page["NextToken"])
    assert [each["TableName"] for each in rest["ContributorInsightsSummaries"]] == ["other"]
    assert "NextToken" not in rest
    assert len(ddb.list_contributor_insights(TableName="music")["ContributorInsightsSummaries"]) == 2
    with refused("Requested resource not found: Index: none not found", "ResourceNotFoundException"):
        update("music", IndexName="none")
    with refused("Requested resource not found: Table: missing not found", "ResourceNotFoundException"):
        update("missing")


def test_auto_scaling_is_set_for_all_regions_or_one(client: Make, ddb: Any, refused: Refused) -> None:
    units = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    table = TABLE | {"BillingMode": "PROVISIONED", "ProvisionedThroughput": units}
    table["GlobalSecondaryIndexes"] = [TABLE["GlobalSecondaryIndexes"][0] | {"ProvisionedThroughput": units}]
    ddb.create_table(**table, StreamSpecification=enabled())
    regions = Regions(client)
    regions.add(WEST)
    policy = {"TargetTrackingScalingPolicyConfiguration": {"TargetValue": 70.0}}
    ddb.update_table_replica_auto_scaling(
        TableName="music",
        ProvisionedWriteCapacityAutoScalingUpdate={
            "MinimumUnits": 1,
            "MaximumUnits": 10,
            "ScalingPolicyUpdate": policy,
        },
        GlobalSecondaryIndexUpdates=[
            {"IndexName": "genres", "ProvisionedWriteCapacityAutoScalingUpdate": {"MaximumUnits": 3}}
        ],
        ReplicaUpdates=[{"RegionName": WEST, "ReplicaProvisionedReadCapacityAutoScalingUpdate": {"MaximumUnits": 20}}],
    )
    for region in (regions.east, regions.west):
        found = region.describe_table_replica_auto_scaling(TableName="music")["TableAutoScalingDescription"]
        east, west = found["Replicas"]
        assert (east["RegionName"], west["RegionName"]) == (EAST, WEST)
        for each in (east, west):
            write = each["ReplicaProvisionedWriteCapacityAutoScalingSettings"]
            assert (write["MinimumUnits"], write["MaximumUnits"]) == (1, 10)
            tracking = write["ScalingPolicies"][0]["TargetTrackingScalingPolicyConfiguration"]
            assert tracking == {"TargetValue": 70.0}
            (index,) = each["GlobalSecondaryIndexes"]
            assert index["ProvisionedWriteCapacityAutoScalingSettings"]["MaximumUnits"] == 3
        assert east["ReplicaProvisionedReadCapacityAutoScalingSettings"] == {"AutoScalingDisabled": True}
        assert west["ReplicaProvisionedReadCapacityAutoScalingSettings"]["MaximumUnits"] == 20
    with refused("Minimum capacity cannot be greater than maximum capacity"):
        ddb.update_table_replica_auto_scaling(
            TableName="music", ProvisionedWriteCapacityAutoScalingUpdate={"MinimumUnits": 11}
        )
    with refused("Table music has no replica in Region eu-west-1"):
        ddb.update_table_replica_auto_scaling(TableName="music", ReplicaUpdates=[{"RegionName": "eu-west-1"}])


def test_there_is_no_kinesis_and_no_s3(ddb: Any, things: str) -> None:
    found = ddb.describe_kinesis_streaming_destination(TableName=things)
    assert (found["TableName"], found["KinesisDataStreamDestinations"]) == (things, [])
    for name in ("enable_kinesis_streaming_destination", "export_table_to_point_in_time", "import_table"):
        with pytest.raises(ClientError, match="Fogbank does not support the operation"):
            getattr(ddb, name)()
