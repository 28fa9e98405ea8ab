"""AWS Identity and Access Management through boto3: managed policies and their versions."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., Any]

BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


def document(action: str = "sqs:*") -> str:
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def iam(client: Make) -> Any:
    return client("iam", parameter_validation=False)


@pytest.fixture
def arn(iam: Any) -> str:
    return iam.create_policy(PolicyName="Own", PolicyDocument=document())["Policy"]["Arn"]


def refused(code: str, text: str = "") -> Any:
    return pytest.raises(ClientError, match=rf"\({code}\).*{text}")


def test_a_policy_is_created_shown_and_deleted(iam: Any, account: str) -> None:
    tags = [{"Key": "a", "Value": "b"}]
    made = iam.create_policy(PolicyName="Own", Path="/ops/", Description="d", PolicyDocument=document(), Tags=tags)[
        "Policy"
    ]
    shown = iam.get_policy(PolicyArn=made["Arn"])["Policy"]
    assert shown == made
    assert shown.pop("CreateDate") == shown["UpdateDate"]
    assert abs(shown.pop("UpdateDate") - datetime.now(UTC)) < timedelta(minutes=1)
    policy_id = shown.pop("PolicyId")
    assert policy_id.startswith("ANPA")
    assert len(policy_id) == 21
    assert shown == {
        "PolicyName": "Own",
        "Arn": f"arn:aws:iam::{account}:policy/ops/Own",
        "Path": "/ops/",
        "DefaultVersionId": "v1",
        "AttachmentCount": 0,
        "PermissionsBoundaryUsageCount": 0,
        "IsAttachable": True,
        "Description": "d",
        "Tags": tags,
    }
    iam.delete_policy(PolicyArn=made["Arn"])
    with refused("NoSuchEntity", f"Policy {made['Arn']} was not found."):
        iam.get_policy(PolicyArn=made["Arn"])
    with refused("NoSuchEntity"):
        iam.delete_policy(PolicyArn=made["Arn"])


def test_names_are_unique_whatever_their_case_and_path(iam: Any, arn: str) -> None:
    with refused("EntityAlreadyExists", "A policy called own already exists. Duplicate names are not allowed."):
        iam.create_policy(PolicyName="own", Path="/ops/", PolicyDocument=document())
    with refused("NoSuchEntity"):
        iam.get_policy(PolicyArn=arn.replace("Own", "own"))
    with refused("NoSuchEntity"):
        iam.get_policy(PolicyArn=arn.replace("Own", "ops/Own"))


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"PolicyName": "a b"}, "ValidationError", "The specified value for policyName is invalid."),
        ({"Path": "/a b/"}, "ValidationError", "'path' failed to satisfy constraint"),
        ({"PolicyDocument": "nonsense"}, "MalformedPolicyDocument", "Syntax errors in policy."),
        ({"PolicyDocument": document("sqs")}, "MalformedPolicyDocument", "must be prefaced by a vendor"),
        (
            {"PolicyDocument": document("sqs:" + "x" * 6_144)},
            "LimitExceeded",
            "Cannot exceed quota for PolicySize: 6144",
        ),
    ],
)
def test_policies_that_are_refused(iam: Any, change: dict[str, Any], code: str, message: str) -> None:
    with refused(code, message):
        iam.create_policy(**{"PolicyName": "Own", "PolicyDocument": document()} | change)


def test_versions(iam: Any, arn: str) -> None:
    second = iam.create_policy_version(PolicyArn=arn, PolicyDocument=document("sns:*"))["PolicyVersion"]
    assert (second["VersionId"], second["IsDefaultVersion"]) == ("v2", False)
    third = iam.create_policy_version(PolicyArn=arn, PolicyDocument=document("s3:*"), SetAsDefault=True)
    assert third["PolicyVersion"]["IsDefaultVersion"]
    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v3"
    shown = iam.get_policy_version(PolicyArn=arn, VersionId="v2")["PolicyVersion"]
    assert shown["Document"] == json.loads(document("sns:*"))
    listed = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    assert [(each["VersionId"], each["IsDefaultVersion"]) for each in listed] == [
        ("v3", True),
        ("v2", False),
        ("v1", False),
    ]
    assert "Document" not in listed[0]
    first = iam.list_policy_versions(PolicyArn=arn, MaxItems=2)
    rest = iam.list_policy_versions(PolicyArn=arn, Marker=first["Marker"])
    assert [each["VersionId"] for each in rest["Versions"]] == ["v1"]
    for _ in range(2):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=document())
    with refused("LimitExceeded", "A managed policy can have up to 5 versions."):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=document())
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    with refused("DeleteConflict", "Cannot delete the default version of a policy."):
        iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
    with refused("DeleteConflict", "This policy has more than one version."):
        iam.delete_policy(PolicyArn=arn)
    for version in ("v2", "v3", "v4", "v5"):
        iam.delete_policy_version(PolicyArn=arn, VersionId=version)
    for version in ("v2", "v1.0"):
        with refused("NoSuchEntity", f"Policy {arn} version {version} does not exist or is not attachable."):
            iam.set_default_policy_version(PolicyArn=arn, VersionId=version)
        with refused("NoSuchEntity", f"version {version} does not exist"):
            iam.get_policy_version(PolicyArn=arn, VersionId=version)
        with refused("NoSuchEntity", f"version {version} does not exist"):
            iam.delete_policy_version(PolicyArn=arn, VersionId=version)
    with refused("ValidationError", "'versionId' failed to satisfy constraint"):
        iam.get_policy_version(PolicyArn=arn, VersionId="2")
    iam.delete_policy(PolicyArn=arn)


def test_aws_s_own_policies_are_read_and_not_changed(iam: Any) -> None:
    shown = iam.get_policy(PolicyArn=BASIC)["Policy"]
    assert (shown["Path"], shown["DefaultVersionId"], shown["Tags"]) == ("/service-role/", "v1", [])
    version = iam.get_policy_version(PolicyArn=BASIC, VersionId="v1")["PolicyVersion"]
    actions = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    assert version["Document"] == {"Version": "2012-10-17", "Statement": [statement]}
    assert [each["VersionId"] for each in iam.list_policy_versions(PolicyArn=BASIC)["Versions"]] == ["v1"]
    for call, more in (
        (iam.delete_policy, {}),
        (iam.create_policy_version, {"PolicyDocument": document()}),
        (iam.tag_policy, {"Tags": [{"Key": "a", "Value": "b"}]}),
    ):
        with refused("AccessDenied", "Policy is outside your own account."):
            call(PolicyArn=BASIC, **more)


def test_every_policy_of_aws_s_own_is_one(iam: Any) -> None:
    from fogbank.clouds.aws.iam.catalogue import aws_policies
    from fogbank.clouds.aws.policy_documents import Kind, check_policy

    listed = iam.list_policies(Scope="AWS", MaxItems=1000)["Policies"]
    assert sorted(policy["Arn"] for policy in listed) == sorted(policy.arn for policy in aws_policies())
    for policy in aws_policies():
        check_policy(policy.document, Kind.MANAGED)
        assert policy.description


def test_policies_are_listed(iam: Any, arn: str) -> None:
    trust = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}}'
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust, PermissionsBoundary=arn)
    iam.attach_role_policy(RoleName="r", PolicyArn=BASIC)
    other = iam.create_policy(PolicyName="Other", Path="/ops/", PolicyDocument=document())["Policy"]["Arn"]

    def listed(**wanted: Any) -> list[str]:
        pages = iam.get_paginator("list_policies").paginate(**wanted, PaginationConfig={"PageSize": 7})
        return [policy["Arn"] for page in pages for policy in page["Policies"]]

    assert listed(Scope="Local") == [arn, other]
    assert listed(Scope="Local", PathPrefix="/ops/") == [other]
    assert set(listed()) == {arn, other, *listed(Scope="AWS")}
    assert listed(OnlyAttached=True) == [arn, BASIC]
    assert listed(PolicyUsageFilter="PermissionsPolicy") == [BASIC]
    assert listed(PolicyUsageFilter="PermissionsBoundary") == [arn]


def test_who_has_a_policy(iam: Any, arn: str) -> None:
    trust = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}}'
    ids = {}
    for name in ("b", "a", "c"):
        path = "/ops/" if name == "b" else "/"
        ids[name] = iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=trust)["Role"]["RoleId"]
        if name == "c":
            iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=arn)
        else:
            iam.attach_role_policy(RoleName=name, PolicyArn=arn)

    def roles(**wanted: Any) -> list[str]:
        return [each["RoleName"] for each in iam.list_entities_for_policy(PolicyArn=arn, **wanted)["PolicyRoles"]]

    everything = iam.list_entities_for_policy(PolicyArn=arn)
    assert everything["PolicyRoles"] == [{"RoleName": name, "RoleId": ids[name]} for name in "abc"]
    assert (everything["PolicyUsers"], everything["PolicyGroups"]) == ([], [])
    assert roles(PathPrefix="/ops/") == ["b"]
    assert roles(EntityFilter="Role", PolicyUsageFilter="PermissionsBoundary") == ["c"]
    assert roles(EntityFilter="User") == []
    first = iam.list_entities_for_policy(PolicyArn=arn, MaxItems=2)
    assert roles(Marker=first["Marker"]) == ["c"]
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 2
    with refused("NoSuchEntity"):
        iam.list_entities_for_policy(PolicyArn=f"{arn}x")


def test_tags_of_a_policy(iam: Any, arn: str) -> None:
    iam.tag_policy(PolicyArn=arn, Tags=[{"Key": "b", "Value": "1"}, {"Key": "a", "Value": "2"}])
    iam.untag_policy(PolicyArn=arn, TagKeys=["b"])
    assert iam.list_policy_tags(PolicyArn=arn)["Tags"] == [{"Key": "a", "Value": "2"}]
    assert iam.get_policy(PolicyArn=arn)["Policy"]["Tags"] == [{"Key": "a", "Value": "2"}]
    with refused("LimitExceeded", "Cannot exceed quota for TagsPerPolicy: 50"):
        iam.tag_policy(PolicyArn=arn, Tags=[{"Key": str(number), "Value": ""} for number in range(50)])
