"""Serving a folder of Google Cloud Functions, and what is saved while it is worked on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import click

from fogbank.cli.dev.addresses import Address, show
from fogbank.cli.dev.debugging import Debuggers
from fogbank.cli.dev.following import Follower
from fogbank.cli.dev.google_api import GoogleApi, GoogleApiError, caller
from fogbank.cli.dev.google_functions import BACKGROUND, HTTP, read_functions
from fogbank.cli.dev.projects import ProjectError
from fogbank.cli.dev.watching import changed_names, watch
from fogbank.cli.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fogbank.cli.dev.google_functions import GoogleFunction
    from fogbank.cli.dev.projects import Given

WAIT_SECONDS: Final = 3_600.0
_TAKEN: Final = {HTTP: "any method", BACKGROUND: "POST, a background event", "cloudevent": "POST, a CloudEvent"}


def serve_google(folder: Path, given: Given, url: str, say: Callable[[str], None], *, own: bool) -> None:
    """Serve a folder until it is interrupted; `own`: the server is there for that alone."""
    watched = watch([folder])
    follower = debuggers = None
    try:
        found = read_functions(folder, given)
        api = GoogleApi(url, *caller())
        follower = Follower(url, api.scope, say)
        debuggers = Debuggers(url, api.scope, given, say)
        for function in found:
            with Progress(f"Deploying {function.name}"):
                api.publish(function, folder, given)
        follower.functions = {function.name for function in found}
        follower.start()
        say(f"Fogbank at {url}" + (", in memory, for as long as this runs" if own else ""))
        say(f"Serving {folder} as Google Cloud Functions")
        _show(api, found, say)
        for function in found:
            debuggers.begin(function.name, function.runtime)
        say("What is saved is served; Ctrl-C ends it.")
        while True:
            changed = watched.wait(WAIT_SECONDS)
            if changed:
                found = _follow(api, folder, given, found, changed_names(changed, folder), say)
                follower.functions = {function.name for function in found}
                for function in found:
                    debuggers.begin(function.name, function.runtime)
    except (GoogleApiError, ProjectError) as error:
        raise click.ClickException(str(error)) from None
    finally:
        if debuggers is not None:
            debuggers.end()
        if follower is not None:
            follower.stop()
        watched.close()


def _follow(
    api: GoogleApi,
    folder: Path,
    given: Given,
    before: list[GoogleFunction],
    names: str,
    say: Callable[[str], None],
) -> list[GoogleFunction]:
    """Bring the functions to what the folder says now; what can't be is said."""
    began = time.monotonic()
    try:
        now = read_functions(folder, given)
        for function in now:
            with Progress(f"Deploying {function.name}"):
                if function in before:
                    api.update_code(function, folder)
                else:
                    api.publish(function, folder, given)
    except (GoogleApiError, ProjectError) as error:
        say(f"{names}: {error}")
        return before
    took_ms = (time.monotonic() - began) * 1_000
    say(f"{names}: {', '.join(function.name for function in now)} updated in {took_ms:.0f} ms")
    if now != before:
        _show(api, now, say)
    return now


def _show(api: GoogleApi, found: list[GoogleFunction], say: Callable[[str], None]) -> None:
    show([Address(each.name, _TAKEN.get(each.kind, "POST"), api.address(each)) for each in found], say)
