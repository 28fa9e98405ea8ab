"""AWS Lambda's versions and aliases, through boto3."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.conformance.aws.functions import ROLE, deploy, zipped
from tests.conformance.aws.test_lambda_functions import refused
from tests.conformance.aws.test_lambda_invoke import invoke, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Says what it is: a value from its code, and how the runtime names it.
WHO = """
    def handler(event, context):
        return [VALUE, context.function_version, context.invoked_function_arn.split(":function:")[1]]
"""


@pytest.fixture
def lambda_(client: Callable[..., Any]) -> Any:
    return client("lambda")


def change(client: Any, value: int) -> None:
    client.update_function_code(FunctionName="f", ZipFile=zipped(WHO.replace("VALUE", str(value))))


@pytest.fixture
def versions(lambda_: Any) -> Any:
    """A client of an account with a function f: version 1 says 1, version 2 says 2, the latest says 3."""
    deploy(lambda_, "f", WHO.replace("VALUE", "1"), Publish=True)
    change(lambda_, 2)
    lambda_.publish_version(FunctionName="f", Description="second")
    change(lambda_, 3)
    return lambda_


# Versions


def test_a_version_keeps_what_the_function_was(lambda_: Any, account: str) -> None:
    arn = f"arn:aws:lambda:us-east-1:{account}:function:f"
    deploy(lambda_, "f", WHO.replace("VALUE", "1"), Description="first", Timeout=5)
    published = lambda_.publish_version(FunctionName="f", Description="kept")
    assert published["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert (published["Version"], published["FunctionArn"]) == ("1", f"{arn}:1")
    assert (published["Description"], published["Timeout"]) == ("kept", 5)
    change(lambda_, 2)
    lambda_.update_function_configuration(FunctionName="f", Timeout=7)
    for name, qualifier in (("f", {"Qualifier": "1"}), ("f:1", {}), (f"{arn}:1", {})):
        shown = lambda_.get_function(FunctionName=name, **qualifier)["Configuration"]
        assert (shown["Version"], shown["FunctionArn"], shown["Timeout"]) == ("1", f"{arn}:1", 5)
        assert shown["CodeSha256"] == published["CodeSha256"]
        assert shown["RevisionId"] == published["RevisionId"]
    assert lambda_.get_function_configuration(FunctionName="f", Qualifier="$LATEST")["FunctionArn"] == f"{arn}:$LATEST"
    assert lambda_.get_function_configuration(FunctionName="f")["Timeout"] == 7
    payload, reply = invoke(lambda_, Qualifier="1")
    assert payload == [1, "1", "f:1"]
    assert reply["ExecutedVersion"] == "1"
    assert invoke(lambda_, name=f"{arn}:1")[0][0] == 1
    payload, reply = invoke(lambda_)
    assert (payload, reply["ExecutedVersion"]) == ([2, "$LATEST", "f"], "$LATEST")
    assert invoke(lambda_, Qualifier="$LATEST")[0] == [2, "$LATEST", "f:$LATEST"]


def test_nothing_is_published_when_nothing_changed(lambda_: Any) -> None:
    deploy(lambda_, "f", WHO.replace("VALUE", "1"))
    first = lambda_.publish_version(FunctionName="f")
    again = lambda_.publish_version(FunctionName="f")
    assert (again["Version"], again["RevisionId"]) == ("1", first["RevisionId"])
    lambda_.tag_resource(Resource=first["FunctionArn"].rpartition(":")[0], Tags={"a": "b"})
    assert lambda_.publish_version(FunctionName="f")["Version"] == "1"
    lambda_.update_function_configuration(FunctionName="f", MemorySize=256)
    assert lambda_.publish_version(FunctionName="f")["Version"] == "2"


def test_publishing_may_depend_on_code_and_revision(lambda_: Any) -> None:
    made = deploy(lambda_, "f", WHO.replace("VALUE", "1"))
    change(lambda_, 2)
    latest = lambda_.get_function_configuration(FunctionName="f")
    with refused(r"CodeSHA256 \(.*\) is different from current CodeSHA256 in \$LATEST \(.*\)\. Please try again"):
        lambda_.publish_version(FunctionName="f", CodeSha256=made["CodeSha256"])
    with pytest.raises(lambda_.exceptions.PreconditionFailedException):
        lambda_.publish_version(FunctionName="f", RevisionId=made["RevisionId"])
    assert len(lambda_.list_versions_by_function(FunctionName="f")["Versions"]) == 1
    wanted = {"CodeSha256": latest["CodeSha256"], "RevisionId": latest["RevisionId"]}
    assert lambda_.publish_version(FunctionName="f", **wanted)["Version"] == "1"
    with refused("Function not found: .*:function:g"):
        lambda_.publish_version(FunctionName="g")


def test_creating_and_updating_may_publish(lambda_: Any, account: str) -> None:
    made = deploy(lambda_, "f", WHO.replace("VALUE", "1"), Publish=True)
    assert made["Version"] == "1"
    code = zipped(WHO.replace("VALUE", "2"))
    updated = lambda_.update_function_code(FunctionName="f", ZipFile=code, Publish=True)
    assert (updated["Version"], updated["FunctionArn"]) == ("2", f"arn:aws:lambda:us-east-1:{account}:function:f:2")
    assert [invoke(lambda_, Qualifier=version)[0][0] for version in "12"] == [1, 2]


def test_versions_are_listed_in_pages(versions: Any) -> None:
    for value in range(4, 12):
        change(versions, value)
        versions.publish_version(FunctionName="f")
    pages = list(
        versions.get_paginator("list_versions_by_function").paginate(FunctionName="f", PaginationConfig={"PageSize": 4})
    )
    assert [len(page["Versions"]) for page in pages] == [4, 4, 3]
    shown = [each for page in pages for each in page["Versions"]]
    assert [each["Version"] for each in shown] == ["$LATEST", *map(str, range(1, 11))]
    assert all(each["FunctionArn"].endswith(f":f:{each['Version']}") for each in shown)
    deploy(versions, "e", WHO, Publish=True)
    pages = list(
        versions.get_paginator("list_functions").paginate(FunctionVersion="ALL", PaginationConfig={"PageSize": 5})
    )
    shown = [(each["FunctionName"], each["Version"]) for page in pages for each in page["Functions"]]
    assert shown == [("e", "$LATEST"), ("e", "1"), ("f", "$LATEST"), *(("f", str(each)) for each in range(1, 11))]
    with refused("Invalid Marker"):
        versions.list_versions_by_function(FunctionName="f", Marker="nonsense")


def test_a_version_is_deleted_and_its_number_never_used_again(versions: Any) -> None:
    assert invoke(versions, Qualifier="2")[0][0] == 2
    versions.delete_function(FunctionName="f", Qualifier="2")
    for call in (versions.get_function, versions.invoke, versions.delete_function):
        with pytest.raises(versions.exceptions.ResourceNotFoundException, match=r"Function not found: .*:function:f:2"):
            call(FunctionName="f", Qualifier="2")
    assert versions.publish_version(FunctionName="f")["Version"] == "3"
    with refused(r"\$LATEST version cannot be deleted without deleting the function"):
        versions.delete_function(FunctionName="f", Qualifier="$LATEST")
    versions.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    with refused("Deletion of aliases is not currently supported"):
        versions.delete_function(FunctionName="f", Qualifier="live")
    with pytest.raises(versions.exceptions.ResourceConflictException, match=r"aliases reference it: \[live\]"):
        versions.delete_function(FunctionName="f", Qualifier="1")
    versions.delete_function(FunctionName="f")
    deploy(versions, "f", WHO)
    with pytest.raises(versions.exceptions.ResourceNotFoundException):
        versions.get_alias(FunctionName="f", Name="live")
    assert len(versions.list_versions_by_function(FunctionName="f")["Versions"]) == 1


def test_a_qualifier_given_twice_must_be_the_same(versions: Any) -> None:
    assert invoke(versions, name="f:1", Qualifier="1")[0][0] == 1
    with refused("derived qualifier from the function name does not match"):
        versions.invoke(FunctionName="f:1", Qualifier="2")


# Aliases


def test_an_alias_is_created_shown_changed_listed_and_deleted(versions: Any, account: str) -> None:
    arn = f"arn:aws:lambda:us-east-1:{account}:function:f:live"
    made = versions.create_alias(FunctionName="f", Name="live", FunctionVersion="1", Description="what users get")
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    expected = {"AliasArn": arn, "Name": "live", "FunctionVersion": "1", "Description": "what users get"}
    assert expected.items() <= made.items()
    assert "RoutingConfig" not in made
    assert expected.items() <= versions.get_alias(FunctionName="f", Name="live").items()
    payload, reply = invoke(versions, Qualifier="live")
    assert (payload, reply["ExecutedVersion"]) == ([1, "1", "f:live"], "1")
    shown = versions.get_function(FunctionName="f", Qualifier="live")["Configuration"]
    assert (shown["Version"], shown["FunctionArn"]) == ("1", arn)
    with pytest.raises(versions.exceptions.PreconditionFailedException):
        versions.update_alias(FunctionName="f", Name="live", FunctionVersion="2", RevisionId="x")
    changed = versions.update_alias(FunctionName="f", Name="live", FunctionVersion="2", RevisionId=made["RevisionId"])
    assert (changed["FunctionVersion"], changed["Description"]) == ("2", "what users get")
    assert changed["RevisionId"] != made["RevisionId"]
    assert invoke(versions, name=arn)[0] == [2, "2", "f:live"]
    versions.delete_alias(FunctionName="f", Name="live")
    versions.delete_alias(FunctionName="f", Name="live")
    with pytest.raises(versions.exceptions.ResourceNotFoundException, match=f"Cannot find alias arn: {arn}"):
        versions.get_alias(FunctionName="f", Name="live")
    with pytest.raises(versions.exceptions.ResourceNotFoundException, match=f"Function not found: {arn}"):
        versions.invoke(FunctionName="f", Qualifier="live")


def test_aliases_are_listed_in_pages(versions: Any) -> None:
    for name, version in (("a", "1"), ("b", "2"), ("c", "1"), ("d", "$LATEST")):
        versions.create_alias(FunctionName="f", Name=name, FunctionVersion=version)
    pages = list(versions.get_paginator("list_aliases").paginate(FunctionName="f", PaginationConfig={"PageSize": 3}))
    assert [[each["Name"] for each in page["Aliases"]] for page in pages] == [["a", "b", "c"], ["d"]]
    assert [each["Name"] for each in versions.list_aliases(FunctionName="f", FunctionVersion="1")["Aliases"]] == [
        "a",
        "c",
    ]


def test_an_alias_shares_invocations_between_versions(versions: Any) -> None:
    versions.create_alias(
        FunctionName="f", Name="live", FunctionVersion="1", RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}}
    )
    shown = versions.get_alias(FunctionName="f", Name="live")
    assert shown["RoutingConfig"] == {"AdditionalVersionWeights": {"2": 0.5}}
    replies = [invoke(versions, Qualifier="live") for _ in range(40)]
    counts = [sum(reply["ExecutedVersion"] == version for _, reply in replies) for version in "12"]
    assert min(counts) >= 5
    assert all(payload == [int(reply["ExecutedVersion"]), payload[1], "f:live"] for payload, reply in replies)
    for weight, version in ((1.0, "2"), (0.0, "1")):
        versions.update_alias(FunctionName="f", Name="live", RoutingConfig={"AdditionalVersionWeights": {"2": weight}})
        assert {invoke(versions, Qualifier="live")[1]["ExecutedVersion"] for _ in range(10)} == {version}
    with refused(r"aliases reference it: \[live\]"):
        versions.delete_function(FunctionName="f", Qualifier="2")
    changed = versions.update_alias(FunctionName="f", Name="live", RoutingConfig={"AdditionalVersionWeights": {}})
    assert "RoutingConfig" not in changed


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"FunctionVersion": "7"}, "ResourceNotFoundException.*Function not found: .*:function:f:7"),
        ({"Name": "7"}, "at 'name' failed to satisfy constraint: Member must satisfy regular expression"),
        ({"FunctionVersion": "one"}, "at 'functionVersion' failed to satisfy constraint"),
        ({"RoutingConfig": {"AdditionalVersionWeights": {"1": 0.5}}}, "Function version 1 is already included"),
        ({"RoutingConfig": {"AdditionalVersionWeights": {"7": 0.5}}}, "Function not found: .*:function:f:7"),
        ({"RoutingConfig": {"AdditionalVersionWeights": {"2": 1.5}}}, "Map value must satisfy constraint"),
        ({"RoutingConfig": {"AdditionalVersionWeights": {"2": 0.2, "3": 0.2}}}, "cannot be greater than 1"),
        (
            {"FunctionVersion": "$LATEST", "RoutingConfig": {"AdditionalVersionWeights": {"2": 0.2}}},
            r"\$LATEST is not supported for an alias pointing to more than 1 version",
        ),
        ({"FunctionName": "g"}, "ResourceNotFoundException.*Function not found: .*:function:g"),
    ],
)
def test_aliases_that_are_refused(versions: Any, settings: dict[str, Any], match: str) -> None:
    with refused(match):
        versions.create_alias(**({"FunctionName": "f", "Name": "live", "FunctionVersion": "1"} | settings))
    assert versions.list_aliases(FunctionName="f")["Aliases"] == []


def test_an_alias_exists_once(versions: Any) -> None:
    versions.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    with pytest.raises(
        versions.exceptions.ResourceConflictException, match=r"Alias already exists: .*:function:f:live"
    ):
        versions.create_alias(FunctionName="f", Name="live", FunctionVersion="2")
    with pytest.raises(versions.exceptions.ResourceNotFoundException, match=r"Alias not found: .*:function:f:test"):
        versions.update_alias(FunctionName="f", Name="test", FunctionVersion="2")
    with pytest.raises(versions.exceptions.ResourceNotFoundException, match=r"Function not found: .*:function:f:9"):
        versions.update_alias(FunctionName="f", Name="live", FunctionVersion="9")
    assert versions.get_alias(FunctionName="f", Name="live")["FunctionVersion"] == "1"


# What targets versions and aliases


def test_permissions_belong_to_a_version_or_an_alias(versions: Any) -> None:
    versions.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    permission = {"Action": "lambda:InvokeFunction", "Principal": "sns.amazonaws.com"}
    for qualifier in ("live", "2"):
        made = versions.add_permission(FunctionName="f", Qualifier=qualifier, StatementId="s", **permission)
        assert json.loads(made["Statement"])["Resource"].endswith(f":function:f:{qualifier}")
    with refused("We currently do not support adding policies for"):
        versions.add_permission(FunctionName="f", Qualifier="$LATEST", StatementId="s", **permission)
    with pytest.raises(versions.exceptions.ResourceNotFoundException, match="function:f:test"):
        versions.add_permission(FunctionName="f", Qualifier="test", StatementId="s", **permission)
    policy = versions.get_policy(FunctionName="f", Qualifier="live")
    with pytest.raises(versions.exceptions.ResourceNotFoundException):
        versions.get_policy(FunctionName="f")
    with pytest.raises(versions.exceptions.PreconditionFailedException, match="Call the GetPolicy API"):
        versions.remove_permission(FunctionName="f", Qualifier="live", StatementId="s", RevisionId="x")
    versions.remove_permission(FunctionName="f", Qualifier="live", StatementId="s", RevisionId=policy["RevisionId"])
    with pytest.raises(versions.exceptions.ResourceNotFoundException):
        versions.get_policy(FunctionName="f:live")
    assert versions.get_policy(FunctionName="f:2")["RevisionId"]


def test_every_condition_of_a_permission_is_in_its_statement(versions: Any) -> None:
    made = versions.add_permission(
        FunctionName="f",
        StatementId="s",
        Action="lambda:InvokeFunctionUrl",
        Principal="*",
        FunctionUrlAuthType="NONE",
        EventSourceToken="token",
        SourceAccount="123456789012",
        InvokedViaFunctionUrl=True,
    )
    assert json.loads(made["Statement"])["Condition"] == {
        "StringEquals": {
            "AWS:SourceAccount": "123456789012",
            "lambda:EventSourceToken": "token",
            "lambda:FunctionUrlAuthType": "NONE",
        },
        "Bool": {"lambda:InvokedViaFunctionUrl": "true"},
    }
    with refused("FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action"):
        versions.add_permission(
            FunctionName="f", StatementId="t", Action="lambda:InvokeFunction", Principal="*", FunctionUrlAuthType="NONE"
        )


def test_events_of_all_kinds_reach_an_alias(client: Callable[..., Any], account: str, tmp_path: Path) -> None:
    lambda_, sqs, sns = client("lambda"), client("sqs"), client("sns")
    source = """
        import os
        def handler(event, context):
            with open(os.environ["RECORD"], "a") as file:
                kind = (event.get("Records") or [{}])[0]
                kind = kind.get("eventSource") or kind.get("EventSource") or "async"
                file.write(f"{kind} {context.function_version} {context.invoked_function_arn.split(':', 6)[6]}\\n")
    """
    record = tmp_path / "record"
    deploy(lambda_, "f", source, Publish=True, Environment={"Variables": {"RECORD": str(record)}})
    lambda_.update_function_configuration(FunctionName="f", Handler="app.missing")
    arn = lambda_.create_alias(FunctionName="f", Name="live", FunctionVersion="1")["AliasArn"]
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    queue = f"arn:aws:sqs:us-east-1:{account}:q"
    mapping = lambda_.create_event_source_mapping(EventSourceArn=queue, FunctionName=arn)
    assert mapping["FunctionArn"] == arn
    topic = sns.create_topic(Name="t")["TopicArn"]
    subscription = sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn, ReturnSubscriptionArn=True)
    shown = sns.get_subscription_attributes(SubscriptionArn=subscription["SubscriptionArn"])
    assert shown["Attributes"]["Endpoint"] == arn
    sqs.send_message(QueueUrl=url, MessageBody="m")
    sns.publish(TopicArn=topic, Message="m")
    lambda_.invoke(FunctionName="f", Qualifier="live", InvocationType="Event")
    wait_for(lambda: record.exists() and len(record.read_text().splitlines()) == 3)
    assert sorted(record.read_text().splitlines()) == [
        "async 1 f:live",
        "aws:sns 1 f:live",
        "aws:sqs 1 f:live",
    ]
    assert len(lambda_.list_event_source_mappings(FunctionName="f:live")["EventSourceMappings"]) == 1
    assert lambda_.list_event_source_mappings(FunctionName="f")["EventSourceMappings"] == []
    lambda_.create_event_source_mapping(EventSourceArn=queue, FunctionName="f:1", Enabled=False)
    with pytest.raises(lambda_.exceptions.ResourceNotFoundException, match="function:f:2"):
        lambda_.update_event_source_mapping(UUID=mapping["UUID"], FunctionName="f:2")
    moved = lambda_.update_event_source_mapping(UUID=mapping["UUID"], FunctionName="f:$LATEST")
    assert moved["FunctionArn"].endswith(":f:$LATEST")


def test_a_version_outlives_the_code_that_the_function_had(lambda_: Any) -> None:
    lambda_.create_function(
        FunctionName="f",
        Runtime="python3.11",
        Handler="app.handler",
        Role=ROLE,
        Code={"ZipFile": zipped(WHO.replace("VALUE", "1"))},
        Publish=True,
    )
    change(lambda_, 2)
    change(lambda_, 3)
    assert invoke(lambda_, Qualifier="1")[0][0] == 1
