"""What kind of functions a folder holds, and which: told from its files."""

from __future__ import annotations

import re
import sys
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from fogbank.cli.dev.templates import TemplateError, read_template, serverless_functions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PYTHON: Final = f"python{sys.version_info.major}.{sys.version_info.minor}"
NODE: Final = "nodejs22.x"
CUSTOM: Final = "provided.al2023"
TEMPLATES: Final = ("template.yaml", "template.yml", "template.json")
MODULES: Final = ("lambda_function.py", "app.py", "handler.py", "index.py", "main.py")
SCRIPTS: Final = ("index.mjs", "index.js", "index.cjs", "app.mjs", "app.js")
HANDLERS: Final = ("lambda_handler", "handler")
_DEFINITION: Final = re.compile(r"^(?:async\s+)?def\s+(\w+)\s*\(", re.MULTILINE)
_EXPORT: Final = re.compile(
    r"^export\s+(?:const|async\s+function|function)\s+handler\b|exports\.handler\b", re.MULTILINE
)
_GOOGLE: Final = re.compile(r"^\s*(?:import|from)\s+functions_framework\b", re.MULTILINE)
_GOOGLE_NEEDED: Final = re.compile(r"^\s*functions[-_.]framework\b", re.MULTILINE | re.IGNORECASE)
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9-_]+")
NAME_LENGTH_MAX: Final = 64


class Cloud(Enum):
    """Whose functions they are."""

    AWS = "AWS Lambda"
    AZURE = "Azure Functions"
    GOOGLE = "Google Cloud Functions"


class ProjectError(Exception):
    """The folder can't be served; says why, and what would help."""


class FunctionSpec(NamedTuple):
    """A function as the folder describes it.

    `url` says who may call its URL, in AWS's words; it is empty where the function has none. `routes` are the methods
    and paths that it is to be called with, if that was said.
    """

    name: str
    folder: Path
    runtime: str
    handler: str
    memory_mib: int | None = None
    timeout_seconds: int | None = None
    environment: Mapping[str, str] = {}
    url: str = "NONE"
    routes: tuple[str, ...] = ()


class Given(NamedTuple):
    """What the user said on the command line; None where nothing was."""

    name: str | None = None
    handler: str | None = None
    runtime: str | None = None
    memory_mib: int | None = None
    timeout_seconds: int | None = None
    environment: Mapping[str, str] = {}
    target: str | None = None
    debug: bool = False
    debug_port: int | None = None


class Project(NamedTuple):
    """A folder's functions. `notes` say what of its description isn't followed."""

    functions: list[FunctionSpec]
    notes: list[str]


def kind_of(folder: Path) -> Cloud | None:
    """Tell whose functions a folder holds, None if nothing shows it."""
    if (folder / "host.json").is_file():
        return Cloud.AZURE
    if (
        _GOOGLE.search(_text(folder / "main.py"))
        or ((folder / "main.py").is_file() and _GOOGLE_NEEDED.search(_text(folder / "requirements.txt")))
        or _needs_googles_framework(folder / "package.json")
    ):
        return Cloud.GOOGLE
    if any((folder / name).is_file() for name in (*TEMPLATES, *MODULES, *SCRIPTS, "bootstrap")):
        return Cloud.AWS
    return None


def read_project(folder: Path, given: Given) -> Project:
    """Return the functions of a folder for AWS Lambda; raises `ProjectError`."""
    templates = [folder / name for name in TEMPLATES if (folder / name).is_file()]
    if given.handler is None and templates:
        try:
            described, notes = serverless_functions(read_template(templates[0]))
        except TemplateError as error:
            msg = f"{templates[0]}: {error}"
            raise ProjectError(msg) from None
        if given.name is not None and described:
            names = ", ".join(each["name"] for each in described)
            described = [each for each in described if each["name"] == given.name]
            if not described:
                msg = f"{templates[0]} has no function {given.name}; it has {names}."
                raise ProjectError(msg)
        if described:
            return Project([_described(folder, each, given) for each in described], notes)
    return Project([_single(folder, given)], [])


def function_name(text: str) -> str:
    """Return a name that Lambda takes, made from any text."""
    return _NOT_IN_NAMES.sub("-", text).strip("-")[:NAME_LENGTH_MAX] or "function"


def _single(folder: Path, given: Given) -> FunctionSpec:
    """Return the one function of a folder without a template."""
    found = (given.handler, given.runtime or PYTHON) if given.handler else _entry(folder)
    if found is None:
        msg = (
            f"Nothing in {folder} shows what is to be served: there is no {', '.join(TEMPLATES[:1] + MODULES[:2])}"
            f" or {SCRIPTS[0]} with a handler. Name it: --handler module.function"
        )
        raise ProjectError(msg)
    handler, runtime = found
    if given.handler and given.runtime is None and any((folder / script).is_file() for script in _scripts(handler)):
        runtime = NODE
    name = given.name or function_name(folder.name)
    return FunctionSpec(
        name,
        folder,
        given.runtime or runtime,
        handler,
        given.memory_mib,
        given.timeout_seconds,
        given.environment,
    )


def _entry(folder: Path) -> tuple[str, str] | None:
    """Find a folder's handler and the runtime that it needs."""
    for name in MODULES:
        defined = _DEFINITION.findall(_text(folder / name))
        for handler in HANDLERS:
            if handler in defined:
                return f"{name.removesuffix('.py')}.{handler}", PYTHON
    for name in SCRIPTS:
        if _EXPORT.search(_text(folder / name)):
            return f"{name.rpartition('.')[0]}.handler", NODE
    if (folder / "bootstrap").is_file():
        return "bootstrap", CUSTOM
    return None


def _scripts(handler: str) -> list[str]:
    module = handler.rpartition(".")[0]
    return [f"{module}.{ending}" for ending in ("mjs", "js", "cjs")]


def _described(folder: Path, values: Mapping[str, Any], given: Given) -> FunctionSpec:
    """Return a function of a template; what was said on the command line goes before."""
    code = (folder / values.get("CodeUri", ".")).resolve()
    if not code.is_dir():
        msg = f"The code of {values['name']} should be in {code}, which is no folder."
        raise ProjectError(msg)
    handler, runtime = values.get("Handler"), given.runtime or values.get("Runtime")
    if not handler or not runtime:
        msg = f"{values['name']} has no {'Runtime' if handler else 'Handler'}."
        raise ProjectError(msg)
    try:
        memory_mib, timeout_seconds = (
            said if said is not None or member not in values else int(values[member])
            for said, member in ((given.memory_mib, "MemorySize"), (given.timeout_seconds, "Timeout"))
        )
    except ValueError:
        msg = f"MemorySize and Timeout of {values['name']} must be numbers."
        raise ProjectError(msg) from None
    environment = {**values.get("Environment", {}), **given.environment}
    return FunctionSpec(
        values["name"],
        code,
        runtime,
        handler,
        memory_mib,
        timeout_seconds,
        environment,
        values["url"],
        tuple(values["routes"]),
    )


def _needs_googles_framework(path: Path) -> bool:
    try:
        package = msgspec.json.decode(_text(path) or "{}", type=dict[str, Any])
    except msgspec.DecodeError:
        return False
    dependencies = package.get("dependencies")
    return isinstance(dependencies, dict) and "@google-cloud/functions-framework" in dependencies


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
