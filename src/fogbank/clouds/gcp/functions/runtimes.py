"""Runtimes: those that there are, and those that Google has besides (Google Cloud, "Runtime support")."""

from __future__ import annotations

from typing import Final

from fogbank.clouds.gcp.refusals import invalid, unsupported

# Identifier, what it is called, and the date after which Google no longer maintains it.
PYTHON: Final = (
    ("python310", "Python 3.10", (2026, 10, 4)),
    ("python311", "Python 3.11", (2027, 10, 24)),
    ("python312", "Python 3.12", (2028, 10, 2)),
    ("python313", "Python 3.13", (2029, 10, 1)),
    ("python314", "Python 3.14", (2030, 10, 1)),
)
NODE: Final = (
    ("nodejs18", "Node.js 18", (2025, 4, 30)),
    ("nodejs20", "Node.js 20", (2026, 4, 30)),
    ("nodejs22", "Node.js 22", (2027, 4, 30)),
    ("nodejs24", "Node.js 24", (2028, 4, 30)),
)
RUNTIMES: Final = (*PYTHON, *NODE)
_SUPPORTED: Final = frozenset(name for name, _, _ in RUNTIMES)
_LANGUAGES: Final = ("python", "nodejs", "go", "java", "dotnet", "ruby", "php")


def check_runtime(runtime: str) -> None:
    """Raise the error for a runtime that there isn't, or that Fogbank doesn't have."""
    if runtime in _SUPPORTED:
        return
    language = language_of(runtime)
    if language in _LANGUAGES and language != runtime:
        raise unsupported(f"the runtime {runtime}; it has {', '.join(sorted(_SUPPORTED))}")
    raise invalid("runtime", f"Invalid value specified for runtime: {runtime!r}.")


def language_of(runtime: str) -> str:
    """Return the language of a runtime."""
    return runtime.rstrip("0123456789")
