#!/usr/bin/env python3
"""Hold the house to its measures: sizes of files, functions and folders, names that mean nothing, docstrings.

Prints each violation as `path:line: what` and exits with 1 if there is any.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parent.parent
SOURCE: Final = ROOT / "src" / "fogbank"
FOLDERS: Final = ("src", "tests", "tools", "bench", "examples")
FILE_LINES_MAX: Final = 600
FUNCTION_LINES_MAX: Final = 60
FOLDER_FILES_MAX: Final = 15
BANNED_NAMES: Final = frozenset({"util", "utils", "helper", "helpers", "common", "base", "misc", "manager", "tools"})
BANNED_CALLS: Final = {
    ("time", "time"), ("time", "time_ns"), ("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"),
    ("os", "urandom"),
}  # fmt: skip
BANNED_IMPORTS: Final = frozenset({"uuid", "random", "secrets"})


def check_file(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the violations in one Python file, by line."""
    text = path.read_text()
    lines = text.count("\n")
    tree = ast.parse(text)
    if lines > FILE_LINES_MAX:
        yield 1, f"{lines} lines; {FILE_LINES_MAX} at most"
    if path.stem in BANNED_NAMES:
        yield 1, f"a module named {path.stem} says nothing about what is in it"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            size = (node.end_lineno or node.lineno) - node.lineno + 1
            if size > FUNCTION_LINES_MAX:
                yield node.lineno, f"{node.name} has {size} lines; {FUNCTION_LINES_MAX} at most"
    if SOURCE in path.parents:
        if text.strip() and not ast.get_docstring(tree):
            yield 1, "no module docstring"
        if "kernel" not in path.relative_to(SOURCE).parts:
            yield from check_sources_of_chance(tree)


def check_sources_of_chance(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield uses of the wall clock and of randomness, which only the kernel may make."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            names = []
        for name in names:
            if name.partition(".")[0] in BANNED_IMPORTS:
                yield node.lineno, f"{name} is for the kernel only"
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            call = (node.value.id, node.attr)
            if call in BANNED_CALLS:
                yield node.lineno, f"{'.'.join(call)} is for the kernel only"


def check_folders() -> Iterator[tuple[Path, str]]:
    """Yield source folders with too many files."""
    for folder in [SOURCE, *(path for path in SOURCE.rglob("*") if path.is_dir())]:
        files = list(folder.glob("*.py"))
        if len(files) > FOLDER_FILES_MAX:
            yield folder, f"{len(files)} files; {FOLDER_FILES_MAX} at most"


def main() -> int:
    """Check everything; return the exit status."""
    found = []
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "node_modules" not in path.parts:
                found += [f"{path.relative_to(ROOT)}:{line}: {what}" for line, what in check_file(path)]
    found += [f"{path.relative_to(ROOT)}: {what}" for path, what in check_folders()]
    print("\n".join(found) or "tidy")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
