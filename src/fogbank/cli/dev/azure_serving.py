"""Serving a folder of Azure Functions: an app that runs from it, and what is saved while it is worked on."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import click

from fogbank.cli.dev.addresses import Address, show
from fogbank.cli.dev.azure_api import AzureApi, AzureApiError
from fogbank.cli.dev.debugging import Debuggers
from fogbank.cli.dev.following import Follower
from fogbank.cli.dev.watching import changed_names, watch
from fogbank.cli.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fogbank.cli.dev.projects import Given

WAIT_SECONDS: Final = 3_600.0
NAME_LENGTH_MAX: Final = 60
_NOT_IN_NAMES: Final = re.compile(r"[^a-z0-9]+")


def app_name(text: str) -> str:
    """Return a name that an app may have, made from any text."""
    return _NOT_IN_NAMES.sub("-", text.lower())[:NAME_LENGTH_MAX].strip("-") or "app"


def check_given(given: Given) -> None:
    """Refuse what an app's own files say."""
    for value, option in (
        (given.runtime, "--runtime"),
        (given.memory_mib, "--memory-size"),
        (given.target, "--target"),
    ):
        if value is not None:
            msg = f"{option} is not for Azure Functions."
            raise click.ClickException(msg)
    if given.timeout_seconds is not None:
        msg = "--timeout is not for Azure Functions: functionTimeout in host.json says it."
        raise click.ClickException(msg)


def serve_app(folder: Path, given: Given, url: str, say: Callable[[str], None], *, own: bool) -> None:
    """Serve a folder until it is interrupted; `own`: the server is there for that alone."""
    name = app_name(given.name or folder.name)
    watched = watch([folder])
    follower = debuggers = None
    # Only for the port that it usually has.
    runtime = "node" if (folder / "package.json").is_file() else "python"
    try:
        api = AzureApi(url)
        follower = Follower(url, api.scope, say)
        follower.functions = {name}
        debuggers = Debuggers(url, api.scope, given, say)
        with Progress(f"Deploying {name}"):
            api.publish(name, folder, given.environment)
        follower.start()
        say(f"Fogbank at {url}" + (", in memory, for as long as this runs" if own else ""))
        say(f"Serving {folder} as Azure Functions")
        shown = _show(api, name, say, None)
        debuggers.begin(name, runtime)
        say("What is saved is served; Ctrl-C ends it.")
        while True:
            changed = watched.wait(WAIT_SECONDS)
            if changed:
                # An instance that waits for a debugger couldn't say what functions there are.
                debuggers.end()
                lines: list[str] = []
                shown = _follow(api, name, lines.append, shown, changed_names(changed, folder))
                debuggers.begin(name, runtime)
                # Whoever reads that it was updated finds it waiting.
                for line in lines:
                    say(line)
    except AzureApiError as error:
        raise click.ClickException(str(error)) from None
    finally:
        if debuggers is not None:
            debuggers.end()
        if follower is not None:
            follower.stop()
        watched.close()


def _follow(
    api: AzureApi, name: str, say: Callable[[str], None], shown: tuple[str, ...], names: str
) -> tuple[str, ...]:
    """Let the app take up what was saved; say what it has now, if that is something else."""
    began = time.monotonic()
    try:
        api.functions(name)
    except AzureApiError as error:
        say(f"{names}: {error}")
        return shown
    say(f"{names}: {name} updated in {(time.monotonic() - began) * 1_000:.0f} ms")
    return _show(api, name, say, shown)


def _show(api: AzureApi, name: str, say: Callable[[str], None], before: tuple[str, ...] | None) -> tuple[str, ...]:
    """Say what functions there are, unless it is what was said before."""
    host = f"http://{name}.azurewebsites.localhost:{urlsplit(api.url).port}"
    functions = api.functions(name)
    master, default = api.host_keys(name)
    keys = {"function": default, "admin": master}
    addresses = [_address(each, host, keys) for each in functions]
    errors = [f"  {each}" for each in api.errors(name)]
    lines = (*map(str, addresses), *errors)
    if lines != before:
        if addresses or not errors:
            show(addresses, say)
        for line in errors:
            say(line)
    return lines


def _address(function: dict[str, Any], host: str, keys: dict[str, str]) -> Address:
    bindings = function["config"]["bindings"]
    trigger: dict[str, Any] = next(
        (each for each in bindings if str(each.get("type", "")).lower().endswith("trigger")), {}
    )
    if function["invoke_url_template"] is None:
        return Address(function["name"], f"{trigger.get('type')} {trigger.get('schedule', '')}".rstrip())
    methods = ",".join(str(each).upper() for each in trigger.get("methods") or ()) or "any method"
    path = urlsplit(function["invoke_url_template"]).path
    level = str(trigger.get("authLevel") or "function").lower()
    code = f"?code={keys[level]}" if level in keys else ""
    return Address(function["name"], methods, f"{host}{path}{code}")
