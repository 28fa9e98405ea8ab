"""The clock's setting, kept so that a server that is started again goes on with the time that it had."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.kernel.clock import Setting

if TYPE_CHECKING:
    from fogbank.storage.store import Tx

_ID = 1


async def keep(tx: Tx, _now_us: int, setting: Setting) -> None:
    """Write a setting down."""
    await tx.run(
        "INSERT INTO clock_setting (id, offset_us, frozen_us) VALUES ($1, $2, $3)"
        " ON CONFLICT (id) DO UPDATE SET offset_us = $2, frozen_us = $3",
        _ID,
        setting.offset_us,
        setting.frozen_us or 0,
    )


async def find(tx: Tx, _now_us: int) -> Setting | None:
    """Return the setting that was kept, None if none was."""
    row = await tx.one("SELECT offset_us, frozen_us FROM clock_setting WHERE id = $1", _ID)
    return None if row is None else Setting(int(row[0]), int(row[1]) or None)
