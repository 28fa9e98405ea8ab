"""Deploys the function with Google's own client."""

from __future__ import annotations

import io
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

FUNCTION = Path(__file__).with_name("function")


def deploy(functions: Any, parent: str) -> str:
    """Deploy the function below a location; returns its URL."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.write(FUNCTION / "main.py", "main.py")
    place = functions.generate_upload_url(request={"parent": parent})
    upload = urllib.request.Request(
        place.upload_url, buffer.getvalue(), {"Content-Type": "application/zip"}, method="PUT"
    )
    urllib.request.urlopen(upload).close()
    function = {
        "build_config": {
            "runtime": "python312",
            "entry_point": "todo",
            "source": {"storage_source": place.storage_source},
        },
        # The list is in the instance's memory, so there is to be one.
        "service_config": {"available_memory": "256Mi", "max_instance_count": 1},
    }
    url: str = functions.create_function(parent=parent, function_id="todo", function=function).result().url
    return url
