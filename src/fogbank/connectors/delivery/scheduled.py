"""What schedules send: each occurrence becomes deliveries, in the transaction in which its timer fires."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from fogbank.connectors.delivery.couriers import Drawn
from fogbank.engines.messaging.delivery_model import DELIVERIES

if TYPE_CHECKING:
    from fogbank.connectors.delivery.couriers import Dialects
    from fogbank.storage import Tx
    from fogbank.storage.timers import Action, Timer


def sending(dialects: Dialects) -> Action:
    """Return what the timers of schedules do: a schedule's dialect says what is sent."""

    async def fire(tx: Tx, now_us: int, timer: Timer, sequence: int) -> int | None:
        from fogbank.engines.schedules import schedules  # noqa: PLC0415 - most servers have none

        found = await schedules.come_round(tx, now_us, timer)
        if found is None:
            return None
        schedule, occurrence_us, due_us = found
        send = dialects[schedule.config.dialect]().scheduled
        assert send is not None, "its service made it"
        drawn = Drawn(derived_id(f"{schedule.id}/{occurrence_us}"), sequence, now_us)
        delivery = send(schedule, occurrence_us, drawn)
        await DELIVERIES.put(tx, now_us, [(sequence, delivery)])
        return due_us

    return fire


def derived_id(text: str) -> str:
    """Return a UUID in form that is the same for the same text."""
    h = sha256(text.encode()).hexdigest()
    return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-8{h[17:20]}-{h[20:32]}"
