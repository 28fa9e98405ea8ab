"""Python functions that depend on packages: requirements.txt is installed when they are deployed."""

from __future__ import annotations

import io
import urllib.request
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from google.api_core import exceptions

from tests.conformance.gcp.conftest import function, upload

if TYPE_CHECKING:
    from collections.abc import Callable

CODE = """
import functions_framework
import fogpack

@functions_framework.http
def hello(request):
    return fogpack.GREETING
"""


def wheel() -> bytes:
    """Return a package of our own, as a wheel."""
    info = "fogpack-1.0.dist-info"
    files = {
        "fogpack.py": "GREETING = 'Hello from a package'\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: fogpack\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    return zipped({**files, f"{info}/RECORD": "".join(f"{name},,\n" for name in files)})


def zipped(files: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def deploy(client: Any, parent: str, requirements: str) -> Any:
    files = {"main.py": CODE, "fogpack-1.0-py3-none-any.whl": wheel(), "requirements.txt": requirements}
    made = function()
    made["build_config"]["source"] = {"storage_source": upload(client, parent, zipped(files)).storage_source}
    request = {"parent": parent, "function_id": "packed", "function": made}
    return client.create_function(request=request, timeout=60).result(timeout=60)


def test_requirements_are_installed(make_client: Callable[..., Any], parent: str) -> None:
    requirements = "# ours\nfunctions-framework==3.*\n./fogpack-1.0-py3-none-any.whl\n"
    made = deploy(make_client("v2", "grpc"), parent, requirements)
    with urllib.request.urlopen(made.url) as answer:
        assert answer.read() == b"Hello from a package"


def test_what_cannot_be_installed_fails_the_build(make_client: Callable[..., Any], parent: str) -> None:
    client = make_client("v2", "grpc")
    with pytest.raises(exceptions.GoogleAPICallError, match="pip install"):
        deploy(client, parent, "./missing-1.0-py3-none-any.whl\n")
    assert list(client.list_functions(parent=parent)) == []
