"""What is set for the messages of a sender: values by kind and name, and who wants none. All are store operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from fogbank.storage import Tx

_OPTED_OUT: Final = "sms.opted-out"
_SENDER: Final = "sms.sender"


async def put(tx: Tx, _now_us: int, scope: str, kind: str, name: str, value: str) -> None:
    """Set a value of a kind by its name."""
    await tx.run(
        "INSERT INTO mail_setting (scope, kind, name, value) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (scope, kind, name) DO UPDATE SET value = $4",
        scope,
        kind,
        name,
        value,
    )


async def find(tx: Tx, _now_us: int, scope: str, kind: str, name: str) -> str | None:
    """Return a value, None if there is none."""
    row = await tx.one("SELECT value FROM mail_setting WHERE scope = $1 AND kind = $2 AND name = $3", scope, kind, name)
    return None if row is None else str(row[0])


async def remove(tx: Tx, _now_us: int, scope: str, kind: str, name: str) -> bool:
    """Remove a value; False if there is none."""
    sql = "DELETE FROM mail_setting WHERE scope = $1 AND kind = $2 AND name = $3"
    return bool(await tx.run(sql, scope, kind, name))


async def following(
    tx: Tx, _now_us: int, scope: str, kind: str, after: str = "", limit: int = 1_000
) -> list[tuple[str, str]]:
    """Return names and values of a kind in the order of their names, those that follow `after`."""
    rows = await tx.all(
        "SELECT name, value FROM mail_setting WHERE scope = $1 AND kind = $2 AND name > $3 ORDER BY name LIMIT $4",
        scope,
        kind,
        after,
        limit,
    )
    return [(str(name), str(value)) for name, value in rows]


async def opt_out(tx: Tx, now_us: int, scope: str, number: str) -> None:
    """Take note that the owner of a phone number wants no more messages of this sender."""
    await put(tx, now_us, scope, _OPTED_OUT, number, "")


async def opt_in(tx: Tx, now_us: int, scope: str, number: str) -> None:
    """Allow messages to a phone number again."""
    await remove(tx, now_us, scope, _OPTED_OUT, number)


async def opted_out(tx: Tx, now_us: int, scope: str, after: str, limit: int) -> list[str]:
    """Return the phone numbers that a sender may not write to, in their order, those that follow `after`."""
    return [name for name, _ in await following(tx, now_us, scope, _OPTED_OUT, after, limit)]


async def is_opted_out(tx: Tx, now_us: int, scope: str, number: str) -> bool:
    """Tell whether a sender may not write to a phone number."""
    return await find(tx, now_us, scope, _OPTED_OUT, number) is not None


async def set_sender(tx: Tx, now_us: int, scope: str, sender: str) -> None:
    """Set what text messages of a sender are from that don't say it themselves; nothing, if it is empty."""
    if sender:
        await put(tx, now_us, scope, _SENDER, "", sender)
    else:
        await remove(tx, now_us, scope, _SENDER, "")


async def sender_of(tx: Tx, now_us: int, scope: str) -> str:
    """Return what text messages are from that don't say it themselves."""
    return await find(tx, now_us, scope, _SENDER, "") or ""
