"""host.json and local.settings.json: what they say is followed, or refused by name.

"host.json reference for Azure Functions 2.x and later"; "Code and test Azure Functions locally", local settings file.
Settings of the host's own logging, monitoring and scaling have no consequences here and are accepted.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any, Final

import msgspec

from fogbank.clouds.azure.functions.apps import HostConfig, QueueSettings
from fogbank.languages.cron import parse_timespan

FILE_BYTES_MAX: Final = 1_048_576
TIMEOUT_SECONDS_MAX: Final = 86_400
_SECOND_US: Final = 1_000_000
# What changes only what Azure's own host writes, watches or scales.
_WITHOUT_CONSEQUENCES: Final = frozenset({
    "$schema", "version", "aggregator", "applicationinsights", "concurrency", "extensionbundle", "healthmonitor",
    "logging", "manageddependency", "singleton", "telemetrymode", "watchdirectories", "watchfiles",
})  # fmt: skip
_EXTENSIONS: Final = frozenset({
    "blobs", "cosmosdb", "durabletask", "eventgrid", "eventhubs", "kafka", "rabbitmq", "sendgrid",
    "servicebus", "signalr", "tables", "warmup",
})  # fmt: skip
_QUEUES: Final = frozenset({
    "batchsize", "maxdequeuecount", "maxpollinginterval", "messageencoding", "newbatchthreshold", "visibilitytimeout",
})  # fmt: skip
_HTTP: Final = frozenset({"hsts", "maxconcurrentrequests", "maxoutstandingrequests"})
_COMMENTS: Final = re.compile(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', re.DOTALL)


class HostJsonError(Exception):
    """A file can't be used; the message says why."""


def read_host_json(text: str | None) -> HostConfig:
    """Return what an app's host.json says; one without `version` or with something unsupported has an `error`."""
    if text is None:
        return HostConfig()
    try:
        content = _load("host.json", text)
        return _read_host(content)
    except HostJsonError as error:
        return HostConfig(error=str(error))


def read_local_settings(text: str | None) -> dict[str, str]:
    """Return the Values of a local.settings.json; raises `HostJsonError`."""
    if text is None:
        return {}
    content = _load("local.settings.json", text)
    if content.get("IsEncrypted") is True:
        raise HostJsonError("local.settings.json is encrypted, which Fogbank does not support.")
    values = content.get("Values", {})
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise HostJsonError("The Values of local.settings.json must be an object of strings.")
    return values


def file_of_archive(archive: bytes, name: str) -> str | None:
    """Return a file at the top of a zip archive, None if it isn't there."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        try:
            entry = opened.getinfo(name)
        except KeyError:
            return None
        if entry.file_size > FILE_BYTES_MAX:
            raise HostJsonError(f"{name} has more than {FILE_BYTES_MAX} bytes.")
        return opened.read(entry).decode("utf-8-sig", "replace")


def file_of_folder(folder: str, name: str) -> str | None:
    """Return a file in a folder, None if it isn't there."""
    try:
        with (Path(folder) / name).open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    if len(data) > FILE_BYTES_MAX:
        raise HostJsonError(f"{name} has more than {FILE_BYTES_MAX} bytes.")
    return data.decode("utf-8-sig", "replace")


def _load(name: str, text: str) -> dict[str, Any]:
    try:
        content = json.loads(_COMMENTS.sub(lambda match: match[1] or "", text))
    except (ValueError, RecursionError) as error:
        raise HostJsonError(f"Unable to parse the file {name}: {error}") from None
    if not isinstance(content, dict):
        raise HostJsonError(f"{name} must be an object.")
    return content


def _read_host(content: dict[str, Any]) -> HostConfig:
    config = HostConfig(content=content)
    if content.get("version") != "2.0":
        raise HostJsonError(
            "The host.json file is missing the required 'version' property. See"
            " https://aka.ms/functions-hostjson for steps to migrate the configuration file."
        )
    for name, value in content.items():
        if name.lower() == "functiontimeout":
            config = msgspec.structs.replace(config, timeout_seconds=_timeout(value))
        elif name.lower() == "extensions":
            config = _extensions(config, value)
        elif name.lower() not in _WITHOUT_CONSEQUENCES:
            raise HostJsonError(f"Fogbank does not support {name} in host.json.")
    return config


def _timeout(value: Any) -> int:
    if value in (None, "-1"):
        return TIMEOUT_SECONDS_MAX if value else HostConfig().timeout_seconds
    span_us = parse_timespan(value) if isinstance(value, str) else None
    if not span_us:
        raise HostJsonError(f"The functionTimeout {value!r} in host.json is no time span above zero.")
    return min(TIMEOUT_SECONDS_MAX, -(-span_us // _SECOND_US))


def _extensions(config: HostConfig, extensions: Any) -> HostConfig:
    prefix = HostConfig().route_prefix
    queues = QueueSettings()
    if not isinstance(extensions, dict):
        raise HostJsonError("The extensions in host.json must be an object.")
    for name, settings in extensions.items():
        if name.lower() == "queues":
            queues = _queues(settings)
        elif name.lower() != "http":
            if name.lower() not in _EXTENSIONS:
                raise HostJsonError(f"Fogbank does not support extensions.{name} in host.json.")
        else:
            prefix = _route_prefix(settings)
    return msgspec.structs.replace(config, route_prefix=prefix, queues=queues)


def _route_prefix(settings: Any) -> str:
    prefix = HostConfig().route_prefix
    if not isinstance(settings, dict):
        raise HostJsonError("The extensions.http in host.json must be an object.")
    for setting, value in settings.items():
        if setting.lower() == "routeprefix" and isinstance(value, str):
            prefix = value.strip("/")
        elif setting.lower() not in _HTTP and value not in (False, None):
            raise HostJsonError(f"Fogbank does not support extensions.http.{setting} in host.json.")
    return prefix


def _queues(settings: Any) -> QueueSettings:
    if not isinstance(settings, dict):
        raise HostJsonError("The extensions.queues in host.json must be an object.")
    given = {name.lower(): value for name, value in settings.items()}
    unknown = given.keys() - _QUEUES
    if unknown:
        raise HostJsonError(f"Fogbank does not support extensions.queues.{min(unknown)} in host.json.")
    batch = _number(given, "batchsize", 1, 32, 16)
    encoding = given.get("messageencoding", "base64")
    if not isinstance(encoding, str) or encoding.lower() not in ("base64", "none"):
        raise HostJsonError("The extensions.queues.messageEncoding in host.json must be base64 or none.")
    again = given.get("visibilitytimeout", "00:00:00")
    again_us = parse_timespan(again) if isinstance(again, str) else None
    if again_us is None or again_us < 0:
        raise HostJsonError("The extensions.queues.visibilityTimeout in host.json is no time span.")
    return QueueSettings(
        batch_size=batch,
        threshold=_number(given, "newbatchthreshold", 0, 1_000, max(1, batch // 2)),
        attempts_max=_number(given, "maxdequeuecount", 1, 1_000_000, 5),
        again_seconds=again_us / _SECOND_US,
        encoding=encoding.lower(),
    )


def _number(given: dict[str, Any], name: str, low: int, high: int, default: int) -> int:
    value = given.get(name, default)
    if type(value) is not int or not low <= value <= high:
        raise HostJsonError(f"The extensions.queues.{name} in host.json must be a number from {low} to {high}.")
    return value
