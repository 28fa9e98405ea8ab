"""What a folder for Google Cloud Functions has is read from its source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fogbank.cli.dev.google_api import GoogleApi, GoogleApiError, caller
from fogbank.cli.dev.google_functions import NODE, PYTHON, GoogleFunction, function_name, read_functions
from fogbank.cli.dev.projects import Given, ProjectError

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = """
import functions_framework as ff
from functions_framework import typed as of_type, http
from elsewhere import imported

@ff.http
def hello_http(request): ...

@ff.cloud_event
def on_event(event): ...

@of_type(dict)
def Typed(value): ...

@http
async def later(request): ...

@staticmethod
@ff.errorhandler(404)
def other(error): ...

def background(event, context): ...

def plain(request): ...
"""


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    return folder


def test_marked_functions_are_found(tmp_path: Path) -> None:
    assert read_functions(write(tmp_path, main_py=SOURCE), Given()) == [
        GoogleFunction("hello-http", "hello_http", "http", PYTHON),
        GoogleFunction("on-event", "on_event", "cloudevent", PYTHON),
        GoogleFunction("typed", "Typed", "typed", PYTHON),
        GoogleFunction("later", "later", "http", PYTHON),
    ]


@pytest.mark.parametrize(
    ("given", "function"),
    [
        (Given(target="background"), GoogleFunction("background", "background", "event", PYTHON)),
        (Given(target="plain", name="x"), GoogleFunction("x", "plain", "http", PYTHON)),
        (Given(target="imported"), GoogleFunction("imported", "imported", "http", PYTHON)),
        (
            Given(target="on_event", runtime="python310"),
            GoogleFunction("on-event", "on_event", "cloudevent", "python310"),
        ),
    ],
)
def test_a_target_is_served_alone(tmp_path: Path, given: Given, function: GoogleFunction) -> None:
    assert read_functions(write(tmp_path, main_py=SOURCE), given) == [function]


def test_functions_of_node_are_found_where_they_are_registered(tmp_path: Path) -> None:
    script = """const ff = require('@google-cloud/functions-framework');
ff.http('hello', () => {});
ff.cloudEvent(
  "onEvent", e => {});
"""
    write(tmp_path, package_json='{"main": "lib.js"}', lib_js=script)
    assert read_functions(tmp_path, Given()) == [
        GoogleFunction("hello", "hello", "http", NODE),
        GoogleFunction("onevent", "onEvent", "cloudevent", NODE),
    ]
    assert read_functions(tmp_path, Given(target="exported"))[0].kind == "http"


@pytest.mark.parametrize(
    ("files", "given", "words"),
    [
        ({"main_py": SOURCE}, Given(target="gone"), "has no function gone; it has hello_http, on_event"),
        ({"main_py": SOURCE}, Given(name="x"), "--name is for one function"),
        ({"main_py": "def f(r): ..."}, Given(), "name one with --target: f."),
        ({"main_py": ""}, Given(), "name one with --target: none."),
        ({"main_py": "def f(:"}, Given(), "main.py, line 1: "),
        ({"package_json": "["}, Given(), "package.json: "),
        ({"package_json": "{}"}, Given(), "has neither main.py nor index.js"),
    ],
)
def test_what_can_t_be_served_is_refused(tmp_path: Path, files: dict[str, str], given: Given, words: str) -> None:
    with pytest.raises(ProjectError) as caught:
        read_functions(write(tmp_path, **files), given)
    assert words in str(caught.value)


def test_names_are_made_to_fit() -> None:
    assert function_name("Hello_World!") == "hello-world"
    assert function_name("_") == "function"
    assert len(function_name("x" * 99)) == 63


def test_who_is_acted_for() -> None:
    assert caller({}) == ("fogbank", "us-central1")
    assert caller({"GOOGLE_CLOUD_PROJECT": "p", "CLOUDSDK_FUNCTIONS_REGION": "europe-west1"}) == ("p", "europe-west1")
    with pytest.raises(GoogleApiError, match="doesn't see the folder"):
        GoogleApi("http://example.com")
