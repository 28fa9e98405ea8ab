"""Deploys the function with its layer, and gives it a URL."""

from __future__ import annotations

import importlib.util
import io
import zipfile
from pathlib import Path
from typing import Any

FUNCTION = Path(__file__).with_name("function")
ROLE = "arn:aws:iam::000000000000:role/thumbnails"
RUNTIME = "python3.12"


def zipped(folder: Path, below: str = "") -> bytes:
    """Return a folder's files as an archive, below a folder of that name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                archive.write(path, Path(below) / path.relative_to(folder))
    return buffer.getvalue()


def imaging_layer() -> bytes:
    """Return the installed Pillow as a layer's archive: its package and the libraries that come with it."""
    found = importlib.util.find_spec("PIL")
    assert found is not None
    assert found.submodule_search_locations
    package = Path(found.submodule_search_locations[0])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for folder in (package, package.with_name("pillow.libs")):
            for path in sorted(folder.rglob("*")):
                if path.is_file() and "__pycache__" not in path.parts:
                    archive.write(path, Path("python") / path.relative_to(package.parent))
    return buffer.getvalue()


def deploy(lambda_: Any) -> str:
    """Deploy everything; returns the function's URL."""
    layer = lambda_.publish_layer_version(LayerName="imaging", Content={"ZipFile": imaging_layer()})
    lambda_.create_function(
        FunctionName="thumbnails",
        Runtime=RUNTIME,
        Handler="app.handler",
        Role=ROLE,
        Code={"ZipFile": zipped(FUNCTION)},
        Layers=[layer["LayerVersionArn"]],
        MemorySize=512,
        Timeout=30,
    )
    lambda_.add_permission(
        FunctionName="thumbnails",
        StatementId="everybody",
        Action="lambda:InvokeFunctionUrl",
        Principal="*",
        FunctionUrlAuthType="NONE",
    )
    url: str = lambda_.create_function_url_config(FunctionName="thumbnails", AuthType="NONE")["FunctionUrl"]
    return url
