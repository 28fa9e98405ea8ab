"""What a folder holds is told from its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fogbank.cli.dev.projects import (
    CUSTOM,
    NODE,
    PYTHON,
    Cloud,
    FunctionSpec,
    Given,
    ProjectError,
    function_name,
    kind_of,
    read_project,
)

if TYPE_CHECKING:
    from pathlib import Path

TEMPLATE = """\
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Globals:
  Function:
    Runtime: python3.12   # of all
    Timeout: 10
    Environment:
      Variables: {}
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: hello/
      Handler: app.handler
      MemorySize: 256
      Events:
        Web:
          Type: Api
  Bye:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: bye
      CodeUri: bye
      Handler: "index.handler"
      Runtime: nodejs22.x
      FunctionUrlConfig:
        AuthType: AWS_IAM
      Events:
        Call:
          Type: HttpApi
          Properties:
            Path: /bye/{name}
            Method: get
        Jobs:
          Type: SQS
      Policies:
      - Statement:
          - Effect: Allow
      Environment:
        Variables:
          TABLE: !Ref Table
          MODE: 'test'
  Table:
    Type: AWS::Serverless::SimpleTable
"""
TYPE = "Type: AWS::Serverless::Function"


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({"host.json": "{}", "app.py": "def handler(e, c): pass"}, Cloud.AZURE),
        ({"main.py": "import functions_framework\n\n@functions_framework.http\ndef f(request): pass"}, Cloud.GOOGLE),
        ({"package.json": '{"dependencies": {"@google-cloud/functions-framework": "^3"}}'}, Cloud.GOOGLE),
        ({"main.py": "def f(request): ...", "requirements.txt": "flask\nfunctions-framework==3.*\n"}, Cloud.GOOGLE),
        ({"app.py": "", "requirements.txt": "functions-framework-extras"}, Cloud.AWS),
        ({"package.json": "{", "index.mjs": ""}, Cloud.AWS),
        ({"lambda_function.py": ""}, Cloud.AWS),
        ({"template.yaml": ""}, Cloud.AWS),
        ({"bootstrap": "#!/bin/sh"}, Cloud.AWS),
        ({"README.md": ""}, None),
    ],
)
def test_the_kind_is_told_from_the_files(tmp_path: Path, files: dict[str, str], kind: Cloud | None) -> None:
    assert kind_of(write(tmp_path, files)) is kind


@pytest.mark.parametrize(
    ("files", "handler", "runtime"),
    [
        (
            {"lambda_function.py": "def lambda_handler(event, context):\n    pass"},
            "lambda_function.lambda_handler",
            PYTHON,
        ),
        ({"app.py": "def helper(): ...\nasync def handler(event, context): ..."}, "app.handler", PYTHON),
        ({"index.mjs": "export const handler = async () => 1;"}, "index.handler", NODE),
        ({"index.js": "exports.handler = async () => 1;"}, "index.handler", NODE),
        ({"bootstrap": "#!/bin/sh"}, "bootstrap", CUSTOM),
    ],
)
def test_a_single_function_s_handler_is_found(
    tmp_path: Path, files: dict[str, str], handler: str, runtime: str
) -> None:
    folder = write(tmp_path / "my function!", files)
    assert read_project(folder, Given()).functions == [FunctionSpec("my-function", folder, runtime, handler)]


def test_what_is_said_goes_before_what_is_found(tmp_path: Path) -> None:
    write(tmp_path, {"host.json": "{}", "src/job.mjs": "", "template.yaml": TEMPLATE})
    given = Given("job", "src/job.run", None, 512, 60, {"A": "b"})
    [spec] = read_project(tmp_path, given).functions
    assert spec == FunctionSpec("job", tmp_path, NODE, "src/job.run", 512, 60, {"A": "b"})
    assert read_project(tmp_path, Given(handler="a.b", runtime="python3.9")).functions[0].runtime == "python3.9"


def test_a_template_s_functions_are_served_together(tmp_path: Path) -> None:
    write(tmp_path, {"template.yaml": TEMPLATE, "hello/app.py": "", "bye/index.mjs": ""})
    project = read_project(tmp_path, Given(environment={"MORE": "1"}))
    assert project.functions == [
        FunctionSpec("Hello", tmp_path / "hello", "python3.12", "app.handler", 256, 10, {"MORE": "1"}, ""),
        FunctionSpec(
            "bye",
            tmp_path / "bye",
            "nodejs22.x",
            "index.handler",
            None,
            10,
            {"MODE": "test", "MORE": "1"},
            "AWS_IAM",
            ("GET /bye/{name}",),
        ),
    ]
    assert project.notes == [
        "Hello: its Api events aren't served; those of type HttpApi are, at its function URL.",
        "Bye: left out of the environment, for CloudFormation to know: TABLE",
    ]
    assert [spec.name for spec in read_project(tmp_path, Given(name="bye")).functions] == ["bye"]


@pytest.mark.parametrize(
    ("files", "given", "words"),
    [
        ({"README.md": ""}, Given(), "Name it: --handler"),
        ({"app.py": "x = 1"}, Given(), "Name it: --handler"),
        ({"template.yaml": TEMPLATE, "hello/app.py": ""}, Given(), "which is no folder"),
        ({"template.yaml": TEMPLATE}, Given(name="x"), "has no function x; it has Hello, bye"),
        ({"template.yaml": "Resources:\n  {"}, Given(), "line 2 is not understood: {"),
        ({"template.json": "["}, Given(), "template.json: "),
        (
            {"template.yaml": f"Resources:\n  F:\n    {TYPE}\n    Properties:\n      Handler: a.b"},
            Given(),
            "F has no Runtime.",
        ),
        (
            {"template.yaml": f"Resources:\n  F:\n    {TYPE}\n    Properties:\n      ImageUri: x"},
            Given(),
            "F is a container image",
        ),
    ],
)
def test_what_can_t_be_served_is_refused(tmp_path: Path, files: dict[str, str], given: Given, words: str) -> None:
    with pytest.raises(ProjectError) as caught:
        read_project(write(tmp_path, files), given)
    assert words in str(caught.value)


def test_names_are_made_to_fit() -> None:
    assert function_name("a b/c.d") == "a-b-c-d"
    assert function_name("...") == "function"
    assert len(function_name("x" * 99)) == 64
