"""Which triggers and bindings there are, and what is wrong with a function that asks for others."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.azure.functions.apps import Entry
from fogbank.clouds.azure.functions.cosmos import properties as cosmos
from fogbank.clouds.azure.functions.cosmos import triggers as cosmos_triggers
from fogbank.clouds.azure.functions.cosmos.connections import account_of
from fogbank.clouds.azure.functions.routes.templates import Template, TemplateError
from fogbank.clouds.azure.functions.storage import queue_triggers
from fogbank.clouds.azure.functions.storage.connections import ConnectionNameError
from fogbank.clouds.azure.functions.timers import ScheduleError, make_plan
from fogbank.clouds.azure.functions.triggering.retries import RetryError
from fogbank.clouds.azure.queues.queues import check_name
from fogbank.clouds.azure.storage.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.clouds.azure.functions.apps import App
    from fogbank.clouds.azure.functions.timers import Plan
    from fogbank.engines.functions.model import TriggerConfig

HTTP: Final = "httptrigger"
TIMER: Final = "timertrigger"
QUEUE: Final = queue_triggers.TYPE
EVENT_GRID: Final = "eventgridtrigger"
COSMOS: Final = cosmos.TRIGGER
TRIGGERS: Final = (HTTP, TIMER, QUEUE, EVENT_GRID, COSMOS)
OUT_TYPES: Final = frozenset({"http", "queue", "eventgrid", cosmos.TYPE})
IN_TYPES: Final = frozenset({cosmos.TYPE})
_TYPES: Final = {"in": IN_TYPES, "out": OUT_TYPES}
AUTH_LEVELS: Final = ("anonymous", "function", "admin")
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,127}", re.IGNORECASE)
_SETTING: Final = re.compile(r"%([^%]+)%")
_RESERVED_ROUTES: Final = ("admin", "runtime")


class BindingError(Exception):
    """A function can't be indexed; the message says why."""


def resolve(text: str, settings: Mapping[str, str]) -> str:
    """Put app settings in the place of their names between percent signs; raises `BindingError`."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in settings:
            msg = f"'%{match[1]}%' does not resolve to a value."
            raise BindingError(msg)
        return settings[match[1]]

    return _SETTING.sub(value, text)


def check_entries(described: list[dict[str, Any]], app: App, settings: Mapping[str, str]) -> list[Entry]:
    """Return the functions that a worker has described, with what is wrong with them."""
    entries: list[Entry] = []
    routes: dict[tuple[str, str], str] = {}
    for description in described:
        config = {key: value for key, value in description.items() if key not in ("name", "error")}
        entry = Entry(str(description.get("name", "")), config, str(description.get("error", "")))
        try:
            if not entry.error:
                entry = _check_entry(entry, app, settings, routes)
        except (BindingError, ConnectionNameError, RetryError, ScheduleError, TemplateError) as error:
            entry = msgspec.structs.replace(entry, error=str(error))
        except StorageError as error:
            entry = msgspec.structs.replace(entry, error=error.message)
        entries.append(msgspec.structs.replace(entry, disabled=_is_disabled(entry, settings)))
    return entries


def methods_of(trigger: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the methods that an HTTP trigger takes, in capitals; none means all."""
    methods = trigger.get("methods") or ()
    return tuple(sorted({str(method).upper() for method in methods}))


def auth_level_of(trigger: Mapping[str, Any]) -> str:
    """Return what kind of key an HTTP trigger asks for."""
    return str(trigger.get("authLevel") or "function").lower()


def plan_of(entry: Entry, app: App, settings: dict[str, str], now_us: int) -> Plan | None:
    """Return what a function's timer does, None if it has none."""
    if kind_of(entry.trigger) != TIMER or not entry.active:
        return None
    return make_plan(app, entry.name, entry.trigger, settings, now_us)


def is_event_grid(entry: Entry) -> bool:
    """Whether a function has an Event Grid trigger."""
    return kind_of(entry.trigger) == EVENT_GRID


def trigger_of(entry: Entry, app: App, settings: Mapping[str, str]) -> tuple[str, str, TriggerConfig] | None:
    """Return the engine's trigger of a function that has one: its id, source and configuration."""
    if kind_of(entry.trigger) == QUEUE and entry.active:
        return queue_triggers.trigger_of(app, entry, settings)
    if kind_of(entry.trigger) == COSMOS and entry.active:
        return cosmos_triggers.trigger_of(app, entry, settings)
    return None


def has_inputs(entry: Entry) -> bool:
    """Whether a function gets something besides what sets it off."""
    return entry.active and any(is_input(binding) for binding in entry.bindings)


def is_input(binding: Mapping[str, Any]) -> bool:
    """Whether a binding is something that a function gets besides what sets it off."""
    return kind_of(binding) in IN_TYPES and _direction(binding) == "in"


def _direction(binding: Mapping[str, Any]) -> str:
    return str(binding.get("direction") or "in").lower()


def kind_of(binding: Mapping[str, Any]) -> str:
    """Return a binding's type, in small letters."""
    return str(binding.get("type", "")).lower()


def _check_entry(entry: Entry, app: App, settings: Mapping[str, str], routes: dict[tuple[str, str], str]) -> Entry:
    if not _NAME.fullmatch(entry.name) or entry.name.lower() == "host":
        msg = f"'{entry.name}' is not a valid function name."
        raise BindingError(msg)
    if not all(isinstance(binding, dict) for binding in entry.bindings):
        raise BindingError("The bindings in function.json must be objects.")
    triggers = [binding for binding in entry.bindings if kind_of(binding).endswith("trigger")]
    if len(triggers) != 1:
        what = "No trigger" if not triggers else "Multiple trigger"
        msg = f"{what} binding{'s' if triggers else ''} specified. A function must have a single trigger input binding."
        raise BindingError(msg)
    if entry.config.get("retry") is not None and kind_of(entry.trigger) != COSMOS:
        msg = f"Fogbank does not support retry policies of functions with the trigger type {entry.trigger['type']}."
        raise BindingError(msg)
    for binding in entry.bindings:
        _check_binding(binding)
    resolved = [
        {name: resolve(value, settings) if isinstance(value, str) else value for name, value in binding.items()}
        for binding in entry.bindings
    ]
    entry = msgspec.structs.replace(entry, config={**entry.config, "bindings": resolved})
    for binding in resolved:
        if kind_of(binding) in (QUEUE, "queue"):
            _check_queue(binding, settings)
        elif is_input(binding):
            account_of(str(binding.get("connection") or ""), settings)
    kind = kind_of(entry.trigger)
    if kind == HTTP:
        _check_route(entry, routes)
    elif kind == TIMER:
        make_plan(app, entry.name, entry.trigger, dict(settings), 0)
    elif kind == COSMOS:
        cosmos_triggers.trigger_of(app, entry, settings)
    return entry


def _check_queue(binding: Mapping[str, Any], settings: Mapping[str, str]) -> None:
    if "{" in str(binding.get("queueName", "")):
        raise BindingError("Fogbank does not support binding expressions in queueName.")
    check_name(queue_triggers.queue_of(binding, settings)[1])


def _check_binding(binding: Mapping[str, Any]) -> None:
    kind = kind_of(binding)
    if kind.endswith("trigger"):
        if kind not in TRIGGERS:
            msg = f"Fogbank does not support the trigger type {binding['type']}."
            raise BindingError(msg)
    elif kind not in _TYPES.get(_direction(binding), ()):
        msg = f"Fogbank does not support the binding type {binding.get('type')}."
        raise BindingError(msg)
    if kind in (cosmos.TYPE, COSMOS) and (problem := cosmos.problem_of(binding)):
        raise BindingError(problem)
    if kind == HTTP and auth_level_of(binding) not in AUTH_LEVELS:
        msg = f"Fogbank does not support the authLevel {binding['authLevel']}."
        raise BindingError(msg)
    if kind == HTTP and binding.get("webHookType"):
        raise BindingError("Fogbank does not support the property webHookType.")


def _check_route(entry: Entry, routes: dict[tuple[str, str], str]) -> None:
    route = route_of(entry)
    Template(route)
    if route.strip("/").partition("/")[0].lower() in _RESERVED_ROUTES:
        raise BindingError("The specified route conflicts with one or more built in routes.")
    for method in methods_of(entry.trigger) or ("",):
        for taken in ((route.lower(), method), (route.lower(), "")):
            if taken in routes:
                msg = f"The route specified conflicts with the route defined by function '{routes[taken]}'."
                raise BindingError(msg)
    for method in methods_of(entry.trigger) or ("",):
        routes[route.lower(), method] = entry.name


def route_of(entry: Entry) -> str:
    """Return the route of an HTTP function, without the prefix of all routes."""
    route = entry.trigger.get("route")
    return entry.name if route is None else str(route)


def _is_disabled(entry: Entry, settings: Mapping[str, str]) -> bool:
    by_setting = settings.get(
        f"AzureWebJobs.{entry.name}.Disabled", settings.get(f"AzureWebJobs_{entry.name}_Disabled")
    )
    if by_setting is not None:
        return by_setting.lower() in ("1", "true")
    value = entry.config.get("disabled", False)
    return value is True or str(settings.get(str(value), value)).lower() in ("1", "true")
