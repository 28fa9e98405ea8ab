"""AWS Lambda's layers, through boto3."""

from __future__ import annotations

import io
import json
import urllib.request
import zipfile
from base64 import b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from tests.conformance.aws.functions import deploy
from tests.conformance.aws.test_lambda_functions import ECHO, refused
from tests.conformance.aws.test_lambda_invoke import invoke

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def lambda_(client: Callable[..., Any]) -> Any:
    return client("lambda", parameter_validation=False)


def archive(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        for name, content in files.items():
            opened.writestr(f"python/{name}.py", content)
    return buffer.getvalue()


def publish(client: Any, name: str = "l", value: int = 1, **settings: Any) -> Any:
    return client.publish_layer_version(
        LayerName=name, Content={"ZipFile": archive(layered=f"VALUE = {value}")}, **settings
    )


def sparse(megabytes: int) -> bytes:
    """Return an archive that is much larger when it is unpacked."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as opened:
        opened.writestr("zeros", bytes(megabytes * 2**20))
    return buffer.getvalue()


# Versions


def test_a_version_is_published_shown_and_deleted(lambda_: Any, account: str) -> None:
    arn = f"arn:aws:lambda:us-east-1:{account}:layer:l"
    data = archive(layered="VALUE = 1")
    made = publish(
        lambda_,
        Description="what is shared",
        CompatibleRuntimes=["python3.11", "python3.12"],
        CompatibleArchitectures=["x86_64"],
        LicenseInfo="MIT",
    )
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    expected = {
        "LayerArn": arn,
        "LayerVersionArn": f"{arn}:1",
        "Version": 1,
        "Description": "what is shared",
        "CompatibleRuntimes": ["python3.11", "python3.12"],
        "CompatibleArchitectures": ["x86_64"],
        "LicenseInfo": "MIT",
    }
    assert expected.items() <= made.items()
    assert made["CreatedDate"].endswith("+0000")
    assert made["Content"]["CodeSize"] == len(data)
    assert made["Content"]["CodeSha256"] == b64encode(sha256(data).digest()).decode()
    for shown in (
        lambda_.get_layer_version(LayerName="l", VersionNumber=1),
        lambda_.get_layer_version(LayerName=arn, VersionNumber=1),
        lambda_.get_layer_version_by_arn(Arn=f"{arn}:1"),
    ):
        assert expected.items() <= shown.items()
    with urllib.request.urlopen(shown["Content"]["Location"]) as reply:
        assert reply.read() == data
    assert publish(lambda_, value=2)["Version"] == 2
    lambda_.delete_layer_version(LayerName="l", VersionNumber=2)
    lambda_.delete_layer_version(LayerName="l", VersionNumber=2)
    assert publish(lambda_, value=3)["Version"] == 3
    for call in (
        lambda: lambda_.get_layer_version(LayerName="l", VersionNumber=2),
        lambda: lambda_.get_layer_version_by_arn(Arn=f"{arn}:2"),
    ):
        with pytest.raises(lambda_.exceptions.ResourceNotFoundException, match="resource you requested does not exist"):
            call()


def test_layers_and_versions_are_listed_in_pages(lambda_: Any) -> None:
    for number in range(5):
        publish(lambda_, "m", number, CompatibleRuntimes=["python3.11" if number % 2 else "python3.12"])
    publish(lambda_, "l")
    paginate = lambda_.get_paginator("list_layer_versions").paginate
    pages = list(paginate(LayerName="m", PaginationConfig={"PageSize": 2}))
    assert [[each["Version"] for each in page["LayerVersions"]] for page in pages] == [[5, 4], [3, 2], [1]]
    pages = list(paginate(LayerName="m", CompatibleRuntime="python3.12", PaginationConfig={"PageSize": 2}))
    assert [[each["Version"] for each in page["LayerVersions"]] for page in pages] == [[5, 3], [1]]
    assert lambda_.list_layer_versions(LayerName="missing")["LayerVersions"] == []
    pages = list(lambda_.get_paginator("list_layers").paginate(PaginationConfig={"PageSize": 1}))
    shown = [each for page in pages for each in page["Layers"]]
    assert [(each["LayerName"], each["LatestMatchingVersion"]["Version"]) for each in shown] == [("l", 1), ("m", 5)]
    matching = lambda_.list_layers(CompatibleRuntime="python3.11")["Layers"]
    assert [(each["LayerName"], each["LatestMatchingVersion"]["Version"]) for each in matching] == [("m", 4)]


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"Content": {"ZipFile": b"not a zip"}}, "Could not unzip uploaded file"),
        ({"Content": {}}, "Please provide a source"),
        ({"Content": {"S3Bucket": "bucket", "S3Key": "key"}}, "does not support the parameter Content.S3Bucket"),
        ({"CompatibleRuntimes": ["cobol85"]}, "at 'compatibleRuntimes' failed to satisfy constraint"),
        ({"LayerName": "a b"}, "at 'layerName' failed to satisfy constraint"),
        ({"Description": "x" * 257}, "at 'description' failed to satisfy constraint"),
    ],
)
def test_layers_that_are_refused(lambda_: Any, settings: dict[str, Any], match: str) -> None:
    with refused(match):
        lambda_.publish_layer_version(**({"LayerName": "l", "Content": {"ZipFile": archive()}} | settings))
    assert lambda_.list_layers()["Layers"] == []


# Permissions


def test_permissions(lambda_: Any, account: str) -> None:
    arn = publish(lambda_)["LayerVersionArn"]
    of = {"LayerName": "l", "VersionNumber": 1}
    with pytest.raises(lambda_.exceptions.ResourceNotFoundException, match="No policy is associated"):
        lambda_.get_layer_version_policy(**of)
    allowed = {"Action": "lambda:GetLayerVersion", **of}
    made = lambda_.add_layer_version_permission(StatementId="one", Principal="123456789012", **allowed)
    assert json.loads(made["Statement"]) == {
        "Sid": "one",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
        "Action": "lambda:GetLayerVersion",
        "Resource": arn,
    }
    with pytest.raises(
        lambda_.exceptions.ResourceConflictException, match=r"statement id \(one\) provided already exists"
    ):
        lambda_.add_layer_version_permission(StatementId="one", Principal="*", **allowed)
    with pytest.raises(lambda_.exceptions.PreconditionFailedException):
        lambda_.add_layer_version_permission(StatementId="two", Principal="*", RevisionId="x", **allowed)
    lambda_.add_layer_version_permission(
        StatementId="two", Principal="*", OrganizationId="o-abcdefghij", RevisionId=made["RevisionId"], **allowed
    )
    policy = lambda_.get_layer_version_policy(**of)
    _one, two = json.loads(policy["Policy"])["Statement"]
    assert two["Condition"] == {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}
    lambda_.remove_layer_version_permission(StatementId="one", RevisionId=policy["RevisionId"], **of)
    with pytest.raises(lambda_.exceptions.ResourceNotFoundException, match="Statement one is not found"):
        lambda_.remove_layer_version_permission(StatementId="one", **of)
    missing = {"Action": "lambda:GetLayerVersion", "LayerName": "l", "VersionNumber": 9}
    with pytest.raises(
        lambda_.exceptions.ResourceNotFoundException, match=r"Layer version .*:layer:l:9 does not exist"
    ):
        lambda_.add_layer_version_permission(StatementId="s", Principal="*", **missing)


# Functions with layers


def test_a_function_has_layers(lambda_: Any) -> None:
    first, second = publish(lambda_, "l"), publish(lambda_, "m", 2)
    arns = [first["LayerVersionArn"], second["LayerVersionArn"]]
    made = deploy(lambda_, "f", ECHO, Layers=arns)
    expected = [{"Arn": each["LayerVersionArn"], "CodeSize": each["Content"]["CodeSize"]} for each in (first, second)]
    assert made["Layers"] == expected
    assert lambda_.get_function_configuration(FunctionName="f")["Layers"] == expected
    lambda_.delete_layer_version(LayerName="l", VersionNumber=1)
    changed = lambda_.update_function_configuration(FunctionName="f", Timeout=5)
    assert changed["Layers"] == expected, "a function keeps a layer that is deleted"
    assert lambda_.publish_version(FunctionName="f")["Layers"] == expected
    assert invoke(lambda_, {"x": 1})[0] == {"x": 1}
    assert "Layers" not in lambda_.update_function_configuration(FunctionName="f", Layers=[])


def test_a_function_imports_what_its_layers_have(lambda_: Any) -> None:
    layers = [publish(lambda_, name, value)["LayerVersionArn"] for name, value in (("l", 1), ("m", 2))]
    source = "import layered\ndef handler(event, context): return layered.VALUE"
    deploy(lambda_, "f", source, Layers=layers)
    assert invoke(lambda_)[0] == 2, "a later layer's file takes the place of an earlier one's"
    lambda_.update_function_configuration(FunctionName="f", Layers=layers[:1])
    assert invoke(lambda_)[0] == 1


def test_layers_that_a_function_can_t_have(lambda_: Any, account: str) -> None:
    arns = [publish(lambda_, f"l{number}")["LayerVersionArn"] for number in range(6)]
    again = publish(lambda_, "l0", 2)["LayerVersionArn"]
    deploy(lambda_, "f", ECHO)
    for layers, match in (
        (arns, "Cannot reference more than 5 layers"),
        ([arns[0], again], "Two different versions of the same layer are not allowed"),
        ([f"arn:aws:lambda:us-east-1:{account}:layer:l0:9"], "Layer version .*:layer:l0:9 does not exist"),
        ([arns[0].replace("us-east-1", "eu-west-1")], "Layers are expected to be in region us-east-1"),
        (["arn:aws:lambda:::awslayer:AmazonLinux1703"], "does not support the layer"),
        (["l0"], "failed to satisfy constraint"),
    ):
        with refused(match):
            lambda_.update_function_configuration(FunctionName="f", Layers=layers)
    assert "Layers" not in lambda_.get_function_configuration(FunctionName="f")


def test_code_and_layers_together_have_a_limit(lambda_: Any) -> None:
    layer = lambda_.publish_layer_version(LayerName="l", Content={"ZipFile": sparse(200)})["LayerVersionArn"]
    deploy(lambda_, "f", ECHO, Layers=[layer])
    with refused(r"Function code combined with layers exceeds the maximum allowed size of 262144000 bytes\. The"):
        lambda_.update_function_code(FunctionName="f", ZipFile=sparse(51))
