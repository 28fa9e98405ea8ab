"""What functions a folder for Google Cloud Functions has: read from its source, which is never run for that.

Functions Framework for Python: `functions_framework.http`, `cloud_event` and `typed` mark functions; one without a
mark takes HTTP requests, or, with a second parameter for the context, background events.
"""

from __future__ import annotations

import ast
import re
import sys
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from fogbank.cli.dev.projects import ProjectError

if TYPE_CHECKING:
    from pathlib import Path

    from fogbank.cli.dev.projects import Given

MAIN: Final = "main.py"
PYTHON: Final = f"python{sys.version_info.major}{sys.version_info.minor}"
NODE: Final = "nodejs22"
SCRIPTS: Final = ("index.js", "index.mjs", "index.cjs", "function.js")
FRAMEWORK: Final = "functions_framework"
HTTP: Final = "http"
BACKGROUND: Final = "event"
KINDS: Final = {"http": HTTP, "cloud_event": "cloudevent", "typed": "typed"}
_REGISTERED: Final = re.compile(r"""\.(http|cloudEvent|typed)\(\s*(["'])([A-Za-z_$][\w$-]*)\2""")
_NOT_IN_NAMES: Final = re.compile(r"[^a-z0-9]+")
NAME_LENGTH_MAX: Final = 63


class GoogleFunction(NamedTuple):
    """A function as the source has it: `target` is what it is called there."""

    name: str
    target: str
    kind: str
    runtime: str


def read_functions(folder: Path, given: Given) -> list[GoogleFunction]:
    """Return a folder's functions; raises `ProjectError`."""
    if (folder / MAIN).is_file():
        marked, plain = _of_python(folder / MAIN)
        runtime, source = given.runtime or PYTHON, folder / MAIN
    else:
        source = _script(folder)
        marked = {match[3]: KINDS.get(match[1], "cloudevent") for match in _REGISTERED.finditer(_read(source))}
        plain, runtime = {}, given.runtime or NODE
        if given.target is not None:
            plain = {given.target: HTTP}
    if given.target is not None:
        kind = marked.get(given.target) or plain.get(given.target)
        if kind is None:
            msg = f"{source} has no function {given.target}; it has {_list([*marked, *plain])}."
            raise ProjectError(msg)
        marked = {given.target: kind}
    if not marked:
        msg = f"Nothing in {source} is marked as a function; name one with --target: {_list(plain)}."
        raise ProjectError(msg)
    names = {target: function_name(target) for target in marked}
    if given.name is not None:
        if len(marked) > 1:
            msg = f"--name is for one function; choose it with --target: {_list(marked)}."
            raise ProjectError(msg)
        names = dict.fromkeys(marked, given.name)
    return [GoogleFunction(names[target], target, kind, runtime) for target, kind in marked.items()]


def function_name(text: str) -> str:
    """Return a name that a function may have, made from any text."""
    return _NOT_IN_NAMES.sub("-", text.lower()).strip("-")[:NAME_LENGTH_MAX].strip("-") or "function"


def _of_python(path: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Return the kinds of the functions that are marked, and of all others."""
    try:
        module = ast.parse(_read(path))
    except SyntaxError as error:
        msg = f"{path}, line {error.lineno}: {error.msg}"
        raise ProjectError(msg) from None
    modules, names = _imported(module)
    marked: dict[str, str] = {}
    plain: dict[str, str] = {}
    for statement in module.body:
        if isinstance(statement, ast.ImportFrom) and statement.module != FRAMEWORK:
            plain.update((alias.asname or alias.name, HTTP) for alias in statement.names)
        if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        kinds = [kind for each in statement.decorator_list if (kind := _kind(each, modules, names))]
        if kinds:
            marked[statement.name] = kinds[0]
        else:
            taken = len(statement.args.posonlyargs) + len(statement.args.args)
            plain[statement.name] = BACKGROUND if taken == 2 else HTTP
    return marked, plain


def _imported(module: ast.Module) -> tuple[set[str], dict[str, str]]:
    """Return what the framework is called, and what its marks are called."""
    modules: set[str] = set()
    names: dict[str, str] = {}
    for statement in module.body:
        if isinstance(statement, ast.Import):
            modules.update(alias.asname or alias.name for alias in statement.names if alias.name == FRAMEWORK)
        elif isinstance(statement, ast.ImportFrom) and statement.module == FRAMEWORK:
            names.update((alias.asname or alias.name, alias.name) for alias in statement.names)
    return modules, names


def _kind(decorator: ast.expr, modules: set[str], names: dict[str, str]) -> str | None:
    mark = decorator.func if isinstance(decorator, ast.Call) else decorator
    if isinstance(mark, ast.Attribute) and isinstance(mark.value, ast.Name) and mark.value.id in modules:
        return KINDS.get(mark.attr)
    return KINDS.get(names.get(mark.id, "")) if isinstance(mark, ast.Name) else None


def _script(folder: Path) -> Path:
    """Return the file that Node.js begins with."""
    try:
        package = msgspec.json.decode(_read(folder / "package.json") or "{}", type=dict[str, Any])
    except msgspec.DecodeError as error:
        msg = f"{folder / 'package.json'}: {error}"
        raise ProjectError(msg) from None
    for name in (str(package.get("main", SCRIPTS[0])), *SCRIPTS):
        if (folder / name).is_file():
            return folder / name
    msg = f"{folder} has neither {MAIN} nor {SCRIPTS[0]}."
    raise ProjectError(msg)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


def _list(names: Any) -> str:
    return ", ".join(names) or "none"
