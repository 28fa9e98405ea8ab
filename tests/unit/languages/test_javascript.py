"""Worlds that scripts run in: what they find there, and what bounds them."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack

import pytest

from fogbank.languages.javascript import sandbox
from fogbank.languages.javascript.sandbox import (
    Budget,
    Sandbox,
    ScriptError,
    ScriptTimeoutError,
    TooManyScriptsError,
    Worker,
)

NOON_US = 1_500_000_000_000_000


def world(seconds: float = 5) -> Sandbox:
    return Sandbox(Budget(seconds), NOON_US)


def test_a_world_has_the_time_that_it_is_given() -> None:
    made = world()
    assert made.load("new Date().getTime()") == made.load("Date.now()") == NOON_US // 1_000
    assert made.load("new Date(5).getTime() + (new Date() instanceof Date ? 1 : 0)") == 6
    assert made.load("Date()").startswith("Fri Jul 14 2017")
    assert made.load("class Day extends Date { one() { return 1; } }; new Day().one()") == 1


def test_a_world_has_nothing_of_the_machine() -> None:
    names = ("require", "process", "std", "os", "print", "fetch", "setTimeout", "scriptArgs")
    assert [world().load(f"typeof {name}") for name in names] == ["undefined"] * len(names)
    one, other = world(), world()
    one.load("globalThis.shared = 1; Array.prototype.map = null")
    assert other.load("typeof shared + typeof [].map") == "undefinedfunction"


@pytest.mark.parametrize(
    "text",
    [
        "function (n) { return n + 1; }",
        "n => n + 1 // so much",
        "function add(n) { return n + 1; };",
        "function main(n) { return more(n); }\nfunction more(n) { return n + 1; }",
        '"use strict"; function add(n) { return n + 1; }',
    ],
)
def test_functions_however_they_are_written(text: str) -> None:
    made = world()
    assert made.call(made.load_function(text), 4) == 5


def test_what_a_script_throws() -> None:
    made = world()
    for text, words in (("throw new Error('no')", "Error: no"), ("(", "SyntaxError"), ("x", "ReferenceError")):
        with pytest.raises(ScriptError, match=words):
            made.load(text)
    with pytest.raises(ScriptError, match="SyntaxError"):
        made.load_function("function (")
    with pytest.raises(ScriptError, match="stack overflow"):
        made.load("function f() { return f() + 1; } f()")


def test_time_is_up_for_all_that_share_a_budget() -> None:
    budget = Budget(0.05)
    one, other = Sandbox(budget, NOON_US), Sandbox(budget, NOON_US)
    with pytest.raises(ScriptTimeoutError):
        one.load("try { for (;;); } catch (e) { 1 }")
    for made in (one, other):
        with pytest.raises(ScriptTimeoutError):
            made.load("1")


def test_promises_are_settled() -> None:
    made = world()
    made.load("globalThis.found = []; (async () => { for (let n = 0; n < 3000; n++) found.push(await n); })()")
    made.settle()
    assert made.load("found.length") == 3_000
    made = world(0.05)
    made.load("(async () => { for (;;) await null; })()")
    with pytest.raises(ScriptTimeoutError):
        made.settle()


async def test_others_go_on_while_a_script_runs() -> None:
    def loop() -> None:
        world(0.1).load("for (;;);")

    running = asyncio.ensure_future(Worker().run(loop))
    turns = 0
    while not running.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 1
    with pytest.raises(ScriptTimeoutError):
        await running


def test_there_are_so_many_scripts_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "RUNS_MAX", 1)
    with ExitStack() as runs:
        for _ in range(sandbox.WORKERS):
            runs.enter_context(sandbox.reserved())
        with pytest.raises(TooManyScriptsError):
            runs.enter_context(sandbox.reserved())
    with sandbox.reserved() as worker:
        assert worker.runs == 1
