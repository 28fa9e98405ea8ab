"""Whatever is sent, the answer is no internal error, and what is refused changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st

from fogbank.clouds.azure.web.properties import PROPERTIES, SITE_CONFIG
from fogbank.clouds.azure.web.service import OPERATIONS
from tests.conformance.azure.conftest import GROUP, LOCATION, Azure

if TYPE_CHECKING:
    from fogbank.testing.server import ThreadedServer

SCALARS = st.none() | st.booleans() | st.integers(-5, 2**70) | st.text(max_size=6)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner))
NAMES = st.sampled_from(["x", "-", "a/b", "é", "functionKeys", "masterKey", "appsettings", ".."]) | st.text(max_size=5)
KNOWN = st.sampled_from([*PROPERTIES, *(f"{name}" for name in SITE_CONFIG), "siteConfig", "appSettings", "state"])


@given(
    operation=st.sampled_from(sorted(OPERATIONS)),
    method=st.sampled_from(["GET", "PUT", "POST", "PATCH", "DELETE", "HEAD"]) | st.none(),
    names=st.lists(NAMES, min_size=6, max_size=6),
    body=JSON | st.binary(max_size=10),
    existing=st.booleans(),
)
@settings(max_examples=150)
def test_any_request(
    server: ThreadedServer, operation: tuple[str, str], method: str | None, names: list[str], body: Any, existing: bool
) -> None:
    azure = Azure(server)
    given_names = iter([azure.prefix, *names] if existing else names)
    if existing:
        azure.create()
    segments = [segment or quote(next(given_names), safe="") for segment in operation[1].split("/")]
    path = f"/resourceGroups/{GROUP}/providers/Microsoft.Web/{'/'.join(segments)}"
    answer = azure.arm(method or operation[0], path, body)
    assert answer.status < 500, answer.body
    if answer.status >= 400 and method != "HEAD":
        assert set(answer.json()["error"]) == {"code", "message"}
    azure.client.close()


@given(properties=st.dictionaries(KNOWN, JSON), config=st.dictionaries(KNOWN, JSON), tags=JSON)
@settings(max_examples=150)
def test_any_site(server: ThreadedServer, properties: dict[str, Any], config: dict[str, Any], tags: Any) -> None:
    azure = Azure(server)
    path = f"/resourceGroups/{GROUP}/providers/Microsoft.Web/sites/{azure.prefix}"
    body = {
        "location": LOCATION,
        "kind": "functionapp",
        "tags": tags,
        "properties": {"siteConfig": config, **properties},
    }
    answer = azure.arm("PUT", path, body)
    assert answer.status in (200, 400), answer.body
    assert azure.arm("GET", path).status == (200 if answer.status == 200 else 404)
    azure.arm("DELETE", path)
    azure.client.close()


@given(
    target=st.text("/%az.?=&_~{}é 05", max_size=20).map(lambda text: "/" + quote(text, safe="/%?=&")),
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS"]),
    host=st.sampled_from(["nobody", "nobody.scm", "scm", "", "a.b.c", "-"]),
    body=st.binary(max_size=20),
)
@settings(max_examples=100)
def test_any_host(server: ThreadedServer, target: str, method: str, host: str, body: bytes) -> None:
    azure = Azure(server)
    assert azure.request(host, method, target, body).status in (404, 400)
    azure.client.close()


@given(
    path=st.sampled_from(
        ["/admin/functions/x", "/admin/host/keys/x", "/admin/host/systemkeys/x", "/admin/x", "/api/x"]
    ),
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    body=JSON | st.binary(max_size=10),
)
@settings(max_examples=60)
def test_any_request_to_a_host(server: ThreadedServer, path: str, method: str, body: Any) -> None:
    import json

    azure = Azure(server)
    name = azure.create()
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = azure.request(name, method, path, data, x_functions_key=azure.master_key(name))
    assert answer.status < 500, answer.body
    azure.client.close()
