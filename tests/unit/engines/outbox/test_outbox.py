"""The outbox, on every store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fogbank.engines.outbox import choices, outbox
from fogbank.engines.outbox.outbox import EMAIL, SMS, Mail, MailNotFoundError, OptedOutError

if TYPE_CHECKING:
    from fogbank.kernel.clock import Clock
    from fogbank.storage import Store

SCOPE = "aws/1/us-east-1"
NUMBER = "+15550100"


async def test_entries_are_numbered_and_read_from_any_place(store: Store, clock: Clock) -> None:
    assert await store.read(outbox.latest, 10) == []
    for number in range(1, 5):
        assert await store.run(outbox.put, Mail(EMAIL, "a@b", f"m{number}")) == number
    assert [kept.mail.text for kept in await store.read(outbox.following, 1, 2)] == ["m2", "m3"]
    assert [kept.number for kept in await store.read(outbox.latest, 3)] == [4, 3, 2]
    found = await store.read(outbox.find, 3)
    assert (found.number, found.at_us, found.mail) == (3, clock.now(), Mail(EMAIL, "a@b", "m3"))
    for missing in (0, 5):
        with pytest.raises(MailNotFoundError):
            await store.read(outbox.find, missing)
    assert await store.run(outbox.empty) == 4
    assert await store.read(outbox.latest, 3) == []
    assert await store.run(outbox.put, Mail(EMAIL, "a@b", "m5")) == 5


async def test_the_oldest_of_too_many_go(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "ENTRIES_MAX", 3)
    for number in range(5):
        await store.run(outbox.put, Mail(EMAIL, "a@b", f"m{number}"))
    assert [kept.number for kept in await store.read(outbox.following, 0, 10)] == [3, 4, 5]


async def test_a_number_that_opted_out_gets_nothing_from_that_sender(store: Store) -> None:
    text = Mail(SMS, NUMBER, "m", scope=SCOPE)
    await store.run(choices.opt_out, SCOPE, NUMBER)
    await store.run(choices.opt_out, SCOPE, NUMBER)
    with pytest.raises(OptedOutError):
        await store.run(outbox.put, text)
    assert await store.run(outbox.put, Mail(SMS, NUMBER, "m", scope="aws/2/us-east-1")) == 1
    assert await store.read(choices.opted_out, SCOPE, "", 10) == [NUMBER]
    assert await store.read(choices.opted_out, SCOPE, NUMBER, 10) == []
    await store.run(choices.opt_in, SCOPE, NUMBER)
    await store.run(choices.opt_in, SCOPE, NUMBER)
    assert await store.run(outbox.put, text) == 2


async def test_text_messages_say_whom_they_are_from(store: Store) -> None:
    text = Mail(SMS, NUMBER, "m", scope=SCOPE)
    await store.run(outbox.put, text)
    await store.run(choices.set_sender, SCOPE, "Fogbank")
    await store.run(outbox.put, text)
    await store.run(outbox.put, Mail(SMS, NUMBER, "m", sender="Other", scope=SCOPE))
    await store.run(outbox.put, Mail(EMAIL, "a@b", "m", scope=SCOPE))
    await store.run(choices.set_sender, SCOPE, "")
    await store.run(outbox.put, text)
    senders = [kept.mail.sender for kept in await store.read(outbox.following, 0, 10)]
    assert senders == ["", "Fogbank", "Other", "", ""]


async def test_values_are_kept_by_sender_kind_and_name(store: Store) -> None:
    await store.run(choices.put, SCOPE, "k", "b", "1")
    await store.run(choices.put, SCOPE, "k", "a", "2")
    await store.run(choices.put, SCOPE, "k", "b", "3")
    await store.run(choices.put, SCOPE, "other", "c", "4")
    assert await store.read(choices.following, SCOPE, "k") == [("a", "2"), ("b", "3")]
    assert await store.read(choices.following, SCOPE, "k", "a", 1) == [("b", "3")]
    assert await store.run(choices.remove, SCOPE, "k", "b")
    assert not await store.run(choices.remove, SCOPE, "k", "b")
    assert await store.read(choices.find, SCOPE, "k", "b") is None
