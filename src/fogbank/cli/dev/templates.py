"""Functions as a template of AWS's Serverless Application Model describes them.

AWS Serverless Application Model Developer Guide, "AWS::Serverless::Function" and "Globals section". Of YAML, what
such templates are made of is read: block mappings of scalars. Lists are passed over, of texts the first line is read,
and what only CloudFormation can work out (`!Ref`, `Fn::Sub`) is left out, with a note.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TYPES: Final = frozenset({"AWS::Serverless::Function", "AWS::Lambda::Function"})
SCALARS: Final = ("Handler", "Runtime", "MemorySize", "Timeout")
_KEY: Final = re.compile(r"""(?P<key>"[^"]*"|'[^']*'|[^\s"'#{\[&*!|>%@-][^#]*?|-[^\s].*?):(?:\s+(?P<value>.*))?$""")
_COMMENT: Final = re.compile(r"""^((?:"[^"]*"|'[^']*'|[^"'#]|(?<=\S)#)*?)\s+#.*$""")
_BLOCK: Final = re.compile(r"[|>][+-]?\d?[+-]?")


class TemplateError(Exception):
    """The template can't be read, or has what can't be served."""


def read_template(path: Path) -> dict[str, Any]:
    """Read a template, JSON or YAML; raises `TemplateError`."""
    try:
        text = path.read_text("utf-8")
        if path.suffix == ".json":
            return msgspec.json.decode(text, type=dict[str, Any])
    except (OSError, UnicodeDecodeError, msgspec.DecodeError) as error:
        raise TemplateError(str(error)) from None
    return read_mappings(text)


def read_mappings(text: str) -> dict[str, Any]:
    """Return the mappings of a YAML document whose values are texts or mappings; raises `TemplateError`."""
    root: dict[str, Any] = {}
    # Open mappings with the indent of their keys, None until the first is seen.
    stack: list[tuple[int | None, dict[str, Any]]] = [(None, root)]
    passed_over: int | None = None
    for number, raw in enumerate(text.splitlines(), 1):
        line = _COMMENT.sub(r"\1", raw).rstrip()
        bare = line.lstrip(" ")
        if not bare or bare.startswith("#") or (bare in ("---", "...") and bare == line):
            continue
        indent = len(line) - len(bare)
        if passed_over is not None and indent > passed_over:
            continue
        passed_over = None
        if bare == "-" or bare.startswith("- "):
            passed_over = indent
            continue
        while stack[-1][0] is None and len(stack) > 1 and indent <= (stack[-2][0] or 0):
            stack.pop()
        while stack[-1][0] is not None and indent < stack[-1][0]:
            stack.pop()
        expected, mapping = stack[-1]
        match = _KEY.match(bare)
        if match is None or "\t" in raw[: len(raw) - len(raw.lstrip())] or expected not in (None, indent):
            msg = f"line {number} is not understood: {bare}"
            raise TemplateError(msg)
        stack[-1] = (indent, mapping)
        key, value = _plain(match["key"]), (match["value"] or "").strip()
        if value:
            # What is deeper goes on with the text.
            passed_over = indent
            mapping[key] = "" if _BLOCK.fullmatch(value) else _plain(value)
        else:
            inner: dict[str, Any] = {}
            mapping[key] = inner
            stack.append((None, inner))
    return root


def serverless_functions(template: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[str]]:
    """Return each function's properties, with its `name`, and notes of what was left out."""
    shared = _mapping(_mapping(template.get("Globals")).get("Function"))
    found, notes = [], []
    for identifier, resource in _mapping(template.get("Resources")).items():
        if _mapping(resource).get("Type") not in TYPES:
            continue
        own = _mapping(resource.get("Properties"))
        if own.get("PackageType") == "Image" or "ImageUri" in own:
            msg = f"{identifier} is a container image; functions are served from folders only."
            raise TemplateError(msg)
        values: dict[str, Any] = {"name": identifier}
        for member, where in (("name", own.get("FunctionName")), ("CodeUri", own.get("CodeUri", own.get("Code")))):
            if _known(where):
                values[member] = where
            elif where:
                notes.append(f"{identifier}: what CloudFormation would make of its {member} isn't known here.")
        for member in SCALARS:
            value = own.get(member, shared.get(member))
            if _known(value):
                values[member] = str(value)
        variables = {
            **_mapping(_mapping(shared.get("Environment")).get("Variables")),
            **_mapping(_mapping(own.get("Environment")).get("Variables")),
        }
        values["Environment"] = {name: str(value) for name, value in variables.items() if _known(value)}
        values["url"], values["routes"] = _entrances(own)
        if any(kind == "Api" for kind, _ in _http_events(own)):
            notes.append(f"{identifier}: its Api events aren't served; those of type HttpApi are, at its function URL.")
        left_out = sorted(variables.keys() - values["Environment"].keys())
        if left_out:
            notes.append(
                f"{identifier}: left out of the environment, for CloudFormation to know: {', '.join(left_out)}"
            )
        found.append(values)
    return found, notes


def _entrances(properties: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Return who may call the function's URL ("" where it has none), and what it is called with: `GET /path`."""
    routes = [
        f"{str(event.get('Method', 'any')).upper()} {event.get('Path', '/')}"
        for kind, event in _http_events(properties)
        if kind == "HttpApi"
    ]
    url = _mapping(properties.get("FunctionUrlConfig"))
    return str(url.get("AuthType", "NONE")) if url or routes else "", routes


def _http_events(properties: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    events = [_mapping(each) for each in _mapping(properties.get("Events")).values()]
    return [
        (each["Type"], _mapping(each.get("Properties"))) for each in events if each.get("Type") in ("Api", "HttpApi")
    ]


def _known(value: Any) -> bool:
    """Whether a value stands in the template itself."""
    return (isinstance(value, str) and value != "" and value[0] not in "!{[&*") or isinstance(value, int | float)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _plain(text: str) -> str:
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    return text
