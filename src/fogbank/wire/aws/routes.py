"""From a request to an operation, by the model's URI templates.

Smithy, "http trait": literal segments, labels `{Name}` that take one segment, greedy labels `{Name+}` that take
several, and literal query parameters. Operations that share a template are told apart by the query parameters
and headers that only one of them requires.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs, parse_qsl, unquote

if TYPE_CHECKING:
    from fogbank.wire.aws.models import Operation, ServiceModel
    from fogbank.wire.http import Request


class Template(NamedTuple):
    """How an operation is addressed: `required` query parameters and `headers` stand in no template."""

    operation: str
    segments: tuple[str, ...]
    query: dict[str, str]
    required: frozenset[str]
    headers: frozenset[bytes]
    deprecated: bool

    @property
    def weight(self) -> tuple[int, int, int, int, bool]:
        """How specific it is: what else it requires, literal segments, fewer greedy labels; the newer at last."""
        literals = sum(not segment.startswith("{") for segment in self.segments)
        required = len(self.required) + len(self.headers)
        return (len(self.query), literals, -self.greedy, required, not self.deprecated)

    @property
    def greedy(self) -> int:
        """How many labels take several segments."""
        return sum(segment.endswith("+}") for segment in self.segments)


class Route(NamedTuple):
    """The operation that a request names, the labels in its path, its query."""

    operation: str
    labels: dict[str, str]
    query: dict[str, list[str]]


class Router:
    """All of a service's templates, by method and first segment ("" for a label)."""

    def __init__(self, model: ServiceModel) -> None:
        self._templates: dict[tuple[str, str], list[Template]] = {}
        for operation in model.operations.values():
            template = read_template(operation, model)
            first = template.segments[0]
            key = operation.http.method, "" if first.startswith("{") else first
            self._templates.setdefault(key, []).append(template)
        for templates in self._templates.values():
            templates.sort(key=lambda template: template.weight, reverse=True)

    def route(self, request: Request) -> Route | None:
        """Return the most specific match, or None; raises `UnicodeDecodeError`.

        If only operations match whose required parameters aren't there, it is the least demanding of them: they
        will say what is missing.
        """
        segments = request.raw_path[1:].split("/")
        raw = request.raw_query
        query = parse_qs(raw, keep_blank_values=True, errors="strict") if raw else {}
        incomplete: Route | None = None
        for first in {segments[0]: None, "": None}:
            for template in self._templates.get((request.method, first), ()):
                if any(value not in query.get(key, ()) for key, value in template.query.items()):
                    continue
                labels = _match(template.segments, segments)
                if labels is None:
                    continue
                route = Route(template.operation, labels, query)
                if template.required <= query.keys() and template.headers <= request.headers.keys():
                    return route
                incomplete = route
        return incomplete


def read_template(operation: Operation, model: ServiceModel) -> Template:
    """Take an operation's URI template apart."""
    path, _, query = operation.http.request_uri.partition("?")
    segments = tuple(path[1:].rstrip("/").split("/"))
    required: set[str] = set()
    headers: set[bytes] = set()
    if operation.input is not None:
        shape = model.shape(operation.input)
        for name in shape.required:
            ref = shape.members[name]
            if ref.location == "querystring":
                required.add(ref.location_name or name)
            elif ref.location == "header":
                headers.add((ref.location_name or name).lower().encode())
    literals = dict(parse_qsl(query, keep_blank_values=True))
    return Template(operation.name, segments, literals, frozenset(required), frozenset(headers), operation.deprecated)


def _match(pattern: tuple[str, ...], segments: list[str]) -> dict[str, str] | None:
    """Return the labels of a path; a slash at its end counts only in a greedy label."""
    labels: dict[str, str] = {}
    at = 0
    for index, part in enumerate(pattern):
        if part.endswith("+}"):
            after = len(pattern) - index - 1
            end = len(segments) - after
            text = "/".join(segments[at:end])
            if not text:
                return None
            labels[part[1:-2]] = unquote(text, errors="strict")
            at = end
        elif at >= len(segments):
            return None
        elif part.startswith("{"):
            if not segments[at]:
                return None
            labels[part[1:-1]] = unquote(segments[at], errors="strict")
            at += 1
        elif part == segments[at]:
            at += 1
        else:
            return None
    return labels if segments[at:] in ([], [""]) else None
