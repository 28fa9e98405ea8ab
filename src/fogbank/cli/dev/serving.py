"""Serving a folder: a server to serve it on, its functions, and what is saved while it is worked on."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, Final

import click

from fogbank.cli.client import ask
from fogbank.cli.dev.addresses import Address, show
from fogbank.cli.dev.azure_serving import check_given, serve_app
from fogbank.cli.dev.debugging import Debuggers
from fogbank.cli.dev.following import Follower
from fogbank.cli.dev.google_functions import read_functions
from fogbank.cli.dev.google_serving import serve_google
from fogbank.cli.dev.lambda_api import DEFAULT_ACCOUNT, DEFAULT_REGION, FUNCTIONS, LambdaApi, LambdaError, caller
from fogbank.cli.dev.projects import Cloud, ProjectError, kind_of, read_project
from fogbank.cli.dev.watching import changed_names, watch
from fogbank.cli.progress import Progress, say

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from fogbank.cli.dev.projects import FunctionSpec, Given, Project

HEALTH_SECONDS_MAX: Final = 5.0
STOP_SECONDS_MAX: Final = 10.0
WAIT_SECONDS: Final = 3_600.0


class OwnServer:
    """A server that is started for the command and ends with it; everything is in memory."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "fogbank", "up", "--memory", "--port", "0"]
        # Ctrl-C goes to the command, which then ends the server.
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            command, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        self.url = ""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.strip().startswith("Endpoint"):
                self.url = line.split()[1]
            if line.startswith("Ready."):
                return
        msg = "The server did not start."
        raise click.ClickException(msg)

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        try:
            self._process.communicate(timeout=STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()


def serve(folder: Path, given: Given, url: str, *, own: bool) -> None:
    """Serve a folder until it is interrupted; `own`: where no server answers at `url`, start one."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    kind = _kind(folder, given)
    try:
        if kind is Cloud.AZURE:
            check_given(given)
        elif kind is Cloud.GOOGLE:
            read_functions(folder, given)
        project = read_project(folder, given) if kind is Cloud.AWS else None
    except ProjectError as error:
        raise click.ClickException(str(error)) from None
    with Progress("Looking for a server"):
        server = None if answers(url) or not own else OwnServer()
    try:
        where = url if server is None else server.url
        if kind is Cloud.AZURE:
            serve_app(folder, given, where, say, own=server is not None)
        elif project is None:
            serve_google(folder, given, where, say, own=server is not None)
        else:
            _serve(folder, given, project, where, own=server is not None)
    except KeyboardInterrupt:
        pass
    finally:
        if server is not None:
            server.stop()


def _kind(folder: Path, given: Given) -> Cloud:
    """Tell whose functions are to be served: what is said goes before what the files show."""
    if given.handler is not None:
        return Cloud.AWS
    if given.target is not None:
        return Cloud.GOOGLE
    return kind_of(folder) or Cloud.AWS


def answers(url: str) -> bool:
    """Whether a Fogbank answers there."""
    try:
        ask(url, "GET", "/_fogbank/health", timeout_seconds=HEALTH_SECONDS_MAX)
    except click.ClickException:
        return False
    return True


def _serve(folder: Path, given: Given, project: Project, url: str, *, own: bool) -> None:
    api = LambdaApi(url, *caller())
    follower = Follower(url, api.scope, say)
    watched = watch(_roots(folder, project.functions))
    debuggers = Debuggers(url, api.scope, given, say)
    try:
        for spec in project.functions:
            with Progress(f"Deploying {spec.name}"):
                api.publish(spec)
        follower.functions = {spec.name for spec in project.functions}
        follower.start()
        _greet(folder, project, api, debuggers, own=own)
        while True:
            changed = watched.wait(WAIT_SECONDS)
            if changed:
                project = _follow_changes(folder, given, project, api, changed)
                follower.functions = {spec.name for spec in project.functions}
                _debug(project, debuggers)
    except LambdaError as error:
        raise click.ClickException(str(error)) from None
    finally:
        debuggers.end()
        follower.stop()
        watched.close()


def _follow_changes(folder: Path, given: Given, project: Project, api: LambdaApi, changed: set[Path]) -> Project:
    """Bring the functions to what the folder says now; what can't be is said, and changes nothing."""
    began = time.monotonic()
    names = changed_names(changed, folder)
    try:
        now = read_project(folder, given)
        before = {spec.name: spec for spec in project.functions}
        touched = [
            spec
            for spec in now.functions
            if before.get(spec.name) != spec or any(path.is_relative_to(spec.folder) for path in changed)
        ]
        for spec in touched:
            with Progress(f"Deploying {spec.name}"):
                if before.get(spec.name) == spec:
                    api.update_code(spec)
                else:
                    api.publish(spec)
    except (ProjectError, LambdaError) as error:
        say(f"{names}: {error}")
        return project
    if touched:
        took_ms = (time.monotonic() - began) * 1_000
        say(f"{names}: {', '.join(spec.name for spec in touched)} updated in {took_ms:.0f} ms")
        if [(spec.name, spec.url, spec.routes) for spec in now.functions] != [
            (spec.name, spec.url, spec.routes) for spec in project.functions
        ]:
            _show_urls(now, api)
    return now


def _debug(project: Project, debuggers: Debuggers) -> None:
    for spec in project.functions:
        debuggers.begin(spec.name, spec.runtime)


def _greet(folder: Path, project: Project, api: LambdaApi, debuggers: Debuggers, *, own: bool) -> None:
    say(f"Fogbank at {api.url}" + (", in memory, for as long as this runs" if own else ""))
    say(f"Serving {folder} as AWS Lambda")
    for spec in project.functions:
        say(f"  {spec.name}  {spec.handler}, {spec.runtime}")
    _show_urls(project, api)
    _debug(project, debuggers)
    for note in project.notes:
        say(f"  {note}")
    first = project.functions[0].name
    say("Invoke with")
    if (api.account, api.region) == (DEFAULT_ACCOUNT, DEFAULT_REGION):
        say(f"  curl --data '{{}}' {api.url}{FUNCTIONS}/{first}/invocations")
    say(f'  eval "$(fogbank env --url {api.url})"')
    say(f"  aws lambda invoke --function-name {first} /dev/stdout")
    say("What is saved is served; Ctrl-C ends it.")


def _show_urls(project: Project, api: LambdaApi) -> None:
    addresses = []
    for spec in project.functions:
        if spec.url:
            url = api.function_url(spec)
            signed = "" if spec.url == "NONE" else ", signed"
            for route in spec.routes or ("any method /",):
                method, _, path = route.rpartition(" ")
                addresses.append(Address(spec.name, method + signed, url + path.lstrip("/")))
    if addresses:
        show(addresses, say)


def _roots(folder: Path, functions: Iterable[FunctionSpec]) -> list[Path]:
    """Return the folders to watch: this one, and those of code that lies elsewhere."""
    elsewhere = {spec.folder for spec in functions if not spec.folder.is_relative_to(folder)}
    return [folder, *sorted(elsewhere)]


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt
