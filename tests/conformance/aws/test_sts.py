"""AWS Security Token Service through boto3, and temporary credentials at every service."""

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

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
    }
)
LIMITS = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})


@pytest.fixture
def sts(client: Make) -> Any:
    return client("sts", parameter_validation=False)


@pytest.fixture
def role(client: Make) -> dict[str, Any]:
    made = client("iam").create_role(RoleName="Worker", Path="/ops/", AssumeRolePolicyDocument=TRUST)
    return made["Role"]


def refused(code: str, text: str = "") -> Any:
    return pytest.raises(ClientError, match=rf"{code}.*{text}")


def with_credentials(server: ThreadedServer, service: str, credentials: dict[str, Any]) -> Any:
    import boto3
    from botocore.config import Config

    return boto3.client(
        service,
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
        config=Config(retries={"max_attempts": 0}),
    )


def identity(sts: Any) -> tuple[str, str, str]:
    found = sts.get_caller_identity()
    return found["UserId"], found["Account"], found["Arn"]


def test_the_caller_is_the_account_s_root(sts: Any, account: str) -> None:
    assert identity(sts) == (account, account, f"arn:aws:iam::{account}:root")


def test_keys_that_nobody_issued_belong_to_the_default_account(server: ThreadedServer) -> None:
    for key in ("AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE", "test"):
        credentials = {"AccessKeyId": key, "SecretAccessKey": "s", "SessionToken": "t"}
        sts = with_credentials(server, "sts", credentials)
        assert identity(sts) == ("000000000000", "000000000000", "arn:aws:iam::000000000000:root")


def test_an_assumed_role_acts_in_its_account(
    sts: Any, client: Make, server: ThreadedServer, role: dict[str, Any], account: str
) -> None:
    reply = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="me@work")
    credentials = reply["Credentials"]
    assert credentials["AccessKeyId"].startswith("ASIA")
    assert len(credentials["AccessKeyId"]) == 20
    assert len(credentials["SecretAccessKey"]) == 40
    lifetime = credentials["Expiration"] - datetime.now(UTC)
    assert timedelta(minutes=59) < lifetime <= timedelta(hours=1)
    arn = f"arn:aws:sts::{account}:assumed-role/Worker/me@work"
    assert reply["AssumedRoleUser"] == {"AssumedRoleId": f"{role['RoleId']}:me@work", "Arn": arn}
    assert "PackedPolicySize" not in reply
    session = with_credentials(server, "sts", credentials)
    assert identity(session) == (f"{role['RoleId']}:me@work", account, arn)
    assert session.get_access_key_info(AccessKeyId=credentials["AccessKeyId"])["Account"] == account
    client("sqs").create_queue(QueueName="mine")
    (url,) = with_credentials(server, "sqs", credentials).list_queues()["QueueUrls"]
    assert url.endswith(f"/{account}/mine")


def test_a_role_of_another_account_is_assumed_across(
    client: Make, server: ThreadedServer, role: dict[str, Any], account: str
) -> None:
    stranger = with_credentials(
        server, "sts", {"AccessKeyId": "999999999999", "SecretAccessKey": "s", "SessionToken": None}
    )
    reply = stranger.assume_role(RoleArn=role["Arn"], RoleSessionName="guest", ExternalId="secret-id")
    assert identity(with_credentials(server, "sts", reply["Credentials"]))[1] == account


def test_what_narrows_a_session_is_taken_and_counted(sts: Any, server: ThreadedServer, role: dict[str, Any]) -> None:
    reply = sts.assume_role(
        RoleArn=role["Arn"],
        RoleSessionName="me",
        Policy=LIMITS,
        PolicyArns=[{"arn": "arn:aws:iam::aws:policy/AmazonSQSFullAccess"}],
        Tags=[{"Key": "team", "Value": "billing"}],
        TransitiveTagKeys=["team"],
        SourceIdentity="alice",
    )
    assert 0 < reply["PackedPolicySize"] <= 100
    assert reply["SourceIdentity"] == "alice"
    chained = with_credentials(server, "sts", reply["Credentials"])
    again = chained.assume_role(RoleArn=role["Arn"], RoleSessionName="you")
    assert again["SourceIdentity"] == "alice", "it stays with the chain"
    assert again["PackedPolicySize"] > 0, "transitive tags pass on"


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"RoleArn": "arn:aws:iam::123456789012:role/none"}, "AccessDenied", "not authorized to perform: sts:Assume"),
        ({"RoleArn": "arn:aws:iam::123456789012:user/somebody"}, "ValidationError", "Request ARN is invalid"),
        ({"RoleSessionName": "a b"}, "ValidationError", "'roleSessionName' failed to satisfy constraint"),
        ({"RoleSessionName": "x"}, "ValidationError", "length greater than or equal to 2"),
        ({"RoleSessionName": None}, "ValidationError", "Value null at 'roleSessionName'"),
        ({"DurationSeconds": 899}, "ValidationError", "greater than or equal to 900"),
        ({"DurationSeconds": 3601}, "ValidationError", "exceeds the MaxSessionDuration set for this role."),
        ({"DurationSeconds": "soon"}, "MalformedInput", "DurationSeconds"),
        ({"Policy": "{}"}, "MalformedPolicyDocument", "Syntax errors in policy."),
        ({"Tags": [{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]}, "InvalidParameterValue", "Duplicate tag"),
        ({"TransitiveTagKeys": ["a"]}, "InvalidParameterValue", "transitive tag key"),
        ({"SerialNumber": "arn:aws:iam::1:mfa/me"}, "ValidationError", "does not support the parameter SerialNumber"),
    ],
)
def test_requests_for_a_role_that_are_refused(
    sts: Any, role: dict[str, Any], change: dict[str, Any], code: str, message: str
) -> None:
    request = {"RoleArn": role["Arn"], "RoleSessionName": "me"} | change
    with refused(code, message):
        sts.assume_role(**{key: value for key, value in request.items() if value is not None})


def test_a_role_may_allow_longer_sessions_but_not_to_sessions(
    sts: Any, client: Make, server: ThreadedServer, role: dict[str, Any]
) -> None:
    client("iam").update_role(RoleName="Worker", MaxSessionDuration=43_200)
    reply = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="me", DurationSeconds=43_200)
    assert reply["Credentials"]["Expiration"] - datetime.now(UTC) > timedelta(hours=11)
    session = with_credentials(server, "sts", reply["Credentials"])
    with refused("ValidationError", "1 hour session limit for roles assumed by role chaining"):
        session.assume_role(RoleArn=role["Arn"], RoleSessionName="me", DurationSeconds=3_601)


def test_session_tokens_are_the_account_s_for_an_hour(sts: Any, server: ThreadedServer, account: str) -> None:
    credentials = sts.get_session_token(DurationSeconds=43_200)["Credentials"]
    assert credentials["Expiration"] - datetime.now(UTC) <= timedelta(hours=1)
    session = with_credentials(server, "sts", credentials)
    assert identity(session) == (account, account, f"arn:aws:iam::{account}:root")
    with refused("AccessDenied", "Cannot call GetSessionToken with session credentials"):
        session.get_session_token()


def test_federated_users_go_by_their_names(sts: Any, server: ThreadedServer, account: str) -> None:
    reply = sts.get_federation_token(Name="Bob", Policy=LIMITS)
    arn = f"arn:aws:sts::{account}:federated-user/Bob"
    assert reply["FederatedUser"] == {"FederatedUserId": f"{account}:Bob", "Arn": arn}
    assert identity(with_credentials(server, "sts", reply["Credentials"])) == (f"{account}:Bob", account, arn)


def test_credentials_expire_by_the_clock(timed_client: Make, timed_server: ThreadedServer) -> None:
    made = timed_client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)["Role"]
    credentials = timed_client("sts").assume_role(RoleArn=made["Arn"], RoleSessionName="me")["Credentials"]
    sts, sqs, logs = (with_credentials(timed_server, service, credentials) for service in ("sts", "sqs", "logs"))
    timed_server.advance(3_599)
    sqs.list_queues()
    timed_server.advance(1)
    expired = "The security token included in the request is expired"
    with refused("ExpiredToken", expired) as caught:
        sts.get_caller_identity()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    with refused("ExpiredTokenException", expired) as caught:
        sqs.list_queues()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    with refused("ExpiredTokenException", expired):
        logs.describe_log_groups()
    timed_server.advance(90_000)
    with refused("InvalidClientTokenId", "The security token included in the request is invalid."):
        sts.get_caller_identity()


def test_a_reset_makes_an_end_of_sessions_at_once(timed_client: Make, timed_server: ThreadedServer) -> None:
    credentials = timed_client("sts").get_session_token()["Credentials"]
    sqs = with_credentials(timed_server, "sqs", credentials)
    sqs.list_queues()
    timed_server.reset()
    with refused("UnrecognizedClientException", "is invalid"):
        sqs.list_queues()


def test_what_there_is_not_is_refused_by_name(sts: Any) -> None:
    with refused("InvalidAction", "does not support the operation DecodeAuthorizationMessage of STS"):
        sts.decode_authorization_message(EncodedMessage="x")
