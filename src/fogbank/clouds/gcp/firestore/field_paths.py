"""Paths of fields: names with dots between them, in backquotes where they aren't simple.

Google Cloud, "Document.fields" (https://cloud.google.com/firestore/docs/reference/rest/v1/projects.databases.documents):
a simple name has letters, digits and underscores, and doesn't begin with a digit; in a quoted one a backslash
stands before backquotes and backslashes.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from fogbank.wire.grpc.status import Code, GrpcError

if TYPE_CHECKING:
    from typing import TypeAlias

    FieldPath: TypeAlias = tuple[str, ...]

NAME: Final = "__name__"
NAME_PATH: Final = (NAME,)
FIELD_BYTES_MAX: Final = 1_500
_SIMPLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SEGMENT: Final = re.compile(r"`((?:[^`\\]|\\.)+)`|([A-Za-z_][A-Za-z0-9_]*)", re.DOTALL)
_RULE: Final = (
    "Unquoted property paths must match regex ([a-zA-Z_][a-zA-Z_0-9]*), and quoted property paths must match regex"
    r" (`(?:[^`\\]|(?:\\.))+`)"
)
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)


@lru_cache(maxsize=4096)
def read_path(text: str) -> FieldPath:
    """Read a path; raises `GrpcError`."""
    segments = []
    at = 0
    while True:
        match = _SEGMENT.match(text, at)
        if match is None:
            raise bad_path(text)
        quoted, simple = match.groups()
        segments.append(simple if quoted is None else _ESCAPE.sub(r"\1", quoted))
        at = match.end()
        if at == len(text):
            break
        if text[at] != ".":
            raise bad_path(text)
        at += 1
    if len(text.encode()) > FIELD_BYTES_MAX:
        raise GrpcError(Code.INVALID_ARGUMENT, f"Property path {text[:64]!r}… has more than {FIELD_BYTES_MAX} bytes.")
    return tuple(segments)


def write_path(path: FieldPath) -> str:
    """Write a path."""
    return ".".join(
        each if _SIMPLE.fullmatch(each) else "`" + each.replace("\\", "\\\\").replace("`", "\\`") + "`" for each in path
    )


def bad_path(text: str) -> GrpcError:
    """Return the error for what is no path, as users quote it.

    https://github.com/googleapis/java-firestore/issues/2367.
    """
    return GrpcError(Code.INVALID_ARGUMENT, f'Invalid property path "{text}". {_RULE}')


def is_reserved(name: str) -> bool:
    """Whether a field may not have this name."""
    return len(name) > 3 and name.startswith("__") and name.endswith("__")


def value_at(fields: Any, path: FieldPath) -> Any:
    """Return the value of a map of fields at a path; None if there is none."""
    for name in path[:-1]:
        if name not in fields:
            return None
        value = fields[name]
        if value.WhichOneof("value_type") != "map_value":
            return None
        fields = value.map_value.fields
    # Asking a map of messages for what isn't there would make it.
    return fields[path[-1]] if path[-1] in fields else None  # noqa: SIM401
