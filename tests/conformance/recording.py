"""Notes which operations and parameters boto3 clients sent and were answered: the source of the reference's tables.

Written when FOGBANK_RECORD is set; a failing test makes the whole run fail, so what is written was tested.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / ".cache" / "conformance"
_seen: set[tuple[str, str, tuple[str, ...]]] = set()


def record(client: Any) -> None:
    """Note everything that a client sends from now on."""
    events = client.meta.events
    events.register("before-parameter-build.*.*", _remember)
    events.register("after-call.*.*", _note)


def _remember(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    context["fogbank_parameters"] = tuple(params)


def _note(http_response: Any, model: Any, context: dict[str, Any], **_: Any) -> None:
    if http_response.status_code < 300:
        _seen.add((model.service_model.service_name, model.name, context.get("fogbank_parameters", ())))


def write(worker: str) -> None:
    """Save what was noted."""
    if "FOGBANK_RECORD" in os.environ and _seen:
        FOLDER.mkdir(parents=True, exist_ok=True)
        (FOLDER / f"{worker}.json").write_text(json.dumps(sorted(_seen)))
