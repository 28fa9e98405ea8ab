"""Triggers of the engine that function apps have: made and changed when an app is indexed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.engines.functions import triggers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fogbank.engines.functions.model import Function, TriggerConfig
    from fogbank.storage import Tx

TRIGGERS_MAX: Final = 10_000


def id_of(function: Function, name: str) -> str:
    """Return the id of the trigger that sets off an app's function of that name."""
    return f"{prefix_of(function)}{name}"


def prefix_of(function: Function) -> str:
    """Return what the ids of an app's triggers begin with."""
    return f"azure/{function.id}/"


async def follow(tx: Tx, now_us: int, function: Function, wanted: Iterable[tuple[str, str, TriggerConfig]]) -> None:
    """Set the triggers of an app to these and no others (id, source, configuration); one that is as it was goes on."""
    prefix = prefix_of(function)
    known = await triggers.list_triggers(tx, now_us, function.scope, prefix, TRIGGERS_MAX)
    before = {each.id: each for each in known if each.id.startswith(prefix)}
    for number, source, config in wanted:
        old = before.pop(number, None)
        if old is not None and (old.source, old.config) == (source, config):
            continue
        if old is not None:
            await triggers.delete(tx, now_us, function.scope, number)
        await triggers.create(tx, now_us, function.scope, number, function.name, source, config, several=True)
    for number in before:
        await triggers.delete(tx, now_us, function.scope, number)
