"""A function of ours, for a zygote to warm up on. No user's function ever runs there."""

from __future__ import annotations

from typing import Any


def sample(request: Any) -> tuple[dict[str, str], int]:
    """Answer a request."""
    return {"path": request.path, "name": request.args.get("name", ""), "body": request.get_data(as_text=True)}, 200
