"""AWS Identity and Access Management through boto3: roles, what is embedded in them and attached to them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.testing.server import ThreadedServer

    Make = Callable[..., Any]

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}
GRANT = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]}
BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


@pytest.fixture
def iam(client: Make) -> Any:
    return client("iam", parameter_validation=False)


@pytest.fixture
def role(iam: Any) -> dict[str, Any]:
    return create(iam, "Worker")


def create(iam: Any, name: str, **more: Any) -> dict[str, Any]:
    return iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST), **more)["Role"]


def refused(code: str, text: str = "") -> Any:
    return pytest.raises(ClientError, match=rf"\({code}\).*{text}")


# Roles


def test_a_role_is_created_shown_and_deleted(iam: Any, account: str) -> None:
    tags = [{"Key": "team", "Value": "billing"}]
    made = create(iam, "Worker", Path="/ops/", Description="does it", MaxSessionDuration=7200, Tags=tags)
    shown = iam.get_role(RoleName="Worker")["Role"]
    assert shown.pop("RoleLastUsed") == {}
    assert shown == made
    assert abs(shown.pop("CreateDate") - datetime.now(UTC)) < timedelta(minutes=1)
    role_id = shown.pop("RoleId")
    assert role_id.startswith("AROA")
    assert len(role_id) == 21
    assert shown == {
        "Path": "/ops/",
        "RoleName": "Worker",
        "Arn": f"arn:aws:iam::{account}:role/ops/Worker",
        "AssumeRolePolicyDocument": TRUST,
        "Description": "does it",
        "MaxSessionDuration": 7200,
        "Tags": tags,
    }
    iam.delete_role(RoleName="Worker")
    with refused("NoSuchEntity", "The role with name Worker cannot be found.") as caught:
        iam.get_role(RoleName="Worker")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert isinstance(caught.value, iam.exceptions.NoSuchEntityException)
    with refused("NoSuchEntity"):
        iam.delete_role(RoleName="Worker")


def test_names_are_unique_whatever_their_case(iam: Any, role: dict[str, Any]) -> None:
    with refused("EntityAlreadyExists", "Role with name worker already exists.") as caught:
        create(iam, "worker")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409
    assert iam.get_role(RoleName="WORKER")["Role"]["RoleName"] == "Worker"


def test_roles_are_of_the_account_and_not_of_a_region(client: Make, role: dict[str, Any]) -> None:
    assert client("iam", region="eu-west-1").get_role(RoleName="Worker")["Role"]["Arn"] == role["Arn"]


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"RoleName": "a/b"}, "ValidationError", r"The specified value for roleName is invalid. .*: \+=,.@_-"),
        ({"RoleName": "x" * 65}, "ValidationError", "'roleName' failed to satisfy constraint: Member must have length"),
        ({"RoleName": None}, "ValidationError", "Value null at 'roleName' failed to satisfy constraint"),
        ({"Path": "ops"}, "ValidationError", "'path' failed to satisfy constraint"),
        ({"MaxSessionDuration": 3599}, "ValidationError", "greater than or equal to 3600"),
        ({"Description": "\u2603"}, "ValidationError", "'description' failed to satisfy constraint"),
        ({"Tags": [{"Key": "", "Value": "x"}]}, "ValidationError", "'tags.1.member.key'"),
        ({"Tags": [{"Key": "a"}]}, "ValidationError", "Value null at 'tags.1.member.value'"),
        ({"Tags": [{"Key": "a", "Value": ""}, {"Key": "A", "Value": ""}]}, "InvalidInput", "Duplicate tag keys"),
        ({"AssumeRolePolicyDocument": "{"}, "MalformedPolicyDocument", "This policy contains invalid Json"),
        ({"AssumeRolePolicyDocument": json.dumps(GRANT)}, "MalformedPolicyDocument", "prohibited field Resource"),
        ({"AssumeRolePolicyDocument": json.dumps(TRUST | {"Id": "x" * 2048})}, "LimitExceeded", "ACLSizePerRole: 2048"),
        ({"PermissionsBoundary": "arn:aws:iam::aws:policy/None"}, "NoSuchEntity", "Scope ARN: arn:aws:iam::aws:policy"),
    ],
)
def test_roles_that_are_refused(iam: Any, change: dict[str, Any], code: str, message: str) -> None:
    request = {"RoleName": "Worker", "AssumeRolePolicyDocument": json.dumps(TRUST)} | change
    with refused(code, message):
        iam.create_role(**{key: value for key, value in request.items() if value is not None})
    assert iam.list_roles()["Roles"] == []


def test_roles_are_listed_in_pages_and_in_brief(iam: Any) -> None:
    for name in ("c", "a", "b"):
        create(iam, name, Path="/ops/" if name == "b" else "/", Tags=[{"Key": "k", "Value": "v"}], Description="d")
    first = iam.list_roles(MaxItems=2)
    assert first["IsTruncated"]
    assert [role["RoleName"] for role in first["Roles"]] == ["a", "b"]
    assert first["Roles"][0]["AssumeRolePolicyDocument"] == TRUST
    assert first["Roles"][0]["Description"] == "d"
    assert "Tags" not in first["Roles"][0]
    rest = iam.list_roles(MaxItems=2, Marker=first["Marker"])
    assert not rest["IsTruncated"]
    assert "Marker" not in rest
    assert [role["RoleName"] for role in rest["Roles"]] == ["c"]
    assert [role["RoleName"] for role in iam.list_roles(PathPrefix="/ops/")["Roles"]] == ["b"]
    with refused("ValidationError", "Invalid Marker."):
        iam.list_roles(Marker="nonsense!")
    with refused("ValidationError", "'maxItems'"):
        iam.list_roles(MaxItems=1001)


def test_a_role_is_changed(iam: Any, role: dict[str, Any]) -> None:
    iam.update_role(RoleName="Worker", Description="new", MaxSessionDuration=43_200)
    iam.update_role(RoleName="Worker")
    assert iam.update_role_description(RoleName="Worker", Description="newer")["Role"]["MaxSessionDuration"] == 43_200
    changed = json.dumps(TRUST).replace("lambda", "events")
    iam.update_assume_role_policy(RoleName="Worker", PolicyDocument=changed)
    shown = iam.get_role(RoleName="Worker")["Role"]
    assert (shown["Description"], shown["AssumeRolePolicyDocument"]) == ("newer", json.loads(changed))
    with refused("MalformedPolicyDocument"):
        iam.update_assume_role_policy(RoleName="Worker", PolicyDocument=json.dumps(GRANT))
    for call in (iam.update_role, iam.update_role_description):
        with refused("NoSuchEntity", "The role with name none cannot be found."):
            call(RoleName="none", Description="d")


def test_tags_of_a_role(iam: Any, role: dict[str, Any]) -> None:
    iam.tag_role(RoleName="Worker", Tags=[{"Key": "b", "Value": "1"}, {"Key": "a", "Value": "höhe ツ"}])
    iam.tag_role(RoleName="Worker", Tags=[{"Key": "b", "Value": "2"}])
    tags = [{"Key": "a", "Value": "höhe ツ"}, {"Key": "b", "Value": "2"}]
    assert iam.list_role_tags(RoleName="Worker")["Tags"] == tags
    first = iam.list_role_tags(RoleName="Worker", MaxItems=1)
    assert first["Tags"] == tags[:1]
    assert iam.list_role_tags(RoleName="Worker", Marker=first["Marker"])["Tags"] == tags[1:]
    iam.untag_role(RoleName="Worker", TagKeys=["b", "unknown"])
    assert iam.get_role(RoleName="Worker")["Role"]["Tags"] == tags[:1]
    many = [{"Key": str(number), "Value": ""} for number in range(50)]
    with refused("LimitExceeded", "Cannot exceed quota for TagsPerRole: 50"):
        iam.tag_role(RoleName="Worker", Tags=many)


# Embedded policies


def test_policies_that_are_embedded(iam: Any, role: dict[str, Any]) -> None:
    document = json.dumps(GRANT, indent=2) + "\n"
    for name in ("two", "one"):
        iam.put_role_policy(RoleName="Worker", PolicyName=name, PolicyDocument=document)
    changed = json.dumps(GRANT).replace("sqs", "sns")
    iam.put_role_policy(RoleName="Worker", PolicyName="two", PolicyDocument=changed)
    first = iam.list_role_policies(RoleName="Worker", MaxItems=1)
    assert first["PolicyNames"] == ["one"]
    assert iam.list_role_policies(RoleName="Worker", Marker=first["Marker"])["PolicyNames"] == ["two"]
    shown = iam.get_role_policy(RoleName="Worker", PolicyName="two")
    assert (shown["RoleName"], shown["PolicyName"], shown["PolicyDocument"]) == ("Worker", "two", json.loads(changed))
    with refused("DeleteConflict", "Cannot delete entity, must delete policies first."):
        iam.delete_role(RoleName="Worker")
    for name in ("one", "two"):
        iam.delete_role_policy(RoleName="Worker", PolicyName=name)
    with refused("NoSuchEntity", "The role policy with name one cannot be found."):
        iam.get_role_policy(RoleName="Worker", PolicyName="one")
    with refused("NoSuchEntity", "The role policy with name one cannot be found."):
        iam.delete_role_policy(RoleName="Worker", PolicyName="one")
    with refused("NoSuchEntity", "The role with name none cannot be found."):
        iam.put_role_policy(RoleName="none", PolicyName="one", PolicyDocument=document)
    iam.delete_role(RoleName="Worker")


def test_documents_come_back_to_the_letter_and_url_encoded(iam: Any, role: dict[str, Any], server: Any) -> None:
    from urllib.parse import unquote
    from urllib.request import Request, urlopen

    document = '{"Version": "2012-10-17",\r\n\t"Statement": {"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"}}'
    iam.put_role_policy(RoleName="Worker", PolicyName="p", PolicyDocument=document)
    scope = f"{role['Arn'].split(':')[4]}/20261122/us-east-1/iam/aws4_request"
    headers = {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"}
    form = b"Action=GetRolePolicy&Version=2010-05-08&RoleName=Worker&PolicyName=p"
    with urlopen(Request(server.url, form, headers)) as reply:
        text = reply.read().decode()
    encoded = text.partition("<PolicyDocument>")[2].partition("</PolicyDocument>")[0]
    assert unquote(encoded) == document
    assert encoded.startswith("%7B%22Version%22%3A%20%222012-10-17%22%2C%0D%0A%09%22Statement")
    assert text.endswith("</RequestId></ResponseMetadata></GetRolePolicyResponse>")
    assert '<GetRolePolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><GetRolePolicyResult>' in text


def test_embedded_policies_have_a_limit_together(iam: Any, role: dict[str, Any]) -> None:
    action = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sqs:%s", "Resource": "*"}}'
    for name in ("one", "two"):
        iam.put_role_policy(RoleName="Worker", PolicyName=name, PolicyDocument=action % ("x" * 5_000) + " " * 5_000)
    with refused("LimitExceeded", "Maximum policy size of 10240 bytes exceeded for role Worker"):
        iam.put_role_policy(RoleName="Worker", PolicyName="three", PolicyDocument=action % ("x" * 200))


# Attached policies


@pytest.mark.parametrize(
    "name",
    [
        "service-role/AWSLambdaBasicExecutionRole",
        "service-role/AWSLambdaSQSQueueExecutionRole",
        "service-role/AWSLambdaVPCAccessExecutionRole",
        "AmazonDynamoDBFullAccess",
        "AmazonSQSFullAccess",
        "AmazonS3ReadOnlyAccess",
        "AdministratorAccess",
    ],
)
def test_aws_s_own_policies_are_attached(iam: Any, role: dict[str, Any], name: str) -> None:
    arn = f"arn:aws:iam::aws:policy/{name}"
    iam.attach_role_policy(RoleName="Worker", PolicyArn=arn)
    (attached,) = iam.list_attached_role_policies(RoleName="Worker")["AttachedPolicies"]
    assert attached == {"PolicyName": name.rpartition("/")[2], "PolicyArn": arn}
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1


def test_policies_are_attached_and_detached(iam: Any, role: dict[str, Any]) -> None:
    own = iam.create_policy(PolicyName="Own", Path="/ops/", PolicyDocument=json.dumps(GRANT))["Policy"]["Arn"]
    for _ in range(2):
        iam.attach_role_policy(RoleName="Worker", PolicyArn=own)
    iam.attach_role_policy(RoleName="Worker", PolicyArn=BASIC)
    listed = iam.list_attached_role_policies(RoleName="Worker", PathPrefix="/ops/")["AttachedPolicies"]
    assert listed == [{"PolicyName": "Own", "PolicyArn": own}]
    pages = iam.get_paginator("list_attached_role_policies").paginate(
        RoleName="Worker", PaginationConfig={"PageSize": 1}
    )
    assert {policy["PolicyArn"] for page in pages for policy in page["AttachedPolicies"]} == {own, BASIC}
    with refused("DeleteConflict", "Cannot delete entity, must detach all policies first."):
        iam.delete_role(RoleName="Worker")
    with refused("DeleteConflict", "Cannot delete a policy attached to entities."):
        iam.delete_policy(PolicyArn=own)
    for arn in (own, BASIC):
        iam.detach_role_policy(RoleName="Worker", PolicyArn=arn)
    with refused("NoSuchEntity", f"Policy {own} was not found."):
        iam.detach_role_policy(RoleName="Worker", PolicyArn=own)
    iam.delete_role(RoleName="Worker")


@pytest.mark.parametrize(
    ("arn", "code", "message"),
    [
        ("arn:aws:iam::aws:policy/AmazonNothing", "NoSuchEntity", "does not exist or is not attachable."),
        ("arn:aws:iam::aws:policy/AWSLambdaBasicExecutionRole", "NoSuchEntity", "does not exist or is not attachable."),
        ("arn:aws:iam::123456789012:policy/Theirs", "NoSuchEntity", "does not exist or is not attachable."),
        ("arn:aws:sqs:us-east-1:123456789012:queue", "InvalidInput", "ARN arn:aws:sqs.* is not valid."),
        ("too short", "ValidationError", "'policyArn' failed to satisfy constraint"),
    ],
)
def test_policies_that_are_not_attached(iam: Any, role: dict[str, Any], arn: str, code: str, message: str) -> None:
    with refused(code, message):
        iam.attach_role_policy(RoleName="Worker", PolicyArn=arn)


def test_ten_policies_are_attached_at_the_most(iam: Any, role: dict[str, Any]) -> None:
    known = [policy["Arn"] for policy in iam.list_policies(Scope="AWS")["Policies"]]
    for arn in known[:10]:
        iam.attach_role_policy(RoleName="Worker", PolicyArn=arn)
    with refused("LimitExceeded", "Cannot exceed quota for PoliciesPerRole: 10"):
        iam.attach_role_policy(RoleName="Worker", PolicyArn=known[10])


def test_a_boundary_is_set_and_removed(iam: Any) -> None:
    create(iam, "Worker", PermissionsBoundary="arn:aws:iam::aws:policy/PowerUserAccess")
    own = iam.create_policy(PolicyName="Own", PolicyDocument=json.dumps(GRANT))["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName="Worker", PermissionsBoundary=own)
    shown = iam.get_role(RoleName="Worker")["Role"]["PermissionsBoundary"]
    assert shown == {"PermissionsBoundaryType": "PermissionsBoundaryPolicy", "PermissionsBoundaryArn": own}
    assert iam.get_policy(PolicyArn=own)["Policy"]["PermissionsBoundaryUsageCount"] == 1
    with refused("DeleteConflict"):
        iam.delete_policy(PolicyArn=own)
    iam.delete_role_permissions_boundary(RoleName="Worker")
    assert "PermissionsBoundary" not in iam.get_role(RoleName="Worker")["Role"]
    with refused("NoSuchEntity"):
        iam.delete_role_permissions_boundary(RoleName="Worker")


def test_what_there_is_not(iam: Any, role: dict[str, Any]) -> None:
    assert iam.list_instance_profiles_for_role(RoleName="Worker")["InstanceProfiles"] == []
    with refused("NoSuchEntity"):
        iam.list_instance_profiles_for_role(RoleName="none")
    for operation, name in (("create_user", "CreateUser"), ("create_service_linked_role", "CreateServiceLinkedRole")):
        with refused("InvalidAction", f"does not support the operation {name} of IAM"):
            getattr(iam, operation)()


def test_roles_outlive_the_process_s_memory(timed_client: Make, timed_server: ThreadedServer) -> None:
    iam = timed_client("iam")
    first = create(iam, "a")["RoleId"]
    second = create(iam, "b")["RoleId"]
    assert first != second
    assert iam.get_role(RoleName="a")["Role"]["CreateDate"].timestamp() == timed_server.clock.now() // 1_000_000
