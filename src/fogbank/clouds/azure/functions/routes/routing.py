"""From the path of a request to the function that answers it, and whether the caller may have it."""

from __future__ import annotations

from hmac import compare_digest
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs, unquote

from fogbank.clouds.azure.functions.bindings import HTTP, auth_level_of, kind_of, methods_of, route_of
from fogbank.clouds.azure.functions.routes.templates import Template

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fogbank.clouds.azure.functions.apps import App, Entry, Keys
    from fogbank.wire.http import Request

KEY_HEADER = b"x-functions-key"


class Route(NamedTuple):
    """A function's route; no methods means all."""

    template: Template
    methods: tuple[str, ...]
    entry: Entry


class Routed(NamedTuple):
    """The function that a request is for, and the values of its route's parameters."""

    entry: Entry
    parameters: dict[str, str]


class Router:
    """The routes of an app, in the order in which they are tried."""

    def __init__(self, app: App) -> None:
        prefix = app.host.route_prefix
        entries = app.indexed.functions if app.indexed is not None else []
        routes = []
        for entry in entries:
            if entry.active and kind_of(entry.trigger) == HTTP:
                route = route_of(entry).removeprefix("/")
                template = Template(f"{prefix}/{route}" if prefix else route)
                routes.append(Route(template, methods_of(entry.trigger), entry))
        self._routes = sorted(routes, key=lambda route: route.template.precedence)

    def find(self, method: str, raw_path: str) -> Routed | None:
        """Return the function for a path that isn't decoded yet.

        A method that the function doesn't take is as good as no such path (Azure/azure-functions-host#10098).
        """
        path = [unquote(segment) for segment in raw_path.strip("/").split("/")] if raw_path.strip("/") else []
        for route in self._routes:
            if route.methods and method not in route.methods:
                continue
            values = route.template.match(path)
            if values is not None:
                return Routed(route.entry, values)
        return None


def given_key(request: Request) -> str:
    """Return the key that a request brings: in its header, or as `code` in the query."""
    header = request.header(KEY_HEADER)
    return header or parse_qs(request.raw_query).get("code", [""])[0]


def may_call(request: Request, entry: Entry, keys: Keys) -> bool:
    """Whether a request brings the key that a function asks for ("Function access keys")."""
    level = auth_level_of(entry.trigger)
    if level == "anonymous":
        return True
    allowed = [keys.master]
    if level == "function":
        allowed += [*keys.host.values(), *keys.functions.get(entry.name, {}).values()]
    return is_one_of(given_key(request), allowed)


def is_one_of(key: str, allowed: Iterable[str]) -> bool:
    """Whether a key is among those allowed, without telling by the time it takes."""
    encoded = key.encode()
    return any([compare_digest(encoded, each.encode()) for each in allowed])  # noqa: C419 - all are compared
