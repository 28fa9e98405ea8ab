"""From a method and a path to an operation, by the model's URI templates.

Smithy, "http trait": literal segments, labels `{Name}` that take one segment, greedy labels `{Name+}` that take
several, and literal query parameters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, unquote

if TYPE_CHECKING:
    from fogbank.wire.aws.models import Operation, ServiceModel


class Template(NamedTuple):
    """A URI template, taken apart."""

    operation: str
    segments: tuple[str, ...]
    query: dict[str, str]

    @property
    def weight(self) -> tuple[int, int, int]:
        """How specific it is: literal query parameters, literal segments, fewer greedy labels."""
        literals = sum(not segment.startswith("{") for segment in self.segments)
        greedy = sum(segment.endswith("+}") for segment in self.segments)
        return (len(self.query), literals, -greedy)


class Route(NamedTuple):
    """The operation that a request names, and the labels in its path."""

    operation: str
    labels: dict[str, str]


class Router:
    """All of a service's templates."""

    def __init__(self, model: ServiceModel) -> None:
        self._by_method: dict[str, list[Template]] = {}
        for operation in model.operations.values():
            self._by_method.setdefault(operation.http.method, []).append(parse_template(operation))
        for templates in self._by_method.values():
            templates.sort(key=lambda template: template.weight, reverse=True)

    def route(self, method: str, raw_path: str, raw_query: str) -> Route | None:
        """Return the most specific match, or None."""
        segments = raw_path.strip("/").split("/")
        query = dict(parse_qsl(raw_query, keep_blank_values=True)) if raw_query else {}
        for template in self._by_method.get(method, ()):
            if any(query.get(key) != value for key, value in template.query.items()):
                continue
            labels = _match(template.segments, segments)
            if labels is not None:
                return Route(template.operation, labels)
        return None


def parse_template(operation: Operation) -> Template:
    """Take an operation's URI template apart."""
    path, _, query = operation.http.request_uri.partition("?")
    segments = tuple(path.strip("/").split("/"))
    return Template(operation.name, segments, dict(parse_qsl(query, keep_blank_values=True)))


def _match(pattern: tuple[str, ...], segments: list[str]) -> dict[str, str] | None:
    labels: dict[str, str] = {}
    at = 0
    for index, part in enumerate(pattern):
        if part.endswith("+}"):
            after = len(pattern) - index - 1
            end = len(segments) - after
            if end <= at:
                return None
            labels[part[1:-2]] = unquote("/".join(segments[at:end]))
            at = end
        elif at >= len(segments):
            return None
        elif part.startswith("{"):
            if not segments[at]:
                return None
            labels[part[1:-1]] = unquote(segments[at])
            at += 1
        elif part == segments[at]:
            at += 1
        else:
            return None
    return labels if at == len(segments) else None
