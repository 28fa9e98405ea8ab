"""The outbox's entries, the newest so many: put, list, find, empty. All are store operations.

The entries are a change feed, so they are numbered in the order of their commits, and whoever waits for one is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from fogbank.engines.outbox import choices
from fogbank.kernel.errors import EngineError, NotFoundError
from fogbank.storage import change_feed

if TYPE_CHECKING:
    from fogbank.storage import Tx
    from fogbank.storage.change_feed import Entry

FEED: Final = "outbox"
ENTRIES_MAX: Final = 10_000
EMAIL: Final = "email"
SMS: Final = "sms"
PUSH: Final = "push"


class MailNotFoundError(NotFoundError):
    """There is no entry of that number in the outbox, or no longer."""


class OptedOutError(EngineError):
    """The owner of the phone number wants no messages."""


class Mail(msgspec.Struct, frozen=True, array_like=True):
    """A message to a person: `kind` says whether an e-mail address, a phone number or an app on a device gets it.

    `scope` is the sender's. `facts` are what the sending service says of it besides: ids, names.
    """

    kind: str
    recipient: str
    text: str
    subject: str = ""
    sender: str = ""
    scope: str = ""
    facts: dict[str, str] = {}


class Kept(NamedTuple):
    """An entry of the outbox."""

    number: int
    at_us: int
    mail: Mail


_MAIL: Final = msgspec.msgpack.Decoder(Mail)
encode: Final = msgspec.msgpack.Encoder().encode


def decode(data: bytes) -> Mail:
    """Read a mail that was written by `encode`."""
    return _MAIL.decode(data)


async def put(tx: Tx, now_us: int, mail: Mail) -> int:
    """Add an entry, and drop the oldest of too many; returns its number. Raises `OptedOutError`."""
    if mail.kind == SMS:
        if await choices.is_opted_out(tx, now_us, mail.scope, mail.recipient):
            raise OptedOutError(mail.recipient)
        if not mail.sender:
            mail = msgspec.structs.replace(mail, sender=await choices.sender_of(tx, now_us, mail.scope))
    number = await change_feed.append(tx, now_us, FEED, encode(mail))
    await change_feed.trim_to(tx, now_us, FEED, number - ENTRIES_MAX)
    return number


async def following(tx: Tx, now_us: int, after: int, limit: int) -> list[Kept]:
    """Return the entries that follow a number, the oldest first."""
    return [_kept(entry) for entry in await change_feed.read(tx, now_us, FEED, after, limit)]


async def latest(tx: Tx, now_us: int, limit: int) -> list[Kept]:
    """Return the newest entries, the newest first."""
    last = await change_feed.last(tx, now_us, FEED)
    return (await following(tx, now_us, max(0, last - limit), limit))[::-1]


async def find(tx: Tx, now_us: int, number: int) -> Kept:
    """Return an entry, or raise `MailNotFoundError`."""
    found = await following(tx, now_us, number - 1, 1)
    if not found or found[0].number != number:
        raise MailNotFoundError(str(number))
    return found[0]


async def empty(tx: Tx, now_us: int) -> int:
    """Remove all entries; returns how many."""
    return await change_feed.trim_to(tx, now_us, FEED, await change_feed.last(tx, now_us, FEED))


def _kept(entry: Entry) -> Kept:
    return Kept(entry.seq, entry.at_us, decode(entry.payload))
