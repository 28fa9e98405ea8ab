"""Functions that put items into Cosmos DB."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.clouds.azure.cosmos.access import EMULATOR_KEY
from tests.conformance.azure.cosmos.conftest import client_of, new_name, plain

if TYPE_CHECKING:
    from tests.conformance.azure.conftest import Azure

APP = """
    import json
    import azure.functions as func
    app = func.FunctionApp()

    @app.route("save", auth_level="anonymous")
    @app.cosmos_db_output(arg_name="out", database_name="%DATABASE%", container_name="c", connection="CONNECTION",
                          create_if_not_exists=True, partition_key="/pk")
    def save(req: func.HttpRequest, out: func.Out[func.DocumentList]) -> str:
        out.set(func.DocumentList([func.Document.from_dict(each) for each in req.get_json()]))
        return "saved"

    @app.route("none", auth_level="anonymous")
    @app.cosmos_db_output(arg_name="out", database_name="%DATABASE%", container_name="none", connection="CONNECTION")
    def none(req: func.HttpRequest, out: func.Out[func.Document]) -> str:
        out.set(func.Document.from_json(req.get_body()))
        return "saved"
"""


def test_what_functions_hand_over_is_saved(azure: Azure) -> None:
    name = new_name()
    connection = f"AccountEndpoint={azure.server.url}/;AccountKey={EMULATOR_KEY};"
    app = azure.create(settings={"DATABASE": name, "CONNECTION": connection})
    azure.deploy(app, function_app=APP)
    answer = azure.request(app, "POST", "/api/save", b'[{"id": "1", "pk": "a", "n": 1}, {"pk": "b"}]')
    assert (answer.status, answer.body) == (200, b"saved")
    with client_of(azure.server) as client:
        container = client.get_database_client(name).get_container_client("c")
        assert plain(container.read_item("1", "a")) == {"id": "1", "pk": "a", "n": 1}
        (other,) = container.query_items("SELECT * FROM c", partition_key="b")
        assert len(other["id"]) == 36
        # All or none: the second has no id that can be.
        answer = azure.request(app, "POST", "/api/save", b'[{"id": "1", "pk": "a", "n": 2}, {"id": "a/b", "pk": "b"}]')
        assert answer.status == 500
        assert container.read_item("1", "a")["n"] == 1
    assert azure.request(app, "POST", "/api/none", b'{"id": "1"}').status == 500
