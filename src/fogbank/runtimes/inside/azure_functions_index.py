"""What functions an app has: found as Azure's Python worker finds them, and checked as it checks them.

Version 2 of the programming model has decorated functions in `function_app.py`; version 1 a folder for each function,
with a `function.json` ("Azure Functions Python developer guide", "Programming model"). Nothing here keeps a hold of
`azure.functions`: an app may bring a version of its own.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import inspect
import json
import os
import sys
import typing
from typing import Any, Final, NamedTuple

DEFAULT_SCRIPT: Final = "function_app.py"
# The package that version 1's functions import each other's modules from.
NAMESPACE: Final = "__app__"
PACKAGES: Final = (".python_packages/lib/site-packages",)
_RETURN: Final = "$return"
_RETRY: Final = "retry_policy"


class Loaded(NamedTuple):
    """A function that can be called: `describe` is its function.json, `outputs` are its parameters that are set.

    `inputs` are the bindings of the other parameters, by name; `returns` is the binding of what it returns.
    """

    name: str
    call: Any
    describe: dict[str, Any]
    directory: str
    is_async: bool
    wants_context: bool
    inputs: dict[str, dict[str, Any]]
    outputs: dict[str, dict[str, Any]]
    returns: dict[str, Any] | None


class Index(NamedTuple):
    """The functions of an app; `failed` has the descriptions of those that can't be loaded, each with its `error`."""

    functions: dict[str, Loaded]
    failed: dict[str, dict[str, Any]]


class FunctionLoadError(RuntimeError):
    """A function doesn't fit its bindings."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"cannot load the {name} function: {message}")


def load_app(folder: str) -> Index:
    """Return the functions of the app in a folder; raises whatever keeps it from being indexed."""
    for packages in PACKAGES:
        path = os.path.join(folder, packages)
        if os.path.isdir(path) and path not in sys.path:
            sys.path.insert(0, path)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    script = os.environ.get("PYTHON_SCRIPT_FILE_NAME", DEFAULT_SCRIPT)
    if os.path.isfile(os.path.join(folder, script)):
        return _load_decorated(folder, script)
    return _load_described(folder)


def describe_all(index: Index) -> list[dict[str, Any]]:
    """Return what the server is told of the functions."""
    loaded = [{"name": each.name, "isAsync": each.is_async, **each.describe} for each in index.functions.values()]
    return [*loaded, *({"name": name, **description} for name, description in index.failed.items())]


def _load_decorated(folder: str, script: str) -> Index:
    from azure.functions import FunctionRegister  # noqa: PLC0415 - the one that the app has

    module = importlib.import_module(script.removesuffix(".py"))
    app: Any = None
    for name in dir(module):
        found = getattr(module, name, None)
        if isinstance(found, FunctionRegister) and found is not app:
            if app is not None:
                msg = f"More than one {type(app).__name__} or other top level function app instances are defined."
                raise ValueError(msg)
            app = found
    if app is None:
        msg = f"Could not find top level function app instances in {script}."
        raise ValueError(msg)
    functions = {}
    for function in app.get_functions():
        name = function.get_function_name()
        bindings = [json.loads(binding) for binding in function.get_raw_bindings()]
        describe: dict[str, Any] = {"scriptFile": script, "language": "python", "bindings": bindings}
        retry = function.get_settings_dict(_RETRY)
        if retry:
            describe["retry"] = {key: value for key, value in retry.items() if key != "setting_name"}
        functions[name] = check_function(name, function.get_user_function(), describe, folder)
    return Index(functions, {})


def _load_described(folder: str) -> Index:
    _make_namespace(folder)
    index = Index({}, {})
    for name in sorted(os.listdir(folder)):
        directory = os.path.join(folder, name)
        path = os.path.join(directory, "function.json")
        if not os.path.isfile(path):
            continue
        describe: dict[str, Any] = {"bindings": []}
        try:
            with open(path, encoding="utf-8-sig") as file:
                content = json.load(file)
            if not isinstance(content, dict) or not isinstance(content.get("bindings", []), list):
                msg = f"{name}/function.json is not an object with a list of bindings."
                raise TypeError(msg)
            describe = {"scriptFile": "__init__.py", "language": "python", "bindings": [], **content}
            call = _import_described(name, str(describe["scriptFile"]), str(describe.get("entryPoint") or "main"))
            index.functions[name] = check_function(name, call, describe, directory)
        except Exception as error:  # noqa: BLE001 - one function's failure leaves the others alone
            index.failed[name] = {**describe, "error": f"{type(error).__name__}: {error}"}
    return index


def _make_namespace(folder: str) -> None:
    spec = importlib.machinery.ModuleSpec(NAMESPACE, None)
    spec.submodule_search_locations = [folder]
    sys.modules[NAMESPACE] = importlib.util.module_from_spec(spec)


def _import_described(name: str, script: str, entry_point: str) -> Any:
    path = os.path.normpath(os.path.join(name, script))
    stem, extension = os.path.splitext(path)
    if extension != ".py" or path.startswith(".."):
        msg = f"cannot load function {name}: invalid Python filename {script}"
        raise RuntimeError(msg)
    module = importlib.import_module(".".join([NAMESPACE, *stem.split("/")]))
    call = getattr(module, entry_point, None)
    if not callable(call):
        msg = f"cannot load function {name}: function {entry_point}() is not present in {path}"
        raise RuntimeError(msg)  # noqa: TRY004 - Azure's own
    return call


def converter_of(kind: str) -> Any:
    """Return what converts a type of binding, None if there is nothing that does."""
    functions: Any = importlib.import_module("azure.functions")
    return functions.get_binding_registry().get(kind)


def check_function(name: str, call: Any, describe: dict[str, Any], directory: str) -> Loaded:
    """Match a function's parameters with its bindings; raises `FunctionLoadError`."""
    parameters = dict(inspect.signature(call).parameters)
    annotations = typing.get_type_hints(call)
    bound = {str(binding.get("name")): binding for binding in describe["bindings"]}
    returns = bound.pop(_RETURN, None)
    for binding in describe["bindings"]:
        if str(binding.get("direction", "in")).lower() == "inout":
            raise FunctionLoadError(name, '"inout" bindings are not supported')
    if returns is not None and not _is_out(returns):
        raise FunctionLoadError(name, '"$return" binding must have direction set to "out"')
    wants_context = "context" in parameters and "context" not in bound
    if wants_context:
        del parameters["context"]
        annotation = annotations.get("context")
        if annotation is not None and getattr(annotation, "__name__", "") != "Context":
            message = f'the "context" parameter is expected to be of type azure.functions.Context, got {annotation!r}'
            raise FunctionLoadError(name, message)
    _check_names(name, set(parameters), set(bound))
    for parameter in parameters:
        _check_annotation(name, parameter, bound[parameter], annotations.get(parameter))
    return Loaded(
        name=name,
        call=call,
        describe=describe,
        directory=directory,
        is_async=inspect.iscoroutinefunction(call),
        wants_context=wants_context,
        inputs={each: binding for each, binding in bound.items() if not _is_out(binding)},
        outputs={each: binding for each, binding in bound.items() if _is_out(binding)},
        returns=returns,
    )


def _check_names(name: str, parameters: set[str], bound: set[str]) -> None:
    where = "the function definition (function.json or function decorators)"
    if parameters - bound:
        message = f"the following parameters are declared in Python but not in {where}: {parameters - bound!r}"
        raise FunctionLoadError(name, message)
    if bound - parameters:
        message = f"the following parameters are declared in {where} but not in Python: {bound - parameters!r}"
        raise FunctionLoadError(name, message)


def _check_annotation(name: str, parameter: str, binding: dict[str, Any], annotation: Any) -> None:
    if annotation is None:
        return
    declared_out = getattr(typing.get_origin(annotation) or annotation, "__name__", "") == "Out"
    if _is_out(binding) != declared_out:
        direction = "out" if _is_out(binding) else "in"
        what = "is not a subclass of azure.functions.Out" if _is_out(binding) else "is azure.functions.Out in Python"
        message = f'binding {parameter} is declared to have the "{direction}" direction, but its annotation {what}'
        raise FunctionLoadError(name, message)
    converter = converter_of(str(binding.get("type")))
    kind = next(iter(typing.get_args(annotation)), None) if declared_out else annotation
    if converter is None or not isinstance(kind, type) or kind in (str, bytes):
        return
    fits = converter.check_output_type_annotation if declared_out else converter.check_input_type_annotation
    if not fits(kind):
        message = (
            f'type of {parameter} binding in the function definition "{binding.get("type")}" does not match its'
            f' Python annotation "{kind.__name__}"'
        )
        raise FunctionLoadError(name, message)


def _is_out(binding: dict[str, Any]) -> bool:
    return str(binding.get("direction", "in")).lower() == "out"
