"""Snapshots: all that the store holds, kept under a name to go back to; and files of it, for other servers.

A snapshot is an image (`storage.images`) in a folder. Saving one holds up nobody (in memory, for as long as a copy
takes); it takes its place when it is whole.
Going back is one transaction. The clock doesn't go back with it, and numbers go on above all that were drawn.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from fogbank.connectors.snapshots.differences import Difference, compare
from fogbank.runtimes.temporary import TemporaryFolder
from fogbank.storage import StoreUnavailableError
from fogbank.storage.images import packing
from fogbank.storage.images.files import brought_up, part_of, publish, sweep
from fogbank.storage.images.model import ImageError, check, read_facts
from fogbank.storage.server import clock_setting, nodes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
    from pathlib import Path

    from fogbank.connectors.time_control import TimeControl
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store, Tx
    from fogbank.storage.images.model import Facts

    # Runs what replaces the store's contents while nothing follows them, and has all begin anew.
    Replacing = Callable[[Callable[[], Awaitable[None]]], Coroutine[Any, Any, None]]

T = TypeVar("T")
SUFFIX: Final = ".fogbank"
SNAPSHOTS_MAX: Final = 1_000
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


# Tells apart what is under way at once in this process.
_parts = itertools.count(1)


class SnapshotNotFoundError(Exception):
    """There is no snapshot of that name."""


class SnapshotNameError(Exception):
    """No snapshot can have that name, or there are too many."""


class Snapshot(NamedTuple):
    """A snapshot: `taken_us` by the server's clock, `version` of the Fogbank that took it, its size in bytes."""

    name: str
    taken_us: int
    version: str
    bytes: int


class Snapshots:
    """The snapshots of a server. `folder` keeps them; without one they go when the server ends."""

    def __init__(
        self, parts: tuple[Store, Clock, Ids], time: TimeControl, folder: Path | None, replacing: Replacing
    ) -> None:
        self._store, self._clock, self._ids = parts
        self._time = time
        self._replacing = replacing
        self._own: TemporaryFolder | None = None
        self._kept = folder
        self._turn = asyncio.Lock()
        if folder is not None and self._store.exclusive:
            sweep(folder)

    def close(self) -> None:
        """Remove what doesn't outlive the server."""
        if self._own is not None:
            self._own.close()

    async def save(self, name: str) -> Snapshot:
        """Keep everything as it is now, in place of what has the name; raises `SnapshotNameError`."""
        path = self._path(name)
        if not path.exists() and len(list(self._files())) >= SNAPSHOTS_MAX:
            raise SnapshotNameError(f"There are {SNAPSHOTS_MAX} snapshots, and more can't be.")
        with self._part() as part:
            facts = await self._store.save_image(part)
            if self._kept is None:
                publish(part, path, durable=False)
            else:
                await _on_thread(publish, part, path)
        return _described(path, facts)

    async def restore(self, name: str) -> Snapshot:
        """Go back to a snapshot; raises `SnapshotNotFoundError`, `ImageError`."""
        path = self._existing(name)
        return _described(path, await self._load(path, every_page=False))

    def all(self) -> list[Snapshot]:
        """Return the snapshots by name; files that can't be read are none."""
        found = []
        for path in sorted(self._files()):
            try:
                found.append(_look_at(path))
            except (ImageError, OSError):
                continue
        return found

    def delete(self, name: str) -> None:
        """Remove one; raises `SnapshotNotFoundError`."""
        self._existing(name).unlink()

    async def diff(self, name: str, other: str | None = None) -> list[Difference]:
        """Return what there is now, or in another snapshot, other than in a snapshot; raises as `restore` does."""
        path = self._existing(name)
        if other is not None:
            return await _on_thread(self._compare, path, self._existing(other))
        with self._part() as now:
            await self._store.save_image(now)
            return await _on_thread(self._compare, path, now)

    async def export(self) -> AsyncIterator[bytes]:
        """Yield a file of everything as it is when the first part is taken."""
        with self._part() as image:
            parts = packing.pack(image, await self._store.save_image(image))
            while part := await _on_thread(next, parts, b""):
                yield part

    async def export_to(self, path: Path) -> None:
        """Write such a file, in place of what is there; raises `OSError`."""
        with part_of(path.parent, path.name) as part:
            with part.open("wb") as file:
                async for each in self.export():
                    file.write(each)
            await _on_thread(publish, part, path)

    async def import_(self, parts: AsyncIterator[bytes]) -> Snapshot:
        """Replace everything by what a file has; raises `ImageError` for one that isn't as it was exported."""
        with self._part() as packed:
            with packed.open("wb") as file:
                async for part in parts:
                    file.write(part)
            return await self.import_from(packed)

    async def import_from(self, path: Path) -> Snapshot:
        """The same from a file on this machine; raises `OSError`, too."""
        with self._part() as image:
            head = await _on_thread(packing.unpack, path, image)
            await self._load(image, every_page=True)
        return Snapshot(path.name, head.taken_us, head.fogbank, head.bytes)

    async def _load(self, path: Path, *, every_page: bool) -> Facts:
        """Have it done in a task of its own, which goes on to its end also where nobody waits for it any more."""
        return await asyncio.shield(
            asyncio.get_running_loop().create_task(self._load_in_turn(path, every_page=every_page))
        )

    async def _load_in_turn(self, path: Path, *, every_page: bool) -> Facts:
        async with self._turn:
            context = brought_up(path, self._folder, every_page=every_page)
            image, facts = await _on_thread(context.__enter__)
            try:
                await self._replacing(partial(self._replace, image, facts))
            except StoreUnavailableError:
                # Which of the two is at fault?
                await _on_thread(partial(check, image, every_page=True))
                raise
            finally:
                context.__exit__(None, None, None)
            ahead_us = facts.taken_us - self._clock.now()
            if ahead_us > 0 and self._store.exclusive:
                # It was taken by a clock that was ahead: what was written then must not lie in the future.
                await self._time.advance(ahead_us)
            return facts

    async def _replace(self, image: Path, facts: Facts) -> None:
        setting = self._clock.setting
        starts = await self._store.read(nodes.starts)

        async def carry_over(tx: Tx, now_us: int) -> None:
            await clock_setting.keep(tx, now_us, setting)
            await nodes.go_on(tx, now_us, starts)

        await self._store.load_image(image, carry_over)
        # It may have been moved meanwhile.
        await self._time.keep()
        self._ids.skip(max(facts.taken_us, self._ids.moment(await self._store.read(nodes.highest))))

    def _compare(self, path: Path, other: Path) -> list[Difference]:
        with brought_up(path, self._folder) as (before, _), brought_up(other, self._folder) as (after, _):
            return compare(before, after)

    @property
    def _folder(self) -> Path:
        if self._kept is not None:
            return self._kept
        if self._own is None:
            self._own = TemporaryFolder()
            # It is nobody else's.
            self._own.path.chmod(0o700)
        return self._own.path

    def _files(self) -> Iterator[Path]:
        return self._folder.glob(f"*{SUFFIX}")

    def _part(self) -> Any:
        return part_of(self._folder, f"{next(_parts)}")

    def _path(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise SnapshotNameError(
                f"A snapshot's name has 1 to 100 letters, digits, dots, hyphens and underscores, not {name!r}."
            )
        return self._folder / f"{name}{SUFFIX}"

    def _existing(self, name: str) -> Path:
        path = self._path(name)
        if not path.exists():
            raise SnapshotNotFoundError(f"There is no snapshot {name}.")
        return path


def _look_at(path: Path) -> Snapshot:
    return _described(path, read_facts(path))


def _described(path: Path, facts: Facts) -> Snapshot:
    return Snapshot(path.name.removesuffix(SUFFIX), facts.taken_us, facts.version, path.stat().st_size)


async def _on_thread(work: Callable[..., T], *args: Any) -> T:
    return await asyncio.get_running_loop().run_in_executor(None, work, *args)
