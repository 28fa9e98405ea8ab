"""Programs that are started before it is known which function they run, like Node.js: in their sandbox, without rights.

Such a program gets its channel as descriptor 3, and finds out what it is for by reading descriptor 4 to its end: a
JSON object with `environment`, `code` (the folder to go to), `handler` and `concurrency`. When it says that, its
function's folders are there. Until then it leaves the channel alone, since the keeper listens there for the launch;
to try itself out it has a pair of sockets, descriptors 5 and 6.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import socket
import sys
import traceback
from typing import TYPE_CHECKING, Any, Final, NoReturn

from fogbank.runtimes.inside import sandbox
from fogbank.runtimes.inside.channel import Channel, ClosedError, receive_launch

if TYPE_CHECKING:
    from fogbank.runtimes.inside.sandbox import House

# Where a program that is executed finds what it is told.
TOLD: Final = 4
_FREE: Final = 64
_KEPT: Final = 96
_TOLD_KEYS: Final = ("environment", "code", "handler", "concurrency")


def execute(house: House, program: dict[str, Any], channel: int, output: int, told: int, moving: int) -> NoReturn:
    """Move in early and become the program: its `command` and `environment` (and see `sandbox.move_in_early`).

    `moving` is closed as soon as that is done.
    """
    try:
        null = os.open("/dev/null", os.O_RDONLY)
        moving = fcntl.fcntl(moving, fcntl.F_DUPFD_CLOEXEC, _KEPT)
        sample = [end.detach() for end in socket.socketpair()]
        given = (null, output, output, channel, told, *sample)
        for number, source in enumerate([fcntl.fcntl(each, fcntl.F_DUPFD, _FREE) for each in given]):
            os.dup2(source, number)
        os.closerange(len(given), _KEPT)
        sandbox.move_in_early(house, program)
        command = program["command"]
        os.execve(command[0], command, program["environment"])  # noqa: S606 - what this is for
    except BaseException:  # noqa: BLE001 - whatever it is, nobody else can be told
        traceback.print_exc()
        sys.stderr.flush()
    os._exit(1)


class Mover:
    """In the keeper of such a program: brings in its function, once the server has said which it is."""

    def __init__(self, house: House, process: int, channel: socket.socket, output: int, telling: int) -> None:
        self.channel = channel
        self._house = house
        self._process = process
        self._output = output
        self._telling = telling

    def move(self) -> None:
        """Bring in the function and tell the program; whatever can't be done ends it."""
        try:
            launch, _ = receive_launch(Channel(self.channel), self.channel)
            sandbox.bring_in(self._house, launch)
            with open(self._telling, "w") as file:
                json.dump({key: launch[key] for key in _TOLD_KEYS}, file)
        except ClosedError:
            self._end()
        except Exception:  # noqa: BLE001 - it goes to the function's log
            os.write(self._output, traceback.format_exc().encode())
            self._end()
        self.channel.close()
        os.close(self._output)

    def _end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process, signal.SIGKILL)
