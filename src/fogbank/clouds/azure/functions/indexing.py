"""Finds out what functions the code of an app has, by asking an instance, and keeps the answer with the app."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.azure.functions import apps, changes, timers
from fogbank.clouds.azure.functions.apps import AppIndex, encode_label, read_app, settings_of, with_labels
from fogbank.clouds.azure.functions.bindings import check_entries, has_inputs, is_event_grid, plan_of, trigger_of
from fogbank.clouds.azure.functions.cosmos.triggers import begin
from fogbank.clouds.azure.functions.triggering import following
from fogbank.engines.functions import functions, scheduled
from fogbank.engines.functions.entrances import addresses
from fogbank.engines.functions.errors import FunctionNotFoundError
from fogbank.kernel.tasks import Supervisor
from fogbank.runtimes.local_folder import state_of
from fogbank.runtimes.model import Ended, Invocation
from fogbank.runtimes.runner import BusyError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.clouds.azure.functions.apps import App, Keys
    from fogbank.clouds.azure.parts import Parts
    from fogbank.engines.functions.model import Function, FunctionConfig
    from fogbank.runtimes.model import Outcome
    from fogbank.storage import Tx

APPS_MAX: Final = 10_000
# The system key of the endpoint that Event Grid triggers have.
EVENT_GRID_KEY: Final = "eventgrid_extension"


class NotIndexedError(Exception):
    """The app's functions can't be found out now."""


class Indexer:
    """Keeps the index of every app up to date."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._tasks = Supervisor("azure functions")
        self._refreshing = asyncio.Lock()
        self._under_way: dict[tuple[int, int], asyncio.Task[App]] = {}

    async def close(self) -> None:
        """Stop."""
        under_way = list(self._under_way.values())
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        await self._tasks.close()

    def soon(self, function: Function) -> None:
        """Bring an app's index up to date in the background."""
        self._tasks.spawn(f"index {function.name}", self._index_anyhow(function))

    async def current(self, function: Function) -> App:
        """Return an app with its index; raises `NotIndexedError`, `BusyError`, `FunctionNotFoundError`."""
        function = await self.refresh(function)
        app = read_app(function)
        if app.current is not None:
            return app
        key = (function.id, function.revision)
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._index(app))
            self._under_way[key] = task
            task.add_done_callback(lambda _: self._under_way.pop(key, None))
        return await asyncio.shield(task)

    async def refresh(self, function: Function) -> Function:
        """Return an app as it is, restarted if it runs from a folder in which something has changed."""
        labels = function.config.labels
        if not labels.get("folder") or labels["folder_state"] == state_of(labels["folder"]):
            return function
        async with self._refreshing:
            function = await self._parts.store.read(functions.find, (function.scope, function.name))
            labels = function.config.labels
            if not labels.get("folder") or labels["folder_state"] == state_of(labels["folder"]):
                return function
            try:
                return await changes.change(self._parts, read_app(function))
            except changes.ChangeError as error:
                raise NotIndexedError(str(error)) from None

    async def look(self) -> None:
        """Index what was left unindexed, and run what is to run when the host starts."""
        store = self._parts.store
        for name in await store.read(addresses.list_names, f"{apps.REALM}/", ("", ""), APPS_MAX):
            try:
                app = read_app(await store.read(functions.find, name))
                if not app.running:
                    continue
                if app.current is None:
                    await self.current(app.function)
                else:
                    await store.run(_run_on_startup, app, self._parts.ids.sequence)
            except (BusyError, FunctionNotFoundError, NotIndexedError):
                continue

    async def _index_anyhow(self, function: Function) -> None:
        try:
            await self.current(function)
        except (BusyError, FunctionNotFoundError, NotIndexedError):
            return

    async def _index(self, app: App) -> App:
        index = await self._find_out(app)
        keys = {entry.name: apps.new_key(self._parts.ids) for entry in index.functions}
        if any(map(is_event_grid, index.functions)):
            keys[""] = apps.new_key(self._parts.ids)
        saved = await self._parts.store.run(_save, app, index, keys, self._parts.ids.sequence)
        return await self.current(saved)

    async def _find_out(self, app: App) -> AppIndex:
        function = app.function
        if app.host.error:
            return AppIndex(function.revision, error=app.host.error)
        if function.config.code == apps.EMPTY_DIGEST and not function.config.labels.get("folder"):
            return AppIndex(function.revision)
        question = Invocation(self._parts.ids.uuid(), b"", {"index": True, "function": ""})
        outcome = await self._parts.invoker.run(function, question, source="index")
        if outcome.ended is Ended.LAUNCH:
            raise NotIndexedError(outcome.payload.decode("utf-8", "replace"))
        if outcome.ended is not Ended.OK:
            return AppIndex(function.revision, error=_explain(outcome))
        described: list[dict[str, Any]] = msgspec.json.decode(outcome.payload)["functions"]
        return AppIndex(function.revision, check_entries(described, app, settings_of(function.config)))


def _explain(outcome: Outcome) -> str:
    if outcome.ended in (Ended.INIT_ERROR, Ended.ERROR):
        try:
            report = msgspec.json.decode(outcome.payload)
            return f"Worker failed to index functions: {report['errorType']}: {report['errorMessage']}"
        except (msgspec.DecodeError, KeyError, TypeError):
            return "Worker failed to index functions."
    if outcome.ended is Ended.TIMEOUT:
        return "Worker failed to index functions: it took longer than the app's functionTimeout."
    return f"Worker failed to index functions: the worker exited with code {outcome.status}."


async def _save(
    tx: Tx, now_us: int, app: App, index: AppIndex, fresh: dict[str, str], number: Callable[[], int]
) -> Function:
    """Keep an index, unless the app was changed meanwhile; returns the app as it is now."""
    name = (app.function.scope, app.function.name)
    function = await functions.find(tx, now_us, name)
    if function.id != app.function.id or function.revision != index.revision:
        return function
    indexed = read_app(function)._replace(indexed=index)
    label = await _follow(tx, now_us, indexed)
    keys = encode_label(with_default_keys(indexed.keys, fresh))

    inputs = "1" if any(map(has_inputs, index.functions)) else ""

    def change(config: FunctionConfig) -> FunctionConfig:
        return with_labels(config, index=encode_label(index), keys=keys, timers=label, inputs=inputs)

    await functions.set_facts(tx, now_us, name, change)
    if indexed.running:
        await _run_on_startup(tx, now_us, indexed, number)
    return await functions.find(tx, now_us, name)


async def _follow(tx: Tx, now_us: int, app: App) -> str:
    settings = settings_of(app.function.config)
    entries = app.indexed.functions if app.indexed is not None and app.running else []
    found = [each for each in (trigger_of(entry, app, settings) for entry in entries) if each is not None]
    wanted = [(number, source, await begin(tx, now_us, config)) for number, source, config in found]
    await following.follow(tx, now_us, app.function, wanted)
    plans = [plan_of(entry, app, settings, now_us) for entry in entries]
    return await timers.follow(tx, now_us, app.function, [plan for plan in plans if plan is not None])


async def _run_on_startup(tx: Tx, now_us: int, app: App, number: Callable[[], int]) -> None:
    settings = settings_of(app.function.config)
    for entry in app.indexed.functions if app.indexed is not None else []:
        plan = plan_of(entry, app, settings, now_us)
        if plan is not None and entry.trigger.get("runOnStartup") is True:
            queued = timers.invocation(plan, now_us, plan.next_us(now_us), now_us)
            await scheduled.enqueue(tx, now_us, number(), msgspec.structs.replace(queued, always=True))


def with_default_keys(keys: Keys, fresh: dict[str, str]) -> Keys:
    """Return keys in which each function has its default key; `fresh` has new ones by function.

    The one without a function is for the endpoint of Event Grid triggers.
    """
    added = {name: {"default": key} for name, key in fresh.items() if name and name not in keys.functions}
    if "" in fresh and EVENT_GRID_KEY not in keys.system:
        system = {**keys.system, EVENT_GRID_KEY: fresh[""]}
        keys = msgspec.structs.replace(keys, system=system)
    return msgspec.structs.replace(keys, functions={**keys.functions, **added})
