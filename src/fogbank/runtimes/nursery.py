"""Where instances come from: a zygote for each kind of worker, and some stems of each ready beforehand.

A stem is taken without waiting where there is one, and the next is made meanwhile. A zygote that has ended is
started again; its stems live on.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import sys
import sysconfig
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from fogbank.runtimes import inside
from fogbank.runtimes.callers import find_socket, is_held
from fogbank.runtimes.inside.channel import LENGTHS
from fogbank.runtimes.model import EPHEMERAL_MIB, MIB, limits_of
from fogbank.runtimes.process import Process

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from fogbank.kernel.ids import Ids
    from fogbank.runtimes.control_groups import ControlGroups

# How many stems are ready of a kind that was prepared, and of one that has been used.
STEMS_READY: Final = 2
STEMS_READY_IN_USE: Final = 6
# A program takes some tens of megabytes.
PROGRAMS_READY_IN_USE: Final = 3
# New ones are made once whoever took the last has got under way.
RESTOCK_SECONDS: Final = 0.03
# Of one function's own, for so many functions, those that were used or deployed last.
OWN_STEMS_READY: Final = 1
OWN_KINDS_MAX: Final = 8
# Of programs for anyone, which differ in their functions' memory.
PROGRAM_KINDS_MAX: Final = 8
STEM_SECONDS_MAX: Final = 30.0
# What was on its way when its zygote ended is gone by then.
_GROUP_SECONDS: Final = 1.0
# Each function has a user of its own, where the server may give it one: from here on, so many.
USERS_FROM: Final = 2_000_000
USERS: Final = 1_000_000
# Programs that are started before their function is known have users of their own, too: those that follow.
PROGRAMS_FROM: Final = USERS_FROM + USERS
# What a program sees before it is told its function's environment.
_PROGRAM_ENVIRONMENT: Final = {"LANG": "en_US.UTF-8", "PATH": "/usr/local/bin:/usr/bin:/bin", "TZ": ":UTC"}
_LENGTHS_BYTES: Final = LENGTHS.size
# The system's programs and what they read; everything else of the host is left out.
_SHOWN: Final = (
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32",
    "/etc/alternatives", "/etc/ca-certificates", "/etc/ca-certificates.conf", "/etc/hosts", "/etc/java-11-openjdk",
    "/etc/java-17-openjdk", "/etc/java-21-openjdk", "/etc/java-25-openjdk", "/etc/ld.so.cache", "/etc/localtime",
    "/etc/mime.types", "/etc/nsswitch.conf",
    "/etc/pki", "/etc/protocols", "/etc/resolv.conf", "/etc/services", "/etc/ssl", "/etc/timezone",
)  # fmt: skip


class StemError(OSError):
    """No stem could be made; the text says why."""


class Own(NamedTuple):
    """What a stem knows of its function: its id and revision, its code's folder and place, its environment."""

    function: tuple[int, int]
    code: str
    place: str
    environment: tuple[tuple[str, str], ...]
    memory_mib: int


class Kind(NamedTuple):
    """A kind of stem: the worker's module, and what is imported beside it before the first fork.

    `program` is a command that is executed in the stem, and waits there (see `inside/programs.py`), where sandboxes
    allow for that: in tier B. With `own` it is one function's from the start, and has its code.
    """

    worker: str
    preload: tuple[str, ...] = ()
    program: tuple[str, ...] = ()
    own: Own | None = None


# Stems that have nothing imported, for programs.
BARE: Final = Kind("fogbank.runtimes.inside.zygote")


class Tier(NamedTuple):
    """What sandbox instances get: its name, whether each function has a user of its own, why there is no better."""

    name: str
    own_users: bool
    note: str = ""

    def user_of(self, function: int) -> int:
        """Return the user that a function runs as; 0 where that is the server's own."""
        return USERS_FROM + function % USERS if self.own_users else 0


class Stem(NamedTuple):
    """An instance without a function: its process, and the server's end of its channel.

    One that runs a program already has its `user` (0: none), the `reader` of its output, and its temporary folder.
    """

    process: Process
    connection: socket.socket
    user: int = 0
    reader: int = -1
    temporary: Path | None = None

    @property
    def running_program(self) -> bool:
        """Whether it runs a program already."""
        return self.temporary is not None

    def hand_over(self, temporary: Path) -> None:
        """Make a function's temporary folder; of a program that runs already, it is the one that it may write to."""
        temporary.parent.mkdir(parents=True, exist_ok=True)
        if self.temporary is None:
            temporary.mkdir(exist_ok=True)
        else:
            self.temporary.rename(temporary)

    def discard(self) -> None:
        """Let go of one that nobody took."""
        self.connection.close()
        if self.reader >= 0:
            os.close(self.reader)
        if self.temporary is not None:
            with contextlib.suppress(OSError):
                self.temporary.rmdir()

    def launch(self, message: bytes, *outputs: int) -> None:
        """Give it its function, and the descriptors that its output goes to (-1: it has one), and its companions'."""
        view = memoryview(message)
        descriptors = [output for output in outputs if output >= 0]
        sent = socket.send_fds(self.connection, [view[:_LENGTHS_BYTES]], descriptors)
        assert sent == _LENGTHS_BYTES
        self.connection.setblocking(True)
        self.connection.sendall(view[_LENGTHS_BYTES:])
        self.connection.setblocking(False)


class Nursery:
    """Makes stems. `folder` is one of the server's own, for roots to be mounted on; `shared` one that all may write."""

    def __init__(self, folder: Path, ids: Ids, groups: ControlGroups | None, shared: Path | None = None) -> None:
        self.tier = Tier("A", own_users=False)
        self._folder = folder
        self._ids = ids
        self._groups = groups
        self._shared = shared
        self._programs = 0
        self._zygotes: dict[Kind, _Zygote] = {}
        self._stock: dict[Kind, deque[Stem]] = {}
        self._filling: set[Kind] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._processes: set[Process] = set()
        self._used: set[Kind] = set()
        self._closed = False

    def is_function(self, address: str, port: int, here: int) -> bool:
        """Whether one of the functions is at the other end of a connection: address and port there, port here."""
        found = find_socket(address, port, here)
        if found is None:
            return False
        if self.tier.own_users:
            return USERS_FROM <= found.user < PROGRAMS_FROM + USERS
        return is_held(found.inode, [process.keeper for process in self._processes])

    async def open(self, kind: Kind, *, isolated: bool = True) -> None:
        """Start a first zygote and find out which sandbox can be had here: the best one that a stem can live in."""
        for tier in tiers(isolated=isolated):
            self.tier = tier._replace(note=self.tier.note)
            try:
                stem = await self._make(kind)
            except StemError as error:
                await self._retire_zygotes()
                self.tier = self.tier._replace(note=str(error))
            else:
                self._stock.setdefault(kind, deque()).append(stem)
                return
        raise StemError(self.tier.note)

    async def take(self, kind: Kind) -> Stem:
        """Return a stem; raises `StemError`."""
        kind = self._made_here(kind)
        stock = self._stock_of(kind)
        stem = None
        while stock and stem is None:
            ready = stock.popleft()
            if ready.process.running:
                stem = ready
            else:
                ready.discard()
        self._used.add(kind)
        asyncio.get_running_loop().call_later(RESTOCK_SECONDS, self._restock, kind)
        return stem if stem is not None else await self._make(kind)

    def prepare(self, kind: Kind) -> None:
        """Have stems of a kind ready, since they may be wanted soon."""
        kind = self._made_here(kind)
        self._stock_of(kind)
        self._restock(kind)

    def forget(self, function: tuple[int, int]) -> None:
        """Let the stems go that are a function's alone, as it is gone or another revision."""
        self._drop([kind for kind in self._stock if kind.own is not None and kind.own.function == function])

    async def close(self) -> None:
        """End the zygotes and the stems that nobody took."""
        self._closed = True
        while self._tasks:
            await asyncio.wait(self._tasks)
        stems = [stem for stock in self._stock.values() for stem in stock]
        self._stock.clear()
        for stem in stems:
            stem.process.kill()
        for stem in stems:
            await _end(stem)
        await self._retire_zygotes()

    def _made_here(self, kind: Kind) -> Kind:
        """Return a kind as it can be made in the sandbox that there is."""
        isolated = self.tier.name == "B"
        if kind.own is not None:
            # A function's code must not get at its root before that is closed to writing.
            isolated = isolated and (self.tier.own_users or _has_landlock())
        return kind if isolated else kind._replace(program=(), own=None)

    def _stock_of(self, kind: Kind) -> deque[Stem]:
        """Return the stems of a kind, as the latest to be asked for; programs are kept of the latest few kinds."""
        stock = self._stock[kind] = self._stock.pop(kind, deque())
        programs = [each for each in self._stock if each.program]
        self._drop([each for each in programs if each.own is not None][:-OWN_KINDS_MAX])
        self._drop([each for each in programs if each.own is None][:-PROGRAM_KINDS_MAX])
        return stock

    def _drop(self, kinds: Sequence[Kind]) -> None:
        for kind in kinds:
            for stem in self._stock.pop(kind):
                self._spawn(_end(stem))
            self._used.discard(kind)

    async def _retire_zygotes(self) -> None:
        zygotes = list(self._zygotes.values())
        self._zygotes.clear()
        for zygote in zygotes:
            await zygote.close()

    def _restock(self, kind: Kind) -> None:
        if not self._closed and kind not in self._filling:
            self._filling.add(kind)
            self._spawn(self._fill(kind))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _fill(self, kind: Kind) -> None:
        """Make stems one after another, so that they leave the processor to those at work."""
        try:
            while not self._closed and len(self._stock.get(kind, ())) < self._wanted(kind):
                stem = await self._make(kind)
                if kind in self._stock:
                    self._stock[kind].append(stem)
                else:
                    # Others have been asked for meanwhile, so that this kind is kept no longer.
                    await _end(stem)
        except StemError:
            # Whoever needs one next tries again, and is told.
            return
        finally:
            self._filling.discard(kind)

    def _wanted(self, kind: Kind) -> int:
        """Return how many stems of a kind are to be ready."""
        if kind not in self._stock:
            return 0
        if kind.own is not None:
            return OWN_STEMS_READY
        if kind not in self._used:
            return STEMS_READY
        return PROGRAMS_READY_IN_USE if kind.program else STEMS_READY_IN_USE

    async def _make(self, kind: Kind) -> Stem:
        plain = kind._replace(program=(), own=None)
        zygote = self._zygotes.get(plain)
        if zygote is None or zygote.ended:
            if zygote is not None:
                zygote.forget()
            zygote = self._zygotes[plain] = _Zygote(plain, self.tier, self._folder)
        try:
            await zygote.started()
            made = self._order_program(zygote, kind) if kind.program else self._order(zygote)
            return await asyncio.wait_for(made, STEM_SECONDS_MAX)
        except (OSError, TimeoutError, EOFError) as error:
            msg = f"no instance could be made: {str(error) or type(error).__name__}"
            raise StemError(msg) from error

    async def _order_program(self, zygote: _Zygote, kind: Kind) -> Stem:
        """Make a stem that runs a program: with an output, a temporary folder and, where there are, a user."""
        temporary = self._folder / f"program-{self._ids.hex(16)}"
        temporary.mkdir()
        user = PROGRAMS_FROM + self._programs % USERS if self.tier.own_users else 0
        self._programs += 1
        reader, writer = os.pipe2(os.O_CLOEXEC)
        program = {
            "command": kind.program,
            "environment": _PROGRAM_ENVIRONMENT if kind.own is None else dict(kind.own.environment),
            "code": None if kind.own is None else (kind.own.code, kind.own.place),
            "user": user,
            **limits_of(EPHEMERAL_MIB),
            "writable": [str(each) for each in (temporary, self._shared) if each is not None],
        }
        try:
            stem = await self._order(zygote, program, writer, 0 if kind.own is None else kind.own.memory_mib)
        except BaseException:
            os.close(reader)
            temporary.rmdir()
            raise
        finally:
            os.close(writer)
        return stem._replace(user=user, reader=reader, temporary=temporary)

    async def _order(
        self, zygote: _Zygote, program: dict[str, Any] | None = None, output: int = -1, memory_mib: int = 0
    ) -> Stem:
        loop = asyncio.get_running_loop()
        group = None if self._groups is None else self._groups.make(self._ids.hex(16))
        if group is not None and memory_mib:
            group.limit(memory_mib * MIB)
        channel, their_channel = socket.socketpair()
        line, their_line = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        channel.setblocking(False)
        line.setblocking(False)
        try:
            with their_channel, their_line:
                order = {"groups": [] if group is None else group.paths, "program": program}
                descriptors = [their_channel.fileno(), their_line.fileno()]
                zygote.order(order, descriptors if program is None else [*descriptors, output])
            keeper = await _hear_of(loop, line)
        except BaseException:
            channel.close()
            line.close()
            if group is not None:
                loop.call_later(_GROUP_SECONDS, group.remove)
            raise
        process = Process(keeper, line, group, enclosed=self.tier.name == "B")
        self._processes.add(process)
        process.gone.add_done_callback(lambda _: self._processes.discard(process))
        return Stem(process, channel)


def _has_landlock() -> bool:
    from fogbank.runtimes.inside.kernel.kernel_calls import landlock_version  # noqa: PLC0415 - brings in ctypes

    return landlock_version() > 0


async def _end(stem: Stem) -> None:
    """End a stem that nobody took."""
    await stem.process.end()
    stem.discard()


async def _hear_of(loop: asyncio.AbstractEventLoop, line: socket.socket) -> int:
    """Return the number of a keeper that is ready, or raise `StemError`.

    Its own parent says the number, itself that it is ready, and either may be first.
    """
    heard: dict[str, Any] = {}
    while not {"pid", "ready"} <= heard.keys():
        said = await loop.sock_recv(line, 4_096)
        heard |= msgspec.json.decode(said) if said else {"problem": "its keeper ended at once"}
        if "problem" in heard:
            raise StemError(heard["problem"])
    return int(heard["pid"])


class _Zygote:
    """A zygote's process."""

    def __init__(self, kind: Kind, tier: Tier, folder: Path) -> None:
        self._kind = kind
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.setblocking(False)
        root = folder / f"root-{theirs.fileno()}"
        root.mkdir(exist_ok=True)
        packages = sysconfig.get_path("platlib")
        settings = {
            "preload": [kind.worker, *kind.preload],
            "packages": packages,
            "tier": tier.name,
            "own_users": tier.own_users,
            "root": str(root),
            "shown": _shown(packages),
        }
        command = [
            sys.executable, "-S", "-E", "-P", "-B", "-c", _START, str(theirs.fileno()),
        ]  # fmt: skip
        self._control.send(json.dumps(settings).encode())
        self._starting = asyncio.get_running_loop().create_task(self._start(command, theirs))
        self._process: asyncio.subprocess.Process | None = None
        self._heard = b""

    @property
    def ended(self) -> bool:
        """Whether it has to be started anew."""
        if not self._starting.done():
            return False
        return self._starting.exception() is not None or self._process is None or self._process.returncode is not None

    async def started(self) -> None:
        """Wait until it can be given orders; raises `OSError`."""
        await asyncio.shield(self._starting)

    def order(self, order: dict[str, Any], descriptors: Sequence[int]) -> None:
        """Have it fork."""
        socket.send_fds(self._control, [json.dumps(order).encode()], descriptors)

    def forget(self) -> None:
        """Let go of one that has ended."""
        self._control.close()

    async def close(self) -> None:
        """End it."""
        with contextlib.suppress(OSError):
            await self.started()
        self.forget()
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGKILL)
            await self._process.wait()

    async def _start(self, command: list[str], theirs: socket.socket) -> None:
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "TZ": "UTC"}
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                env=environment,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        said = await asyncio.get_running_loop().sock_recv(self._control, 64)
        if not said:
            msg = f"the zygote of {self._kind.worker} ended at once"
            raise StemError(msg)


# Found by its folder, so that it makes no difference how Fogbank itself was installed.
_START: Final = (
    f"import sys; sys.path.insert(0, {str(Path(__file__).parents[2])!r});"
    " import fogbank.runtimes.inside.zygote as zygote; sys.path.pop(0); zygote.main()"
)


def tiers(*, isolated: bool) -> list[Tier]:
    """Return the sandboxes to try, the best first."""
    plain = Tier("A", own_users=False)
    if sys.platform != "linux" or not isolated:
        return [plain]
    best = [Tier("B", own_users=True)] if os.geteuid() == 0 else []
    return [*best, Tier("B", own_users=False), plain]


def _shown(packages: str) -> list[str]:
    interpreter = [
        sys.base_prefix,
        sys.prefix,
        sysconfig.get_path("stdlib"),
        packages,
        str(Path(inside.__file__).parent),
    ]
    if node := shutil.which("node"):
        interpreter += [node, str(Path(node).resolve().parents[1])]
    shown = [path for path in _SHOWN if os.path.lexists(path)]
    for path in interpreter:
        if not any(path == each or path.startswith(f"{each}/") for each in shown):
            shown.append(path)
    return shown
