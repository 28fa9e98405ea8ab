"""Log groups, streams and entries, on every store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fogbank.engines.telemetry import entries, groups, streams
from fogbank.engines.telemetry.entries import EXAMINED_MAX, Page, Query, Source
from fogbank.engines.telemetry.errors import LogGroupNotFoundError, LogGroupProtectedError, LogStreamNotFoundError
from fogbank.engines.telemetry.model import LogEntry, LogGroupConfig, Place, encode_content
from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from fogbank.engines.telemetry.model import LogGroup
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store

SCOPE = "aws/1/here"
GROUP = (SCOPE, "/orders")
HOUR = 3600


class Bench:
    """The engine's operations with the boring arguments filled in."""

    def __init__(self, store: Store, clock: Clock, ids: Ids) -> None:
        self.store, self.clock, self.ids = store, clock, ids
        self.start_us = clock.now()

    async def group(self, name: str = "/orders", **config: Any) -> LogGroup:
        made, _ = await self.store.run(groups.create, (SCOPE, name), self.ids.sequence(), LogGroupConfig(**config))
        return made

    async def put(self, stream: str, *texts: str, at: float = 0, **settings: Any) -> None:
        at_us = self.start_us + int(at * SECOND_US)
        lines = [LogEntry(self.ids.sequence(), at_us, text) for text in texts]
        await self.store.run(entries.append, GROUP, stream, lines, create=True, **settings)

    async def page(self, **query: Any) -> Page:
        return await self.store.scan(entries.read, GROUP, Query(**query))

    async def texts(self, **query: Any) -> list[str]:
        return [entry.text for entry in (await self.page(**query)).entries]

    async def all_pages(self, **query: Any) -> list[str]:
        found: list[str] = []
        beyond = None
        while True:
            page = await self.page(**query, beyond=beyond)
            found += [entry.text for entry in page.entries]
            if page.beyond is None:
                return found
            beyond = page.beyond

    async def rows(self, table: str) -> int:
        async def count(tx: Any, _now_us: int) -> int:
            row = await tx.one(f"SELECT COUNT(*) FROM {table}")
            return int(row[0])

        return await self.store.scan(count)

    async def sweep(self) -> None:
        while not await self.store.run(groups.empty_discarded):
            pass
        for group in await self.store.scan(groups.expired_groups):
            while not await self.store.run(groups.expire, group):
                pass

    def wait(self, seconds: float) -> None:
        self.clock._frozen_us += int(seconds * SECOND_US)  # type: ignore[operator]


@pytest.fixture
def bench(store: Store, clock: Clock, ids: Ids) -> Bench:
    return Bench(store, clock, ids)


async def test_entries_come_back_as_they_went_in(bench: Bench) -> None:
    entry = LogEntry(bench.ids.sequence(), bench.start_us, "a\x00b 𝄞", 400, {"trace": "t", "json": {"n": [1, None]}})
    bench.wait(1)
    await bench.store.run(entries.append, GROUP, "s", [entry], create=True)
    (read,) = (await bench.page()).entries
    assert (read.stream, read.place, read.ingested_us) == ("s", (entry.at_us, entry.id), bench.clock.now())
    assert (read.text, read.severity, read.fields) == (entry.text, 400, entry.fields)


async def test_appending_makes_groups_and_streams_only_when_told_to(bench: Bench) -> None:
    lines = [LogEntry(bench.ids.sequence(), bench.start_us, "x")]
    with pytest.raises(LogGroupNotFoundError):
        await bench.store.run(entries.append, GROUP, "s", lines)
    await bench.group()
    with pytest.raises(LogStreamNotFoundError):
        await bench.store.run(entries.append, GROUP, "s", lines)
    await bench.store.run(entries.append, GROUP, "s", lines, create=True)
    more = [LogEntry(bench.ids.sequence(), bench.start_us, "y")]
    await bench.store.run(entries.append, GROUP, "s", more)
    assert await bench.texts() == ["x", "y"]
    assert [group.name for group in await bench.store.read(groups.list_groups, SCOPE, "", "", "", 10)] == ["/orders"]


async def test_streams_are_read_in_order_of_time_then_of_arrival(bench: Bench) -> None:
    await bench.put("a", "3", "4", at=2)
    await bench.put("b", "x", at=2)
    await bench.put("a", "1", "2", at=1)
    assert await bench.texts(streams=["a"]) == ["1", "2", "3", "4"]
    assert await bench.texts(streams=["a"], newest_first=True) == ["4", "3", "2", "1"]
    assert await bench.texts() == ["1", "2", "3", "4", "x"]
    with pytest.raises(LogStreamNotFoundError):
        await bench.page(streams=["a", "c"])
    with pytest.raises(LogGroupNotFoundError):
        await bench.store.read(entries.read, (SCOPE, "/none"), Query())


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("choice", [{}, {"streams": ["s1", "s3", "s1"]}, {"prefix": "s"}, {"prefix": "s2"}])
async def test_pages_put_together_are_the_whole(bench: Bench, newest_first: bool, choice: dict[str, Any]) -> None:
    expected = []
    for number in range(60):
        # Times that come out of order, some of them equal; the arrival decides among equals.
        at, stream = (number * 7) % 20, f"s{number % 4}"
        await bench.put(stream, f"{number:02d}", at=at)
        if stream in choice.get("streams", [stream]) and stream.startswith(choice.get("prefix", "")):
            expected.append((at, f"{number:02d}"))
    whole = [text for _, text in sorted(expected, reverse=newest_first)]
    assert await bench.all_pages(limit=7, newest_first=newest_first, **choice) == whole


async def test_a_range_holds_its_start_and_not_its_end(bench: Bench) -> None:
    for at in range(5):
        await bench.put("s", str(at), at=at)
    window = {"from_us": bench.start_us + SECOND_US, "until_us": bench.start_us + 3 * SECOND_US}
    assert await bench.texts(**window) == ["1", "2"]
    assert await bench.texts(**window, newest_first=True) == ["2", "1"]


async def test_a_page_ends_at_its_size_but_holds_one_entry(bench: Bench) -> None:
    await bench.put("s", "a" * 600, "b" * 600, "c" * 10)
    first = await bench.page(bytes_max=1000)
    assert [entry.text[0] for entry in first.entries] == ["a"]
    assert [text[0] for text in await bench.all_pages(bytes_max=10)] == ["a", "b", "c"]


async def test_what_does_not_match_is_passed_over_and_looked_at_in_bounds(bench: Bench) -> None:
    lines = [LogEntry(bench.ids.sequence(), bench.start_us + n, str(n)) for n in range(EXAMINED_MAX + 5)]
    await bench.store.run(entries.append, GROUP, "s", lines, create=True)
    last = str(EXAMINED_MAX + 4)
    first = await bench.page(matches=lambda entry: entry.text == last)
    assert first.entries == []
    assert first.beyond is not None
    second = await bench.page(matches=lambda entry: entry.text == last, beyond=first.beyond)
    assert [entry.text for entry in second.entries] == [last]
    assert second.beyond is None


async def test_a_prefix_of_many_streams(bench: Bench) -> None:
    for number in range(entries.STREAMS_MERGED_MAX + 1):
        await bench.put(f"many-{number}", "x", at=number)
    await bench.put("other", "y")
    assert len(await bench.all_pages(prefix="many-", limit=30)) == entries.STREAMS_MERGED_MAX + 1
    assert await bench.texts(prefix="nothing") == []


async def test_streams_are_listed_by_name(bench: Bench) -> None:
    await bench.group()
    for name in ("b2", "a", "b1", "c", "B"):
        assert await bench.store.run(streams.create, GROUP, name, bench.ids.sequence())
    assert not await bench.store.run(streams.create, GROUP, "a", bench.ids.sequence())

    async def names(prefix: str = "", after: str | None = None, **order: bool) -> list[str]:
        found = await bench.store.read(streams.list_by_name, GROUP, prefix, after, 3, **order)
        return [stream.name for stream in found]

    assert await names() == ["B", "a", "b1"]
    assert await names(after="b1") == ["b2", "c"]
    assert await names("b") == ["b1", "b2"]
    assert await names("b", descending=True) == ["b2", "b1"]
    assert await names(descending=True) == ["c", "b2", "b1"]
    assert await names(after="b1", descending=True) == ["a", "B"]


async def test_streams_are_listed_by_their_latest_entry(bench: Bench) -> None:
    await bench.put("a", "x", at=5)
    await bench.put("b", "x", at=9)
    await bench.put("a", "x", at=1)
    await bench.store.run(streams.create, GROUP, "empty", bench.ids.sequence())
    found = await bench.store.scan(streams.list_by_time, GROUP, None, 10, descending=True)
    times = [((s.first_us - bench.start_us) // SECOND_US, (s.last_us - bench.start_us) // SECOND_US) for s in found]
    assert [stream.name for stream in found] == ["b", "a", "empty"]
    assert times[:2] == [(9, 9), (1, 5)]
    assert found[2][3:] == (0, 0, 0)
    page = await bench.store.scan(streams.list_by_time, GROUP, (found[1].last_us, "a"), 10)
    assert [stream.name for stream in page] == ["b"]


async def test_groups_are_listed_by_prefix_and_by_part(bench: Bench) -> None:
    for name in ("/a/x", "/a/y", "/b/x", "B"):
        await bench.group(name)

    async def names(prefix: str = "", part: str = "", after: str = "", limit: int = 10) -> list[str]:
        found = await bench.store.read(groups.list_groups, SCOPE, prefix, part, after, limit)
        return [group.name for group in found]

    assert await names() == ["/a/x", "/a/y", "/b/x", "B"]
    assert await names("/a") == ["/a/x", "/a/y"]
    assert await names(part="/x") == ["/a/x", "/b/x"]
    assert await names(part="/x", limit=1) == ["/a/x"]
    assert await names(part="/x", after="/a/x") == ["/b/x"]
    assert await names(part="b") == ["/b/x"]


async def test_a_deleted_group_is_gone_at_once_and_its_rows_later(bench: Bench) -> None:
    await bench.put("s", *map(str, range(groups.DROPPED_PER_OPERATION_MAX + 1)))
    await bench.store.run(groups.delete, GROUP)
    with pytest.raises(LogGroupNotFoundError):
        await bench.page()
    await bench.put("s", "new")
    assert await bench.texts() == ["new"]
    await bench.sweep()
    assert await bench.texts() == ["new"]
    assert (await bench.rows("log_entry"), await bench.rows("log_stream")) == (1, 1)
    assert await bench.rows("discarded_log") == 0


async def test_a_deleted_stream_is_gone_at_once_and_its_rows_later(bench: Bench) -> None:
    await bench.put("s", "old")
    await bench.put("t", "kept")
    await bench.store.run(streams.delete, GROUP, "s")
    with pytest.raises(LogStreamNotFoundError):
        await bench.store.run(streams.delete, GROUP, "s")
    assert await bench.texts() == ["kept"]
    await bench.put("s", "new")
    assert await bench.texts(streams=["s"]) == ["new"]
    await bench.sweep()
    assert await bench.texts() == ["kept", "new"]
    assert await bench.rows("log_entry") == 2


async def test_entries_expire(bench: Bench) -> None:
    group = await bench.group(retention_seconds=HOUR)
    await bench.put("s", "old" * 10)
    await bench.put("s", "young", at=10)
    (before,) = await bench.store.scan(groups.sizes, [group])
    bench.wait(HOUR + 1)
    assert await bench.texts() == ["young"], "before they are swept, too"
    await bench.sweep()
    assert await bench.rows("log_entry") == 1
    (after,) = await bench.store.scan(groups.sizes, [group])
    assert 0 < after < before
    (stream,) = await bench.store.read(streams.list_by_name, GROUP, "", None, 10)
    assert stream.first_us == bench.start_us + 10 * SECOND_US
    await bench.store.run(groups.update, GROUP, lambda _: LogGroupConfig())
    bench.wait(HOUR)
    await bench.sweep()
    assert await bench.texts() == ["young"]


async def test_a_protected_group_is_not_deleted(bench: Bench) -> None:
    await bench.group(protected=True)
    with pytest.raises(LogGroupProtectedError):
        await bench.store.run(groups.delete, GROUP)
    await bench.store.run(groups.update, GROUP, lambda _: LogGroupConfig())
    await bench.store.run(groups.delete, GROUP)


async def test_entries_whose_ids_say_what_they_are_are_added_once(bench: Bench) -> None:
    same = LogEntry(7, bench.start_us, "first")
    other = LogEntry(7, bench.start_us + 1, "another time")
    twice = [same, same._replace(text="again"), other]
    await bench.store.run(entries.append, GROUP, "s", twice, create=True, once=True)
    await bench.store.run(entries.append, GROUP, "s", [same._replace(text="later")], once=True)
    assert await bench.texts() == ["first", "another time"]
    group = await bench.store.read(groups.find, GROUP)
    sizes = await bench.store.scan(groups.sizes, [group])
    assert sizes == [len(encode_content(same)) + len(encode_content(other))]


@pytest.mark.parametrize("newest_first", [False, True])
async def test_several_groups_are_read_as_one(bench: Bench, newest_first: bool) -> None:
    names = [(f"other/{number}", "logs") for number in range(3)]
    for number in range(30):
        line = LogEntry(bench.ids.sequence(), bench.start_us + number * 7 % 20, f"{number:02d}")
        await bench.store.run(entries.append, names[number % 3], f"s{number % 2}", [line], create=True)
    sources = [Source(names[0]), Source(names[1], ["s1", "missing"]), Source(("none", "none"))]
    chosen = [number for number in range(30) if number % 3 == 0 or (number % 3 == 1 and number % 2)]
    whole = [f"{number:02d}" for number in sorted(chosen, key=lambda number: (number * 7 % 20, number))]
    found: list[tuple[str, tuple[str, str]]] = []
    query = Query(newest_first=newest_first, limit=4)
    while True:
        page = await bench.store.scan(entries.read_several, sources, query)
        found += [(entry.text, entry.group) for entry in page.entries]
        if page.beyond is None:
            break
        query = query._replace(beyond=page.beyond)
    assert [text for text, _ in found] == (whole[::-1] if newest_first else whole)
    assert all(group == names[int(text) % 3] for text, group in found)


async def test_what_came_in_since_is_found(bench: Bench) -> None:
    await bench.put("s", "old")
    bench.wait(10)
    await bench.put("s", "late", at=-5)
    await bench.put("s", "new", at=10)
    since_us = bench.start_us + 5 * SECOND_US
    beyond = Place(bench.start_us - HOUR * SECOND_US, 0)
    found = await bench.store.scan(entries.ingested, Source(GROUP), beyond, since_us, 10)
    assert [entry.text for entry in found] == ["late", "new"]
    assert await bench.store.scan(entries.ingested, Source(GROUP), found[0].place, since_us, 10) == found[1:]
    assert await bench.store.scan(entries.ingested, Source(("none", "none")), beyond, 0, 10) == []
