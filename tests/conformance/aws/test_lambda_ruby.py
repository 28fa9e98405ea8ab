"""Functions in Ruby: on the machine's Ruby, with a client of our own."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from fogbank.runtimes.lambda_runtime_api import ruby
from tests.conformance.aws.functions import ROLE
from tests.conformance.aws.test_lambda_invoke import invoke, log_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

needs_ruby = pytest.mark.skipif(shutil.which("ruby") is None, reason="needs Ruby: apt install ruby")


@pytest.fixture
def lambda_(client: Callable[..., Any]) -> Any:
    return client("lambda")


def zipped(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def create(lambda_: Any, source: str, handler: str = "app.handler", **settings: Any) -> None:
    settings = {"Runtime": "ruby3.3", "Timeout": 20, "MemorySize": 256} | settings
    files = settings.pop("files", {}) | {"app.rb": source}
    lambda_.create_function(FunctionName="f", Handler=handler, Role=ROLE, Code={"ZipFile": zipped(files)}, **settings)


CLASS = """
    module Shop
      class Cart
        def self.add(event:, context:) = { got: event["a"], id: context.aws_request_id }
      end
    end
"""


@needs_ruby
@pytest.mark.parametrize(
    ("source", "handler", "result"),
    [
        ("def handler(event:, context:) = { got: event['a'], id: context.aws_request_id }", "app.handler", None),
        (
            CLASS,
            "app.Shop::Cart.add",
            None,
        ),
        ("def handler(event:, context:) = nil", "app.handler", "null"),
        ("def handler(event:, context:) = :symbol", "app.handler", '"symbol"'),
        ("def handler(event:, context:) = StringIO.new('raw')", "app.handler", "raw"),
    ],
)
def test_handlers_are_found_and_get_events(lambda_: Any, source: str, handler: str, result: str | None) -> None:
    create(lambda_, source, handler)
    for value in (1, "é둘", None):
        reply = lambda_.invoke(FunctionName="f", Payload=json.dumps({"a": value}))
        payload = reply["Payload"].read().decode()
        assert "FunctionError" not in reply, payload
        number = reply["ResponseMetadata"]["RequestId"]
        assert payload == (
            result or json.dumps({"got": value, "id": number}, ensure_ascii=False, separators=(",", ":"))
        )


@needs_ruby
def test_the_context_and_the_log_are_lambda_s(lambda_: Any, account: str) -> None:
    source = """
        require "logger"
        LOGGER = Logger.new($stdout)
        STARTED = rand
        def handler(event:, context:)
          puts "printed é"
          LOGGER.info("logged")
          [STARTED, context.function_name, context.function_version, context.invoked_function_arn,
           context.memory_limit_in_mb, context.log_group_name, context.log_stream_name,
           context.get_remaining_time_in_millis > 1000, context.client_context, ENV["AWS_REGION"], Dir.pwd]
        end
    """
    create(lambda_, source)
    encoded = base64.b64encode(b'{"custom": {"a": 1}}').decode()
    payload, reply = invoke(lambda_, LogType="Tail", ClientContext=encoded)
    number = reply["ResponseMetadata"]["RequestId"]
    arn = f"arn:aws:lambda:us-east-1:{account}:function:f"
    assert payload[1:6] == ["f", "$LATEST", arn, "256", "/aws/lambda/f"]
    assert payload[7:10] == [True, {"custom": {"a": 1}}, "us-east-1"]
    lines = log_of(reply).split("\n")
    found = ruby.find_ruby()
    asked = "" if found.series == "3.3" else " (the function asks for ruby3.3; this is the Ruby that this machine has)"
    assert lines[0] == f"INIT_START Runtime Version: ruby:{found.version}{asked}"
    assert lines[2] == "printed é"
    assert re.fullmatch(rf"I, \[\S+ #\d+\]  INFO {number} -- : logged", lines[3])
    assert invoke(lambda_)[0][0] == payload[0], "the same instance again"


@needs_ruby
@pytest.mark.parametrize(
    ("source", "handler", "kind", "message"),
    [
        ("def handler(event:, context:) = raise('no')", "app.handler", "Function<RuntimeError>", "no"),
        ("def handler(event:, context:) = nil.strip", "app.handler", "Function<NoMethodError>", "undefined method"),
        ("def handler(event:, context:) = exit(3)", "app.handler", "Function<SystemExit>", "exit"),
        ("def handler(event:) = 1", "app.handler", "Function<ArgumentError>", "unknown keyword: :context"),
        ("def handler(event:, context:) = 0.0 / 0", "app.handler", "Function<JSON::GeneratorError>", "NaN"),
        ("X = 1", "app.missing", "Function<NoMethodError>", "undefined method"),
        ("X = 1", "other.handler", "Init<LoadError>", "cannot load such file -- other"),
        ("X = 1", "handler", "Init<ArgumentError>", "must be of form FILENAME.METHOD"),
        ("raise 'at once'", "app.handler", "Init<RuntimeError>", "at once"),
        ("def handler(", "app.handler", "Init<SyntaxError>", "app.rb:1"),
    ],
)
def test_errors_are_reported_as_aws_s_client_does(
    lambda_: Any, source: str, handler: str, kind: str, message: str
) -> None:
    create(lambda_, source, handler)
    for _ in range(2):
        payload, reply = invoke(lambda_, LogType="Tail")
        assert reply["FunctionError"] == "Unhandled"
        assert payload["errorType"] == kind
        assert message in payload["errorMessage"]
        assert kind in log_of(reply)
        assert not [line for line in payload["stackTrace"] if "lambda_ruby" in line]
    if kind == "Function<RuntimeError>":
        assert re.fullmatch(r".*/app\.rb:1:in [`'].*handler'", payload["stackTrace"][0])


@needs_ruby
def test_libraries_come_from_the_package_and_from_layers(lambda_: Any) -> None:
    gem = "vendor/bundle/ruby/3.3.0"
    specification = "Gem::Specification.new { |s| s.name = 'own'; s.version = '1'; s.summary = 's'; s.authors = ['a'] }"
    layer = lambda_.publish_layer_version(
        LayerName="l", Content={"ZipFile": zipped({"ruby/lib/layered.rb": "LAYERED = 'from the layer'"})}
    )
    files = {
        "lib/part.rb": "PART = 'from the package'",
        f"{gem}/specifications/own-1.gemspec": specification,
        f"{gem}/gems/own-1/lib/own.rb": "OWN = 'from a gem'",
    }
    source = """
        require "layered"
        require "own"
        require_relative "lib/part"
        def handler(event:, context:) = [LAYERED, OWN, PART]
    """
    create(lambda_, source, files=files, Layers=[layer["LayerVersionArn"]])
    assert invoke(lambda_)[0] == ["from the layer", "from a gem", "from the package"]


@needs_ruby
def test_rubygems_is_there_when_it_is_needed(lambda_: Any) -> None:
    source = """
        FIRST = $LOADED_FEATURES.any? { |path| path.end_with?("/rubygems.rb") }
        def handler(event:, context:)
          case event
          when "version" then Gem::Version.new("1.10") > Gem::Version.new("1.9")
          when "gem" then gem("missing-gem")
          when "require" then require("missing/library")
          else FIRST
          end
        end
    """
    create(lambda_, source)
    assert invoke(lambda_, "first")[0] is False
    assert invoke(lambda_, "version")[0] is True
    for event, kind, message in (
        ("gem", "Gem::MissingSpecError", "missing-gem"),
        ("require", "LoadError", "cannot load such file -- missing/library"),
    ):
        lambda_.update_function_configuration(FunctionName="f", Description=event)
        payload, _ = invoke(lambda_, event)
        assert payload["errorType"] == f"Function<{kind}>"
        assert message in payload["errorMessage"]
        assert any(line.endswith("handler'") and "/app.rb:" in line for line in payload["stackTrace"])


def test_a_machine_without_ruby_says_what_to_install(
    lambda_: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    create(lambda_, "def handler(event:, context:) = 1")
    payload, reply = invoke(lambda_)
    assert reply["FunctionError"] == "Unhandled"
    assert payload["errorType"] == "Runtime.LaunchError"
    assert "there is no Ruby on this machine: install it (apt install ruby" in payload["errorMessage"]
