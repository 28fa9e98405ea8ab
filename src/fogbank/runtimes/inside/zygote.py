"""A zygote: a process that has imported what its instances need, and forks itself when one is wanted.

Each fork becomes a stem: an instance in its sandbox that knows everything but its function. It is given one by
the server when an invocation needs it. No function's code ever runs in the zygote. Where the order has a program, the
stem executes it (`programs.py`), and it waits for its function instead.

From the server's point of view an instance is its keeper, the first process in the sandbox: it tells the server
what it is and how its child, which runs the function, has ended; when it ends, the kernel ends all that is in its
process namespace. Where there is no such namespace it does that itself.

Started with one argument, the number of the control socket. What comes there first is a JSON object with `preload`
(modules), `packages` (a folder) and the fields of `sandbox.House`; after that, orders: JSON objects with `groups`
(control groups to join) and `program` (see `programs.py`; null for none), which come with two descriptors: the
instance's channel, and its keeper's line; and, with a program, a third: its output.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import time
import traceback
from typing import Any, Final

from fogbank.runtimes.inside import programs, sandbox
from fogbank.runtimes.inside.channel import CHANNEL_OF_PROGRAMS, Channel, ClosedError, receive_launch
from fogbank.runtimes.inside.kernel.kernel_calls import adopt_orphans
from fogbank.runtimes.inside.sandbox import House

ORDER_BYTES_MAX: Final = 65_536
DESCRIPTORS: Final = 3
# How long those beside a function are left after its end, at most.
LINGER_SECONDS: Final = 5.0
_LOOK_MS: Final = 100
# No process has this number.
_NOBODY: Final = -1
# More than are open when an instance starts.
OPEN_FILES: Final = 256


def main() -> None:
    """Preload, say what kind of sandbox there will be, and fork on orders until the server goes."""
    control = socket.socket(fileno=int(sys.argv[1]))
    settings: dict[str, Any] = json.loads(control.recv(ORDER_BYTES_MAX))
    # Keepers' own parents end at once; the kernel gives them to this process, which collects their ends.
    adopt_orphans()
    signal.signal(signal.SIGCHLD, lambda *_: _reap())
    sys.path.append(settings["packages"])
    for name in settings["preload"]:
        importlib.import_module(name)
    house = House(settings["tier"], settings["own_users"], settings["root"], settings["shown"])
    gc.collect()
    gc.freeze()
    control.send(b"ready")
    while True:
        data, descriptors, _, _ = socket.recv_fds(control, ORDER_BYTES_MAX, DESCRIPTORS)
        if not data:
            os._exit(0)
        order = json.loads(data)
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            control.close()
            _plant(house, order, *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _plant(house: House, order: dict[str, Any], channel: int, line: int, output: int = -1) -> None:
    """In the first fork: go where the sandbox is to be, and fork the keeper, who lets this process end."""
    keeper_line = socket.socket(fileno=line)
    try:
        sandbox.enclose(house, order["groups"])
        keeper = os.fork()
        if keeper:
            _say(keeper_line, pid=keeper)
            os._exit(0)
        sandbox.furnish(house)
        if order["program"] and order["program"]["code"]:
            sandbox.show_code(house, *order["program"]["code"])
        adopt_orphans()
        told, telling = os.pipe()
        moved, moving = os.pipe()
        child = os.fork()
    except OSError as error:
        _say(keeper_line, problem=str(error))
        os._exit(1)
    if child == 0:
        keeper_line.close()
        os.setsid()
        if order["program"]:
            programs.execute(house, order["program"], channel, output, told, moving)
        _become_instance(house, socket.socket(fileno=channel))
    for descriptor in (told, moving):
        os.close(descriptor)
    if order["program"]:
        # Until it has moved in, nothing may change where it moves.
        os.read(moved, 1)
        os.close(moved)
        keep(child, keeper_line, programs.Mover(house, child, socket.socket(fileno=channel), output, telling))
    for descriptor in (channel, telling, moved):
        os.close(descriptor)
    keep(child, keeper_line)


def keep(child: int, line: socket.socket, mover: programs.Mover | None = None) -> None:
    """In the keeper: collect who has ended until the child has, or the server is gone; then end everybody.

    A `mover` brings in the function of a program that is running already.
    """
    _say(line, ready=True)
    reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    watched = select.poll()
    watched.register(reading, select.POLLIN)
    watched.register(line, select.POLLIN)
    if mover is not None:
        watched.register(mover.channel, select.POLLIN)
    status: int | None = None
    while status is None:
        status = _collect(child)
        ready = dict(watched.poll()) if status is None else {}
        if line.fileno() in ready:
            break
        if mover is not None and mover.channel.fileno() in ready:
            watched.unregister(mover.channel)
            mover.move()
            mover = None
        with contextlib.suppress(BlockingIOError):
            os.read(reading, 512)
    said = status is not None and _collect(_NOBODY) is None
    if said and status is not None:
        # Others are left, which the server may have something to tell.
        _say(line, status=os.waitstatus_to_exitcode(status))
        _linger(line, watched, reading)
    if os.getpid() != 1:
        _end_all(os.getpid())
    if status is not None and not said:
        _say(line, status=os.waitstatus_to_exitcode(status))
    os._exit(0)


def _linger(line: socket.socket, watched: select.poll, reading: int) -> None:
    """Wait until nobody is left, or the server wants the end."""
    ends = time.monotonic() + LINGER_SECONDS
    while _collect(_NOBODY) is None and time.monotonic() < ends:
        if line.fileno() in dict(watched.poll(_LOOK_MS)):
            return
        with contextlib.suppress(BlockingIOError):
            os.read(reading, 512)


def _say(line: socket.socket, **what: object) -> None:
    """Tell the server something of this instance; if it is gone, the instance soon is, too."""
    with contextlib.suppress(OSError):
        line.send(json.dumps(what).encode())


def _collect(child: int) -> int | None:
    """Collect whoever has ended; returns the wait status of the child if it is among them."""
    try:
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == child:
                return status
            if pid == 0:
                return None
    except ChildProcessError:
        return 0


def _end_all(keeper: int) -> None:
    """Kill all descendants; those whose parents die come to the keeper, so that none is missed."""
    while True:
        with open(f"/proc/self/task/{keeper}/children") as file:
            children = [int(pid) for pid in file.read().split()]
        if not children:
            return
        for pid in children:
            os.kill(pid, signal.SIGKILL)
        for pid in children:
            os.waitpid(pid, 0)


def _become_instance(house: House, connection: socket.socket) -> None:
    """In the second fork: wait for a function, move in with it, run its worker."""
    try:
        channel = Channel(connection)
        launch, outputs = receive_launch(channel, connection)
    except ClosedError:
        os._exit(0)
    output, others = outputs[0], outputs[-1]
    null = os.open("/dev/null", os.O_RDONLY)
    for descriptor, number in ((null, 0), (output, 1), (output, 2)):
        os.dup2(descriptor, number)
    os.close(null)
    if others != output:
        os.set_inheritable(others, False)
    os.close(output)
    code = 1
    try:
        sandbox.move_in(house, launch)
        os.environ.clear()
        os.environ.update(launch["environment"])
        os.chdir(launch["code"])
        if launch["companions"]:
            _start_companions(launch, others)
            os.close(others)
            # Until the server says so; then those have registered with it.
            channel.receive()
        code = _run(launch, channel)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - what a process that ends with it does
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code & 0xFF)


def _start_companions(launch: dict[str, Any], output: int) -> None:
    """Start the programs beside the function; they are the keeper's, which takes over whoever has no parent."""
    lack = launch["companions_lack"]
    environment = {name: value for name, value in launch["environment"].items() if name not in lack}
    for command in launch["companions"]:
        if os.fork() == 0:
            if os.fork() == 0:
                _execute(command, environment, output)
            os._exit(0)
        os.wait()


def _execute(command: str, environment: dict[str, str], output: int) -> None:
    try:
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.closerange(3, OPEN_FILES)
        os.setsid()
        os.execve(command, [command], environment)  # noqa: S606 - running a function's programs
    except OSError as error:
        os.write(1, f"{command}: {error.strerror}\n".encode())
    finally:
        os._exit(127)


def _run(launch: dict[str, Any], channel: Channel) -> int:
    command = launch["command"]
    if command:
        if launch["channel"]:
            os.dup2(channel.fileno(), CHANNEL_OF_PROGRAMS)
        os.execvpe(command[0], command, launch["environment"])  # noqa: S606 - running functions is what this is for
    worker = importlib.import_module(launch["worker"])
    debugger = importlib.import_module("fogbank.runtimes.inside.debugger") if launch["debug_port"] else None
    _make_room(launch)
    gc.enable()
    if debugger is not None:
        debugger.wait(launch["debug_port"])
    worker.run(channel, launch)
    return 0


def _make_room(launch: dict[str, Any]) -> None:
    """Set the module search path, and let go of modules that the function brings in a version of its own."""
    own = [path for path in launch["path"] if os.path.isdir(path)]
    sys.path[:] = [*own, *(path for path in sys.path if path)]
    sys.path_importer_cache.clear()
    sys.argv = [launch["handler"]]
    brought = {name.partition(".")[0] for path in own for name in os.listdir(path)}
    standard = sys.stdlib_module_names
    for name in list(sys.modules):
        top = name.partition(".")[0]
        if top == "fogbank" or (top in brought and top not in standard and top != "__main__"):
            del sys.modules[name]


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


if __name__ == "__main__":
    main()
