"""What `fogbank env` prints, read by what it is for."""

from __future__ import annotations

import json
import shlex

import yaml

from fogbank.cli.running.forms import FORMS, terraform
from fogbank.cli.running.variables import CLOUDS, variables

URL = "http://127.0.0.1:4566"
ODD = {"NAME": 'it\'s $5; "quoted" \\ back', "OTHER": "plain"}


def test_every_form_says_the_same() -> None:
    for form in ("compose", "github"):
        ((key, values),) = yaml.safe_load(FORMS[form](ODD)).items()
        read = {name: value.replace("$$", "$") if form == "compose" else value for name, value in values.items()}
        assert (key, read) == ("environment" if form == "compose" else "env", ODD)
    assert json.loads(FORMS["json"](ODD)) == ODD
    assert json.loads(FORMS["appsettings"](ODD)) == {"IsEncrypted": False, "Values": ODD}
    words = shlex.split(FORMS["shell"](ODD))
    assert words == ["export", f"NAME={ODD['NAME']}", "export", f"OTHER={ODD['OTHER']}"]


def test_function_apps_find_their_storage() -> None:
    values = json.loads(FORMS["appsettings"](variables(URL, ["azure"])))["Values"]
    assert values["AzureWebJobsStorage"] == values["AZURE_STORAGE_CONNECTION_STRING"]
    assert f"TableEndpoint={URL}/devstoreaccount1;" in values["AzureWebJobsStorage"]


def test_one_cloud_or_all() -> None:
    assert set(variables(URL)) == set().union(*(variables(URL, [cloud]) for cloud in CLOUDS))
    assert not set(variables(URL, ["aws"])) & set(variables(URL, ["gcp"]))
    assert terraform(URL, ["azure"]) == ""
    assert 'pubsub_custom_endpoint = "http://127.0.0.1:4566/v1/"' in terraform(URL, ["gcp"])
