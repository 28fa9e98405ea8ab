"""AWS Lambda through boto3: functions as resources."""

from __future__ import annotations

import io
import json
import urllib.request
import zipfile
from base64 import b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.aws.functions import ROLE, deploy, zipped

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ECHO = """
    def handler(event, context):
        return event
"""


@pytest.fixture
def lambda_(client: Callable[..., Any]) -> Any:
    return client("lambda", parameter_validation=False)


def refused(code: str) -> Any:
    return pytest.raises(ClientError, match=code)


def test_a_function_is_created_shown_listed_and_deleted(lambda_: Any, account: str) -> None:
    code = zipped(ECHO)
    created = lambda_.create_function(
        FunctionName="echo",
        Runtime="python3.11",
        Handler="app.handler",
        Role=ROLE,
        Code={"ZipFile": code},
        Description="says it again",
        Timeout=5,
        MemorySize=256,
        Environment={"Variables": {"STAGE": "test"}},
        Tags={"team": "billing"},
    )
    arn = f"arn:aws:lambda:us-east-1:{account}:function:echo"
    expected = {
        "FunctionName": "echo",
        "FunctionArn": arn,
        "Runtime": "python3.11",
        "Role": ROLE,
        "Handler": "app.handler",
        "CodeSize": len(code),
        "CodeSha256": b64encode(sha256(code).digest()).decode(),
        "Description": "says it again",
        "Timeout": 5,
        "MemorySize": 256,
        "Environment": {"Variables": {"STAGE": "test"}},
        "Version": "$LATEST",
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "PackageType": "Zip",
        "Architectures": ["x86_64"],
        "EphemeralStorage": {"Size": 512},
        "TracingConfig": {"Mode": "PassThrough"},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/echo"},
    }
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert expected.items() <= created.items()
    for name in ("echo", arn, f"{account}:function:echo", f"{account}:echo"):
        shown = lambda_.get_function(FunctionName=name)
        assert expected.items() <= shown["Configuration"].items()
    assert shown["Tags"] == {"team": "billing"}
    with urllib.request.urlopen(shown["Code"]["Location"]) as reply:
        assert zipfile.ZipFile(io.BytesIO(reply.read())).namelist() == ["app.py"]
    qualified = lambda_.get_function_configuration(FunctionName="echo", Qualifier="$LATEST")
    assert (expected | {"FunctionArn": f"{arn}:$LATEST"}).items() <= qualified.items()
    assert [each["FunctionName"] for each in lambda_.list_functions()["Functions"]] == ["echo"]
    assert [each["Version"] for each in lambda_.list_versions_by_function(FunctionName="echo")["Versions"]] == [
        "$LATEST"
    ]
    lambda_.delete_function(FunctionName="echo")
    with pytest.raises(lambda_.exceptions.ResourceNotFoundException, match=f"Function not found: {arn}"):
        lambda_.get_function(FunctionName="echo")
    with pytest.raises(lambda_.exceptions.ResourceNotFoundException):
        lambda_.delete_function(FunctionName="echo")


def test_a_name_is_taken_once(lambda_: Any) -> None:
    deploy(lambda_, "f", ECHO)
    with pytest.raises(lambda_.exceptions.ResourceConflictException, match="Function already exist: f"):
        deploy(lambda_, "f", ECHO)


def test_lists_are_paged(lambda_: Any) -> None:
    names = [f"f{number}" for number in range(5)]
    for name in names:
        deploy(lambda_, name, ECHO)
    pages = list(lambda_.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["Functions"]) for page in pages] == [2, 2, 1]
    assert [each["FunctionName"] for page in pages for each in page["Functions"]] == names


def test_code_and_configuration_are_updated(lambda_: Any) -> None:
    first = deploy(lambda_, "f", ECHO, Environment={"Variables": {"STAGE": "1"}})
    changed = lambda_.update_function_configuration(FunctionName="f", Timeout=9, Description="new")
    assert (changed["Timeout"], changed["Description"], changed["MemorySize"]) == (9, "new", 128)
    assert changed["Environment"] == {"Variables": {"STAGE": "1"}}
    assert changed["RevisionId"] != first["RevisionId"]
    with pytest.raises(lambda_.exceptions.PreconditionFailedException):
        lambda_.update_function_configuration(FunctionName="f", Timeout=8, RevisionId=first["RevisionId"])
    code = zipped(ECHO + "\n# changed")
    dry = lambda_.update_function_code(FunctionName="f", ZipFile=code, DryRun=True)
    assert dry["CodeSha256"] == b64encode(sha256(code).digest()).decode()
    assert lambda_.get_function_configuration(FunctionName="f")["CodeSha256"] == first["CodeSha256"]
    updated = lambda_.update_function_code(FunctionName="f", ZipFile=code, RevisionId=changed["RevisionId"])
    assert updated["CodeSha256"] == dry["CodeSha256"]
    assert updated["Timeout"] == 9
    lambda_.update_function_configuration(FunctionName="f", Environment={"Variables": {}})
    assert "Environment" not in lambda_.get_function_configuration(FunctionName="f")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"Runtime": "dotnet8"}, "Fogbank does not support the runtime dotnet8; it runs python3.9, "),
        ({"Runtime": "dotnet10"}, r"Amazon.Lambda.RuntimeSupport, aws-lambda-go\), runs as provided.al2023"),
        ({"Runtime": "cobol85"}, "Value 'cobol85' at 'runtime' failed to satisfy constraint"),
        ({"Runtime": None}, "Runtime is mandatory"),
        ({"Handler": None}, "Handler is mandatory"),
        ({"Timeout": 901}, "Value '901' at 'timeout' failed to satisfy constraint: Member must have value less than"),
        ({"MemorySize": 127}, "at 'memorySize' failed to satisfy constraint: Member must have value greater than"),
        ({"Role": "nonsense"}, "at 'role' failed to satisfy constraint: Member must satisfy regular expression"),
        ({"FunctionName": "a b"}, "at 'functionName' failed to satisfy constraint"),
        ({"Code": {}}, "Please provide a source for function code"),
        ({"Code": {"ZipFile": b"not a zip"}}, "Could not unzip uploaded file"),
        ({"Code": {"S3Bucket": "bucket", "S3Key": "key"}}, "does not support code in the S3 bucket bucket"),
        ({"Code": {"S3Bucket": "hot-reload", "S3Key": "/nowhere"}}, "/nowhere .*is not the path of a local folder"),
        ({"Code": {"S3Bucket": "hot-reload", "S3Key": "tests"}}, "tests .*is not the path of a local folder"),
        ({"Code": {"S3Bucket": "hot-reload", "S3Key": "/", "ZipFile": b"x"}}, "do not provide other FunctionCode"),
        ({"Code": {"S3Bucket": "b", "S3Key": "k", "S3ObjectVersion": "1"}}, "the parameter Code.S3ObjectVersion"),
        ({"Code": {"ImageUri": "image"}}, "does not support the parameter Code.ImageUri"),
        ({"PackageType": "Image"}, "does not support the package type Image"),
        ({"Layers": ["arn:aws:lambda:us-east-1:123456789012:layer:l:1"]}, "layer:l:1 does not exist"),
        ({"VpcConfig": {"SubnetIds": ["subnet-1"]}}, "does not support VpcConfig"),
        ({"TracingConfig": {"Mode": "Active"}}, "does not support the tracing mode Active"),
        ({"Environment": {"Variables": {"AWS_REGION": "x"}}}, "reserved keys.*AWS_REGION"),
        ({"Environment": {"Variables": {"LONG": "x" * 4096}}}, "exceeded the 4KB limit"),
    ],
)
def test_functions_that_are_refused_leave_no_trace(lambda_: Any, change: dict[str, Any], match: str) -> None:
    request = {
        "FunctionName": "f",
        "Runtime": "python3.11",
        "Handler": "app.handler",
        "Role": ROLE,
        "Code": {"ZipFile": zipped(ECHO)},
    } | change
    with refused(match):
        lambda_.create_function(**{key: value for key, value in request.items() if value is not None})
    assert lambda_.list_functions()["Functions"] == []


def test_code_may_be_in_a_local_folder(lambda_: Any, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("def handler(event, context): return 1")
    source = {"S3Bucket": "hot-reload", "S3Key": str(tmp_path)}
    lambda_.create_function(FunctionName="f", Runtime="python3.11", Handler="app.handler", Role=ROLE, Code=source)
    shown = lambda_.get_function(FunctionName="f")
    assert shown["Code"]["Location"] == f"file://{tmp_path}"
    assert shown["Configuration"]["CodeSize"] == 0
    zipped_ = lambda_.update_function_code(FunctionName="f", ZipFile=zipped(ECHO))
    assert zipped_["CodeSha256"] != shown["Configuration"]["CodeSha256"]
    with refused("does not support code in the S3 bucket bucket"):
        lambda_.update_function_code(FunctionName="f", S3Bucket="bucket", S3Key="key")
    again = lambda_.update_function_code(FunctionName="f", **source)
    assert again["CodeSha256"] == shown["Configuration"]["CodeSha256"]


def test_a_local_folder_s_code_is_run_as_it_is_now(lambda_: Any, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("def handler(event, context): return 1")
    source = {"S3Bucket": "hot-reload", "S3Key": str(tmp_path)}
    lambda_.create_function(FunctionName="f", Runtime="python3.11", Handler="app.handler", Role=ROLE, Code=source)
    assert json.load(lambda_.invoke(FunctionName="f")["Payload"]) == 1
    (tmp_path / "app.py").write_text("def handler(event, context): return 'changed'")
    assert json.load(lambda_.invoke(FunctionName="f")["Payload"]) == "changed"


def test_qualifiers_of_nothing_are_not_found(lambda_: Any, account: str) -> None:
    deploy(lambda_, "f", ECHO)
    with pytest.raises(lambda_.exceptions.ResourceNotFoundException, match=f"{account}:function:f:live"):
        lambda_.get_function(FunctionName="f", Qualifier="live")
    with pytest.raises(lambda_.exceptions.ResourceNotFoundException):
        lambda_.invoke(FunctionName="f:7")


def test_tags(lambda_: Any) -> None:
    arn = deploy(lambda_, "f", ECHO)["FunctionArn"]
    revision = lambda_.get_function_configuration(FunctionName="f")["RevisionId"]
    lambda_.tag_resource(Resource=arn, Tags={"a": "1", "b": "2"})
    lambda_.untag_resource(Resource=arn, TagKeys=["a", "unknown"])
    assert lambda_.list_tags(Resource=arn)["Tags"] == {"b": "2"}
    assert lambda_.get_function_configuration(FunctionName="f")["RevisionId"] == revision


def test_permissions(lambda_: Any, account: str) -> None:
    arn = deploy(lambda_, "f", ECHO)["FunctionArn"]
    with pytest.raises(lambda_.exceptions.ResourceNotFoundException):
        lambda_.get_policy(FunctionName="f")
    topic = f"arn:aws:sns:us-east-1:{account}:t"
    permission = {"StatementId": "sns", "Action": "lambda:InvokeFunction", "Principal": "sns.amazonaws.com"}
    lambda_.add_permission(FunctionName="f", SourceArn=topic, **permission)
    with pytest.raises(lambda_.exceptions.ResourceConflictException, match="already exists"):
        lambda_.add_permission(FunctionName="f", **permission)
    policy = lambda_.get_policy(FunctionName="f")["Policy"]
    assert '"Sid":"sns"' in policy
    assert '"Condition":{"ArnLike":{"AWS:SourceArn":"' + topic in policy
    assert f'"Resource":"{arn}"' in policy
    lambda_.remove_permission(FunctionName="f", StatementId="sns")
    with pytest.raises(lambda_.exceptions.ResourceNotFoundException):
        lambda_.remove_permission(FunctionName="f", StatementId="sns")


def test_operations_that_are_not_supported_are_refused_by_name(lambda_: Any) -> None:
    deploy(lambda_, "f", ECHO)
    with refused("does not support the operation PutRuntimeManagementConfig"):
        lambda_.put_runtime_management_config(FunctionName="f", UpdateRuntimeOn="Auto")
