"""Running one script: round by round, until it asks for nothing more.

A script runs on a worker's thread in a world of its own. When it has nothing else to do, what it has asked for is
answered, and its callbacks run in the next round.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from fogbank.clouds.azure.cosmos.calls import decode_json
from fogbank.clouds.azure.cosmos.scripts.functions import failed, timed_out
from fogbank.languages.javascript.sandbox import Sandbox, ScriptError, ScriptTimeoutError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.clouds.azure.cosmos.scripts.requests import Answering
    from fogbank.languages.javascript.sandbox import Budget, Worker

# So many requests may a script have made, after which it is told that no more are taken; and so many may wait.
REQUESTS_MAX: Final = 5_000
QUEUE_MAX: Final = 1_000
LOG_CHARACTERS_MAX: Final = 16 * 1024
# Requests are taken until so much of the time is used up.
_ACCEPTING: Final = 0.8
_NOTHING: Final = ""


class Outcome(NamedTuple):
    """What a script has left: the bodies of request and response, and what it logged."""

    request: Any
    response: Any
    log: str


@cache
def _server_side() -> str:
    return files("fogbank.clouds.azure.cosmos.scripts").joinpath("server.js").read_text()


class _World:
    """A script in its world; made and used on a worker's thread."""

    def __init__(self, budget: Budget, now_us: int, settings: dict[str, Any]) -> None:
        self._sandbox = Sandbox(budget, now_us)
        make = self._sandbox.load(_server_side())
        bounds = {"queueMax": QUEUE_MAX, "logMax": LOG_CHARACTERS_MAX}
        self._api = self._sandbox.call(make, msgspec.json.encode({**settings, **bounds}).decode())

    def start(self, body: str, arguments: Sequence[Any]) -> list[Any]:
        """Run the script itself; returns what it asks for."""
        function = self._sandbox.load_function(body)
        thrown = self._sandbox.call(self._api, "start", function, msgspec.json.encode(arguments).decode())
        return self._requests(thrown)

    def answer(self, answers: list[dict[str, Any]], *, accepting: bool) -> list[Any]:
        """Run callbacks; returns what they ask for."""
        given = msgspec.json.encode({"answers": answers, "accepting": accepting}).decode()
        return self._requests(self._sandbox.call(self._api, "answer", given))

    def _requests(self, thrown: str) -> list[Any]:
        if thrown != _NOTHING:
            raise failed(_describe(_read(thrown)))
        self._sandbox.settle()
        taken = _read(self._sandbox.call(self._api, "take"))
        if "thrown" in taken:
            raise failed(_describe(taken["thrown"]))
        requests = taken.get("requests")
        if not isinstance(requests, list) or not all(isinstance(each, dict) for each in requests):
            raise failed("the requests of the script can't be read")
        return requests

    def finish(self) -> Outcome:
        """Return what the script has left."""
        found = _read(self._sandbox.call(self._api, "finish"))
        return Outcome(found.get("request"), found.get("response"), str(found.get("log", "")))

    def close(self) -> None:
        """Let go of the world."""
        del self._api, self._sandbox


def _read(text: Any) -> dict[str, Any]:
    """Return an object that came out of a script's world, where anything may have been tampered with."""
    found = decode_json(text.encode()) if isinstance(text, str) else None
    if not isinstance(found, dict):
        raise failed("what the script has left can't be read")
    return found


def _describe(thrown: Any) -> str:
    if not isinstance(thrown, dict):
        return str(thrown)
    text, stack = str(thrown.get("text")), str(thrown.get("stack") or "").rstrip()
    return f"{text}\r\nStack trace: {text}\n{stack}" if stack else text


class Script(NamedTuple):
    """A script that is to be run, with its arguments; `settings` are what it finds in its context."""

    body: str
    arguments: Sequence[Any]
    settings: dict[str, Any]


async def run_script(script: Script, answering: Answering, worker: Worker, budget: Budget, now_us: int) -> Outcome:
    """Run a script to its end, or raise the error that it ended with."""
    world: _World | None = None
    made = 0
    try:
        world = await worker.run(_World, budget, now_us, script.settings)
        requests = await worker.run(world.start, script.body, script.arguments)
        while requests:
            answers = [await answering.answer(each) for each in requests]
            made += len(requests)
            accepting = made < REQUESTS_MAX and budget.left > budget.seconds * (1 - _ACCEPTING)
            requests = await worker.run(world.answer, answers, accepting=accepting)
        return await worker.run(world.finish)
    except ScriptTimeoutError:
        raise timed_out() from None
    except ScriptError as error:
        raise failed(str(error)) from None
    finally:
        if world is not None:
            await worker.run(world.close)
