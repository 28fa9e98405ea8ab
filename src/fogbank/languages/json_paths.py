"""Paths into JSON, as Amazon's event services have them: `$`, `.name`, `['name']`, `[0]`, `[*]`, `.*`.

Amazon EventBridge User Guide, "Input transformation": a path that leads nowhere gives nothing.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final, TypeAlias

_STEP: Final = re.compile(
    r"\.(?P<name>[^.\[\]*'\"()?@]+)|\[(?P<index>\d+)\]|\[['\"](?P<quoted>[^'\"]+)['\"]\]|(?P<every>\[\*\]|\.\*)"
)
MISSING: Final = object()
Step: TypeAlias = "str | int | None"


class InvalidPathError(Exception):
    """The path can't be."""


@lru_cache(maxsize=4096)
def compile_path(text: str) -> tuple[Step, ...]:
    """Return a path's steps: names, places in lists, None for each of them; raises `InvalidPathError`."""
    if not text.startswith("$"):
        raise InvalidPathError(text)
    steps: list[Step] = []
    at = 1
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None:
            raise InvalidPathError(text)
        if match["every"]:
            steps.append(None)
        elif match["index"] is not None:
            steps.append(int(match["index"]))
        else:
            steps.append(match["name"] or match["quoted"])
        at = match.end()
    return tuple(steps)


def follow_path(text: str, value: Any) -> Any:
    """Return what a path leads to, `MISSING` for nothing; a path with `*` leads to a list."""
    return _follow(compile_path(text), value)


def _follow(steps: tuple[Step, ...], value: Any) -> Any:
    for place, step in enumerate(steps):
        if step is None:
            below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
            found = (_follow(steps[place + 1 :], each) for each in below)
            return [each for each in found if each is not MISSING]
        if isinstance(step, str):
            value = value.get(step, MISSING) if isinstance(value, dict) else MISSING
        else:
            value = value[step] if isinstance(value, list) and step < len(value) else MISSING
        if value is MISSING:
            return MISSING
    return value
