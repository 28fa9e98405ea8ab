"""Changes of an app that make a new revision: settings, code, restart; and stop, start, deletion.

An app whose setting WEBSITE_RUN_FROM_PACKAGE is the absolute path of a folder runs from there: it is read anew with
each change and restart, its local.settings.json included.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.clouds.azure.functions import apps, timers
from fogbank.clouds.azure.functions.apps import RUNNING, STOPPED, HostConfig, encode_label, with_labels
from fogbank.clouds.azure.functions.folders import FolderError, folder_labels
from fogbank.clouds.azure.functions.host_json import HostJsonError, file_of_archive, read_host_json
from fogbank.clouds.azure.functions.triggering import following
from fogbank.engines.functions import functions
from fogbank.runtimes.code import InvalidArchiveError, check_archive
from fogbank.storage.blobs import digest_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.clouds.azure.functions.apps import App
    from fogbank.clouds.azure.parts import Parts
    from fogbank.engines.functions.model import Function, FunctionConfig, Name
    from fogbank.storage import Tx

WORKER_RUNTIMES: Final = ("node", "python")
SETTINGS_MAX: Final = 1_000
SETTINGS_BYTES_MAX: Final = 1_048_576


class ChangeError(Exception):
    """An app can't be changed like that; the message says why."""


class RunsFromFolderError(Exception):
    """The app's code is a folder, so nothing can be deployed."""


async def change(
    parts: Parts, app: App, settings: dict[str, str] | None = None, labels: dict[str, str] | None = None,
    tags: dict[str, str] | None = None,
) -> Function:  # fmt: skip
    """Replace an app's settings, some of its facts, or its tags; with none of them it is restarted."""
    environment = dict(app.function.config.environment) if settings is None else settings
    check_settings(environment)
    facts = {**(labels or {}), **_folder_labels(environment)}

    def apply(function: Function) -> FunctionConfig:
        config = msgspec.structs.replace(
            with_labels(function.config, **facts),
            environment=environment,
            tags=function.config.tags if tags is None else tags,
        )
        return with_host(config)

    return await _update(parts, app, apply)


async def deploy(parts: Parts, app: App, archive: bytes, labels: dict[str, str]) -> Function:
    """Replace an app's code by what is in a zip archive; raises `ChangeError`, `RunsFromFolderError`."""
    if app.function.config.labels.get("folder"):
        raise RunsFromFolderError
    try:
        check_archive(archive)
        host = read_host_json(file_of_archive(archive, "host.json"))
    except InvalidArchiveError as error:
        msg = f"The package can't be unpacked: {error}"
        raise ChangeError(msg) from None
    except HostJsonError as error:
        raise ChangeError(str(error)) from None
    facts = {**labels, "zip_host": encode_label(host)}

    def apply(function: Function) -> FunctionConfig:
        config = with_labels(function.config, **facts)
        return with_host(msgspec.structs.replace(config, code=digest_of(archive), code_bytes=len(archive)))

    return await _update(parts, app, apply, archive)


async def start(parts: Parts, app: App) -> Function:
    """Let a stopped app run again."""
    return await change(parts, app, labels={"state": RUNNING})


async def stop(parts: Parts, app: App) -> None:
    """Let an app answer nothing and fire nothing."""
    await parts.store.run(_stop, (app.function.scope, app.function.name))
    parts.invoker.forget(app.function.id)


async def delete(parts: Parts, app: App) -> None:
    """Delete an app."""
    await parts.store.run(_delete, (app.function.scope, app.function.name))
    parts.invoker.forget(app.function.id)


def check_settings(settings: dict[str, str]) -> None:
    """Raise `ChangeError` for app settings that can't be."""
    if len(settings) > SETTINGS_MAX or sum(map(len, [*settings, *settings.values()])) > SETTINGS_BYTES_MAX:
        msg = f"An app has at most {SETTINGS_MAX} settings of {SETTINGS_BYTES_MAX} characters."
        raise ChangeError(msg)
    for name, value in settings.items():
        if not name or "=" in name or "\0" in name + value:
            msg = f"'{name}' can't be an app setting."
            raise ChangeError(msg)
    runtime = settings.get("FUNCTIONS_WORKER_RUNTIME", "python")
    if runtime.lower() not in WORKER_RUNTIMES:
        msg = f"Fogbank does not support the FUNCTIONS_WORKER_RUNTIME {runtime}."
        raise ChangeError(msg)
    version = settings.get("FUNCTIONS_EXTENSION_VERSION", "~4")
    if not version.removeprefix("~").startswith("4"):
        msg = f"Fogbank does not support the FUNCTIONS_EXTENSION_VERSION {version}."
        raise ChangeError(msg)


def _folder_labels(settings: dict[str, str]) -> dict[str, str]:
    try:
        return folder_labels(settings)
    except FolderError as error:
        raise ChangeError(str(error)) from None


def new_labels(settings: dict[str, str]) -> dict[str, str]:
    """Return the labels of a new app that follow from its settings; raises `ChangeError`."""
    check_settings(settings)
    labels = _folder_labels(settings)
    host = encode_label(HostConfig())
    return {**labels, "zip_host": host, "host": labels.get("folder_host", host)}


def with_host(config: FunctionConfig) -> FunctionConfig:
    """Let the host.json count that belongs to the code."""
    labels = config.labels
    text = labels["folder_host"] if labels.get("folder") else labels["zip_host"]
    host = msgspec.json.decode(text, type=HostConfig)
    return msgspec.structs.replace(with_labels(config, host=text), timeout_seconds=host.timeout_seconds)


async def _update(
    parts: Parts, app: App, apply: Callable[[Function], FunctionConfig], code: bytes | None = None
) -> Function:
    name = (app.function.scope, app.function.name)
    return await parts.store.run(functions.update, name, parts.ids.sequence(), apply, code)


async def _stop(tx: Tx, now_us: int, name: Name) -> None:
    function = await functions.find(tx, now_us, name)
    await following.follow(tx, now_us, function, ())
    label = await timers.follow(tx, now_us, function, ())
    await functions.set_facts(tx, now_us, name, lambda config: with_labels(config, state=STOPPED, timers=label))


async def _delete(tx: Tx, now_us: int, name: Name) -> None:
    function = await functions.find(tx, now_us, name)
    await following.follow(tx, now_us, function, ())
    await timers.follow(tx, now_us, function, ())
    await apps.delete(tx, now_us, name)
